//! The bash of `*_buildpack.config`.
