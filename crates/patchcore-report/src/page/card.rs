//! One image in a gallery: photo, heat map, the worst patch and the good patch it was compared with.

use image::RgbImage;

use super::picture::Picture;
use super::{ImageRow, Threshold};
use crate::number::number;
use crate::{ColorScale, ReportError, overlay};

/// What is shown of an image. The caller loads it only for the images that a page shows.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The photo as the network saw it.
    pub photo: RgbImage,
    /// `[map_height * map_width]` anomaly scores over the same field of view, in the unit of the pixel threshold.
    pub map: Vec<f32>,
    /// Columns of the map.
    pub map_width: u32,
    /// Rows of the map.
    pub map_height: u32,
    /// The true defect, row-major at the photo's size; `None` for a good image and where there is no mask.
    pub truth: Option<Vec<bool>>,
    /// The photo around its worst patch.
    pub worst: Option<RgbImage>,
    /// The good patch that is nearest to the worst one.
    pub nearest: Option<NearestPatch>,
}

/// A patch of a training photo.
#[derive(Debug, Clone)]
pub struct NearestPatch {
    /// Name of the training photo; `None` where the model does not say.
    pub image: Option<String>,
    /// Row and column of its patch grid, from 0; `None` where the model does not say.
    pub cell: Option<[usize; 2]>,
    /// Distance between the two patches, in the unit of the patch scores.
    pub distance: f32,
    /// The training photo around the patch, or why it cannot be shown.
    pub crop: Result<RgbImage, String>,
}

/// A picture and what stands below it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) picture: Picture,
    pub(crate) caption: String,
}

/// A card as the template wants it.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) path: String,
    pub(crate) verdict: String,
    pub(crate) views: Vec<Shown>,
    pub(crate) crops: Vec<Shown>,
    /// The nearest good patch in words.
    pub(crate) nearest: Option<String>,
    /// Why something is not shown.
    pub(crate) missing: Option<String>,
}

impl Card {
    /// A card of an image; when its evidence cannot be had, the reason in the place of the pictures.
    pub(super) fn new(
        row: &ImageRow,
        evidence: Result<Evidence, String>,
        threshold: Option<&Threshold>,
        scale: &ColorScale,
    ) -> Result<Self, ReportError> {
        let verdict = verdict(row, threshold);
        let mut card = Self {
            path: row.path.clone(),
            verdict,
            views: Vec::new(),
            crops: Vec::new(),
            nearest: None,
            missing: None,
        };
        match evidence {
            Ok(evidence) => card.show(row, &evidence, scale)?,
            Err(reason) => card.missing = Some(format!("The photo cannot be shown: {reason}")),
        }
        Ok(card)
    }

    fn show(&mut self, row: &ImageRow, evidence: &Evidence, scale: &ColorScale) -> Result<(), ReportError> {
        let Evidence { photo, map, map_width, map_height, truth, worst, nearest } = evidence;
        let truth = truth.as_deref();
        let heat = overlay(photo, map, *map_width, *map_height, scale, truth)?;
        let highest = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (what, says) = (&row.path, &self.verdict);
        let mut lines = Vec::new();
        if highest > scale.threshold {
            lines.push("white line: at the pixel threshold");
        }
        if truth.is_some() {
            lines.push("dashed cyan: the true defect");
        }
        let caption = if lines.is_empty() { "heat map".to_owned() } else { format!("heat map; {}", lines.join("; ")) };
        self.views = vec![
            Shown { picture: Picture::new(photo, format!("Photo {what}. {says}"))?, caption: "photo".to_owned() },
            Shown {
                picture: Picture::new(
                    &heat,
                    format!("Heat map of {what}. {says} The highest score of the map is {}.", number(highest)),
                )?,
                caption,
            },
        ];
        if let Some(worst) = worst {
            let picture = Picture::new(worst, format!("The worst place of {what}"))?;
            self.crops.push(Shown { picture, caption: "its worst place".to_owned() });
        }
        if let Some(nearest) = nearest {
            let image = nearest.image.as_deref().unwrap_or("a photo without a name");
            let place = match nearest.cell {
                Some([row, column]) => format!("row {row}, column {column}"),
                None => "at an unknown place".to_owned(),
            };
            let distance = number(nearest.distance);
            self.nearest = Some(format!("Nearest good patch: {image}, {place}, at a distance of {distance}."));
            match &nearest.crop {
                Ok(crop) => {
                    let picture = Picture::new(crop, format!("The nearest good patch, in {image}"))?;
                    self.crops.push(Shown { picture, caption: "nearest good patch".to_owned() });
                }
                Err(reason) => {
                    self.missing = Some(format!("The training photo {image} cannot be shown: {reason}"));
                }
            }
        }
        Ok(())
    }
}

/// What the image is, what it is called, and by which score.
fn verdict(row: &ImageRow, threshold: Option<&Threshold>) -> String {
    let is = if row.is_anomalous { format!("Defective ({})", row.kind) } else { "Good".to_owned() };
    match (row.score, threshold) {
        (Some(score), Some(threshold)) => {
            let called = if threshold.calls_defective(score) { "defective" } else { "good" };
            format!("{is}, called {called}: score {}, threshold {}.", number(score), threshold.shown())
        }
        (Some(score), None) => format!("{is}: score {}.", number(score)),
        (None, _) => format!("{is}, not scored."),
    }
}
