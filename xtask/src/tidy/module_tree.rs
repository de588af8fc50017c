//! The modules of one crate, what each defines, imports and mentions, and to which file a path leads.
//!
//! It reads tokens, not Rust: methods are not seen, and a name that a macro makes belongs to the module that is asked
//! for it.

use std::collections::{BTreeMap, BTreeSet};

use super::rust_source::{Source, Token, bracketed, is_test_file, is_word};

/// A module: a file, or a block in one.
#[derive(Debug)]
pub struct Module {
    /// Path of its file from the root.
    pub file: String,
    /// Its place in [`ModuleTree::modules`].
    pub parent: Option<usize>,
    pub imports: Vec<Import>,
    /// Paths of two or more words outside imports.
    pub mentions: Vec<Mention>,
    /// All words outside imports.
    pub words: BTreeSet<String>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
}

/// One name that a `use` brings in, or all of a module.
#[derive(Debug)]
pub struct Import {
    pub mention: Mention,
    /// The name in the importing module; `*` for all.
    pub name: String,
    /// Whether it hands the name on.
    pub is_public: bool,
}

/// A path as it is written.
#[derive(Clone, Debug)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Module(usize),
    /// An item, defined in this module.
    Item(usize),
    /// Another crate.
    Elsewhere,
}

/// All modules of a crate; the first is its root.
#[derive(Debug)]
pub struct ModuleTree {
    pub modules: Vec<Module>,
}

impl ModuleTree {
    /// Follows the declarations of modules from `root`, a `lib.rs` or `main.rs`, as far as there are files.
    pub fn new(root: &str, sources: &BTreeMap<String, Source>) -> Self {
        let mut tree = Self { modules: Vec::new() };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        tree.add_file(root, folder, None, sources);
        tree
    }

    fn add_file(
        &mut self,
        file: &str,
        folder: &str,
        parent: Option<usize>,
        sources: &BTreeMap<String, Source>,
    ) -> Option<usize> {
        let source = sources.get(file).filter(|_| !is_test_file(file))?;
        Some(self.add_module(file, folder, parent, &source.tokens, sources))
    }

    /// `folder` is where the files of its children lie.
    fn add_module(
        &mut self,
        file: &str,
        folder: &str,
        parent: Option<usize>,
        tokens: &[Token],
        sources: &BTreeMap<String, Source>,
    ) -> usize {
        let here = self.modules.len();
        let (module, children) = read(file, parent, tokens);
        self.modules.push(module);
        for (name, block) in children {
            let below = format!("{folder}/{name}");
            let child = match block {
                Some(block) => Some(self.add_module(file, &below, Some(here), block, sources)),
                None => self
                    .add_file(&format!("{below}.rs"), &below, Some(here), sources)
                    .or_else(|| self.add_file(&format!("{below}/mod.rs"), &below, Some(here), sources)),
            };
            if let (Some(child), Some(module)) = (child, self.modules.get_mut(here)) {
                module.children.entry(name).or_insert(child);
            }
        }
        here
    }

    /// Whether `module` lies below `above`.
    pub fn is_below(&self, module: usize, above: usize) -> bool {
        let parent = |module: &usize| self.modules.get(*module).and_then(|module| module.parent);
        std::iter::successors(parent(&module), parent).any(|parent| parent == above)
    }

    /// Where a path leads that is written in the module `from`.
    pub fn resolve(&self, from: usize, path: &[String]) -> Place {
        self.follow(from, path, &mut BTreeSet::new())
    }

    fn follow(&self, from: usize, path: &[String], seen: &mut BTreeSet<(usize, String)>) -> Place {
        let mut rest = path.iter();
        let mut place = Place::Module(from);
        for (at, word) in rest.by_ref().enumerate() {
            let Place::Module(module) = place else { return place };
            place = match word.as_str() {
                "crate" => Place::Module(0),
                "self" => place,
                "super" => match self.modules.get(module).and_then(|module| module.parent) {
                    Some(parent) => Place::Module(parent),
                    None => Place::Elsewhere,
                },
                // What a macro made.
                name => self.look_up(module, name, seen).unwrap_or(if at == 0 {
                    Place::Elsewhere
                } else {
                    Place::Item(module)
                }),
            };
        }
        place
    }

