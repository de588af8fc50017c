//! Which of our packages may depend on which: the table of ARCHITECTURE.md, held against every Cargo.toml.
//!
//! Dependencies and build dependencies are looked at, optional ones too; what tests alone depend on is free.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use toml::{Table, Value};

const OPEN: &str = "<!-- arrows -->";
const CLOSE: &str = "<!-- /arrows -->";

/// A Cargo.toml: its path from the root, with forward slashes, and its text.
type Manifest = (String, String);

/// What is wrong between table and manifests.
///
/// # Errors
/// A Cargo.toml that is no TOML, a table that is not there.
pub fn violations(architecture: &str, manifests: &[Manifest]) -> anyhow::Result<Vec<String>> {
    let table = architecture
        .split_once(OPEN)
        .and_then(|(_, rest)| rest.split_once(CLOSE))
        .with_context(|| format!("ARCHITECTURE.md: no table between `{OPEN}` and `{CLOSE}`"))?
        .0;
    let mut found = Vec::new();
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in table.lines() {
        let mut names = row.split('`').skip(1).step_by(2);
        let Some(package) = names.next() else { continue };
        if allowed.insert(package, names.collect()).is_some() {
            found.push(format!("ARCHITECTURE.md: two rows of arrows for `{package}`: keep one"));
        }
    }
    let mut packages = BTreeMap::new();
    for (file, text) in manifests {
        let manifest: Table = text.parse().with_context(|| format!("{file} is no TOML"))?;
        if let Some(name) = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) {
            packages.insert(name.to_owned(), (file, dependencies(&manifest)));
        }
    }
    let named = allowed.iter().flat_map(|(package, targets)| targets.iter().chain([package]));
    let unknown: BTreeSet<&str> = named.copied().filter(|name| !packages.contains_key(*name)).collect();
    found.extend(unknown.into_iter().map(|name| {
        format!("ARCHITECTURE.md: the table of arrows names `{name}`, and no package is called that: remove it")
    }));
    for (name, (file, dependencies)) in &packages {
        let Some(targets) = allowed.get(name.as_str()) else {
            found.push(format!("ARCHITECTURE.md: no row of arrows for `{name}` ({file}): add one"));
            continue;
        };
        for target in dependencies.iter().filter(|target| packages.contains_key(*target)) {
            if !targets.contains(target.as_str()) {
                found.push(format!(
                    "{file}: `{name}` depends on `{target}`, and the table of arrows in ARCHITECTURE.md has no such arrow: do \
                     without, or add it there with the reason in the commit"
                ));
            }
        }
    }
    Ok(found)
}

/// Names of the packages in every table of dependencies and build dependencies, those of one platform too.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = platforms.filter_map(Value::as_table).chain([manifest]);
    let lists = tables.flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)));
    let entries = lists.flatten().filter_map(Value::as_table).flatten();
    entries.map(|(key, value)| value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Map\n<!-- arrows -->\n| package | may depend on |\n|---|---|\n| `core` | none |\n| `io` | `core` |\n\
                         | `app` | `core`, `io` |\n<!-- /arrows -->\n| `other` | `table` |\n";

    fn manifests(app: &str) -> Vec<Manifest> {
        let core =
            "[package]\nname = \"core\"\n[dependencies]\nserde = \"1\"\n[dev-dependencies]\nio.workspace = true\n";
        let io = "[package]\nname = \"io\"\n[dependencies]\ncore = { path = \"../core\", optional = true }\n";
        [("Cargo.toml", "[workspace]\n"), ("core/Cargo.toml", core), ("io/Cargo.toml", io), ("app/Cargo.toml", app)]
            .map(|(file, text)| (file.to_owned(), text.to_owned()))
            .to_vec()
    }

    const APP: &str =
        "[package]\nname = \"app\"\n[dependencies]\ncore.workspace = true\n[build-dependencies]\nio.workspace = true\n";

    #[test]
    fn arrows_of_the_table_pass() {
        assert_eq!(violations(TABLE, &manifests(APP)).unwrap(), [""; 0]);
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_found() {
        for section in [
            "[dependencies]\napp.workspace = true",
            "[build-dependencies]\napp = { path = \"../app\" }",
            "[target.'cfg(unix)'.dependencies]\napp.workspace = true",
            "[dependencies]\nrenamed = { package = \"app\", path = \"../app\" }",
        ] {
            let mut manifests = manifests(APP);
            manifests[1].1 = format!("[package]\nname = \"core\"\n{section}\n");
            let found = violations(TABLE, &manifests).unwrap();
            assert_eq!(found.len(), 1, "{section}: {found:?}");
            assert!(found[0].starts_with("core/Cargo.toml: `core` depends on `app`"), "{found:?}");
            assert!(found[0].contains("ARCHITECTURE.md"), "{found:?}");
        }
    }

    #[test]
    fn rows_and_packages_belong_together() {
        let gone = TABLE.replace("| `core`, `io` |", "| `core`, `io`, `gone` |\n| `lost` | none |\n| `core` | none |");
        let mut manifests = manifests(APP);
        manifests.push(("new/Cargo.toml".to_owned(), "[package]\nname = \"new\"\n".to_owned()));
        let found = violations(&gone, &manifests).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].contains("two rows of arrows for `core`"), "{found:?}");
        assert!(found[1].contains("names `gone`") && found[2].contains("names `lost`"), "{found:?}");
        assert!(found[3].contains("no row of arrows for `new` (new/Cargo.toml)"), "{found:?}");
        assert!(violations("# Map\n", &manifests).unwrap_err().to_string().contains("<!-- arrows -->"));
    }
}
