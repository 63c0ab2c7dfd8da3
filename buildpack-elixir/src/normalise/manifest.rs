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
pub(super) fn rewrite(name: &str, content: &[u8]) -> Option<Vec<u8>> {
    let mut term = etf::decode(content)?;
    visit(&mut term, name == "compile.protocols");
    Some(term.encode())
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
