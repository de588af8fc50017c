//! `patchcore inspect`: what a model file says about itself.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::Context;
use patchcore::config::backbone::ActivationRanges;
use patchcore::model_file::ModelHeader;
use patchcore::{
    Change, ChangedPhoto, Coverage, CoverageOptions, CoverageReport, FittedOn, MemoryBank, Model, Provenance, Sections,
    Threshold, TrainingPhoto,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::{Inspect, InspectFormat};
use crate::command_line::shell_path;
use crate::coverage_words::described;
use crate::data::{self, Use};
use crate::in_words::{NO_FIT, counted, per_bank};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;

pub fn run(arguments: &Inspect) -> anyhow::Result<Outcome> {
    let file = Model::read(&arguments.model)?;
    let (header, sections, banks) = (&file.header, &file.sections, file.banks());
    let measured = arguments.measure_coverage.as_deref().map(|data| measured(arguments, data)).transpose()?;
    let outcome = match &measured {
        Some(measured) if !measured.rejected.is_empty() => Outcome::SomeImagesFailed,
        _ => Outcome::Done,
    };
    if arguments.format == InspectFormat::Json {
        let mut value = serde_json::to_value(header)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("mode".into(), json!(header.config.rules_name()));
            object.insert("bank_rows".into(), json!(banks.iter().map(MemoryBank::len).sum::<usize>()));
            object.insert("bank_dim".into(), json!(file.bank().dim()));
            let shape = |bank: &MemoryBank| json!({ "rows": bank.len(), "dim": bank.dim() });
            object.insert("banks".into(), banks.iter().map(shape).collect());
            if !file.ranges().is_empty() {
                let ranges = file.ranges().iter().map(RangesSeen::of);
                object.insert("activation_ranges".into(), ranges.map(|seen| json!(seen)).collect());
            }
            object.insert("computed_sha256".into(), json!(file.computed_sha256()?));
            object.insert("sections".into(), sections_json(sections)?);
            if let Some(measured) = &measured {
                let CoverageReport { coverage, photos, missing, unknown, .. } = measured;
                let found =
                    json!({ "photos": photos, "missing": missing, "unknown": unknown.len(), "coverage": coverage });
                object.insert("measured_coverage".into(), found);
            }
        }
        output::print(&format!("{value:#}\n"))?;
        say_next(arguments, sections);
        return Ok(outcome);
    }
    let thresholds = sections.thresholds.unwrap_or_default();
    let shape = |bank: &MemoryBank| format!("{} rows x {} {}", bank.len(), bank.dim(), bank.dtype().name());
    let mut rows = header.config.described();
    let embedded = if header.has_weights { ", embedded" } else { "" };
    let names: BTreeSet<(&str, &str)> =
        header.networks.iter().map(|network| (network.name.as_str(), network.sha256.as_str())).collect();
    rows.extend(names.iter().map(|(name, sha256)| {
        let of = if names.len() == 1 { String::new() } else { format!("{name}: ") };
        ("weights", format!("{of}sha256 {sha256}{embedded}"))
    }));
    rows.push(("memory bank", banks.iter().map(shape).collect::<Vec<_>>().join(" and ")));
    rows.extend(file.ranges().iter().map(|ranges| ("int8 ranges", RangesSeen::of(ranges).to_string())));
    rows.extend(of_the_fit(header, sections));
    if let Some(measured) = &measured {
        let photos = counted(measured.photos, "photo");
        let of_photos = |(name, words): (&'static str, String)| (name, format!("{words} of {photos}"));
        rows.extend(coverage_rows("measured now", &measured.coverage).into_iter().map(of_photos));
    }
    rows.push(("made", made(sections.provenance.as_ref())));
    rows.extend(sections.history.iter().map(|change| ("history", changed(change))));
    if let Some(found) = &sections.stale_thresholds {
        rows.push(("stale", format!("{}: see `patchcore calibrate`", output::stale(found))));
    }
    rows.extend([
        ("threshold", threshold(thresholds.image)),
        ("of pixels", pixel_threshold(sections)),
        ("look again", threshold(thresholds.look_again)),
        ("format", format!("version {}, written by patchcore {}", header.format_version, header.written_by)),
    ]);
    let text: String = rows.iter().map(|(name, value)| format!("{name:<13} {value}\n")).collect();
    output::print(&text)?;
    say_next(arguments, sections);
    Ok(outcome)
}

/// What the fit saw and measured. A bank from elsewhere does not say.
fn of_the_fit(header: &ModelHeader, sections: &Sections) -> Vec<(&'static str, String)> {
    let FittedOn { images, patches, good_scores } = header.fitted_on;
    if !header.fitted_on.is_known() {
        let unknown = |name| (name, NO_FIT.to_owned());
        return ["fitted on", "good patches", "coverage"].map(unknown).to_vec();
    }
    let device = sections.fit.as_ref().map_or("not named", |fit| &fit.device);
    let precision = sections.passport.as_ref().map_or(String::new(), |own| format!(" in {}", own.precision.name()));
    let (median, high) = (good_scores.median, good_scores.percentile_99);
    let good =
        format!("score {median:.4} in the median, {high:.4} at the 99th percentile (against other photos' patches)");
    let mut rows = vec![
        ("fitted on", format!("{images} photos, {patches} patches, device {device}{precision}")),
        ("good patches", good),
    ];
    rows.extend(coverage_rows("coverage", &sections.coverage));
    rows
}

/// How far the patches of these photos lie from the banks.
fn measured(arguments: &Inspect, data: &Path) -> anyhow::Result<CoverageReport> {
    let set = data::open(data, Use::Good)?;
    let model = crate::device::load_file(&arguments.model, &arguments.loading)?;
    let mut display = Display::new();
    let options = CoverageOptions::default().progress(|progress| display.show(progress));
    let report = model
        .measure_coverage(set.training()?, options)
        .with_context(|| format!("cannot measure the coverage of {}", data.display()))?;
    display.finish();
    drop(display);
    output::warn_of_rejected(&report.rejected);
    if report.missing > 0 {
        let missing = counted(report.missing, "photo");
        output::note(&format!("{missing} of the model not measured: not among those of {}", data.display()));
    }
    if !report.unknown.is_empty() {
        output::note(&format!("{} measured that the model was not fitted on", counted(report.unknown.len(), "photo")));
    }
    Ok(report)
}

/// A row for each bank; one where nothing is known.
fn coverage_rows(name: &'static str, coverage: &[Coverage]) -> Vec<(&'static str, String)> {
    if coverage.is_empty() {
        return vec![(name, "not known: `patchcore inspect --measure-coverage PHOTOS` measures it".to_owned())];
    }
    let of_bank = |at: usize| if coverage.len() == 1 { String::new() } else { format!("bank {}: ", at + 1) };
    let row = |(at, coverage): (usize, &Coverage)| (name, format!("{}{}", of_bank(at), described(coverage)));
    coverage.iter().enumerate().map(row).collect()
}

/// `2026-11-30 18:31 UTC: extend, 10 photos added; 34 photos, rows 409 and 409, by patchcore 0.1.0`.
fn changed(change: &Change) -> String {
    let Change { kind, date, written_by, photos, added, removed, rows, .. } = change;
    let date = date.as_ref().map(|date| format!("{date}: ")).unwrap_or_default();
    let list = |photos: &[ChangedPhoto], what: &str| match photos.len() {
        0 => String::new(),
        count => format!(", {} {what}", counted(count, "photo")),
    };
    let (added, removed) = (list(added, "added"), list(removed, "forgotten"));
    let (photos, rows) = (counted(*photos, "photo"), per_bank(rows));
    format!("{date}{}{added}{removed}; {photos}, rows {rows}, by patchcore {written_by}", kind.name())
}

/// What the ranges of a network of int8 cover, the image's left out: that is the normalisation's. Where the channels of a map share one range,
/// it counts for each of them.
#[derive(Serialize)]
struct RangesSeen {
    /// Maps of the network.
    maps: usize,
    /// Their channels together.
    channels: usize,
    /// The lowest value that any of them holds.
    lowest: f32,
    /// The highest.
    highest: f32,
    /// Of the middle channel, ordered by it, the highest value.
    median_highest: f32,
}

impl RangesSeen {
    fn of(ranges: &ActivationRanges) -> Self {
        let maps = ranges.slots.get(1..).unwrap_or_default();
        let lows = maps.iter().flat_map(|map| &map.low);
        let mut highs: Vec<f32> = maps.iter().flat_map(|map| map.high.iter().copied()).collect();
        highs.sort_by(f32::total_cmp);
        let high = |at: usize| highs.get(at).copied().unwrap_or_default();
        Self {
            maps: maps.len(),
            channels: highs.len(),
            lowest: lows.copied().fold(0.0, f32::min),
            highest: high(highs.len().saturating_sub(1)),
            median_highest: high(highs.len() / 2),
        }
    }
}

impl fmt::Display for RangesSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { maps, channels, lowest, highest, median_highest } = self;
        write!(
            f,
            "{channels} channels of {maps} maps, from {lowest:.2} to {highest:.2}; half of the channels up to {median_highest:.2}"
        )
    }
}

