//! Results out: heat maps, overlays and panels of anomaly maps as pictures, and whole reports as one HTML file.
//!
//! All pictures of one model share one [`ColorScale`]: a colour means the same score in every picture. Stretching
//! each map between its own minimum and maximum would make every good part look defective.
//!
//! | item | what it draws |
//! |---|---|
//! | [`heat_map`] | the map alone, in colours |
//! | [`overlay`] | the photo, coloured where scores are high, with the contour at the threshold and the true outline |
//! | [`crop_around`], [`crop_with_box`] | a piece of a photo, with a box around the patch that was compared |
//! | [`part_at_most`] | a part of a photo for a page |
//! | [`Pair`] | two crops side by side: what was flagged, and what it was compared with |
//! | [`Panel`] | photo, overlay, map and truth side by side with a colour bar |
//! | [`EvaluationPage`] | one evaluation as a self-contained page: metrics, curves, galleries of what went wrong |
//! | [`ComparisonPage`] | two evaluations of the same images as one page |
//! | [`CertificatePage`] | what a calibrated threshold promises, on what grounds, and when that ends |
//! | [`Lettering`] | the fonts of their labels |
//! | [`to_png`] | a picture as a file's bytes |
//! | [`to_float_tiff`], [`to_npy`] | the values of a map as a file's bytes |
//! | [`OwnFile`] | which files were made here |
//!
//! # Stability
//! Stable: versions follow semantic versioning, and the changelog begins each version with what breaks.

mod boxed_crop;
mod chart;
mod color_scale;
mod crop;
mod error;
mod float_tiff;
mod heat_map;
mod lettering;
mod npy;
mod number;
mod outline;
mod overlay;
mod own;
mod page;
mod pair;
mod panel;
mod part_at_most;
mod plasma;
mod png;
mod region_box;
mod resample;

pub use image::RgbImage;

pub use boxed_crop::crop_with_box;
pub use color_scale::ColorScale;
pub use crop::crop_around;
pub use error::ReportError;
pub use float_tiff::to_float_tiff;
pub use heat_map::heat_map;
pub use lettering::Lettering;
pub use npy::to_npy;
pub use overlay::overlay;
pub use own::OwnFile;
pub use page::{
    CertificatePage, CertifiedPhoto, ComparisonPage, EvaluationPage, Evidence, Fact, ImageRow, NearestPatch, Threshold,
};
pub use pair::Pair;
pub use panel::Panel;
pub use part_at_most::part_at_most;
pub use png::to_png;
pub use region_box::PixelBox;
