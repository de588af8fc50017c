//! The same tests for every device: `PATCHCORE_TEST_DEVICE` names them, comma separated; without it, the CPU with its own
//! kernels and the CPU through tensor operations. (A driver that happens to be there may crash: no test picks it unasked.)
//!
//! The CPU's own kernels are what every device is compared with. Tolerances: features 1e-4 of the largest feature and
//! scores 1e-3 of the score (sums in another order; measured 1e-5 at most), map values 1e-4 of the largest one; chosen
//! rows and picks are equal where the data has no near-ties.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use patchcore::config::Architecture;
use patchcore::{
    BankDtype, ComputeDevice, FitOptions, LoadOptions, MODES, Mode, Model, NetworkInput, Photo, PixelBuffer,
    PixelFormat, Progress, Resize, Save, Settings, Stage,
};
use patchcore_core::coreset::greedy_k_center;
use patchcore_core::device::Precision;
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::model_file::{DriftPolicy, ModelFile};
use patchcore_core::nearest_neighbor::NearestNeighborIndex;
use patchcore_core::tensors::burn_device;
use patchcore_core::{Extractor, ImageInput, self_check};
use patchcore_testing::test_devices;

use crate::part;

/// The devices to test; each one that was named must be there.
fn devices() -> Vec<ComputeDevice> {
    let names = test_devices().unwrap_or_else(|| ["flex", "flex:tensors"].map(str::to_owned).to_vec());
    names.iter().map(|name| ComputeDevice::from_name(name).unwrap()).collect()
}

fn settings(mode: Mode, device: &ComputeDevice) -> Settings {
    let (resize, device) = (Some(Resize::Keep), device.name());
    Settings { mode, resize, device, coreset_sampling_ratio: Some(0.2), ..Settings::default() }
}