fn say_next(arguments: &Inspect, sections: &Sections) {
    let model = shell_path(&arguments.model);
    output::next(&match sections.thresholds.unwrap_or_default().image {
        None => format!("patchcore calibrate --model {model} --good HELD_OUT_PHOTOS"),
        Some(_) => format!("patchcore score --model {model} NEW_PHOTO --overlays out"),
    });
}

/// What the model says beside what decides its scores; of photos the name and, where it is known, the digest of the pixels.
fn sections_json(sections: &Sections) -> anyhow::Result<Value> {
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let photo = |photo: &TrainingPhoto| json!({ "name": photo.name, "sha256": photo.sha256.map(hex) });
    Ok(json!({
        "thresholds": sections.thresholds,
        "stale_thresholds": sections.stale_thresholds,
        "coverage": sections.coverage,
        "history": sections.history,
        "passport": sections.passport,
        "fit": sections.fit,
        "photos": sections.photos.iter().map(photo).collect::<Vec<_>>(),
        "inputs": sections.inputs,
        "good_quantiles": sections.good_quantiles,
        "provenance": sections.provenance,
    }))
}

/// Who made the model.
fn made(provenance: Option<&Provenance>) -> String {
    let Some(Provenance { date, command_line, program, host, .. }) = provenance else { return "not said".to_owned() };
    [date, program, host, command_line].into_iter().flatten().cloned().collect::<Vec<_>>().join("; ")
}

/// The threshold of pixels; without one, at which value pictures are drawn.
fn pixel_threshold(sections: &Sections) -> String {
    let drawn = || sections.good_quantiles.as_ref()?.pixels_at(0.995);
    match (sections.thresholds.unwrap_or_default().pixel, drawn()) {
        (None, Some(value)) => format!("none; 99.5 % of the pixels of good maps are at most {value}"),
        (stored, _) => threshold(stored),
    }
}

/// A threshold and how it came about.
fn threshold(threshold: Option<Threshold>) -> String {
    match threshold {
        Some(Threshold { value, origin }) => format!("{value}, {origin}"),
        None => "none: see `patchcore calibrate`".to_owned(),
    }
}
