//! The rows of `patchcore score`, and what they amount to.

use std::path::PathBuf;

use patchcore::{DefectRegion, IntervalOf, Model, Score, ScoreInterval, Verdict, one_line, path_text};
use serde::Serialize;

use crate::outcome::Outcome;
use crate::output::{Tone, toned};

/// One line of the result.
#[derive(Serialize)]
pub struct Row {
    pub image_path: String,
    pub score: Option<f32>,
    /// `good`, `look_again` or `anomalous`; absent without a threshold.
    pub verdict: Option<&'static str>,
    /// `score --interval` alone: between which values the score, or the worst patch's distance, would lie against all patches of the
    /// fit, and which of the two it is. Cells of a table and values that are null are there where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_low: Option<Option<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_high: Option<Option<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_of: Option<Option<&'static str>>,
    /// The image threshold; absent without one.
    pub threshold: Option<f32>,
    /// How far on its side of the threshold the score lies, 0.5 at the threshold; absent without one.
    pub confidence: Option<f32>,
    /// Centre of the worst patch, in pixels of the photo.
    pub worst_x: Option<f64>,
    pub worst_y: Option<f64>,
    /// Connected areas of the map above the pixel threshold, and the largest one's area in pixels of the photo.
    pub region_count: Option<usize>,
    pub largest_region_area: Option<f64>,
    /// The training photo with the nearest good patch.
    pub nearest_good: Option<String>,
    /// Which memory bank decided and has the patch, from 1.
    pub nearest_good_bank: Option<usize>,
    /// The patch's cell in that photo's grid, from 0, and its distance.
    pub nearest_good_row: Option<u16>,
    pub nearest_good_column: Option<u16>,
    pub nearest_good_distance: Option<f32>,
    /// Where its map, its overlay and the picture that explains it are, if they were asked for and could be written.
    pub map_path: Option<String>,
    pub overlay_path: Option<String>,
    pub explanation_path: Option<String>,
    /// SHA-256 of the model's file, thresholds included, and the version of the program: a row says by itself what it is of.
    pub model_sha256: String,
    pub program: &'static str,
    pub error: Option<String>,
}

/// Version of the program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// A row of JSON, which has each region too.
#[derive(Serialize)]
pub struct RowWithRegions<'a> {
    #[serde(flatten)]
    pub row: &'a Row,
    pub regions: Vec<RegionRow>,
}

/// A region in the photo's pixels, whose top left one has its centre at (0, 0).
#[derive(Serialize)]
pub struct RegionRow {
    /// First column and row, and their numbers.
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    pub area: f64,
    pub centroid_x: f64,
    pub centroid_y: f64,
    /// The map's largest value in it, and where that is.
    pub peak: f32,
    pub peak_x: f64,
    pub peak_y: f64,
    /// The good patch that is nearest to the patch there.
    pub nearest_good: Option<String>,
    pub nearest_good_row: Option<u16>,
    pub nearest_good_column: Option<u16>,
    pub nearest_good_distance: f32,
}

impl From<DefectRegion> for RegionRow {
    fn from(region: DefectRegion) -> Self {
        let nearest = region.nearest_good;
        Self {
            left: region.left,
            top: region.top,
            width: region.width,
            height: region.height,
            area: region.area,
            centroid_x: region.centroid.0,
            centroid_y: region.centroid.1,
            peak: region.peak,
            peak_x: region.peak_at.0,
            peak_y: region.peak_at.1,
            nearest_good_row: nearest.origin.map(|origin| origin.row),
            nearest_good_column: nearest.origin.map(|origin| origin.column),
            nearest_good_distance: nearest.distance,
            nearest_good: nearest.image,
        }
    }
}

/// Where a photo's pictures go.
#[derive(Default)]
pub struct Files {
    pub map: Option<PathBuf>,
    pub overlay: Option<PathBuf>,
    pub explanation: Option<PathBuf>,
}

/// Which of a photo's pictures were written, and why not the others.
#[derive(Default)]
pub struct Written {
    pub map: bool,
    pub overlay: bool,
    pub explanation: bool,
    pub error: Option<String>,
}

impl Row {
    pub fn failed(image_path: String, model_sha256: &str, error: String) -> Self {
        Self {
            image_path,
            score: None,
            verdict: None,
            score_low: None,
            score_high: None,
            interval_of: None,
            threshold: None,
            confidence: None,
            worst_x: None,
            worst_y: None,
            region_count: None,
            largest_region_area: None,
            nearest_good: None,
            nearest_good_bank: None,
            nearest_good_row: None,
            nearest_good_column: None,
            nearest_good_distance: None,
            map_path: None,
            overlay_path: None,
            explanation_path: None,
            model_sha256: model_sha256.to_owned(),
            program: PROGRAM,
            error: Some(error),
        }
    }

