//! Mix's manifests, `_build/*/lib/*/.mix/compile.*`: without clock times, their unordered lists in one order.
//!
//! They are terms (`compilers/elixir.ex` and `tasks/compile.protocols.ex` of Mix):
//! records `module` and `source` in lists or maps, seconds of the compilation and of sources, and the app's
//! compile-time configuration, whose values are data and stay as they are. Mix compiles again what is newer than its
//! manifest says; in the image every file is as old as [`FLOOR`], and so is every time in the manifests.

use buildpack_core::layer::FLOOR;

use super::etf::{self, Term};

/// From 2001 to 2038, the last second that fits: what a clock or a file system could have said in a manifest. No
/// size of a source file, no version and no line number is as large.
const TIMES: std::ops::RangeInclusive<i64> = 978_307_200..=2_147_483_647;

/// The manifest named `name` (`compile.elixir`) as it goes into the image, or `None` if it is not understood.
pub(super) fn rewrite(name: &str, content: &[u8], of: Of) -> Option<Vec<u8>> {
    let mut term = etf::decode(content)?;
    visit(&mut term, name == "compile.protocols");
    if of == Of::Dependency {
        forget_app(&mut term);
    }
    Some(term.encode())
}

/// Whose manifest it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// One of the app's own applications.
    App,
    /// A dependency.
    Dependency,
}

/// The manifest of a dependency without the lock and the configuration of the app that it was compiled for, which Mix writes
/// into all of them (`deps_config` in `compilers/elixir.ex`). Without them Mix takes both to have changed when it compiles
/// the dependency the next time; it has no other use for them. `None` if it is not understood.
pub(crate) fn without_app(content: &[u8]) -> Option<Vec<u8>> {
    let mut term = etf::decode(content)?;
    forget_app(&mut term);
    Some(term.encode())
}

fn forget_app(term: &mut Term) {
    let Term::Tuple(fields) = term else { return };
    for field in fields {
        let Term::Map(pairs) = field else { continue };
        let names = |name: &[u8]| pairs.iter().any(|(key, _)| key.atom() == Some(name));
        if !(names(b"lock") && names(b"config")) {
            continue;
        }
        for (key, value) in pairs {
            if matches!(key.atom(), Some(b"lock" | b"config")) {
                *value = Term::List(Vec::new(), None);
            }
        }
    }
}

/// `unordered`: any list of tuples at this level is in the order of compiling.
fn visit(term: &mut Term, unordered: bool) {
    match term {
        Term::Int(number) if TIMES.contains(number) => *number = FLOOR.cast_signed(),
        Term::Tuple(elements) => {
            if is_compile_env(elements) {
                return;
            }
            let source = is_tagged(elements, b"source");
            for element in elements {
                visit(element, unordered);
                if let Term::List(references, None) = element
                    && source
                    && references
                        .iter()
                        .all(|reference| reference.atom().is_some())
                {
                    sort(references);
                }
            }
        }
        Term::List(elements, tail) => {
            for element in elements.iter_mut() {
                visit(element, unordered);
            }
            match tail {
                Some(tail) => visit(tail, unordered),
                None if unordered || elements.iter().all(is_record) => sort(elements),
                None => {}
            }
        }
        Term::Map(pairs) => {
            for (key, value) in pairs {
                if !matches!(key.atom(), Some(b"config" | b"lock" | b"local" | b"dbg")) {
                    visit(value, unordered);
                }
            }
        }
        _ => {}
    }
}

/// One entry of a list that is in the order of compiling: a module, a source, or a file with what was said of it.
fn is_record(term: &Term) -> bool {
    match term {
        Term::Tuple(elements) => {
            is_tagged(elements, b"module")
                || is_tagged(elements, b"source")
                || matches!(elements[..], [Term::Binary(_), Term::List(..)])
        }
        _ => false,
    }
}

fn is_tagged(elements: &[Term], tag: &[u8]) -> bool {
    elements.len() > 3 && elements[0].atom() == Some(tag)
}

/// `{app, path, value}`: configuration that was read at compile time.
fn is_compile_env(elements: &[Term]) -> bool {
    matches!(elements, [Term::Atom(..), Term::List(..), _])
}

