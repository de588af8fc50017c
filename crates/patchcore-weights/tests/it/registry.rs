//! The registry file that is in the repository.

use std::fs;

use patchcore_weights::{Architecture, Registry};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/weights.toml");

#[test]
fn the_registry_has_every_resnet_with_the_papers_weights() {
    let registry = Registry::parse(&fs::read_to_string(PATH).unwrap()).unwrap();
    assert_eq!(registry.weights.len(), Architecture::known().len());
    for known in Architecture::known() {
        let entry = registry.get(known.name).unwrap();
        assert_eq!(entry.version, "IMAGENET1K_V1");
        assert!(entry.url.starts_with("https://") && entry.url.contains(&entry.sha256[..8]), "{}", entry.url);
    }
}

#[test]
fn a_wrong_registry_is_refused() {
    let text = fs::read_to_string(PATH).unwrap();
    for (from, to) in
        [("resnet34", "resnet18"), ("f37072fd\"", "f37\""), ("licence", "licensed"), ("resnet50\"", "resnet51\"")]
    {
        let broken = text.replace(from, to);
        assert_ne!(broken, text);
        assert!(Registry::parse(&broken).is_err(), "{from} -> {to}");
    }
    assert!(Registry::parse("").is_err());
    assert!(Registry::parse(&text).unwrap().get("resnet19").is_err());
}
