//! Regions, the scale of the maps and the confidence, through the public API and against definitions.

use std::collections::VecDeque;

use patchcore::{
    CalibrateOptions, DefectRegion, Error, MapScale, Mode, Model, Resize, Score, Settings, Threshold, Thresholds,
    Verdict,
};

use crate::part;

fn fitted(mode: Mode) -> Model {
    let settings =
        Settings { resize: Some(Resize::Short(72)), coreset_sampling_ratio: Some(0.2), mode, ..Settings::default() };
    Model::fit(&settings, part::good(8)).unwrap()
}

/// Connected areas of the map above a value, literally: by filling each from its first pixel.
fn filled(score: &Score, threshold: f32) -> Vec<Vec<(usize, usize)>> {
    let (width, height) = (score.map.width, score.map.height);
    let above = |x: usize, y: usize| score.map.scores[y * width + x] > threshold;
    let mut seen = vec![false; width * height];
    let mut areas = Vec::new();
    for start in 0..width * height {
        if seen[start] || !above(start % width, start / width) {
            continue;
        }
        let (mut area, mut queue) = (Vec::new(), VecDeque::from([(start % width, start / width)]));
        seen[start] = true;
        while let Some((x, y)) = queue.pop_front() {
            area.push((x, y));
            for (dx, dy) in (0..9).map(|at| (at % 3, at / 3)) {
                let (Some(x), Some(y)) = ((x + dx).checked_sub(1), (y + dy).checked_sub(1)) else { continue };
                if x < width && y < height && above(x, y) && !std::mem::replace(&mut seen[y * width + x], true) {
                    queue.push_back((x, y));
                }
            }
        }
        areas.push(area);
    }
    areas
}

#[test]
fn regions_are_the_connected_areas_of_the_map_in_places_of_the_photo() {
    let model = fitted(Mode::Line);
    for threshold in [None, Some(0.9), Some(0.6), Some(0.3)] {
        let score = model.score(&part::photo(40, true)).unwrap();
        let highest = score.map.scores.iter().copied().fold(0.0, f32::max);
        let model = match threshold {
            None => model.clone(),
            Some(share) => {
                let pixel = Some(Threshold::manual(share * highest));
                model.clone().with_thresholds(Thresholds { pixel, ..Thresholds::default() }).unwrap()
            }
        };
        let regions = model.regions(&score, 0.0);
        let areas = filled(&score, model.map_scale().threshold);
        assert_eq!(regions.len(), areas.len());
        assert!(!regions.is_empty() && regions.windows(2).all(|pair| pair[0].peak >= pair[1].peak));
        // So many pixels of the photo is one of the input wide and high: whole grid cells, not quite what was asked for.
        let pixel = 96.0 / score.map.width as f64;
        assert_eq!((score.map.width, score.map.height), (80, 80));
        for region in &regions {
            let value = |(x, y): &(usize, usize)| score.map.scores[y * score.map.width + x];
            let same = |area: &&Vec<(usize, usize)>| {
                let peak = area.iter().map(value).fold(f32::MIN, f32::max);
                peak == region.peak && (area.len() as f64 * pixel * pixel - region.area).abs() < 1e-6
            };
            let area = areas.iter().find(same).unwrap_or_else(|| panic!("no area is {region:?}"));
            let (x, y) = region.peak_at;
            let peak_at = ((x + 0.5) / pixel - 0.5, (y + 0.5) / pixel - 0.5);
            assert_eq!(value(&(peak_at.0.round() as usize, peak_at.1.round() as usize)), region.peak);
            for (x, y) in area {
                let centre = ((*x as f64 + 0.5) * pixel, (*y as f64 + 0.5) * pixel);
                let (left, top) = (f64::from(region.left), f64::from(region.top));
                assert!((left..left + f64::from(region.width)).contains(&centre.0), "{centre:?} {region:?}");
                assert!((top..top + f64::from(region.height)).contains(&centre.1), "{centre:?} {region:?}");
            }
            let columns = || area.iter().map(|(x, _)| *x);
            let wide = columns().max().unwrap() - columns().min().unwrap() + 1;
            assert!(f64::from(region.width) < wide as f64 * pixel + 2.0, "the box is tight: {region:?}");
            let mean = columns().sum::<usize>() as f64 / area.len() as f64;
            assert!((region.centroid.0 - ((mean + 0.5) * pixel - 0.5)).abs() < 1e-6);
            assert!(region.nearest_good.origin.is_some() && region.nearest_good.distance > 0.0);
        }
        // The defect is a spot at columns 40 to 48 and rows 52 to 60.
        let DefectRegion { peak_at: (x, y), peak, .. } = regions[0];
        assert!((30.0..60.0).contains(&x) && (42.0..72.0).contains(&y), "{x} {y}");
        assert_eq!(peak, highest);
        assert_eq!(score.score, highest, "in mode line the image score is the highest peak");
        let largest = regions.iter().map(|region| region.area).fold(0.0, f64::max);
        assert!(model.regions(&score, largest).len() < regions.len() || regions.len() == 1);
        assert!(model.regions(&score, largest + 1.0).is_empty());
    }
}

