//! What the binary carries, by feature.

use patchcore_weights::{embedded_weights, known_network};

#[test]
fn nothing_is_embedded_without_its_feature() {
    let wanted = [
        ("efficientnet_lite0", cfg!(feature = "embed-efficientnet-lite0")),
        ("resnet18", cfg!(feature = "embed-resnet18")),
        ("resnet34", cfg!(feature = "embed-resnet34")),
        ("resnet50", cfg!(feature = "embed-resnet50")),
        ("resnet101", cfg!(feature = "embed-resnet101")),
        ("wide_resnet50_2", cfg!(feature = "embed-wide_resnet50_2")),
        ("wide_resnet101_2", cfg!(feature = "embed-wide_resnet101_2")),
        ("resnext50_32x4d", cfg!(feature = "embed-resnext50_32x4d")),
        ("resnext101_32x8d", cfg!(feature = "embed-resnext101_32x8d")),
        ("densenet121", cfg!(feature = "embed-densenet121")),
        ("densenet201", cfg!(feature = "embed-densenet201")),
    ];
    for (name, is_wanted) in wanted {
        assert!(known_network(name).is_ok());
        assert!(is_wanted || embedded_weights(name).is_none(), "{name}");
    }
}

#[cfg(feature = "embed-efficientnet-lite0")]
#[test]
fn the_default_network_is_the_assets_bit_for_bit_and_no_larger() {
    use patchcore_weights::import_known_safetensors;

    let asset =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/efficientnet_lite0.safetensors")).unwrap();
    let embedded = embedded_weights("efficientnet_lite0").unwrap();
    let tensors = |bytes: &[u8]| import_known_safetensors("efficientnet_lite0", "f", bytes).unwrap();
    assert!(tensors(embedded) == tensors(&asset));
    assert!(embedded.len() <= asset.len(), "{} {}", embedded.len(), asset.len());
}

#[cfg(feature = "embed-resnet18")]
#[test]
fn embedded_resnet18_is_the_installed_one() {
    use patchcore_weights::{WeightsFormat, find_weights, import_known_safetensors};

    let (Some(blob), Ok(path)) = (embedded_weights("resnet18"), find_weights("resnet18")) else {
        eprintln!("skipped: resnet18 is not installed");
        return;
    };
    let embedded = import_known_safetensors("resnet18", "embedded", blob).unwrap();
    let format = WeightsFormat::of(&path, "resnet18").unwrap();
    let installed = format.import("resnet18", "installed", &std::fs::read(path).unwrap()).unwrap();
    assert_eq!(embedded.tensors.len(), installed.tensors.len());
    for (name, tensor) in &embedded.tensors {
        for (got, want) in tensor.data.iter().zip(&installed.tensors[name].data) {
            // Half of f16's last place; below its normal range, half of the smallest step.
            let tolerance = if cfg!(feature = "embed-f16") { 5e-4 * want.abs() + 3e-8 } else { 0.0 };
            assert!((got - want).abs() <= tolerance, "{name}: {got} {want}");
        }
    }
}
