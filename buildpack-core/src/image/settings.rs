//! What an image is told beside its files.

use std::collections::BTreeMap;

/// What the config of an image says about running it, and about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSettings {
    /// The one time in the image: of the config and of every history entry of ours.
    pub created: jiff::Timestamp,
    /// Architecture as OCI writes it: `amd64`, `arm64`.
    pub architecture: String,
    /// Labels; they win over the base's.
    pub labels: BTreeMap<String, String>,
    /// Environment; by name it wins over the base's, new names follow in this order.
    pub env: Vec<(String, String)>,
    /// Program and first arguments; empty for none.
    pub entrypoint: Vec<String>,
    /// Arguments, or the program where there is no entrypoint; empty for none.
    pub cmd: Vec<String>,
    /// `uid:gid` or a name; empty leaves the base's.
    pub user: String,
    /// Folder that the program starts in; empty leaves the base's.
    pub working_dir: String,
    /// `5000/tcp` and such; added to the base's.
    pub exposed_ports: Vec<String>,
    /// Signal that asks the program to stop, such as `SIGTERM`; none leaves the base's.
    pub stop_signal: Option<String>,
}
