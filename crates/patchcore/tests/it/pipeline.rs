//! Fit and score through the public API: order and batches do not matter, the seed decides, a defect stands out.

use patchcore::{MODES, Mode, Model, Settings};

use crate::part;

fn settings(mode: Mode) -> Settings {
    Settings { mode, resize: Some(patchcore::Resize::Keep), coreset_sampling_ratio: Some(0.2), ..Settings::default() }
}

#[test]
fn a_defect_scores_higher_and_is_found_where_it_is() {
    for mode in MODES {
        let model = Model::fit(&settings(mode), part::good(6)).unwrap();
        let good = model.score(&part::photo(40, false)).unwrap();
        let bad = model.score(&part::photo(41, true)).unwrap();
        assert!(bad.score > 1.5 * good.score, "{mode:?}: {} {}", bad.score, good.score);
        let (x, y) = bad.worst_at;
        assert!((x - 44.0).abs() < 14.0 && (y - 56.0).abs() < 14.0, "{mode:?}: {x} {y}");
        assert_eq!((bad.map.width, bad.map.height), (part::SIDE as usize, part::SIDE as usize));
        assert!(bad.nearest_good.image.unwrap().starts_with("photo "));
    }
}

#[test]
fn scores_do_not_depend_on_what_was_scored_before() {
    let model = Model::fit(&settings(Mode::Paper), part::good(5)).unwrap();
    let photos: Vec<_> = (0..32).map(|seed| part::photo(100 + seed, seed % 3 == 0)).collect();
    let forwards: Vec<_> = photos.iter().map(|photo| model.score(photo).unwrap()).collect();
    let mut backwards: Vec<_> = photos.iter().rev().map(|photo| model.score(photo).unwrap()).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    // Several threads at once are what stands for a batch here.
    for batch in [1, 8, 32] {
        let scores: Vec<_> = photos
            .chunks(batch)
            .flat_map(|chunk| {
                std::thread::scope(|scope| {
                    let threads: Vec<_> =
                        chunk.iter().map(|photo| scope.spawn(|| model.score(photo).unwrap())).collect();
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        assert_eq!(scores, forwards, "{batch} at once");
    }
}

#[test]
fn the_seed_decides_the_bank() {
    let fit = |seed| Model::fit(&Settings { seed, ..settings(Mode::Authors) }, part::good(4)).unwrap();
    let (first, again, other) = (fit(3), fit(3), fit(4));
    assert_eq!(first.core().bank(), again.core().bank());
    assert_ne!(first.core().bank(), other.core().bank());
}

#[test]
fn every_bank_row_is_the_embedding_of_its_origin() {
    let photos = part::good(4);
    let model = Model::fit(&settings(Mode::Paper), photos.clone()).unwrap();
    let bank = model.core().bank();
    for (image, photo) in photos.iter().enumerate() {
        let input = model.prepare(photo).unwrap();
        let pixels = patchcore_core::ImageInput { width: input.width, height: input.height, pixels: &input.data };
        let (rows, grid) = model.core().extractor().embed_to_host(pixels).unwrap();
        let origins = bank.origins().unwrap().iter().enumerate();
        for (index, origin) in origins.filter(|(_, origin)| origin.image as usize == image) {
            let cell = usize::from(origin.row) * grid.columns + usize::from(origin.column);
            assert_eq!(bank.row(index), &rows[cell * bank.dim()..(cell + 1) * bank.dim()]);
        }
    }
}

#[test]
fn a_photo_smaller_or_larger_than_the_training_photos_is_fine() {
    let model = Model::fit(&settings(Mode::Paper), part::good(4)).unwrap();
    // In whole cells of 16 pixels.
    for ((width, height), expected) in [((64, 200), (64, 208)), ((33, 41), (32, 48)), ((8, 8), (16, 16))] {
        let photo = patchcore::Photo::from_dynamic(image::DynamicImage::new_rgb8(width, height));
        let score = model.score(&photo).unwrap();
        assert_eq!((score.map.width, score.map.height), expected);
    }
}

/// 1 x 1 pixel was learnt and scored like any photo.
#[test]
fn a_photo_that_would_be_made_up_is_refused() {
    use patchcore::Error;
    use patchcore_io::ImageError;

    let settings = Settings { coreset_sampling_ratio: Some(0.2), ..Settings::default() };
    let model = Model::fit(&settings, part::good(2)).unwrap();
    for (width, height) in [(1, 1), (7, 7), (31, 400), (400, 31)] {
        let photo = || image::DynamicImage::new_rgb8(width, height);
        let refused = [
            model.score(&photo().into()).unwrap_err(),
            Model::fit(&settings, [photo()]).unwrap_err(),
            model.scores([photo()]).next().unwrap().result.unwrap_err(),
            model.calibrate([photo()], Default::default()).unwrap().rejected.remove(0).1,
        ];
        for error in refused {
            let Error::Image(ImageError::TooSmall { needed, .. }) = error else { panic!("{error}") };
            assert!(needed.width.min(needed.height) == 32, "{needed}");
        }
    }
    assert!(model.score(&image::DynamicImage::new_rgb8(32, 40).into()).is_ok());
}
