//! Model files: what comes back is what was saved; whatever is damaged, newer or foreign is refused; nothing is lost.

use patchcore::config::ImageScoreRule;
use patchcore::metrics::threshold::Thresholds;
use patchcore::{
    Error, Instructions, LoadOptions, Mode, Model, Photo, PixelBuffer, PixelFormat, Region, Save, Settings, Size,
    Tiling,
};
use patchcore_core::error::ModelFileError;
use patchcore_core::model_file::DriftPolicy;
use patchcore_testing::resnet18;

use crate::part;

fn model() -> Model {
    let settings = Settings {
        resize: Some(patchcore::Resize::Keep),
        coreset_sampling_ratio: Some(0.05),
        mode: patchcore::Mode::Paper,
        num_neighbors: Some(3),
        ..Settings::default()
    };
    Model::fit(&settings, part::good(2)).unwrap()
}

#[test]
fn a_loaded_model_scores_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let model = model();
    for embed in [Save::WithoutWeights, Save::WithWeights] {
        let path = folder.path().join("part.patchcore");
        model.save(&path, embed).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.to_bytes(embed).unwrap(), model.to_bytes(embed).unwrap());
        assert_eq!(loaded.core().bank(), model.core().bank());
        let photo = part::photo(9, true);
        assert_eq!(loaded.score(&photo).unwrap(), model.score(&photo).unwrap());
        // No part file stays behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    model().save(&path, Save::WithoutWeights).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        match Model::read(&path) {
            Err(Error::ModelFile { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
    };
    for position in (0..bytes.len()).step_by(bytes.len() / 300).chain(0..16) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        refused(&flipped, &format!("bit {} of byte {position}", position % 8));
        refused(&bytes[..position], &format!("cut at {position}"));
    }
    refused(b"", "empty");
    refused(b"this is a text file, not a model", "text");
}

