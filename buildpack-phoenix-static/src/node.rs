//! Node's own archive as a tool (`nodejs.org/dist`), known by its release's `SHASUMS256.txt`.

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::layer::Purpose;
use buildpack_core::lists::NodeRelease;
use buildpack_core::pack::PlanContext;
use buildpack_core::plan::{Tool, Unpack};
use buildpack_core::toolchain::{Artifact, Kind, Verify};
use stacks::Arch;

/// The tool's id.
pub(crate) const ID: &str = "node";

/// Twice what the largest archive so far has.
const LARGEST: u64 = 256 << 20;

/// The tool for `release`.
pub(crate) fn tool(
    release: &NodeRelease,
    place: String,
    in_image: bool,
    context: &PlanContext<'_>,
) -> Result<Tool, Box<Diagnostic>> {
    let version = release.version.to_string();
    let arch = match context.check.target.arch {
        Arch::Amd64 => "x64",
        Arch::Arm64 => "arm64",
    };
    let reference = release.version.reference();
    let file = format!("node-{reference}-linux-{arch}.tar.gz");
    let sums = context
        .check
        .lists
        .node_sums(&release.version)
        .map_err(|error| Box::new(error.diagnostic()))?;
    let digest = sums.get(&file).ok_or_else(|| {
        Box::new(
            Diagnostic::error(
                "node-archive",
                Class::Surroundings,
                format!("the list of Node's releases has {version}, and `SHASUMS256.txt` of it no `{file}`"),
            )
            .help("ask for another version of Node, or mend the mirror (`BP_NODE_DIST_URL`)"),
        )
    })?;
    let name = format!("Node {version}");
    Ok(Tool {
        name: name.clone(),
        id: ID.to_owned(),
        artifact: Artifact {
            name,
            url: format!("{}/{reference}/{file}", context.upstreams.node_dist),
            verify: Verify::Sha256(*digest),
            max_bytes: LARGEST,
            kind: Kind::TarGz,
        },
        version,
        unpack: Unpack::Archive {
            strip: 1,
            under: String::new(),
        },
        place,
        install: None,
        purpose: Purpose::Node,
        in_image,
        pin: None,
        binds_output: false,
    })
}