fn sort(terms: &mut [Term]) {
    terms.sort_by_cached_key(Term::encode);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::etf::tests::any_term;
    use proptest::prelude::*;

    macro_rules! two_builds {
        ($file:literal) => {
            (
                $file,
                include_bytes!(concat!("fixtures/a/", $file)).as_slice(),
                include_bytes!(concat!("fixtures/b/", $file)).as_slice(),
            )
        };
    }

    const MANIFESTS: [(&str, &[u8], &[u8]); 5] = [
        two_builds!("1.14/compile.elixir"),
        two_builds!("1.14/compile.protocols"),
        two_builds!("1.18/compile.elixir"),
        two_builds!("1.18/compile.protocols"),
        two_builds!("1.20/compile.elixir"),
    ];

    fn rewritten(file: &str, content: &[u8]) -> Vec<u8> {
        let name = file.rsplit('/').next().unwrap();
        rewrite(name, content, Of::App).unwrap()
    }

    fn numbers(term: &Term, found: &mut Vec<i64>) {
        match term {
            Term::Int(number) => found.push(*number),
            Term::Tuple(elements) | Term::List(elements, None) => {
                for element in elements {
                    numbers(element, found);
                }
            }
            Term::List(elements, Some(tail)) => {
                for element in elements {
                    numbers(element, found);
                }
                numbers(tail, found);
            }
            Term::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                numbers(key, found);
                numbers(value, found);
            }),
            _ => {}
        }
    }

    #[test]
    fn two_builds_become_one() {
        for (file, one, other) in MANIFESTS {
            assert!(rewritten(file, one) == rewritten(file, other), "{file}");
            // What was rewritten stays as it is.
            let once = rewritten(file, one);
            assert!(rewritten(file, &once) == once, "{file}");
        }
    }

    #[test]
    fn times_go_and_configuration_stays() {
        for (file, content, _) in MANIFESTS {
            let mut found = Vec::new();
            numbers(&etf::decode(&rewritten(file, content)).unwrap(), &mut found);
            let times: Vec<i64> = found
                .into_iter()
                .filter(|number| TIMES.contains(number) && *number != 1_500_000_000)
                .collect();
            assert!(times.is_empty(), "{file}: {times:?}");
            let mut before = Vec::new();
            numbers(&etf::decode(content).unwrap(), &mut before);
            let data = |numbers: &[i64]| numbers.iter().filter(|n| **n == 1_500_000_000).count();
            let mut after = Vec::new();
            numbers(&etf::decode(&rewritten(file, content)).unwrap(), &mut after);
            assert_eq!(data(&before), data(&after), "{file}");
            assert_eq!(data(&after) > 0, file.ends_with("compile.elixir"), "{file}");
        }
    }

    #[test]
    fn order_of_compiling_does_not_show() {
        let atom = |text: &str| Term::Atom(119, text.into());
        let list = |terms: Vec<Term>| Term::List(terms, None);
        let source = |path: &str, mut uses: Vec<Term>, turned: bool| {
            if turned {
                uses.reverse();
            }
            let path = Term::Binary(path.into());
            Term::Tuple(vec![atom("source"), path, Term::Int(3), list(uses)])
        };
        let manifest = |turned: bool| {
            let mut sources = vec![
                source("a", vec![atom("X"), atom("Y")], turned),
                source("b", vec![], turned),
            ];
            // The order of settings is theirs to choose.
            let settings = list(vec![atom("y"), atom("x")]);
            let config = Term::Map(vec![(atom("config"), settings)]);
            if turned {
                sources.reverse();
            }
            Term::Tuple(vec![Term::Int(14), list(sources), config])
        };
        let [one, other] = [false, true].map(|turned| manifest(turned).encode());
        assert_ne!(one, other);
        let one = rewrite("compile.elixir", &one, Of::App).unwrap();
        assert_eq!(rewrite("compile.elixir", &other, Of::App).unwrap(), one);
        let settings = list(vec![atom("y"), atom("x")]).encode();
        assert!(
            one.windows(settings.len() - 1)
                .any(|part| part == &settings[1..])
        );
    }

    #[test]
    fn a_dependency_says_nothing_of_the_app_it_was_compiled_for() {
        for (file, content, _) in MANIFESTS {
            let name = file.rsplit('/').next().unwrap();
            let own = rewrite(name, content, Of::App).unwrap();
            let made = rewrite(name, content, Of::Dependency).unwrap();
            let kept = without_app(content).unwrap();
            // What is kept for other apps comes to the same image.
            assert!(
                rewrite(name, &kept, Of::Dependency).unwrap() == made,
                "{file}"
            );
            let says = |bytes: &[u8]| bytes.windows(5).any(|part| part == b"hexpm");
            assert!(!says(&made) && !says(&kept), "{file}");
            assert_eq!(made != own, name == "compile.elixir", "{file}");
        }
    }

    proptest! {
        #[test]
        fn rewriting_twice_is_rewriting_once(term in any_term()) {
            for name in ["compile.elixir", "compile.protocols"] {
                let once = rewrite(name, &term.encode(), Of::App).unwrap();
                prop_assert_eq!(&rewrite(name, &once, Of::App).unwrap(), &once);
            }
        }
    }
}
