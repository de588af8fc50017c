//! What lists networks outside the code, held equal to the catalogue: cargo features and the table of docs/reference/backbones.md.

use anyhow::Context;
use patchcore_config::CATALOGUE;
use patchcore_config::backbone::{NetworkEntry, WeightsSource};
use toml::{Table, Value};

/// The page with the table.
pub const PAGE: &str = "docs/reference/backbones.md";
const OPEN: &str = "<!-- networks -->";
const CLOSE: &str = "<!-- /networks -->";

/// The packages with a feature for each network whose weights can be embedded, and whether the default one is among them: the program
/// always has it.
const PACKAGES: [(&str, bool); 3] = [
    ("crates/patchcore/Cargo.toml", true),
    ("crates/patchcore-cli/Cargo.toml", false),
    ("crates/patchcore-weights/Cargo.toml", true),
];

/// A Cargo.toml: its path from the root, with forward slashes, and its text.
type Manifest = (String, String);

/// What differs from the catalogue.
///
/// # Errors
/// A Cargo.toml that is no TOML, a table that is not there.
pub fn violations(page: &str, manifests: &[Manifest]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (file, has_default) in PACKAGES {
        let manifest = manifests.iter().find(|(path, _)| path == file).with_context(|| format!("no {file}"))?;
        let manifest: Table = manifest.1.parse().with_context(|| format!("{file} is no TOML"))?;
        let features =
            manifest.get("features").and_then(Value::as_table).with_context(|| format!("{file}: no features"))?;
        let is_network = |name: &&String| name.starts_with("embed-") && *name != "embed-f16";
        let mut stated: Vec<&str> = features.keys().filter(is_network).map(String::as_str).collect();
        let wanted = CATALOGUE.iter().skip(usize::from(!has_default));
        let mut wanted: Vec<String> = wanted.filter_map(NetworkEntry::embed_feature).collect();
        stated.sort_unstable();
        wanted.sort_unstable();
        if stated != wanted {
            let (stated, wanted) = (stated.join(", "), wanted.join(", "));
            found.push(format!("{file}: has the features {stated}, and the catalogue of networks asks for {wanted}"));
        }
    }
    let (_, rest) = page.split_once(OPEN).with_context(|| format!("{PAGE}: no {OPEN}"))?;
    let (stated, _) = rest.split_once(CLOSE).with_context(|| format!("{PAGE}: no {CLOSE}"))?;
    let wanted = table()?;
    if stated.trim() != wanted.trim() {
        found.push(format!("{PAGE}: the catalogue of networks asks for this table:\n{wanted}"));
    }
    Ok(found)
}

/// The table of docs/reference/backbones.md. Parameters and multiplications are those up to the deepest default layer.
fn table() -> anyhow::Result<String> {
    let mut lines = vec![
        "| backbone | | layers, default ones bold: channels / stride | parameters | multiplications, 224 px | weights | licence |"
            .to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (index, network) in CATALOGUE.iter().enumerate() {
        let levels = network.levels.iter().map(|level| {
            let mark = if network.default_levels.contains(&level.name) { "**" } else { "" };
            format!("{mark}{}{mark} {} / {}", level.name, level.channels, level.stride)
        });
        let cost = network.plan_of_levels(network.needed_levels()).cost(224, 224)?;
        let weights = match network.weights {
            WeightsSource::Shipped { .. } if index == 0 => "embedded (default)".to_owned(),
            WeightsSource::Shipped { .. } => {
                format!("ships: feature `{}`", network.embed_feature().unwrap_or_default())
            }
            WeightsSource::Published { version } => format!("fetched: {version}"),
            _ => "your own".to_owned(),
        };
        lines.push(format!(
            "| `{}` | {} | {} | {:.1} M | {:.2} G | {weights} | {} |",
            network.name,
            network.about,
            levels.collect::<Vec<_>>().join(", "),
            cost.parameters as f64 / 1e6,
            cost.multiply_adds as f64 / 1e9,
            network.licence,
        ));
    }
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests() -> Vec<Manifest> {
        PACKAGES
            .map(|(file, _)| (file.to_owned(), std::fs::read_to_string(super::super::root().join(file)).unwrap()))
            .to_vec()
    }

    fn page() -> String {
        format!("before\n{OPEN}\n{}\n{CLOSE}\nafter", table().unwrap())
    }

    #[test]
    fn a_feature_too_few_or_too_many_is_found() {
        assert_eq!(violations(&page(), &manifests()).unwrap(), [""; 0]);
        for at in 0..PACKAGES.len() {
            let mut fewer = manifests();
            fewer[at].1 = fewer[at].1.replace("embed-resnet34 =", "not-resnet34 =");
            let mut more = manifests();
            more[at].1 = more[at].1.replace("embed-resnet34 =", "embed-resnet35 = []\nembed-resnet34 =");
            for manifests in [fewer, more] {
                let found = violations(&page(), &manifests).unwrap();
                assert_eq!(found.len(), 1, "{found:?}");
                assert!(found[0].starts_with(PACKAGES[at].0), "{found:?}");
            }
        }
    }

    #[test]
    fn another_table_is_found_with_the_right_one() {
        let page = page().replace("64 / 4", "65 / 4");
        let found = violations(&page, &manifests()).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("| `resnet18` | ResNet-18 | layer1 64 / 4, **layer2** 128 / 8,"), "{found:?}");
        assert!(violations("no table", &manifests()).is_err());
    }
}