    /// What a module calls `name`.
    fn look_up(&self, here: usize, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Option<Place> {
        let module = self.modules.get(here)?;
        if let Some(child) = module.children.get(name) {
            return Some(Place::Module(*child));
        }
        if module.items.contains(name) {
            return Some(Place::Item(here));
        }
        if !seen.insert((here, name.to_owned())) {
            return None;
        }
        if let Some(import) = module.imports.iter().find(|import| import.name == name) {
            return Some(self.follow(here, &import.mention.path, seen));
        }
        let mut from_elsewhere = None;
        for import in module.imports.iter().filter(|import| import.name == "*") {
            match self.follow(here, &import.mention.path, seen) {
                Place::Module(other) => match self.look_up(other, name, seen) {
                    Some(Place::Elsewhere) | None => {}
                    found => return found,
                },
                Place::Elsewhere => from_elsewhere = Some(Place::Elsewhere),
                Place::Item(_) => {}
            }
        }
        from_elsewhere
    }
}

/// A child module's name, and its tokens where they stand in the same file.
type Child<'a> = (String, Option<&'a [Token]>);

fn read<'a>(file: &str, parent: Option<usize>, tokens: &'a [Token]) -> (Module, Vec<Child<'a>>) {
    let mut module = Module {
        file: file.to_owned(),
        parent,
        imports: Vec::new(),
        mentions: Vec::new(),
        words: BTreeSet::new(),
        children: BTreeMap::new(),
        items: BTreeSet::new(),
    };
    let mut children = Vec::new();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let before = |at: usize, back: usize| at.checked_sub(back).map_or("", text);
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = text(at + 1);
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "use" if next != "<" => {
                let is_public = before(at, 1) == "pub" || before(at, 1) == ")";
                let tree: Vec<&Token> = tokens.iter().skip(at + 1).take_while(|token| token.text != ";").collect();
                at += 1 + tree.len();
                add_imports(&mut module.imports, &[], &tree, is_public);
            }
            "mod" if is_word(next) && text(at + 2) == ";" => {
                children.push((next.to_owned(), None));
                at += 2;
            }
            "mod" if is_word(next) && text(at + 2) == "{" => {
                let block = bracketed(tokens.get(at + 2..).unwrap_or_default());
                let inside = block.get(1..block.len() - 1).unwrap_or_default();
                children.push((next.to_owned(), Some(inside)));
                at += 1 + block.len();
            }
            "macro_rules" if depth == 0 => {
                module.items.insert(text(at + 2).to_owned());
            }
            "fn" | "struct" | "enum" | "trait" | "union" | "const" | "static" | "type"
                if depth == 0 && is_word(next) =>
            {
                module.items.insert(next.to_owned());
            }
            word if is_word(word) && before(at, 1) != "::" && before(at, 1) != "." => {
                let mut path = vec![word.to_owned()];
                while text(at + 1) == "::" && is_word(text(at + 2)) {
                    path.push(text(at + 2).to_owned());
                    at += 2;
                }
                module.words.extend(path.iter().cloned());
                // `pub(in path)` needs nothing of what it names.
                let start = at + 2 - 2 * path.len();
                if path.len() > 1 && !(before(start, 1) == "in" && before(start, 2) == "(") {
                    module.mentions.push(Mention { path, line: token.line });
                }
            }
            word if is_word(word) => {
                module.words.insert(word.to_owned());
            }
            _ => {}
        }
        at += 1;
    }
    (module, children)
}

