//! What a user can feed PatchCore, as functions of bytes that must not panic, hang or take memory out of proportion.
//!
//! `cargo fuzz run NAME --features libfuzzer` lets libFuzzer look for bytes that break one; `tests/corpus.rs` replays
//! what it has collected under `corpus/NAME/`. See README.md.

use std::sync::OnceLock;

use patchcore::config::backbone::{Family, NetworkEntry, ResNet};
use patchcore::config::{Architecture, BackboneWeights};
use patchcore::config::{Crop, Resampling, View};
use patchcore::metrics::Results;
use patchcore::{Limits, NetworkInput, Pad, Photo, Resize, Size};
use patchcore_core::model_file::{DriftPolicy, ModelFile};
use patchcore_core::{ComputeDevice, ImageInput};
use patchcore_io::{DataSet, MaskSurvey, TruthMask, one_line, prepare, prepare_mask, prepare_within, region_of_masks};
use patchcore_weights::{import_onnx, import_safetensors, verify_manifest};

/// Small, so that a lying header shows as memory out of proportion.
const LIMITS: Limits = Limits { max_width: 4096, max_height: 4096, max_alloc_bytes: 16 << 20 };

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("model_file", model_file),
    ("photo", photo),
    ("mask", mask),
    ("onnx", onnx),
    ("manifest", manifest),
    ("table", table),
    ("results", results),
];

/// A model file, as it is and with its checksum made right; what is accepted is put on the CPU and scores a photo.
pub fn model_file(bytes: &[u8]) {
    use_model(bytes);
    if let Some(sealed) = ModelFile::resealed(bytes) {
        use_model(&sealed);
    }
}

fn use_model(bytes: &[u8]) {
    let Ok(file) = ModelFile::from_bytes(bytes) else { return };
    let written = file.to_bytes().unwrap_or_else(|error| unreachable!("read but not written: {error}"));
    assert!(ModelFile::from_bytes(&written).is_ok(), "what was accepted is not accepted once written again");
    let config = file.header.config.clone();
    // Anything larger is allowed to take its time.
    let size = config.region.as_ref().map_or(Size { width: 48, height: 40 }, |region| region.size);
    if u64::from(size.width) * u64::from(size.height) > 10_000 {
        return;
    }
    let Ok(model) = file.into_model(Some(weights().into()), &ComputeDevice::cpu(), DriftPolicy::Allow) else { return };
    let frame = image(size);
    let Ok(input) = prepare_within(&frame, &config.view, config.region.as_ref(), config.full_scale) else { return };
    if input.width * input.height > 40_000 {
        return;
    }
    let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
    if let Ok(score) = model.score_within(image, input.inside.as_deref()) {
        assert_eq!(score.map.scores.len(), input.width * input.height);
    }
}

fn weights() -> &'static BackboneWeights {
    static WEIGHTS: OnceLock<BackboneWeights> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let weights = patchcore::resolve_weights(patchcore::DEFAULT_BACKBONE, None);
        weights.unwrap_or_else(|error| unreachable!("the default backbone is embedded: {error}"))
    })
}

fn image(size: Size) -> Photo {
    let data: Vec<u8> = (0..size.width * size.height).map(|at| (at * 31 % 251) as u8).collect();
    let (width, height) = (size.width, size.height);
    let format = patchcore::PixelFormat::Gray8;
    let buffer = patchcore::PixelBuffer { data: &data, width, height, stride: width as usize, format };
    Photo::from_buffer(&buffer).unwrap_or_else(|error| unreachable!("a whole buffer: {error}"))
}

/// The bytes of a photo, decoded, resized, cropped and padded.
pub fn photo(bytes: &[u8]) {
    let Ok(photo) = Photo::decode("photo", bytes, &LIMITS) else { return };
    assert!(photo.width() > 0 && photo.height() > 0 && [1, 3].contains(&photo.channels()));
    let crop = Crop::Center(Size { width: 28, height: 28 });
    for (resampling, crop, pad) in [
        (Resampling::Pil8Bit, crop, Pad::None),
        (Resampling::Float, Crop::Keep, Pad::ToMultiple(16)),
        (Resampling::Native, crop, Pad::None),
    ] {
        if let Ok(input) = prepare(&photo, &View { crop, pad, ..View::resized(Resize::Short(32), resampling) }) {
            let NetworkInput { width, height, data, .. } = &input;
            assert_eq!(data.len() % (width * height), 0);
            // Weights in float need not add up to exactly 1.
            assert!(data.iter().all(|value| (-1e-5..=1.0 + 1e-5).contains(value)));
        }
    }
}

