//! `patchcore inspect`: what a model file says about itself.

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
            object.insert("mode".into(), json!(header.config.rules_name()));
            object.insert("bank_rows".into(), json!(bank.len()));
            object.insert("bank_dim".into(), json!(bank.dim()));
        }
        output::print(&format!("{value:#}\n"))?;
        return Ok(Outcome::Done);
    }
    let mut rows = header.config.described();
    rows.extend([
        ("weights", format!("sha256 {}{}", header.weights_sha256, if header.has_weights { ", embedded" } else { "" })),
        ("memory bank", format!("{} rows x {} {}", bank.len(), bank.dim(), header.dtype)),
        (
            "fitted on",
            format!(
                "{} photos, {} patches, device {}{}",
                header.fitted_on.images,
                header.fitted_on.patches,
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
        ("format", format!("version {}, written by patchcore {}", header.format_version, header.written_by)),
    ]);
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