#[test]
fn a_newer_version_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    model().save(&path, Save::WithoutWeights).unwrap();
    // The same length keeps the container valid; the version is looked at before the checksum.
    let text = std::fs::read(&path).unwrap();
    let needle = br#"{\"format_version\":3,"#;
    let at = text.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut newer = text;
    newer[at + needle.len() - 2] = b'9';
    std::fs::write(&path, newer).unwrap();
    match Model::read(&path) {
        Err(Error::ModelFile { source: ModelFileError::NewerVersion { found: 9, supported: 3, .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// A file of an earlier format version, `fit --size 48x40 --coreset-sampling-ratio 0.05` on three drawn photos, and what the program of
/// then scored with portable instructions: image score, largest value of the map, value at column 30 of row 20.
struct Earlier {
    mode: Mode,
    format_version: u32,
    bytes: &'static [u8],
    scored: [f32; 3],
}

/// That of version 1 is the one of version 2 without what version 1 did not have.
const EARLIER: [Earlier; 4] = [
    Earlier {
        mode: Mode::Paper,
        format_version: 1,
        bytes: include_bytes!("../fixtures/version_1_paper.safetensors"),
        scored: [106.74216, 100.77263, 97.378426],
    },
    Earlier {
        mode: Mode::Paper,
        format_version: 2,
        bytes: include_bytes!("../fixtures/version_2_paper.safetensors"),
        scored: [106.74216, 100.77263, 97.378426],
    },
    Earlier {
        mode: Mode::Authors,
        format_version: 2,
        bytes: include_bytes!("../fixtures/version_2_authors.safetensors"),
        scored: [140411.1, 132767.63, 128955.195],
    },
    Earlier {
        mode: Mode::Anomalib,
        format_version: 2,
        bytes: include_bytes!("../fixtures/version_2_anomalib.safetensors"),
        scored: [105.47122, 102.03461, 98.4047],
    },
];

/// Those files name a mode; every rule that they do not hold is the mode's of then. Portable instructions give the same bits on every
/// processor.
#[test]
fn files_of_earlier_versions_score_the_same_bits_and_are_written_as_version_3() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let (width, height) = (48, 40);
    let data: Vec<u8> = (0..width * height).map(|at| (at * 31 % 251) as u8).collect();
    let photo = PixelBuffer { data: &data, width, height, stride: 48, format: PixelFormat::Gray8 };
    let photo = Photo::from_buffer(&photo).unwrap();
    let portable = LoadOptions::default().instructions(Instructions::Portable);
    for Earlier { mode, format_version, bytes, scored: expected } in EARLIER {
        std::fs::write(&path, bytes).unwrap();
        let earlier = Model::load_with(&path, &portable).unwrap();
        assert_eq!(Model::read(&path).unwrap().header.format_version, format_version);
        assert_eq!(earlier.config().mode(), Some(mode));
        assert_eq!(earlier.passport().is_some(), format_version > 1);
        let scored = earlier.score(&photo).unwrap();
        assert_eq!([scored.score, scored.map.max(), scored.map.scores[20 * 48 + 30]], expected, "{mode:?}");
        patchcore::store_thresholds(&path, Thresholds::default()).unwrap();
        let now = Model::load_with(&path, &portable).unwrap();
        let file = Model::read(&path).unwrap();
        assert_eq!((file.header.format_version, file.sections.photos.len()), (3, 3));
        assert_eq!(now.config(), earlier.config());
        assert_eq!(now.passport(), earlier.passport());
        assert_eq!(now.score(&photo).unwrap(), scored);
    }
}

/// A file of version 1 is one of version 2 without passport and thresholds.
#[test]
fn a_model_without_a_passport_scores_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let model = model();
    model.save(&path, Save::WithoutWeights).unwrap();
    let mut file = Model::read(&path).unwrap();
    file.sections.passport = None;
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    let without = Model::load(&path).unwrap();
    assert!(without.core().passport().is_none());
    let photo = part::photo(9, true);
    assert_eq!(without.score(&photo).unwrap(), model.score(&photo).unwrap());
}

/// The largest value of the map is the score, on the CPU, on tensors, in tiles and inside a region.
#[test]
fn the_score_may_be_the_largest_value_of_the_map() {
    let settings = Settings {
        mode: Mode::Paper,
        resize: Some(patchcore::Resize::Keep),
        coreset_sampling_ratio: Some(0.05),
        image_score: Some(ImageScoreRule::MaximumOfMap),
        ..Settings::default()
    };
    let size = Size { width: part::SIDE, height: part::SIDE };
    let half: Vec<bool> = (0..part::SIDE * part::SIDE).map(|at| at % part::SIDE < part::SIDE / 2).collect();
    let region = Some(Region::from_pixels(size, &half).unwrap());
    let cases = [
        settings.clone(),
        Settings { device: "flex:tensors".into(), ..settings.clone() },
        Settings { tiling: Tiling::Tiles { size: 64, overlap: 16 }, ..settings.clone() },
        Settings { region, ..settings },
    ];
    for settings in cases {
        let model = Model::fit(&settings, part::good(2)).unwrap();
        assert_eq!(model.config().rules_name(), "paper with image_score maximum_of_map");
        let scored = model.score(&part::photo(9, true)).unwrap();
        assert_eq!(scored.score, scored.map.max(), "{settings:?}");
        assert!(scored.score > 0.0);
        let streamed = model.scores([part::photo(9, true)]).next().unwrap().result.unwrap();
        assert_eq!(streamed.score, streamed.map.max(), "{settings:?}");
    }
}

/// A photo of the fit can be shown again; what cannot be that photo is an error, not another picture.
#[test]
fn the_nearest_good_photo_is_opened_again_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let limits = patchcore::Limits::default();
    let files: Vec<_> = (0..2).map(|seed| folder.path().join(format!("{seed}.png"))).collect();
    for (seed, file) in files.iter().enumerate() {
        part::photo(seed as u32, false).to_rgb8().save(file).unwrap();
    }
    let settings =
        Settings { resize: Some(patchcore::Resize::Keep), coreset_sampling_ratio: Some(0.5), ..Settings::default() };
    let model = Model::fit(&settings, &files).unwrap();
    let mut nearest = model.score(&part::photo(9, true)).unwrap().nearest_good;
    nearest.origin.as_mut().unwrap().row = 11;
    let found = model.open_nearest(&nearest, &limits).unwrap();
    assert_eq!((found.photo.width(), found.at.1), (part::SIDE, 11.5 * 8.0 - 0.5));
    let name = nearest.image.clone().unwrap();
    image::RgbImage::new(40, 40).save(&name).unwrap();
    let error = model.open_nearest(&nearest, &limits).unwrap_err();
    assert!(matches!(error, Error::OtherPhoto { .. }) && error.to_string().contains("pixels are others"), "{error}");
    std::fs::remove_file(&name).unwrap();
    assert!(matches!(model.open_nearest(&nearest, &limits), Err(Error::Image(_))));
    nearest.image = None;
    let error = model.open_nearest(&nearest, &limits).unwrap_err();
    assert!(matches!(error, Error::OtherPhoto { .. }) && error.to_string().contains("names"), "{error}");
    nearest.origin = None;
    let error = model.open_nearest_at(name.as_ref(), &nearest, &limits).unwrap_err();
    assert!(error.to_string().contains("does not say which photo"), "{error}");
}

/// A model and its photos that move together find each other, by the paths from the model's folder; what is said of a fit can be left
/// out, and then the folder changes no byte.
#[test]
fn photos_are_found_again_beside_a_model_that_moved() {
    let folder = tempfile::tempdir().unwrap();
    let limits = patchcore::Limits::default();
    let settings =
        Settings { resize: Some(patchcore::Resize::Keep), coreset_sampling_ratio: Some(0.5), ..Settings::default() };
    let fit_in = |place: &std::path::Path| {
        std::fs::create_dir_all(place.join("photos")).unwrap();
        let files: Vec<_> = (0..2).map(|seed| place.join(format!("photos/{seed}.png"))).collect();
        for (seed, file) in files.iter().enumerate() {
            part::photo(seed as u32, false).to_rgb8().save(file).unwrap();
        }
        let model = Model::fit(&settings, &files).unwrap();
        model.save(place.join("m.patchcore"), Save::WithoutWeights).unwrap();
        model
    };
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let model = fit_in(&here);
    let seen = model.inputs_seen().unwrap();
    assert_eq!((seen.sizes[0].width, seen.sizes[0].photos), (part::SIDE, 2));
    // Three equal channels are grey.
    assert_eq!((seen.colours[0].channels, seen.colours[0].bits, seen.colours.len()), (1, 8, 1));
    assert_eq!(model.good_quantiles().unwrap().photos, 2);
    std::fs::rename(&here, &there).unwrap();
    let moved = Model::load(there.join("m.patchcore")).unwrap();
    let nearest = moved.score(&part::photo(9, true)).unwrap().nearest_good;
    let found = moved.open_nearest(&nearest, &limits).unwrap();
    assert_eq!(found.photo.sha256(), moved.training_photos()[nearest.origin.unwrap().image as usize].sha256.unwrap());
    assert!(moved.training_files().iter().all(|file| file.is_file()));
    let audit = moved.audit(moved.training_files(), patchcore::AuditOptions::default()).unwrap();
    assert_eq!((audit.photos.len(), audit.unknown.len()), (2, 0));

    let again = fit_in(&here);
    let bytes = |model: &Model| model.to_bytes(Save::WithoutWeights).unwrap();
    let (again, model) = (again.with_provenance(patchcore::Provenance::default()), moved);
    assert_ne!(bytes(&again), bytes(&model));
    assert_eq!(bytes(&again.clone().reproducible()), bytes(&model.clone().reproducible()));
    assert_eq!(model.reproducible().training_photos()[1].name, "1.png");
}

/// A model remembers the weight file of its fit, and takes it from there if it is still the same.
#[test]
fn the_weight_file_of_the_fit_is_found_again() {
    let Some(onnx) = resnet18() else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("here");
    std::fs::create_dir(&here).unwrap();
    let weights = here.join("resnet18.onnx");
    std::fs::copy(&onnx, &weights).unwrap();
    let settings = Settings {
        backbone: "resnet18".into(),
        weights: Some(weights.clone()),
        resize: Some(patchcore::Resize::Keep),
        coreset_sampling_ratio: Some(0.05),
        mode: patchcore::Mode::Paper,
        num_neighbors: Some(3),
        ..Settings::default()
    };
    let model = Model::fit(&settings, part::good(2)).unwrap();
    model.save(here.join("m.patchcore"), Save::WithoutWeights).unwrap();
    let photo = part::photo(9, true);
    let expected = model.score(&photo).unwrap();
    assert_eq!(Model::load(here.join("m.patchcore")).unwrap().score(&photo).unwrap(), expected);
    let there = folder.path().join("there");
    std::fs::rename(&here, &there).unwrap();
    assert_eq!(Model::load(there.join("m.patchcore")).unwrap().score(&photo).unwrap(), expected);
    // Another file of that name is not taken.
    std::fs::write(there.join("resnet18.onnx"), "something else").unwrap();
    match Model::load(there.join("m.patchcore")) {
        Err(Error::Weights(_)) => {}
        // The right ones are installed on this machine.
        other => assert_eq!(other.unwrap().score(&photo).unwrap(), expected),
    }
}

#[test]
fn the_container_of_the_weights_does_not_change_a_byte() {
    use patchcore_weights::{Rounding, encode_safetensors, import_known_onnx};

    let Some(onnx) = resnet18() else { return };
    let folder = tempfile::tempdir().unwrap();
    let tensors = import_known_onnx("resnet18", "the trunk", &std::fs::read(&onnx).unwrap()).unwrap();
    // As `patchcore weights fetch` installs them, whatever they come from.
    let safetensors = folder.path().join("resnet18.safetensors");
    std::fs::write(&safetensors, encode_safetensors(&tensors, Rounding::None).unwrap()).unwrap();
    let fit = |weights: &std::path::Path, embed: Save| {
        let settings = Settings {
            backbone: "resnet18".into(),
            weights: Some(weights.to_owned()),
            resize: Some(patchcore::Resize::Keep),
            coreset_sampling_ratio: Some(0.05),
            mode: patchcore::Mode::Paper,
            num_neighbors: Some(3),
            ..Settings::default()
        };
        let path = folder.path().join("part.patchcore");
        // Where the weights lay is not theirs.
        Model::fit(&settings, part::good(2)).unwrap().reproducible().save(&path, embed).unwrap();
        std::fs::read(&path).unwrap()
    };
    for embed in [Save::WithoutWeights, Save::WithWeights] {
        assert!(fit(&onnx, embed) == fit(&safetensors, embed), "{embed:?}");
    }
}

#[test]
fn other_weights_are_refused_with_both_digests() {
    let file = patchcore_core::model_file::ModelFile::new(model().core());
    let mut weights = patchcore::resolve_weights("efficientnet_lite0", None).unwrap();
    weights.tensors.get_mut("stem.bias").unwrap().data[0] += 1e-3;
    let error = file
        .clone()
        .into_model(Some((&weights).into()), &patchcore::ComputeDevice::flex(), DriftPolicy::Refuse)
        .unwrap_err();
    assert!(matches!(error, ModelFileError::OtherWeights { .. }), "{error}");
    let error = file.into_model(None, &patchcore::ComputeDevice::flex(), DriftPolicy::Refuse).unwrap_err();
    assert!(matches!(error, ModelFileError::WeightsNeeded { .. }), "{error}");
}

#[test]
fn a_save_that_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = model();
    let missing = folder.path().join("no/such/folder/part.patchcore");
    assert!(matches!(model.save(&missing, Save::WithoutWeights), Err(Error::Io { .. })));
    // A folder cannot be replaced by a file: the rename fails after the bytes were written.
    let folder_in_the_way = folder.path().join("taken");
    std::fs::create_dir(&folder_in_the_way).unwrap();
    std::fs::write(folder_in_the_way.join("inside"), "x").unwrap();
    assert!(matches!(model.save(&folder_in_the_way, Save::WithoutWeights), Err(Error::Io { .. })));
    assert_eq!(std::fs::read(folder_in_the_way.join("inside")).unwrap(), b"x");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a part file stayed behind");
}
