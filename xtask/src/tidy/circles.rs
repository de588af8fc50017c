//! No circle of modules inside a crate: what two files need of each other belongs into one of them, or into a third.
//!
//! A file needs another where its code, tests left out, names an item that the other defines. A module that declares or
//! re-exports its children does not need them for that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::module_tree::{Mention, ModuleTree, Place};
use super::rust_source::Source;

/// From one file to those that it needs, and where it says so first.
type Needs = BTreeMap<String, BTreeMap<String, Mention>>;

/// Every circle, in every crate that `sources` hold.
pub fn violations(sources: &BTreeMap<String, Source>) -> Vec<String> {
    let is_root = |file: &&String| file.ends_with("src/lib.rs") || file.ends_with("src/main.rs");
    sources.keys().filter(is_root).flat_map(|root| circles(&needs(&ModuleTree::new(root, sources)))).collect()
}

fn needs(tree: &ModuleTree) -> Needs {
    let mut needs = Needs::new();
    for (here, module) in tree.modules.iter().enumerate() {
        let mut add = |mention: &Mention, target: usize| {
            let Some(target) = tree.modules.get(target).filter(|target| target.file != module.file) else { return };
            let found = needs.entry(module.file.clone()).or_default();
            let first = found.entry(target.file.clone()).or_insert_with(|| mention.clone());
            if mention.line < first.line {
                *first = mention.clone();
            }
        };
        for import in &module.imports {
            let place = tree.resolve(here, &import.mention.path);
            match place {
                Place::Item(target) => {
                    let is_handed_on = import.is_public && tree.is_below(target, here);
                    if !is_handed_on || module.words.contains(&import.name) {
                        add(&import.mention, target);
                    }
                }
                Place::Module(target) if import.name == "*" && !(import.is_public && tree.is_below(target, here)) => {
                    add(&import.mention, target);
                }
                Place::Module(_) | Place::Elsewhere => {}
            }
        }
        for mention in &module.mentions {
            if let Place::Item(target) = tree.resolve(here, &mention.path) {
                add(mention, target);
            }
        }
    }
    needs
}

/// What there is to say of each circle; files that hang together in several are told of once.
fn circles(needs: &Needs) -> Vec<String> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for start in needs.keys() {
        let together: BTreeSet<&String> =
            reachable(needs, start).into_iter().filter(|file| reachable(needs, file).contains(start)).collect();
        if together.is_empty() || told.contains(start) {
            continue;
        }
        let shortest = together.iter().filter_map(|file| shortest_circle(needs, file)).min_by_key(Vec::len);
        if let Some(circle) = shortest {
            found.push(message(needs, &circle, together.len()));
        }
        told.extend(together);
    }
    found
}

/// All files that `start` needs, directly or not; itself only where it stands in a circle.
fn reachable<'a>(needs: &'a Needs, start: &str) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = needs.get(start).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(needs.get(file).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}

/// The files of the shortest way from `start` back to it.
fn shortest_circle<'a>(needs: &'a Needs, start: &'a String) -> Option<Vec<&'a String>> {
    let mut before: BTreeMap<&String, &String> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(file) = open.pop_front() {
        for next in needs.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut way: Vec<&String> =
                    std::iter::successors(Some(file), |file| before.get(*file).copied()).collect();
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(next, file);
                open.push_back(next);
            }
        }
    }
    None
}

fn message(needs: &Needs, circle: &[&String], together: usize) -> String {
    let steps: String = circle
        .iter()
        .zip(circle.iter().cycle().skip(1))
        .filter_map(|(file, next)| {
            let mention = needs.get(*file)?.get(*next)?;
            Some(format!("\n  {file}:{} needs `{}` of {next}", mention.line, mention.path.join("::")))
        })
        .collect();
    let more = if together > circle.len() {
        format!("\n  ({together} files hang together in circles; this is the shortest)")
    } else {
        String::new()
    };
    format!("circle of modules: move what both need into the file that defines it, or into a third one{steps}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        violations(&files.iter().map(|(file, text)| ((*file).to_owned(), Source::new(text))).collect())
    }

    #[test]
    fn modules_without_a_circle_pass() {
        let lib =
            ("crates/a/src/lib.rs", "mod walk; mod names; pub use names::Name; pub use walk::{Walk, steps::Step};");
        // A child names what the root re-exports of its sibling; tests look both ways; a parent hands its child on.
        let names = ("crates/a/src/names.rs", "pub struct Name; #[cfg(test)] mod tests { use crate::walk::Walk; }");
        let walk =
            ("crates/a/src/walk/mod.rs", "pub mod steps; pub use steps::Step; use crate::Name; pub struct Walk(Name);");
        let steps = ("crates/a/src/walk/steps.rs", "use super::Walk; use crate::Name; pub struct Step;");
        assert_eq!(found(&[lib, names, walk, steps]), [""; 0]);
    }

    #[test]
    fn two_files_that_need_each_other_are_found() {
        let lib = ("crates/a/src/lib.rs", "mod walk; mod names;");
        let names = ("crates/a/src/names.rs", "pub struct Name;\nfn f() { super::walk::go() }");
        let walk = ("crates/a/src/walk.rs", "use crate::{names::Name};\npub fn go() {}");
        let found = found(&[lib, names, walk]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("circle of modules: move what both need"), "{found:?}");
        assert!(
            found[0].contains("crates/a/src/names.rs:2 needs `super::walk::go` of crates/a/src/walk.rs"),
            "{found:?}"
        );
        assert!(
            found[0].contains("crates/a/src/walk.rs:1 needs `crate::names::Name` of crates/a/src/names.rs"),
            "{found:?}"
        );
    }

    #[test]
    fn a_parent_and_a_child_that_need_each_other_are_found() {
        let lib = ("a/src/main.rs", "mod child; pub use child::Child; struct Root; fn f(child: Child) {}");
        let child = ("a/src/child.rs", "use super::Root; pub struct Child;");
        assert_eq!(found(&[lib, child]).len(), 1);
        let only_handed_on = ("a/src/main.rs", "mod child; pub use child::Child; struct Root;");
        assert_eq!(found(&[only_handed_on, child]), [""; 0]);
        let by_path = ("a/src/main.rs", "mod child; struct Root; fn f() { child::Child::new() }");
        assert_eq!(found(&[by_path, child]).len(), 1);
    }

    #[test]
    fn the_shortest_of_many_circles_is_told() {
        let lib = ("a/src/lib.rs", "mod a; mod b; mod c; mod d;");
        let a = ("a/src/a.rs", "use crate::b::B; pub struct A;");
        let b = ("a/src/b.rs", "use crate::c::C; pub struct B;");
        let c = ("a/src/c.rs", "use crate::{a::A, b::B}; pub struct C;");
        let d = ("a/src/d.rs", "use crate::a::A;");
        let found = found(&[lib, a, b, c, d]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].contains("a/src/a.rs") && found[0].contains("3 files hang together"), "{found:?}");
    }
}