/// Adds what `use prefix::tree` brings in.
fn add_imports(imports: &mut Vec<Import>, prefix: &[String], tree: &[&Token], is_public: bool) {
    let Some(first) = tree.first() else { return };
    let mut path = prefix.to_vec();
    let mut name = None;
    let mut rest = tree.iter().enumerate();
    while let Some((at, token)) = rest.next() {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                let inside = tree.get(at + 1..tree.len() - 1).unwrap_or_default();
                let mut depth = 0_usize;
                for branch in inside.split(|token| {
                    match token.text.as_str() {
                        "{" => depth += 1,
                        "}" => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    depth == 0 && token.text == ","
                }) {
                    add_imports(imports, &path, branch, is_public);
                }
                return;
            }
            "as" => {
                name = rest.next().map(|(_, token)| token.text.clone());
            }
            "*" => name = Some("*".to_owned()),
            // `a::{self}` is `a`.
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
    }
    // `use ::name` is another crate.
    if first.text == "::" && prefix.is_empty() {
        path.insert(0, "::".to_owned());
    }
    let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
    imports.push(Import { mention: Mention { path, line: first.line }, name, is_public });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> ModuleTree {
        let sources = files.iter().map(|(file, text)| ((*file).to_owned(), Source::new(text))).collect();
        ModuleTree::new("src/lib.rs", &sources)
    }

    /// The file to which a path leads that is written in `from`.
    fn leads(tree: &ModuleTree, from: &str, path: &str) -> String {
        let from = tree.modules.iter().position(|module| module.file == from).unwrap();
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        match tree.resolve(from, &path) {
            Place::Item(module) => tree.modules[module].file.clone(),
            Place::Module(module) => format!("module {}", tree.modules[module].file),
            Place::Elsewhere => "elsewhere".to_owned(),
        }
    }

    #[test]
    fn a_path_leads_to_the_file_that_defines_the_item() {
        let tree = tree(&[
            (
                "src/lib.rs",
                "mod a; pub mod b; #[cfg(test)] mod oracle; pub use b::{Deep, deep::{self, other as renamed}}; macro_rules! m { () => {} }",
            ),
            (
                "src/a.rs",
                "use crate::b::deep; use burn::Tensor; use super::b::*; pub struct A; impl A { fn inner() {} } mod text { pub fn t() {} }",
            ),
            (
                "src/b/mod.rs",
                "mod deep; pub use deep::Deep; pub(crate) use self::deep::other; pub fn own() {} pub use serde::Serialize;",
            ),
            ("src/b/deep.rs", "pub struct Deep; pub fn other() {} pub const N: usize = 1; pub enum Kind { One }"),
            ("src/oracle.rs", "fn o() {}"),
        ]);
        for (from, path, expected) in [
            ("src/a.rs", "crate::Deep", "src/b/deep.rs"),
            ("src/a.rs", "crate::renamed", "src/b/deep.rs"),
            ("src/a.rs", "crate::b::other", "src/b/deep.rs"),
            ("src/a.rs", "crate::b::own", "src/b/mod.rs"),
            ("src/a.rs", "crate::b::Serialize", "elsewhere"),
            ("src/a.rs", "crate::b::made_by_a_macro", "src/b/mod.rs"),
            ("src/a.rs", "crate::m", "src/lib.rs"),
            ("src/a.rs", "deep::Kind::One", "src/b/deep.rs"),
            ("src/a.rs", "deep", "module src/b/deep.rs"),
            ("src/a.rs", "own", "src/b/mod.rs"),
            ("src/a.rs", "Tensor::zeros", "elsewhere"),
            ("src/a.rs", "text::t", "src/a.rs"),
            ("src/a.rs", "std::mem::swap", "elsewhere"),
            ("src/b/deep.rs", "super::super::a::A::inner", "src/a.rs"),
            ("src/b/deep.rs", "super::own", "src/b/mod.rs"),
            ("src/b/deep.rs", "self::N", "src/b/deep.rs"),
            ("src/b/mod.rs", "deep::N", "src/b/deep.rs"),
        ] {
            assert_eq!(leads(&tree, from, path), expected, "{path} in {from}");
        }
        assert!(tree.modules.iter().all(|module| module.file != "src/oracle.rs"));
    }

    #[test]
    fn imports_and_mentions_are_read() {
        let tree = tree(&[(
            "src/lib.rs",
            "pub(crate) use a::{b, c::{D as E, *}};\nfn f() -> impl A + use<'_> {\n use ::x::y;\n crate::g::<u8>(h::i); z.k::<l::M>() }\n\
             pub(in crate::n) struct P; fn q() { for r in super::S {} }",
        )]);
        let module = &tree.modules[0];
        let imports: Vec<String> = module
            .imports
            .iter()
            .map(|import| format!("{} {} {}", import.mention.path.join("."), import.name, import.is_public))
            .collect();
        assert_eq!(imports, ["a.b b true", "a.c.D E true", "a.c * true", "::.x.y y false"]);
        let mentions: Vec<String> =
            module.mentions.iter().map(|mention| format!("{} {}", mention.path.join("."), mention.line)).collect();
        assert_eq!(mentions, ["crate.g 4", "h.i 4", "l.M 4", "super.S 5"]);
    }
}
