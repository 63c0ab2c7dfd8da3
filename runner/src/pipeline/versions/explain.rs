//! What is known of one version, read as each tool that it may be of.

mod built;
mod elixir;
mod erlang;
mod node;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::lists::{ListInfo, ListSource, Provider, Wanted};
use buildpack_core::pack::Upstreams;
use buildpack_core::version::{ElixirRequest, NodeRequest, OtpVersion, Tool};
use jiff::civil::Date;
use serde::Serialize;

use super::{Support, targets};
use crate::pipeline::{BuildLists, Failure};

pub use built::{Archive, Built};

/// The first major version of OTP that was tagged so; of smaller numbers nobody means OTP.
const FIRST_OTP: u32 = 17;

/// What is known of a version of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The tool.
    pub tool: Tool,
    /// The version.
    pub version: String,
    /// Its line: `27`, `1.18`, `22`.
    pub line: String,
    /// The newest release of the line that was built for anything.
    pub newest: Option<String>,
    /// Whether there is such a release at all; none where that can't be told.
    pub released: Option<bool>,
    /// The day it was published, of Node.
    pub date: Option<String>,
    /// The name of Node's long-term support line.
    pub lts: Option<String>,
    /// The npm that comes with a Node version.
    pub npm: Option<String>,
    /// Until when the line is supported.
    pub support: Option<Support>,
    /// What the release is known to do wrong, and where that is described.
    pub known_bad: Option<String>,
    /// What it was built for.
    pub built: Vec<Built>,
    /// For OTP, the newest Elixir of each line that was built for it.
    pub elixir: Vec<String>,
    /// For Elixir, the oldest and newest OTP that its documentation names.
    pub documented_otp: Option<(u32, u32)>,
    /// The lists that say so.
    pub lists: Vec<ListInfo>,
}

/// A version as one of the tools reads it.
enum Reading {
    Erlang(OtpVersion),
    Elixir(ElixirRequest),
    Node(NodeRequest),
}

/// What is known of the version `text`, of `only` this tool or of each that it may be of. Readings that were never
/// published are left out where another was.
pub fn explain(
    text: &str,
    only: Option<Tool>,
    lists: &Provider<BuildLists<'_>>,
    upstreams: &Upstreams,
    today: Date,
) -> Result<Vec<Explanation>, Failure> {
    let readings = readings(text, only)?;
    let wanted = readings.iter().flat_map(|reading| match reading {
        Reading::Erlang(_) => {
            let otp = targets().into_iter().map(Wanted::Otp);
            otp.chain([Wanted::Elixir]).collect()
        }
        Reading::Elixir(_) => vec![Wanted::Elixir],
        Reading::Node(_) => vec![Wanted::Node],
    });
    lists.prefetch(&wanted.collect::<Vec<_>>());
    let about = About {
        lists,
        upstreams,
        today,
    };
    let mut explained: Vec<Explanation> = readings
        .into_iter()
        .map(|reading| match reading {
            Reading::Erlang(version) => about.erlang(&version),
            Reading::Elixir(request) => about.elixir(&request),
            Reading::Node(request) => about.node(&request),
        })
        .collect();
    let is_there = |one: &Explanation| one.released == Some(true);
    if explained.iter().any(is_there) {
        explained.retain(is_there);
    }
    Ok(explained)
}

impl Explanation {
    fn new(tool: Tool, version: String, line: String, today: Date) -> Self {
        Self {
            tool,
            version,
            support: Support::of(tool, &line, today),
            line,
            newest: None,
            released: None,
            date: None,
            lts: None,
            npm: None,
            known_bad: None,
            built: Vec::new(),
            elixir: Vec::new(),
            documented_otp: None,
            lists: Vec::new(),
        }
    }

    /// Adds a list once.
    fn add_list(&mut self, info: &ListInfo) {
        if !self.lists.contains(info) {
            self.lists.push(info.clone());
        }
    }
}

fn readings(text: &str, only: Option<Tool>) -> Result<Vec<Reading>, Failure> {
    let may_be = |tool| only.is_none_or(|only| only == tool);
    let mut readings = Vec::new();
    if may_be(Tool::Erlang)
        && let Ok(version) = text.parse::<OtpVersion>()
        && (only.is_some() || version.major() >= FIRST_OTP)
    {
        readings.push(Reading::Erlang(version));
    }
    if may_be(Tool::Elixir)
        && let Ok(request) = text.parse::<ElixirRequest>()
        && request
            .wanted
            .line()
            .is_some_and(|line| only.is_some() || line.0 <= 1)
    {
        readings.push(Reading::Elixir(request));
    }
    if may_be(Tool::Node)
        && text.starts_with(|c: char| c == 'v' || c.is_ascii_digit())
        && let Ok(request) = text.parse::<NodeRequest>()
    {
        readings.push(Reading::Node(request));
    }
    if readings.is_empty() {
        let of = only.map_or("Erlang/OTP, Elixir or Node".to_owned(), |tool| {
            tool.to_string()
        });
        return Err(Failure::of(
            Diagnostic::error(
                "version-of-nothing",
                Class::Usage,
                format!("`{text}` is no version of {of}"),
            )
            .help("write one out, as in `27.3.4.1`, `1.18.4-otp-27` or `22.11.0`; `bp versions list erlang` shows what there is"),
        ));
    }
    Ok(readings)
}

/// What explanations are made from.
struct About<'a> {
    lists: &'a dyn ListSource,
    upstreams: &'a Upstreams,
    today: Date,
}
