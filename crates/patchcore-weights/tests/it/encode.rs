//! Tensors that are written as safetensors read back.

use patchcore_config::{BackboneWeights, NamedTensor};
use patchcore_weights::{Dtype, Rounding, WeightsError, encode_safetensors, import_safetensors, read_safetensors};

use crate::fixtures::{basic, bottleneck, fixture};

#[test]
fn what_is_written_reads_back_bit_for_bit() {
    for (file, network) in [("basic_folded.safetensors", basic()), ("bottleneck_folded.safetensors", bottleneck())] {
        let mut weights = import_safetensors(&network, file, &fixture(file)).unwrap();
        for last in [4, 3] {
            weights.tensors.retain(|name, _| last == 4 || !name.starts_with("layer4"));
            let bytes = encode_safetensors(&weights, Rounding::None).unwrap();
            assert_eq!(import_safetensors(&network, "written", &bytes).unwrap(), weights);
            assert_eq!(encode_safetensors(&weights, Rounding::None).unwrap(), bytes);
        }
    }
}

#[test]
fn half_the_size_where_nothing_is_lost_or_rounding_is_asked_for() {
    let tensor = |data: &[f32]| NamedTensor { shape: vec![data.len()], data: data.to_vec() };
    let tensors = [
        // The largest and the smallest number of f16, minus zero, and one with ten bits behind the point.
        ("exact", tensor(&[65504.0, 5.960_464_5e-8, -0.0, 1.000_976_6])),
        ("inexact", tensor(&[0.1, 1.0, 0.0, -3.0])),
        ("large", tensor(&[65520.0, 0.1, 0.0, 1.0])),
    ]
    .map(|(name, tensor)| (name.to_owned(), tensor));
    let weights = BackboneWeights { tensors: tensors.into() };
    for (rounding, dtypes, rounded) in [
        (Rounding::None, [Dtype::F16, Dtype::F32, Dtype::F32], 0.1),
        (Rounding::ToF16, [Dtype::F16, Dtype::F16, Dtype::F32], 0.099_975_586),
    ] {
        let bytes = encode_safetensors(&weights, rounding).unwrap();
        let views = read_safetensors("written", &bytes).unwrap();
        assert_eq!(views.values().map(|view| view.dtype).collect::<Vec<_>>(), dtypes);
        let bits = |name: &str| -> Vec<u32> {
            views[name].decode("written", 4).unwrap().into_iter().map(f32::to_bits).collect()
        };
        let of = |data: [f32; 4]| data.map(f32::to_bits);
        assert_eq!(bits("exact"), of([65504.0, 5.960_464_5e-8, -0.0, 1.000_976_6]));
        assert_eq!(bits("inexact"), of([rounded, 1.0, 0.0, -3.0]));
        assert_eq!(bits("large"), of([65520.0, 0.1, 0.0, 1.0]));
    }
}

#[test]
fn values_that_do_not_fill_their_shape_are_refused() {
    let tensors = [("a".to_owned(), NamedTensor { shape: vec![3], data: vec![0.5; 2] })].into();
    let error = encode_safetensors(&BackboneWeights { tensors }, Rounding::None).unwrap_err();
    assert!(matches!(error, WeightsError::Encode { .. }), "{error}");
}
