//! Which images a reader must look at: the worst false alarms, the worst misses, and what lies near the threshold.

use super::ImageRow;
use super::verdicts::{Call, Verdicts};

/// A named choice of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// Used in addresses within the page.
    pub(super) id: &'static str,
    /// Heading.
    pub(super) title: &'static str,
    /// What it is, and how it is ordered.
    pub(super) about: &'static str,
    /// Said in the place of an empty gallery.
    pub(super) none: &'static str,
    /// Indices into the images, the first to look at first.
    pub(super) images: Vec<usize>,
    /// How many there are before the cut; `None` where that says nothing, because every image is a candidate.
    pub(super) total: Option<usize>,
}

/// Chooses at most `most` images for each gallery; no image is in two. Without a threshold there is one gallery, of the
/// highest scores.
pub(super) fn choose(images: &[ImageRow], verdicts: Verdicts<'_>, most: usize) -> Vec<Choice> {
    let scored: Vec<(usize, f32, bool)> =
        images.iter().enumerate().filter_map(|(i, row)| Some((i, row.score?, row.is_anomalous))).collect();
    let take = |mut candidates: Vec<(usize, f32)>| -> (Vec<usize>, usize) {
        candidates.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        (candidates.iter().take(most).map(|(index, _)| *index).collect(), candidates.len())
    };
    let Some(threshold) = verdicts.threshold else {
        let (images, _) = take(scored.iter().map(|&(index, score, _)| (index, -score)).collect());
        return vec![Choice {
            id: "highest",
            title: "Highest scores",
            about: "There is no threshold, so no verdict: the images with the highest scores, highest first.",
            none: "No image was scored.",
            images,
            total: None,
        }];
    };
    let called = |call: Call| scored.iter().filter(move |row| verdicts.call(row.1) == Some(call));
    let alarms = called(Call::Defective).filter(|row| !row.2).map(|row| (row.0, -row.1)).collect();
    let misses = called(Call::Good).filter(|row| row.2).map(|row| (row.0, row.1)).collect();
    let (alarms, n_alarms) = take(alarms);
    let (misses, n_misses) = take(misses);
    let elsewhere = |index: &usize| alarms.contains(index) || misses.contains(index);
    let near = scored.iter().filter(|row| !elsewhere(&row.0));
    let (near, _) = take(near.map(|row| (row.0, (row.1 - threshold.value).abs())).collect());
    vec![
        Choice {
            id: "false-alarms",
            title: "False alarms",
            about: "Good parts that are called defective, highest score first.",
            none: "No good part is called defective.",
            images: alarms,
            total: Some(n_alarms),
        },
        Choice {
            id: "misses",
            title: "Misses",
            about: "Defective parts that are called good, lowest score first.",
            none: "No defective part is called good.",
            images: misses,
            total: Some(n_misses),
        },
        Choice {
            id: "borderline",
            title: "Borderline",
            about: "Of the other images, those whose scores are nearest to the threshold, on either side.",
            none: "No other image was scored.",
            images: near,
            total: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Threshold;

    fn rows(scores: &[(f32, bool)]) -> Vec<ImageRow> {
        let row = |&(score, is_anomalous): &(f32, bool)| ImageRow {
            path: String::new(),
            kind: String::new(),
            is_anomalous,
            score: Some(score),
            error: None,
        };
        scores.iter().map(row).collect()
    }

    #[test]
    fn the_worst_come_first_and_no_image_twice() {
        let images =
            rows(&[(1.0, false), (5.0, false), (9.0, false), (2.0, true), (3.0, true), (8.0, true), (4.1, true)]);
        let threshold = Threshold { value: 4.0, how: String::new() };
        let chosen = choose(&images, Verdicts { threshold: Some(&threshold), look_again: None }, 2);
        let indices: Vec<&[usize]> = chosen.iter().map(|choice| choice.images.as_slice()).collect();
        assert_eq!(indices, [&[2, 1][..], &[3, 4], &[6, 0]]);
        let totals: Vec<Option<usize>> = chosen.iter().map(|choice| choice.total).collect();
        assert_eq!(totals, [Some(2), Some(2), None], "all images are near the threshold, more or less");
        // What is looked at again is neither an alarm nor a miss.
        let low = Threshold { value: 2.5, how: String::new() };
        let chosen = choose(&images, Verdicts { threshold: Some(&threshold), look_again: Some(&low) }, 2);
        assert_eq!(chosen[1].images, [3]);
    }

    #[test]
    fn without_a_threshold_the_highest_are_shown() {
        let none = Verdicts { threshold: None, look_again: None };
        let chosen = choose(&rows(&[(1.0, false), (5.0, false)]), none, 8);
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].images, [1, 0]);
    }
}