#[test]
fn the_scale_of_the_maps_comes_from_good_pixels_and_a_flagged_photo_has_a_region() {
    let model = fitted(Mode::Line);
    let good = model.good_quantiles().unwrap();
    let at = |share| good.pixels_at(share).unwrap();
    let expected = MapScale { good: at(0.95), threshold: at(0.995), full: 2.0 * at(0.995) };
    assert_eq!(model.map_scale(), expected);
    let bad = model.score(&part::photo(40, true)).unwrap();
    // A threshold that is lower than that of pixels: what is above it has a region all the same.
    let image = Some(Threshold::manual(0.5 * expected.threshold));
    let model = model.with_thresholds(Thresholds { image, ..Thresholds::default() }).unwrap();
    assert_eq!(model.map_scale().threshold, 0.5 * expected.threshold);
    assert!(!model.regions(&bad, 0.0).is_empty());
    let pixel = Some(Threshold::manual(2.0 * expected.threshold));
    let model = model.with_thresholds(Thresholds { image, pixel, ..Thresholds::default() }).unwrap();
    assert_eq!(model.map_scale().threshold, 2.0 * expected.threshold, "a pixel threshold of its own is taken");
    // A stored one that nobody has set by hand is taken where it is lower: the pictures show more than a promise to photos does.
    let held_out: Vec<_> = (100..130).map(|seed| part::photo(seed, false)).collect();
    for mode in [Mode::Paper, Mode::Line] {
        let model = fitted(mode);
        let chosen = model.map_scale().threshold;
        let report = model.calibrate(&held_out, CalibrateOptions::default()).unwrap();
        let model = model.with_thresholds(report.thresholds(0.1, 0.95).unwrap()).unwrap();
        assert_eq!(model.thresholds().pixel.is_some(), mode == Mode::Paper);
        assert!(model.map_scale().threshold <= chosen, "{mode:?}");
        let bad = model.score(&part::photo(40, true)).unwrap();
        assert!(bad.verdict == Some(Verdict::Anomalous) && !model.regions(&bad, 0.0).is_empty(), "{mode:?}");
    }
    // Squared distances: four times the threshold.
    let MapScale { threshold, full, .. } = fitted(Mode::Authors).map_scale();
    assert_eq!(full, 4.0 * threshold);
}

#[test]
fn thresholds_bring_verdict_and_confidence() {
    let model = fitted(Mode::Line);
    let held_out: Vec<_> = (100..130).map(|seed| part::photo(seed, false)).collect();
    let report = model.calibrate(&held_out, CalibrateOptions::default()).unwrap();
    let thresholds = report.thresholds(0.1, 0.95).unwrap();
    let look_again = report.look_again(0.3, 0.95).unwrap();
    assert_eq!(thresholds.pixel, None, "the image score is the map's maximum: they would be the same");
    let (image, lower) = (thresholds.image.unwrap().value, look_again.value);
    assert!(lower < image, "{lower} {image}");
    let mut scores: Vec<f32> = report.scores.iter().map(|photo| photo.score).collect();
    scores.sort_by(f32::total_cmp);
    assert_eq!(thresholds.confidence_scale, Some(image - scores[15]));
    let model = model.with_thresholds(Thresholds { look_again: Some(look_again), ..thresholds }).unwrap();
    for photo in &report.scores {
        let at = report.scores.iter().position(|other| other.image == photo.image).unwrap();
        let score = model.score(&held_out[at]).unwrap();
        let verdict = if photo.score > lower { Verdict::LookAgain } else { Verdict::Good };
        assert_eq!((score.score, score.verdict), (photo.score, Some(verdict)));
        assert_eq!(score.confidence == Some(0.5), photo.score == image);
        assert!(score.confidence <= Some(0.5));
    }
    let bad = model.score(&part::photo(40, true)).unwrap();
    assert!(bad.verdict == Some(Verdict::Anomalous) && bad.confidence > Some(0.5), "{:?}", bad.confidence);
    // A threshold that somebody sets has the scale of the fit's own good photos.
    let manual = Thresholds { image: Some(Threshold::manual(2.0 * image)), ..Thresholds::default() };
    let by_hand = model.clone().with_thresholds(manual).unwrap().thresholds();
    let median = model.good_quantiles().unwrap().pixels_at(0.5).unwrap();
    assert_eq!(by_hand.confidence_scale, Some(2.0 * image - median));
    // The second threshold is the lower one, and needs a first one.
    for (image, found) in [(Some(Threshold::manual(1.0)), Some(1.0)), (None, None)] {
        let wrong = Thresholds { image, look_again: Some(Threshold::manual(1.5)), ..Thresholds::default() };
        let error = model.clone().with_thresholds(wrong).unwrap_err();
        assert!(matches!(&error, Error::WrongLookAgain { look_again: 1.5, image } if *image == found), "{error}");
        assert!(error.to_string().contains("1.5") && error.to_string().contains("at most"), "{error}");
    }
}
