//! The 8-bit network's bits on every architecture: digests that are the same on x86-64, aarch64 and wasm32.

use super::super::tests::{bits, plan_of, random_weights};
use super::matrix_unit::MatrixUnit;
use super::tests::{photo, run};
use super::{ReducedNetwork, ranges_of};
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::{Architecture, Normalization};

/// The ranges are said here: a network of `f32` that measures them rounds as its processor does.
#[test]
fn features_are_the_same_bits_on_every_processor() {
    let architectures = [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0, Architecture::RESNET50];
    let mut digests = vec![Vec::new(); MatrixUnit::all().len()];
    for architecture in architectures {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 21);
        let mut seen = ActivationRanges::nothing_seen(&plan);
        for (slot, range) in seen.slots.iter_mut().enumerate() {
            range.low.fill(if slot % 2 == 0 { 0.0 } else { -3.5 });
            range.high.iter_mut().enumerate().for_each(|(channel, high)| *high = 4.0 + (channel % 3) as f32);
        }
        let ranges = ranges_of(&plan, &Normalization::IMAGENET, &seen).unwrap();
        let (height, width) = (61, 75);
        let input = photo(22, height * width);
        for ((level, unit), digests) in MatrixUnit::all().into_iter().zip(&mut digests) {
            let network = ReducedNetwork::int8_with_level(level, unit, &plan, &weights, &ranges).unwrap();
            let outputs = run(&network, 1, &input, (height, width));
            let values = outputs.iter().flat_map(|output| bits(&output.data));
            // FNV-1a, a value at a time.
            let digest = values.fold(0xcbf2_9ce4_8422_2325_u64, |digest, value| {
                (digest ^ u64::from(value)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            digests.push(format!("{digest:x}"));
        }
    }
    let expected = ["4e15715c71709ddd", "ac7589b8d464bfad", "a313e372fe5e480d"];
    for ((level, unit), digests) in MatrixUnit::all().into_iter().zip(digests) {
        assert_eq!(digests, expected, "{level:?} {unit:?}");
    }
}