/// Two masks, one after the other; the first two bytes say where the second begins.
pub fn mask(bytes: &[u8]) {
    let Some(([low, high], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let (roi, ignore) = bytes.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(bytes.len()));
    let decode = |bytes: &[u8]| Photo::decode("mask", bytes, &LIMITS).ok();
    let (roi, ignore) = (decode(roi), decode(ignore));
    if let Ok(Some(region)) = region_of_masks(roi.as_ref(), ignore.as_ref()) {
        let inside = region.to_pixels();
        assert_eq!(inside.iter().filter(|inside| **inside).count() as u64, region.inside_pixels());
    }
    let survey = MaskSurvey::of(roi.iter().chain(&ignore));
    assert!((0.0..=1.0).contains(&survey.share_not_black()), "{}", survey.share_not_black());
    let _ = survey.remark();
    if let Some(mask) = roi {
        let size = mask.size();
        if let Ok(truth) = TruthMask::new(std::slice::from_ref(&mask), size, &survey) {
            let (on_photo, hidden) = truth.on_photo(None);
            assert_eq!(on_photo.defective_pixels() == 0, hidden.is_some());
        }
        let resized = View::resized(Resize::Short(32), Resampling::Pil8Bit);
        let view = View { crop: Crop::Center(Size { width: 28, height: 28 }), ..resized };
        let _ = prepare_mask(&mask, mask.size(), &view);
    }
}

/// Weights as ONNX or safetensors, for networks of a few channels so that what is right is small.
pub fn onnx(bytes: &[u8]) {
    for (name, expansion) in [("tiny_basic", 1), ("tiny_bottleneck", 4)] {
        let family = Family::ResNet(ResNet { blocks: [2, 1, 1, 1], expansion, stem: 2, width: 2, groups: 1 });
        let network = NetworkEntry { name, family, ..*Architecture::RESNET18.entry() };
        let imported =
            [import_onnx(&network, "weights.onnx", bytes), import_safetensors(&network, "weights.safetensors", bytes)];
        for weights in imported.into_iter().flatten() {
            let mut values = weights.tensors.values().flat_map(|tensor| &tensor.data);
            assert!(values.all(|value| value.is_finite()), "weights that are not finite were accepted");
        }
    }
}

/// The manifest beside an installed file.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // One for each call: it is gone again however the call ends, and a fuzzer never ends of itself.
    let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("no temporary folder: {error}"));
    let weights = folder.path().join("resnet18.safetensors");
    if std::fs::write(weights.with_extension("json"), text).is_ok() {
        let _ = verify_manifest(&weights, "resnet18", b"weights");
    }
}

/// A table of photos, of which there are a few.
pub fn table(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("no temporary folder: {error}"));
    for photo in ["good.png", "bad.png", "mask.png"] {
        let _ = std::fs::write(folder.path().join(photo), "");
    }
    let path = folder.path().join("table.csv");
    if std::fs::write(&path, bytes).is_ok()
        && let Ok(set) = DataSet::open(&path)
    {
        let photos = set.train.iter().chain(&set.validation).chain(set.test.iter().map(|image| &image.path));
        assert!(photos.count() > 0, "a data set without photos");
        // Names are what a terminal may see.
        for image in &set.test {
            assert!(!one_line(&image.kind).contains(char::is_control));
        }
        let _ = (set.one_class(), set.has_masks());
    }
}

/// The metrics.json of an evaluation.
pub fn results(bytes: &[u8]) {
    let Ok(results) = Results::from_json(bytes) else { return };
    let written = results.to_json().unwrap_or_else(|error| unreachable!("read but not written: {error}"));
    assert!(Results::from_json(written.as_bytes()).is_ok(), "what was accepted is not accepted once written again");
}
