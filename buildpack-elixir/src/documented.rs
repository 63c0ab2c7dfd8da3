//! Which Erlang/OTP each Elixir documents support for (Elixir's page "Compatibility and deprecations", 2026-08).

use buildpack_core::version::ElixirVersion;

/// Line, oldest and newest OTP of its first release, and from which patch on a newer one.
type Row = ((u64, u64), (u32, u32), Option<(u64, u32)>);

const TABLE: [Row; 15] = [
    ((1, 20), (27, 29), None),
    ((1, 19), (26, 28), None),
    ((1, 18), (25, 27), None),
    ((1, 17), (25, 27), None),
    ((1, 16), (24, 26), None),
    ((1, 15), (24, 26), None),
    ((1, 14), (23, 25), Some((5, 26))),
    ((1, 13), (22, 24), Some((4, 25))),
    ((1, 12), (22, 24), None),
    ((1, 11), (21, 23), Some((4, 24))),
    ((1, 10), (21, 22), Some((3, 23))),
    ((1, 9), (20, 22), None),
    ((1, 8), (20, 22), None),
    ((1, 7), (19, 22), None),
    ((1, 6), (19, 20), Some((6, 21))),
];

/// The oldest and newest OTP that Elixir documents for `version`; none where the table does not reach.
pub fn documented(version: &ElixirVersion) -> Option<(u32, u32)> {
    let ElixirVersion::Release(release) = version else {
        return None;
    };
    let line = (release.major, release.minor);
    let (_, (oldest, newest), later) = TABLE.iter().find(|row| row.0 == line)?;
    Some(match later {
        Some((patch, newer)) if release.patch >= *patch => (*oldest, *newer),
        _ => (*oldest, *newest),
    })
}

#[cfg(test)]
mod tests {
    use buildpack_core::version::ElixirBuild;

    use super::*;

    #[test]
    fn later_patches_reach_further() {
        let range = |text: &str| documented(&text.parse::<ElixirBuild>().unwrap().version);
        assert_eq!(range("1.14.4"), Some((23, 25)));
        assert_eq!(range("1.14.5"), Some((23, 26)));
        assert_eq!(range("1.18.4"), Some((25, 27)));
        assert_eq!(range("1.2.0"), None);
        assert_eq!(documented(&ElixirVersion::Branch("main".to_owned())), None);
    }
}
