//! Photos in: from files, bytes and camera buffers to the network's input, and the folders they lie in.
//!
//! In the order of the flow: [`DataSet::open`] or [`good_images`] lists the files, [`Photo`] decodes one (upright,
//! without alpha, within [`Limits`]), [`prepare`] resizes and crops it to a [`NetworkInput`] as a
//! [`View`](patchcore_config::View) asks, a [`TruthMask`] does the same to its ground truth, by the one rule that a
//! [`MaskSurvey`] finds for all masks, and [`Geometry`] tells which pixel of the original an input pixel is.
//!
//! The 8-bit resize equals PIL's antialiased bilinear to the pixel value (passes in the order of Pillow
//! before 13); the float one equals torch's `interpolate(antialias=True)` to 4e-6. Bad bytes give an [`ImageError`] that names the file, never a panic.
//! A [`Decoder`] is checked on test pictures before it decodes its first photo. A [`Perturbation`] makes of a photo what a camera would
//! have taken in other light, out of focus, or of a part that lies elsewhere.
//!
//! Each format is a cargo feature. Without any, photos are pixels ([`Photo::from_buffer`]), and nothing depends on the crate `image`.
//!
//! # Stability
//! Stable: versions follow semantic versioning, and the changelog begins each version with what breaks.
//!
//! # Cargo features
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![cfg_attr(not(feature = "document-features"), doc = "They stand in `Cargo.toml`.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "png", feature = "webp"))]
mod animation;
mod check_limits;
mod data_set;
mod data_set_remark;
mod dataset_error;
mod decode;
mod decoder;
mod decoder_check;
mod decoder_fault;
mod format;
mod geometry;
mod good_images;
mod good_names;
mod hidden_defect;
mod image_error;
#[cfg(feature = "jpeg")]
mod jpeg;
#[cfg_attr(
    not(all(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp")),
    allow(dead_code, reason = "pictures of formats that are left out")
)]
mod known_pictures;
mod layout;
mod layouts;
mod left_out;
mod limits;
mod listing;
mod mask;
mod mask_fault;
mod mask_levels;
mod mask_names;
mod mask_rule;
mod mask_survey;
mod network_input;
mod path_text;
mod perturb;
mod perturbation;
mod photo;
mod photo_file;
mod photo_header;
mod photo_identity;
mod photo_kind;
mod pixel_buffer;
mod pixel_format;
mod prepare_mask;
mod region;
mod resample;
mod shared_bytes;
mod test_image;
#[cfg(feature = "jpeg")]
mod thumbnail;
#[cfg(feature = "tiff")]
mod tiff;
mod truth_mask;
mod unchecked_decode;
#[cfg(any(feature = "bmp", feature = "png", feature = "tiff", feature = "webp"))]
mod with_image;

pub use data_set::DataSet;
pub use data_set_remark::DataSetRemark;
pub use dataset_error::DatasetError;
pub use decoder::{DECODERS, Decoder};
pub use decoder_fault::DecoderFault;
pub use geometry::Geometry;
pub use good_images::{good_images, photos_in};
pub use hidden_defect::HiddenDefect;
pub use image_error::ImageError;
pub use layout::Layout;
pub use layouts::ManifestRow;
pub use left_out::LeftOut;
pub use limits::Limits;
pub use listing::is_photo_name;
pub use mask::Mask;
pub use mask_fault::MaskFault;
pub use mask_rule::MaskRule;
pub use mask_survey::MaskSurvey;
pub use network_input::{NetworkInput, prepare, prepare_within};
pub use path_text::{one_line, path_of_text, path_text};
pub use perturbation::{Perturbation, PerturbationKind};
pub use photo::Photo;
pub use photo_header::{PhotoHeader, Preparation};
pub use photo_identity::PhotoIdentity;
pub use photo_kind::{Exposure, PhotoKind};
pub use pixel_buffer::PixelBuffer;
pub use pixel_format::PixelFormat;
pub use prepare_mask::prepare_mask;
pub use region::region_of_masks;
pub use shared_bytes::SharedBytes;
pub use test_image::TestImage;
pub use truth_mask::TruthMask;
