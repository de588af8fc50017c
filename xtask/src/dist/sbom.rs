//! The list of the program's parts for machines: CycloneDX 1.5 as JSON, and reading it back.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::crates::{Crate, Id};

/// The program's own crate.
const PROGRAM: &str = "patchcore-cli";

/// The list; without a date and a serial number, so that two builds of one commit have the same.
///
/// # Errors
/// The program's crate is not among them, or a licence is no SPDX expression.
pub fn sbom(crates: &[Crate]) -> anyhow::Result<String> {
    let is_program = |one: &&Crate| one.id.name == PROGRAM;
    let program = crates.iter().find(is_program).with_context(|| format!("{PROGRAM} is not among the crates"))?;
    let others = crates.iter().filter(|one| !is_program(one)).map(|one| component(one, "library"));
    let dependencies: Vec<Value> = crates
        .iter()
        .map(|one| json!({ "ref": reference(&one.id), "dependsOn": one.needs.iter().map(reference).collect::<Vec<_>>() }))
        .collect();
    let list = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(program, "application")? },
        "components": others.collect::<anyhow::Result<Vec<_>>>()?,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

/// A package URL, which also tells the parts of a list apart.
fn reference(id: &Id) -> String {
    // A version may hold a plus, which package URLs write as %2B.
    format!("pkg:cargo/{}@{}", id.name, id.version.replace('+', "%2B"))
}

fn component(one: &Crate, kind: &str) -> anyhow::Result<Value> {
    let canonical = spdx::Expression::canonicalize(&one.licence);
    let canonical = canonical.map_err(|error| anyhow::anyhow!("the licence of {}: {error}", one.id.name))?;
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(&one.id),
        "name": one.id.name,
        "version": one.id.version,
        "purl": reference(&one.id),
        "licenses": [{ "expression": canonical.as_deref().unwrap_or(&one.licence) }],
    });
    let fields = component.as_object_mut().context("a component is an object")?;
    if let Some(sha256) = &one.sha256 {
        fields.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": sha256 }]));
    }
    if let Some(repository) = &one.repository {
        fields.insert("externalReferences".to_owned(), json!([{ "type": "vcs", "url": repository }]));
    }
    Ok(component)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    bom_format: String,
    spec_version: String,
    metadata: About,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct About {
    component: Component,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    version: String,
}

/// The crates that a list names, the program's own among them.
///
/// # Errors
/// A text that is no such list.
pub fn read_sbom(text: &str) -> anyhow::Result<BTreeSet<Id>> {
    let list: List = serde_json::from_str(text).context("this is no CycloneDX list as JSON")?;
    let List { bom_format, spec_version, metadata, components } = list;
    ensure!(
        bom_format == "CycloneDX" && spec_version == "1.5",
        "expected CycloneDX 1.5, found {bom_format} {spec_version}"
    );
    let all = components.into_iter().chain([metadata.component]);
    Ok(all.map(|Component { name, version }| Id { name, version }).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn one(name: &str, licence: &str, sha256: Option<&str>, needs: &[&str]) -> Crate {
        let id = |name: &str| Id { name: name.to_owned(), version: "1.0.0+a".to_owned() };
        Crate {
            id: id(name),
            licence: licence.to_owned(),
            authors: Vec::new(),
            repository: Some("https://example.org".to_owned()),
            licence_file: None,
            folder: PathBuf::new(),
            sha256: sha256.map(str::to_owned),
            needs: needs.iter().map(|name| id(name)).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_licences_are_expressions() {
        let crates =
            [one("patchcore-cli", "MIT OR Apache-2.0", None, &["old"]), one("old", "MIT/Apache-2.0", Some("ab"), &[])];
        let text = sbom(&crates).unwrap();
        assert_eq!(read_sbom(&text).unwrap(), crates.iter().map(|one| one.id.clone()).collect());
        let list: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(list["metadata"]["component"]["name"], "patchcore-cli");
        assert_eq!(list["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(list["components"][0]["purl"], "pkg:cargo/old@1.0.0%2Ba");
        assert_eq!(list["components"][0]["hashes"][0]["content"], "ab");
        assert_eq!(list["dependencies"][0]["dependsOn"][0], "pkg:cargo/old@1.0.0%2Ba");
    }

    #[test]
    fn another_format_is_refused() {
        assert!(read_sbom("{}").is_err());
        let other = sbom(&[one("patchcore-cli", "MIT", None, &[])]).unwrap().replace("\"1.5\"", "\"1.2\"");
        assert!(read_sbom(&other).unwrap_err().to_string().contains("1.2"));
    }
}
