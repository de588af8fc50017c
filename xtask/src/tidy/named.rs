//! ARCHITECTURE.md is the map: it names every package and every task.

/// The packages and tasks that it does not name.
pub fn violations<'a>(architecture: &str, files: &[String], tasks: impl Iterator<Item = &'a str>) -> Vec<String> {
    let packages = files.iter().filter_map(|file| file.strip_suffix("/Cargo.toml")).map(|name| ("package", name));
    let tasks = tasks.filter(|task| *task != "help").map(|task| ("task", task));
    let is_named = |name: &str| architecture.contains(&format!("`{name}`"));
    packages
        .chain(tasks)
        .filter(|(_, name)| !is_named(name))
        .map(|(what, name)| format!("ARCHITECTURE.md: does not name the {what} `{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_map_leaves_out_is_found() {
        let files = ["Cargo.toml", "crates/one/Cargo.toml", "crates/two/Cargo.toml", "two/lib.rs"].map(str::to_owned);
        let map = "**`crates/one`** is the first. `run` runs.";
        let found = violations(map, &files, ["run", "walk", "help"].into_iter());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("package `crates/two`") && found[1].contains("task `walk`"), "{found:?}");
    }
}