fn values(count: usize, seed: u64) -> Vec<f32> {
    let mixed = |i: u64| {
        ((i ^ seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd134_2543_de82_ef95)
    };
    (0..count as u64).map(|i| (mixed(i) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn assert_close(found: &[f32], expected: &[f32], share: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let allowed = share * largest(expected);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= allowed, "{what} {index}: {found} {expected} (allowed {allowed})");
    }
}

#[test]
fn every_device_knows_the_answers() {
    for device in devices() {
        let checks = self_check::run(&device, &mut |_| ()).unwrap();
        println!("{}: {checks:?}", device.name());
        self_check::verdict(&device, &checks).unwrap();
    }
}

/// Sizes around the kernel's blocks of 64 x 64 x 8, and banks that are split; banks in f32 and in f16.
#[test]
fn the_search_finds_the_cpus_rows() {
    for device in devices() {
        for (case, (n, m, dim)) in
            [(1, 1, 1), (5, 3, 7), (64, 64, 8), (65, 130, 9), (200, 1_100, 40), (784, 900, 120)].into_iter().enumerate()
        {
            let (rows, noise) = (values(m * dim, case as u64), values(n * dim, 77));
            let near = |at: usize| rows[at / dim * 31 % m * dim + at % dim] + 0.1 * noise[at];
            let queries: Vec<f32> = (0..n * dim).map(near).collect();
            for dtype in [BankDtype::F32, BankDtype::F16] {
                let bank = MemoryBank::from_rows(dim, rows.clone()).unwrap().with_dtype(dtype).unwrap();
                let cpu = NearestNeighborIndex::new(bank.clone(), &ComputeDevice::flex()).unwrap();
                let index = NearestNeighborIndex::new(bank, &device).unwrap();
                let (found, expected) =
                    (index.nearest_of_rows(&queries).unwrap(), cpu.nearest_of_rows(&queries).unwrap());
                let what = format!("{} {n} x {m} x {dim} {dtype:?}", device.name());
                let squared = |all: &[patchcore_core::nearest_neighbor::Neighbor]| -> Vec<f32> {
                    all.iter().map(|neighbor| neighbor.squared_distance).collect()
                };
                assert_close(&squared(&found), &squared(&expected), 1e-5, &what);
                // With few values per row two rows may be equally near within rounding.
                if dim > 8 {
                    for (query, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        assert_eq!(found.row, expected.row, "{what} {query}");
                    }
                }
            }
        }
    }
}

#[test]
fn equal_rows_go_to_the_lowest_one() {
    for device in devices() {
        // 700 copies of 3 rows: every split of the bank holds all three.
        let rows: Vec<f32> = (0..2_100).flat_map(|row| [(row % 3) as f32, 1.0, 0.0, 2.0]).collect();
        let index = NearestNeighborIndex::new(MemoryBank::from_rows(4, rows).unwrap(), &device).unwrap();
        let queries: Vec<f32> = [2.0f32, 0.0, 1.0].iter().flat_map(|value| [*value, 1.0, 0.0, 2.0]).collect();
        let found = index.nearest_of_rows(&queries).unwrap();
        let found: Vec<(u32, f32)> = found.iter().map(|found| (found.row, found.squared_distance)).collect();
        assert_eq!(found, [(2, 0.0), (0, 0.0), (1, 0.0)], "{}", device.name());
    }
}

/// Coordinates on a coarse grid keep the arithmetic exact, so that ties are ties on every device.
#[test]
fn the_coreset_picks_the_cpus_rows() {
    let (n, dim) = (3_000, 6);
    let mut features: Vec<f32> = values(n / 2 * dim, 5).iter().map(|value| (value * 16.0).round()).collect();
    let negated: Vec<f32> = features.iter().map(|value| -value).collect();
    features.extend(negated);
    let initial: Vec<f32> = (0..n).map(|row| if row == 11 { f32::INFINITY } else { f32::MAX }).collect();
    let select =
        |device: &ComputeDevice| greedy_k_center(&features, dim, &initial, 300, device, &mut |_| true).unwrap();
    let expected = select(&ComputeDevice::flex());
    for device in devices() {
        assert_eq!(select(&device), expected, "{}", device.name());
    }
}

#[test]
fn features_are_the_cpus() {
    let settings = Settings::default();
    let weights = settings.load_weights().unwrap();
    for mode in [Mode::Paper, Mode::Authors] {
        let config = mode.config(Architecture::EFFICIENTNET_LITE0).check().unwrap();
        let pixels: Vec<f32> = values(3 * 72 * 88, 3).iter().map(|value| 0.5 + 0.5 * value).collect();
        let grey = &pixels[..72 * 88];
        let cpu = Extractor::new(config.clone(), &weights, &ComputeDevice::flex()).unwrap();
        let of = |extractor: &Extractor, pixels: &[f32]| {
            extractor.embed_to_host(ImageInput { width: 88, height: 72, pixels }).unwrap()
        };
        for device in devices() {
            let extractor = Extractor::new(config.clone(), &weights, &device).unwrap();
            // A grey photo has the features of three equal channels, on the CPU's own kernels too.
            for (pixels, expected) in [(&pixels[..], &pixels[..]), (grey, &grey.repeat(3))] {
                let ((found, found_grid), (expected, grid)) = (of(&extractor, pixels), of(&cpu, expected));
                assert_eq!(found_grid, grid);
                assert_close(&found, &expected, 1e-4, &format!("{} {mode:?} {}", device.name(), pixels.len()));
            }
        }
    }
}

/// Fit and score on the device, several photos at once and one by one; the file scores on the CPU, and the CPU's here.
#[test]
fn models_move_between_devices() {
    let folder = tempfile::tempdir().unwrap();
    let photos: Vec<_> = (0..3).map(|seed| part::photo(300 + seed, seed == 1)).collect();
    for mode in [Mode::Paper, Mode::Authors, Mode::Line] {
        let cpu = ComputeDevice::flex();
        let on_cpu = Model::fit(&settings(mode, &cpu), part::good(4)).unwrap();
        for device in devices() {
            let name = device.name();
            let own = Model::fit(&settings(mode, &device), part::good(4)).unwrap();
            let inputs: Vec<_> = photos.iter().map(|photo| own.prepare(photo).unwrap()).collect();
            let together: Vec<_> = own.scores(&inputs).map(|scored| scored.result.unwrap()).collect();
            assert!(together[1].score > 1.5 * together[0].score, "{name} {mode:?}");
            for (photo, together) in photos.iter().zip(&together) {
                let alone = own.score(photo).unwrap();
                assert!((alone.score / together.score - 1.0).abs() < 1e-4, "{name} {mode:?}");
                assert_close(&alone.map.scores, &together.map.scores, 1e-4, &name);
            }
            for (model, to) in [(&own, &cpu), (&on_cpu, &device)] {
                let path = folder.path().join("moved.patchcore");
                model.save(&path, Save::WithoutWeights).unwrap();
                let moved = Model::load_with(&path, &LoadOptions::default().device(to.name())).unwrap();
                let drift = moved.core().drift().unwrap();
                assert!(drift.worst() < 1e-4, "{name} {mode:?}: {drift:?}");
                for photo in &photos {
                    let (here, there) = (model.score(photo).unwrap(), moved.score(photo).unwrap());
                    assert!((here.score / there.score - 1.0).abs() < 1e-3, "{name} {mode:?}");
                    assert_close(&there.map.scores, &here.map.scores, 1e-3, &name);
                    assert_eq!(there.map.scores.len(), here.map.scores.len());
                }
            }
        }
    }
}

/// Tensors in, tensors out: the scores and maps of [`Model::score`], for colour and grey, on every device that has tensors.
#[test]
fn tensors_score_as_photos_do() {
    for (mode, planes) in [(Mode::Paper, 3), (Mode::Authors, 1), (Mode::Anomalib, 3), (Mode::Line, 3)] {
        for device in devices() {
            let name = device.name();
            let model = Model::fit(&settings(mode, &device), part::good(2)).unwrap();
            let photos: Vec<_> = (0..2).map(|seed| part::photo(300 + seed, seed == 1)).collect();
            let inputs: Vec<_> = photos.iter().map(|photo| model.prepare(photo).unwrap()).collect();
            let (height, width) = (inputs[0].height, inputs[0].width);
            let planes_of = |input: &NetworkInput| input.rgb_planes()[..planes * height * width].to_vec();
            let pixels: Vec<f32> = inputs.iter().flat_map(planes_of).collect();
            let data = TensorData::new(pixels.clone(), [2, planes, height, width]);
            let images = Tensor::<4>::from_data(data, burn_device(&device).unwrap());
            let scored = model.core().score_tensors(images).unwrap();
            let scores = scored.scores.try_into_vec_as::<f32>().unwrap();
            assert_eq!(scored.maps.dims(), [2, 1, height, width]);
            let maps = scored.maps.try_into_vec_as::<f32>().unwrap();
            for (index, pixels) in pixels.chunks_exact(planes * height * width).enumerate() {
                let expected = model.core().score(ImageInput { width, height, pixels }).unwrap();
                let what = format!("{name} {mode:?} {planes} planes");
                assert!(
                    (scores[index] / expected.score - 1.0).abs() < 1e-3,
                    "{what}: {} {}",
                    scores[index],
                    expected.score
                );
                let map = &maps[index * height * width..(index + 1) * height * width];
                assert_close(map, &expected.map.scores, 1e-3, &what);
            }
        }
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let cpu = Model::fit(&settings(Mode::Paper, &ComputeDevice::cpu()), part::good(2)).unwrap();
    let flex = Model::fit(&settings(Mode::Paper, &ComputeDevice::flex()), part::good(2)).unwrap();
    let burn = burn_device(flex.device()).unwrap().clone();
    let refusal = |model: &Model, shape: [usize; 4]| {
        model.core().score_tensors(Tensor::zeros(shape, &burn)).map(|_| ()).unwrap_err().to_string()
    };
    for shape in [[0, 3, 64, 64], [1, 2, 64, 64], [1, 4, 64, 64], [1, 3, 64, 3]] {
        assert!(refusal(&flex, shape).contains("expected [images >= 1, 3 or 1, height, width]"), "{shape:?}");
    }
    assert!(refusal(&cpu, [1, 3, 64, 64]).contains("device `cpu` computes without Burn's tensors: open `flex`"));
}

/// The device `cpu` computes without Burn what `flex` computes beside it: the same bits, and files that go both ways.
#[test]
fn the_cpu_without_burn_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cpu.patchcore");
    for mode in MODES {
        let fit = |device: &ComputeDevice| Model::fit(&settings(mode, device), part::good(4)).unwrap();
        let (cpu, flex) = (fit(&ComputeDevice::cpu()), fit(&ComputeDevice::flex()));
        assert_eq!(cpu.banks(), flex.banks(), "{mode:?}");
        cpu.save(&path, Save::WithoutWeights).unwrap();
        let moved = Model::load(&path).unwrap();
        assert_eq!(moved.drift().unwrap().worst(), 0.0, "{mode:?}");
        for (seed, defect) in [(300, false), (301, true)] {
            let photo = part::photo(seed, defect);
            let (own, burn) = (cpu.score(&photo).unwrap(), flex.score(&photo).unwrap());
            assert_eq!(own.score.to_bits(), burn.score.to_bits(), "{mode:?}");
            assert_eq!(own.map, burn.map, "{mode:?}");
        }
    }
}

/// Photos that need padding, of other sizes, grey and in colour, and ones that fail, between photos that go together: the
/// same patches of the same photos, in the same order, as on the CPU.
#[test]
fn a_fit_in_batches_takes_the_patches_of_a_fit_one_by_one() {
    let photo = |width: u32, height: u32, seed: u32, bytes: usize| {
        let data: Vec<u8> =
            (0..(width * height) as usize * bytes).map(|i| (i * 37 % (61 + seed as usize)) as u8).collect();
        let format = if bytes == 1 { PixelFormat::Gray8 } else { PixelFormat::Rgb8 };
        Photo::from_buffer(&PixelBuffer { data: &data, width, height, stride: width as usize * bytes, format }).unwrap()
    };
    let fit = |device: &ComputeDevice| {
        let settings =
            Settings { pad_to_stride: true, coreset_sampling_ratio: Some(1.0), ..settings(Mode::Paper, device) };
        let good = [(64, 48, 0, 1), (64, 48, 1, 3), (49, 33, 2, 1), (64, 48, 3, 1), (48, 48, 4, 3), (48, 48, 5, 3)];
        let mut photos: Vec<(String, Photo)> = good
            .into_iter()
            .map(|(width, height, seed, bytes)| (format!("good {seed}"), photo(width, height, seed, bytes)))
            .collect();
        photos.insert(4, ("too large".to_owned(), photo(1, 9_000, 6, 1)));
        let mut told = Vec::new();
        let options = FitOptions::default().progress(|progress: Progress| {
            told.push((progress.stage, progress.done));
            ControlFlow::Continue(())
        });
        let report = Model::fit_with(&settings, photos, options).unwrap();
        assert_eq!(told.iter().rfind(|(stage, _)| *stage == Stage::Features), Some(&(Stage::Features, 7)));
        let rejected: Vec<String> = report.rejected.iter().map(|(name, _)| name.clone()).collect();
        (report.model, rejected)
    };
    let (expected, rejected) = fit(&ComputeDevice::flex());
    assert_eq!(rejected, ["too large"]);
    // Of the 8 x 6 cells of 49 x 33, padded to 64 x 48, the last column and the last row are padding and do not count.
    assert_eq!((expected.core().fitted_on().images, expected.core().bank().len()), (6, 3 * 48 + 35 + 2 * 36));
    for device in devices() {
        let (found, also) = fit(&device);
        assert_eq!(also, rejected);
        assert_eq!(found.training_photos(), expected.training_photos());
        assert_eq!(found.core().bank().origins(), expected.core().bank().origins(), "{}", device.name());
        assert_close(found.core().bank().rows(), expected.core().bank().rows(), 1e-4, &device.name());
    }
}

/// Half precision, where a device has it: within its own stated tolerance, and refused where that is too much.
#[test]
fn half_precision_stays_within_its_tolerance() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.patchcore");
    let cpu = ComputeDevice::flex();
    let model = Model::fit(&settings(Mode::Paper, &cpu), part::good(4)).unwrap();
    model.save(&path, Save::WithoutWeights).unwrap();
    for device in devices() {
        for precision in [Precision::F16, Precision::Bf16] {
            if let Err(error) = device.clone().with_precision(precision) {
                println!("skipped: {error}");
                continue;
            }
            let options = LoadOptions::default().device(device.name()).precision(precision);
            let half = Model::load_with(&path, &options).unwrap();
            let drift = half.core().drift().unwrap();
            println!("{} {}: {drift:?}", device.name(), precision.name());
            assert!(drift.worst() > 0.0 && drift.worst() <= precision.drift_tolerance(), "{drift:?}");
            for seed in 0..3 {
                let photo = part::photo(400 + seed, seed == 1);
                let (exact, rounded) = (model.score(&photo).unwrap(), half.score(&photo).unwrap());
                let share = f64::from((rounded.score / exact.score - 1.0).abs());
                assert!(share <= precision.drift_tolerance(), "{} {}: {share}", device.name(), precision.name());
            }
        }
    }
}

#[test]
fn a_device_that_scores_differently_is_refused_by_the_passport() {
    let cpu = ComputeDevice::flex();
    let model = Model::fit(&settings(Mode::Paper, &cpu), part::good(3)).unwrap();
    let weights = Settings::default().load_weights().unwrap();
    let mut file = ModelFile::new(model.core());
    file.clone().into_model(Some((&weights).into()), &cpu, DriftPolicy::Refuse).unwrap();
    let passport = file.sections.passport.as_mut().unwrap();
    passport.entries[1].score *= 1.01;
    let error = file.clone().into_model(Some((&weights).into()), &cpu, DriftPolicy::Refuse).unwrap_err().to_string();
    for word in ["device flex in f32", "9.9e-3", "allow the drift", "compare the device with the CPU"] {
        assert!(error.contains(word), "{error}");
    }
    let allowed = file.into_model(Some((&weights).into()), &cpu, DriftPolicy::Allow).unwrap();
    assert!((allowed.drift().unwrap().score - 0.01 / 1.01).abs() < 1e-4);
}

#[test]
fn an_f16_bank_halves_the_file_and_hardly_moves_the_scores() {
    let cpu = ComputeDevice::flex();
    let fit = |bank_dtype| Model::fit(&Settings { bank_dtype, ..settings(Mode::Paper, &cpu) }, part::good(4)).unwrap();
    let (full, half) = (fit(BankDtype::F32), fit(BankDtype::F16));
    let folder = tempfile::tempdir().unwrap();
    let paths = ["full", "half"].map(|name| folder.path().join(name));
    full.save(&paths[0], Save::WithoutWeights).unwrap();
    half.save(&paths[1], Save::WithoutWeights).unwrap();
    let [full_size, half_size] = paths.clone().map(|path| std::fs::metadata(path).unwrap().len());
    assert!((half_size as f64) < 0.6 * full_size as f64, "{half_size} of {full_size}");
    for device in devices() {
        let loaded = Model::load_with(&paths[1], &LoadOptions::default().device(device.name())).unwrap();
        for seed in 0..3 {
            let photo = part::photo(500 + seed, seed == 2);
            let (exact, rounded) = (full.score(&photo).unwrap(), loaded.score(&photo).unwrap());
            assert!((rounded.score / exact.score - 1.0).abs() < 5e-3, "{}", device.name());
        }
    }
}

#[test]
fn the_doctor_finds_every_device_well() {
    let start = std::time::Instant::now();
    for device in devices() {
        let clock = || start.elapsed();
        let report = patchcore::doctor(&device.name(), Precision::F32, None, &clock, &mut |_| ()).unwrap();
        assert!(report.passed(), "{report:#?}");
        let formats: Vec<&str> = report.decoders.iter().map(|decoder| decoder.format).collect();
        assert_eq!(formats, ["PNG", "JPEG", "BMP", "TIFF", "WebP"]);
        assert!(report.stages.iter().all(|row| row.device_ms > 0.0 && row.cpu_ms > 0.0), "{report:#?}");
    }
}

#[test]
fn the_example_with_tensors_scores_as_slices_do() {
    let [by_tensors, by_slices] = crate::burn_tensors::run().unwrap();
    assert_eq!(by_tensors.len(), 2);
    assert_close(&by_tensors, &by_slices, 1e-3, "scores by tensors");
}
