//! One image of an evaluation: its score, its map and its truth.

use patchcore_core::scoring::AnomalyMap;
use patchcore_io::{Geometry, HiddenDefect, TestImage};
use patchcore_metrics::LabelledMap;
use patchcore_metrics::threshold::Verdict;

use crate::error::Error;
use crate::regions::DefectRegion;
use crate::remarks::Remark;
use crate::score::NearestGood;

/// One test image and what became of it.
#[derive(Debug)]
pub struct EvaluatedImage {
    /// The image.
    pub image: TestImage,
    /// The image score, or why there is none.
    pub score: Result<f32, Error>,
    /// Why a defective image's pixels are not in the pixel metrics (its mask is missing, of another size, black, ...).
    pub mask_error: Option<Error>,
    /// Why no defective pixel of a defective image counts, though its mask could be read. [`HiddenDefect::NoDefectivePixel`] is a
    /// [`EvaluatedImage::mask_error`] too; with any other cause the image's pixels count as good ones.
    pub hidden: Option<HiddenDefect>,
    /// Where its worst patch is, in which geometry, and like which good one; `None` for an image that failed.
    pub worst: Option<WorstPatch>,
    /// One score per pixel of the network's view; `None` for an image that failed.
    pub map: Option<AnomalyMap>,
    /// The ground truth in the same view; `None` without a usable one, or where no pixel of the view is defective.
    pub truth: Option<Vec<bool>>,
    /// Which pixels count, of the map's size; `None`: all of them.
    pub inside: Option<Vec<bool>>,
    /// What the model's thresholds make of the score; `None` without one, and for an image that failed.
    pub verdict: Option<Verdict>,
    /// The regions of its map above the pixel threshold ([`Model::regions`](crate::Model::regions)).
    pub regions: Vec<DefectRegion>,
    /// What is odd about the photo; as a rule nothing.
    pub remarks: Vec<Remark>,
}

/// What a [`Score`](crate::Score) says of the worst patch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WorstPatch {
    /// Its centre in the photo: column, row.
    pub at: (f64, f64),
    /// The good patch that is nearest to it.
    pub nearest_good: NearestGood,
    /// How the network's input lies in the photo.
    pub geometry: Geometry,
}

impl EvaluatedImage {
    /// Defective pixels that count; 0 for a defective image has its reason in `hidden` or `mask_error`.
    pub fn defective_pixels(&self) -> usize {
        let Some(truth) = &self.truth else { return 0 };
        let counts = |pixel: usize| self.inside.as_ref().is_none_or(|inside| inside.get(pixel) == Some(&true));
        truth.iter().enumerate().filter(|(pixel, defective)| **defective && counts(*pixel)).count()
    }

    /// Whether the map is highest on a defective pixel, among the pixels that count; of equally high ones the first counts, row by row.
    /// Truth and map are in one geometry, so a mask that was resized is taken as it came out of that. `None` for an image that
    /// failed, and where no defective pixel counts.
    pub fn worst_on_defect(&self) -> Option<bool> {
        let (map, truth) = (self.map.as_ref()?, self.truth.as_ref()?);
        if self.defective_pixels() == 0 {
            return None;
        }
        let counts = |pixel: usize| self.inside.as_ref().is_none_or(|inside| inside.get(pixel) == Some(&true));
        let scores = map.scores.iter().enumerate().filter(|(pixel, _)| counts(*pixel));
        let (worst, _) = scores.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        truth.get(worst).copied()
    }

    /// The map with its truth and its region, as the pixel metrics take it; `None` for an image that failed, and without
    /// a usable mask, when it is not known which pixels are good.
    pub fn labelled_map(&self) -> Option<LabelledMap<'_>> {
        let map = self.map.as_ref().filter(|_| self.mask_error.is_none())?;
        Some(LabelledMap {
            width: map.width,
            height: map.height,
            scores: &map.scores,
            mask: self.truth.as_deref(),
            inside: self.inside.as_deref(),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// An image of 3 x 2 pixels whose map has these scores.
    pub(crate) fn image(scores: [f32; 6], truth: Option<[bool; 6]>, inside: Option<[bool; 6]>) -> EvaluatedImage {
        let test = TestImage {
            path: PathBuf::new(),
            relative: String::new(),
            kind: "hole".to_owned(),
            is_anomalous: true,
            masks: Vec::new(),
            mask_fault: None,
        };
        EvaluatedImage {
            image: test,
            score: Ok(1.0),
            mask_error: None,
            hidden: None,
            worst: None,
            map: Some(AnomalyMap { width: 3, height: 2, scores: scores.to_vec() }),
            truth: truth.map(Vec::from),
            inside: inside.map(Vec::from),
            verdict: None,
            regions: Vec::new(),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn the_worst_place_is_the_first_highest_pixel_that_counts() {
        let (yes, no) = (true, false);
        let last = Some([no, no, no, no, no, yes]);
        let on = |scores, inside| image(scores, last, inside).worst_on_defect();
        assert_eq!(on([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], None), Some(true));
        assert_eq!(on([9.0, 1.0, 2.0, 3.0, 4.0, 5.0], None), Some(false));
        // Equally high: the first, row by row.
        assert_eq!(on([5.0, 1.0, 2.0, 3.0, 4.0, 5.0], None), Some(false));
        assert_eq!(on([9.0, 1.0, 2.0, 3.0, 4.0, 5.0], Some([no, yes, yes, yes, yes, yes])), Some(true));
        // No defective pixel, or none that counts, and no image.
        assert_eq!(on([0.0; 6], Some([yes, yes, yes, yes, yes, no])), None);
        assert_eq!(image([0.0; 6], None, None).worst_on_defect(), None);
        assert_eq!(EvaluatedImage { map: None, ..image([0.0; 6], last, None) }.worst_on_defect(), None);
    }
}
