//! `patchcore inspect`: what a model file says about itself.

use patchcore::config::{EmbeddingRule, PatchCoreConfig};
use patchcore::config::{Pad, Resize, View};
use patchcore::{Model, Threshold};
use serde_json::json;

use crate::arguments::{Inspect, InspectFormat};
use crate::outcome::Outcome;
use crate::output;

pub fn run(arguments: &Inspect) -> anyhow::Result<Outcome> {
    let file = Model::read(&arguments.model)?;
    let (header, bank) = (&file.header, file.bank());
    if arguments.format == InspectFormat::Json {
        let mut value = serde_json::to_value(header)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("bank_rows".into(), json!(bank.len()));
            object.insert("bank_dim".into(), json!(bank.dim()));
        }
        output::print(&format!("{value:#}\n"))?;
        return Ok(Outcome::Done);
    }
    let config = &header.config;
    let rows = [
        ("mode", config.mode.name().to_owned()),
        ("backbone", format!("{}, layers {}", config.backbone.name(), config.layers.join(", "))),
        ("weights", format!("sha256 {}{}", header.weights_sha256, if header.has_weights { ", embedded" } else { "" })),
        ("input", view(&config.view)),
        ("patch", patch(config)),
        ("looks at", looks_at(config)),
        ("memory bank", format!("{} rows x {} {}", bank.len(), bank.dim(), header.dtype)),
        (
            "fitted on",
            format!(
                "{} photos, {} patches, ratio {}, seed {}, device {}{}",
                header.fitted_on.images,
                header.fitted_on.patches,
                config.coreset_sampling_ratio,
                config.seed,
                header.device,
                header.passport.as_ref().map_or(String::new(), |own| format!(" in {}", own.precision.name()))
            ),
        ),
        (
            "good patches",
            format!(
                "score {:.4} in the median, {:.4} at the 99th percentile (against other photos' patches)",
                header.fitted_on.good_scores.median, header.fitted_on.good_scores.percentile_99
            ),
        ),
        ("image limit", threshold(header.thresholds.and_then(|thresholds| thresholds.image))),
        ("pixel limit", threshold(header.thresholds.and_then(|thresholds| thresholds.pixel))),
        ("neighbours", config.num_neighbors.to_string()),
        ("format", format!("version {}, written by patchcore {}", header.format_version, header.written_by)),
    ];
    let text: String = rows.iter().map(|(name, value)| format!("{name:<13} {value}\n")).collect();
    output::print(&text)?;
    Ok(Outcome::Done)
}

/// A threshold and how it came about.
fn threshold(threshold: Option<Threshold>) -> String {
    match threshold {
        Some(Threshold { value, origin }) => format!("{value}, {origin}"),
        None => "none: see `patchcore calibrate`".to_owned(),
    }
}

/// The side of a patch and its embedding in words.
pub fn patch(config: &PatchCoreConfig) -> String {
    let side = config.patch_size;
    match config.embedding {
        EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } => {
            format!("{side} x {side} cells, pooled to {pretrain_embed_dimension}, then {target_embed_dimension} values")
        }
        EmbeddingRule::Concatenate => {
            format!("{side} x {side} cells, mean of each of {} channels", config.embedding_dim())
        }
    }
}

/// The resize and the crop in words.
pub fn view(view: &View) -> String {
    let resize = match view.resize {
        Resize::None => "as it is".to_owned(),
        Resize::ShortSide(side) => format!("short side to {side}"),
        Resize::Exact(size) => format!("resized to {} x {}", size.width, size.height),
    };
    let crop = match view.crop {
        Some(crop) => format!("{resize}, centre crop {} x {}", crop.width, crop.height),
        None => format!("{resize}, no crop"),
    };
    match view.pad {
        Pad::None => crop,
        Pad::ToMultiple(multiple) => format!("{crop}, padded to multiples of {multiple}"),
    }
}

/// Region of interest, tiles and range of samples.
fn looks_at(config: &PatchCoreConfig) -> String {
    let region = match &config.region {
        None => "the whole photo".to_owned(),
        Some(region) => {
            let (width, height) = (region.size.width, region.size.height);
            format!("{} pixels of photos of {width} x {height}", region.inside_pixels())
        }
    };
    let tiled = match config.tiling {
        None => region,
        Some(tiling) => format!("{region}, in tiles of {} with an overlap of {}", tiling.size, tiling.overlap),
    };
    match config.full_scale {
        None => tiled,
        Some(white) => format!("{tiled}; {white} is white in 16-bit photos"),
    }
}
