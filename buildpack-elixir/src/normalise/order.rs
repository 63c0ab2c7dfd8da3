//! Whether a compiled module shows in which order the virtual machine holds a large map.
//!
//! A map of more than 32 keys is a tree by hashes, and the hash of an atom is made of its number (`erl_term_hashing.c` of
//! ERTS): what is made of such a map while compiling follows from how many atoms there were before, and so from the words of
//! all packages, or of the whole app where the atoms are no words of packages. Smaller maps follow from the order of their
//! atoms alone, which is the same in every app ([`crate::atom_order`]). The map itself, its keys or its pairs are among the module's literals.

use std::collections::BTreeSet;

use super::beam;
use super::etf::{self, Term};

/// The largest map that is held in the order of its keys (`MAP_SMALL_MAP_LIMIT` of ERTS).
const SMALL: usize = 32;

/// The atoms in keys of such maps: empty where it shows none, none where it cannot be read.
pub(crate) fn atoms_of_large_maps(module: &[u8]) -> Option<BTreeSet<String>> {
    let mut atoms = BTreeSet::new();
    match beam::literals(module) {
        beam::Literals::None => {}
        beam::Literals::Unreadable => return None,
        beam::Literals::Some(table) => {
            for term in terms(&table)? {
                collect(&term, &mut atoms);
            }
        }
    }
    Some(atoms)
}

/// The terms of a table of literals: their count, then each with its size before it.
fn terms(table: &[u8]) -> Option<Vec<Term>> {
    let (count, mut rest) = table.split_first_chunk()?;
    let mut terms = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (size, more) = rest.split_first_chunk()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let (term, more) = more.split_at_checked(size)?;
        terms.push(etf::decode(term)?);
        rest = more;
    }
    Some(terms)
}

fn collect(term: &Term, atoms: &mut BTreeSet<String>) {
    match term {
        Term::Map(pairs) => {
            for (key, value) in pairs {
                if pairs.len() > SMALL {
                    all_atoms(key, atoms);
                }
                collect(key, atoms);
                collect(value, atoms);
            }
        }
        Term::List(elements, _) | Term::Tuple(elements) => {
            atoms.extend(in_no_order(elements));
            for element in elements {
                collect(element, atoms);
            }
        }
        _ => {}
    }
}

fn all_atoms(term: &Term, atoms: &mut BTreeSet<String>) {
    match term {
        Term::Atom(_, name) => drop(atoms.insert(text(name))),
        Term::List(elements, _) | Term::Tuple(elements) => {
            for element in elements {
                all_atoms(element, atoms);
            }
        }
        Term::Map(pairs) => {
            for (key, value) in pairs {
                all_atoms(key, atoms);
                all_atoms(value, atoms);
            }
        }
        _ => {}
    }
}

/// The names of these, where they could be the keys of a large map, or its pairs. What was sorted shows nothing of a map.
fn in_no_order(elements: &[Term]) -> Vec<String> {
    let name = |element: &Term| match element {
        Term::Tuple(parts) | Term::List(parts, None) => parts.first()?.atom().map(<[u8]>::to_vec),
        other => other.atom().map(<[u8]>::to_vec),
    };
    if elements.len() <= SMALL {
        return Vec::new();
    }
    let names: Vec<Vec<u8>> = elements.iter().filter_map(name).collect();
    if names.len() <= SMALL || names.is_sorted() || names.iter().rev().is_sorted() {
        return Vec::new();
    }
    names.iter().map(|name| text(name)).collect()
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(text: &str) -> Term {
        Term::Atom(119, text.into())
    }

    fn names(count: usize) -> Vec<Term> {
        (0..count)
            .map(|number| atom(&format!("a{number:03}")))
            .collect()
    }

    fn list(elements: Vec<Term>) -> Term {
        Term::List(elements, None)
    }

    #[test]
    fn large_maps_and_what_may_be_made_of_them() {
        let map =
            |keys: Vec<Term>| Term::Map(keys.into_iter().map(|key| (key, Term::Int(1))).collect());
        let pair = |key: Term| Term::Tuple(vec![key, Term::Int(1)]);
        let turned = |count: usize| {
            let mut names = names(count);
            names.rotate_left(7);
            names
        };
        let numbers = || (0..99).map(Term::Int).collect::<Vec<_>>();
        for (term, found) in [
            (map(names(33)), true),
            (map(names(32)), false),
            (map(numbers()), false),
            (list(vec![pair(map(names(33)))]), true),
            (list(turned(33)), true),
            (list(turned(32)), false),
            (list(names(99)), false),
            (list(names(99).into_iter().rev().collect()), false),
            (list(turned(40).into_iter().map(pair).collect()), true),
            (list(numbers()), false),
        ] {
            let mut atoms = BTreeSet::new();
            collect(&term, &mut atoms);
            assert_eq!(!atoms.is_empty(), found, "{term:?}");
            let of_keys = |atom: &String| atom.starts_with('a');
            assert!(atoms.is_empty() || (atoms.len() > SMALL && atoms.iter().all(of_keys)));
        }
    }

    #[test]
    fn modules_as_compilers_write_them() {
        let shape = include_bytes!("fixtures/a/Elixir.Hello.Shape.beam");
        assert_eq!(atoms_of_large_maps(shape), Some(BTreeSet::new()));
        assert_eq!(atoms_of_large_maps(b"no module"), None);
    }

    #[test]
    fn a_table_of_literals_is_read_to_its_end() {
        let term = list(names(2)).encode();
        let size = u32::try_from(term.len()).unwrap().to_be_bytes();
        let table = [&[0, 0, 0, 2][..], &size, &term, &size, &term].concat();
        assert_eq!(terms(&table).unwrap().len(), 2);
        assert!(terms(&table[..table.len() - 1]).is_none());
    }
}
