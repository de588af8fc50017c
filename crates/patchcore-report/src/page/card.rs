//! One image in a gallery: photo, heat map, the map alone where the verdict is wrong, the worst patch and the good patch it was compared with.

use image::RgbImage;

use super::ImageRow;
use super::picture::Picture;
use super::verdicts::{Call, Verdicts};
use crate::number::number;
use crate::region_box::draw_box;
use crate::{ColorScale, PixelBox, ReportError, heat_map, overlay};

/// What is shown of an image. The caller loads it only for the images that a page shows.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The field of view that the network saw, at any size; it is shown with its long side up to 512 pixels.
    pub photo: RgbImage,
    /// `[map_height * map_width]` anomaly scores over the same field of view, in the unit of the pixel threshold.
    pub map: Vec<f32>,
    /// Columns of the map.
    pub map_width: u32,
    /// Rows of the map.
    pub map_height: u32,
    /// The true defect, row-major at the photo's size; `None` for a good image and where there is no mask.
    pub truth: Option<Vec<bool>>,
    /// The regions above the pixel threshold, the highest first, in pixels of `photo`.
    pub regions: Vec<PixelBox>,
    /// How large the largest of them is, in words; empty without one.
    pub largest_region: String,
    /// The photo around its worst patch, which is boxed ([`crop_with_box`](crate::crop_with_box)).
    pub worst: Option<RgbImage>,
    /// The good patch that is nearest to the worst one.
    pub nearest: Option<NearestPatch>,
}

/// A patch of a training photo.
#[derive(Debug, Clone)]
pub struct NearestPatch {
    /// Name of the training photo for people, such as its path in the data set; `None` where the model does not say.
    pub image: Option<String>,
    /// Row and column of its patch grid, from 0; `None` where the model does not say.
    pub cell: Option<[usize; 2]>,
    /// Distance between the two patches, in the unit of the patch scores.
    pub distance: f32,
    /// The training photo around the patch, which is boxed, or why it cannot be shown.
    pub crop: Result<RgbImage, String>,
}

/// A picture and what stands below it.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Unique in the page: where it is enlarged.
    pub(crate) id: String,
    pub(crate) picture: Picture,
    pub(crate) caption: String,
}

/// A card as the template wants it.
#[derive(Debug)]
pub(crate) struct Card {
    /// Unique in the page.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) verdict: String,
    pub(crate) views: Vec<Shown>,
    /// Its regions in words.
    pub(crate) regions: Option<String>,
    /// The nearest good patch in words.
    pub(crate) nearest: Option<String>,
    /// Why something is not shown.
    pub(crate) missing: Option<String>,
}

/// Boxes on a picture: of the highest regions, where there are more.
const BOXES: usize = 20;

impl Card {
    /// A card of an image, the `index`-th of the page; when its evidence cannot be had, the reason in the place of the pictures.
    pub(super) fn new(
        (index, row): (usize, &ImageRow),
        evidence: Result<Evidence, String>,
        verdicts: Verdicts<'_>,
        scale: &ColorScale,
    ) -> Result<Self, ReportError> {
        let mut card = Self {
            id: format!("card-{index}"),
            path: row.path.clone(),
            verdict: verdict(row, verdicts),
            views: Vec::new(),
            regions: None,
            nearest: None,
            missing: None,
        };
        match evidence {
            Ok(evidence) => card.show(row, &evidence, is_wrong(row, verdicts), scale)?,
            Err(reason) => card.missing = Some(format!("The photo cannot be shown: {reason}")),
        }
        Ok(card)
    }

    fn show(
        &mut self,
        row: &ImageRow,
        evidence: &Evidence,
        is_wrong: bool,
        scale: &ColorScale,
    ) -> Result<(), ReportError> {
        let Evidence { photo, map, map_width, map_height, truth, regions, largest_region, worst, nearest } = evidence;
        let truth = truth.as_deref();
        let mut heat = overlay(photo, map, *map_width, *map_height, scale, truth)?;
        regions.iter().take(BOXES).for_each(|region| draw_box(&mut heat, *region));
        self.regions = match regions.len() {
            0 => None,
            1 => Some(format!("1 region above the pixel threshold: {largest_region}.")),
            count => Some(format!("{count} regions above the pixel threshold, the largest {largest_region}.")),
        };
        let highest = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (what, says) = (&row.path, self.verdict.clone());
        let mut lines = Vec::new();
        if highest > scale.threshold {
            lines.push("white line: at the pixel threshold");
        }
        if truth.is_some() {
            lines.push("dashed cyan: the true defect");
        }
        let caption = if lines.is_empty() { "heat map".to_owned() } else { format!("heat map; {}", lines.join("; ")) };
        self.add(photo, format!("Photo {what}. {says}"), "photo".to_owned())?;
        let highest = format!("The highest score of the map is {}.", number(highest));
        self.add(&heat, format!("Heat map of {what}. {says} {highest}"), caption)?;
        if is_wrong {
            let alone = heat_map(map, *map_width, *map_height, scale)?;
            self.add(&alone, format!("The anomaly map of {what} alone. {highest}"), "the map alone".to_owned())?;
        }
        if let Some(worst) = worst {
            let alt = format!("The worst place of {what}, the compared patch in a box");
            self.add(worst, alt, "its worst place; in the box, the compared patch".to_owned())?;
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
                    let alt = format!("The nearest good patch, in a box, in {image}");
                    self.add(crop, alt, "nearest good patch, in the box".to_owned())?;
                }
                Err(reason) => {
                    self.missing = Some(format!("The training photo {image} cannot be shown: {reason}"));
                }
            }
        }
        Ok(())
    }

    /// One more picture, with an address of its own.
    fn add(&mut self, picture: &RgbImage, alt: String, caption: String) -> Result<(), ReportError> {
        let id = format!("{}-{}", self.id, self.views.len() + 1);
        self.views.push(Shown { id, picture: Picture::new(picture, alt)?, caption });
        Ok(())
    }
}

/// Whether it is a false alarm or a miss.
fn is_wrong(row: &ImageRow, verdicts: Verdicts<'_>) -> bool {
    let wrong = if row.is_anomalous { Call::Good } else { Call::Defective };
    row.score.and_then(|score| verdicts.call(score)) == Some(wrong)
}

/// What the image is, what it is called, and by which score.
fn verdict(row: &ImageRow, verdicts: Verdicts<'_>) -> String {
    let is = if row.is_anomalous { format!("Defective ({})", row.kind) } else { "Good".to_owned() };
    let call = row.score.and_then(|score| verdicts.call(score));
    match (row.score, call, verdicts.threshold) {
        (Some(score), Some(call), Some(threshold)) => {
            format!("{is}, called {}: score {}, threshold {}.", call.name(), number(score), threshold.shown())
        }
        (Some(score), ..) => format!("{is}: score {}.", number(score)),
        (None, ..) => format!("{is}, not scored."),
    }
}
