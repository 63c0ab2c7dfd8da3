//! The OCI image: config, manifest, layouts and archives.