    /// Of a photo with a score, whose pictures were written or not.
    pub fn scored(
        image_path: String,
        (model, model_sha256): (&Model, &str),
        score: Score,
        regions: &[DefectRegion],
        files: &Files,
        written: Written,
    ) -> Self {
        let path = |file: &Option<PathBuf>| file.as_deref().map(path_text);
        Self {
            image_path,
            score: Some(score.score),
            verdict: score.verdict.map(Verdict::name),
            score_low: None,
            score_high: None,
            interval_of: None,
            threshold: model.thresholds().image.map(|threshold| threshold.value),
            confidence: score.confidence,
            region_count: Some(regions.len()),
            largest_region_area: regions.iter().map(|region| region.area).reduce(f64::max),
            worst_x: Some(score.worst_at.0),
            worst_y: Some(score.worst_at.1),
            nearest_good_bank: Some(score.nearest_good.member + 1),
            nearest_good_row: score.nearest_good.origin.map(|origin| origin.row),
            nearest_good_column: score.nearest_good.origin.map(|origin| origin.column),
            nearest_good_distance: Some(score.nearest_good.distance),
            nearest_good: score.nearest_good.image,
            map_path: written.map.then(|| path(&files.map)).flatten(),
            overlay_path: written.overlay.then(|| path(&files.overlay)).flatten(),
            explanation_path: written.explanation.then(|| path(&files.explanation)).flatten(),
            model_sha256: model_sha256.to_owned(),
            program: PROGRAM,
            error: written.error,
        }
    }

    /// With the columns of an interval; without values where there is none, as of a photo that failed.
    pub fn with_interval(mut self, interval: Option<ScoreInterval>) -> Self {
        self.score_low = Some(interval.map(|interval| interval.low));
        self.score_high = Some(interval.map(|interval| interval.high));
        self.interval_of = Some(interval.map(|interval| interval.of.name()));
        self
    }

    /// The interval in words, where it was asked for and is known.
    fn interval(&self) -> Option<String> {
        let (Some(Some(low)), Some(Some(high))) = (self.score_low, self.score_high) else { return None };
        let is_of_patch = self.interval_of == Some(Some(IntervalOf::WorstPatch.name()));
        let of = if is_of_patch { "worst patch " } else { "" };
        Some(format!("{of}{low:.4} to {high:.4}  "))
    }

    /// For a reader: one line, whatever the names.
    pub fn line(&self) -> String {
        let (verdict, mut line) = match self.score {
            Some(score) => {
                let verdict =
                    self.verdict.map(|verdict| format!("{} ", toned(tone(verdict), &format!("{verdict:<10}"))));
                let confidence = self.confidence.map(|share| format!("{share:.3}  ")).unwrap_or_default();
                let verdict = format!("{score:>10.4}  {}", verdict.unwrap_or_default());
                (verdict, format!("{confidence}{}{}", self.interval().unwrap_or_default(), self.image_path))
            }
            None => (format!("{:>10}  ", toned(Tone::Bad, "     error")), self.image_path.clone()),
        };
        let files = [&self.map_path, &self.overlay_path, &self.explanation_path];
        let files: Vec<&str> = files.into_iter().filter_map(Option::as_deref).collect();
        if !files.is_empty() {
            line.push_str(&format!("  -> {}", files.join(", ")));
        }
        if let Some(error) = &self.error {
            line.push_str(&format!(": {error}"));
        }
        verdict + &one_line(&line)
    }
}

/// The tone of a verdict's name.
fn tone(verdict: &str) -> Tone {
    match verdict {
        name if name == Verdict::Good.name() => Tone::Good,
        name if name == Verdict::Anomalous.name() => Tone::Bad,
        _ => Tone::Doubtful,
    }
}

/// What the rows amount to.
#[derive(Default)]
pub struct Tally {
    pub rows: usize,
    pub scored: usize,
    pub anomalous: bool,
    pub failed: bool,
    /// The first photo that is not good.
    pub flagged: Option<String>,
    /// The first error, with its photo.
    pub first: Option<String>,
}

impl Tally {
    pub fn count(&mut self, row: &Row) {
        self.rows += 1;
        self.scored += usize::from(row.score.is_some());
        self.anomalous |= row.verdict == Some(Verdict::Anomalous.name());
        self.failed |= row.error.is_some();
        if self.flagged.is_none() && row.verdict.is_some_and(|verdict| verdict != Verdict::Good.name()) {
            self.flagged = Some(row.image_path.clone());
        }
        if let (None, Some(error)) = (&self.first, &row.error) {
            self.first = Some(if error.contains(&row.image_path) {
                error.clone()
            } else {
                format!("{}: {error}", row.image_path)
            });
        }
    }

    pub fn outcome(self, fail_on_anomaly: bool) -> anyhow::Result<Outcome> {
        if fail_on_anomaly && self.anomalous {
            return Ok(Outcome::Anomaly);
        }
        match (self.scored, self.first) {
            (0, Some(first)) if self.rows == 1 => anyhow::bail!("nothing could be scored: {first}"),
            (0, Some(first)) => anyhow::bail!("none of {} could be scored; the first: {first}", self.rows),
            _ => Ok(if self.failed { Outcome::SomeImagesFailed } else { Outcome::Done }),
        }
    }
}
