//! The section of a report on changed conditions: sentence, charts and table.

use patchcore_metrics::threshold::Threshold;
use patchcore_metrics::{StressCount, StressFinding, StressOutcome, StressResults, StressSeries};

use crate::ReportError;
use crate::chart::{Level, LevelChart, level_chart};
use crate::number::number;

/// What stands for an unchanged photo on an axis.
const AS_IT_IS: &str = "as is";

/// What the template shows.
pub(super) struct StressSection<'a> {
    pub(super) results: &'a StressResults,
    /// Which photos, in a sentence.
    pub(super) photos: String,
    /// Which threshold, in a sentence.
    pub(super) threshold: String,
    /// A chart of each kind, and what stands below it.
    pub(super) charts: Vec<(String, String)>,
    pub(super) rows: Vec<StressRow>,
}

/// A row of the table.
pub(super) struct StressRow {
    pub(super) change: String,
    pub(super) auroc: String,
    pub(super) false_alarms: [String; 2],
    pub(super) misses: [String; 2],
    pub(super) ratio: String,
    pub(super) finding: &'static str,
}

impl<'a> StressSection<'a> {
    pub(super) fn new(results: &'a StressResults) -> Result<Self, ReportError> {
        let charts = results.kinds.iter().map(|series| chart(series, &results.unchanged));
        let levels = results.kinds.iter().flat_map(|series| &series.levels);
        let changed = levels.map(|level| StressRow::new(level.words.clone(), &level.outcome));
        let unchanged =
            StressRow { finding: "–", ..StressRow::new("the photos as they are".to_owned(), &results.unchanged) };
        Ok(Self {
            results,
            photos: photos(results),
            threshold: threshold(results.threshold.as_ref()),
            charts: charts.collect::<Result<_, _>>()?,
            rows: std::iter::once(unchanged).chain(changed).collect(),
        })
    }
}

fn photos(results: &StressResults) -> String {
    let class = |taken: usize, of: usize, what: &str| match (taken, of) {
        (_, 0) => format!("no {what} photo"),
        (taken, of) if taken == of => format!("all {of} {what} photos"),
        (taken, of) => format!("{taken} of {of} {what} photos"),
    };
    let (good, defective) = (
        class(results.n_normal, results.of_normal, "good"),
        class(results.n_anomalous, results.of_anomalous, "defective"),
    );
    let failed = match results.n_failed {
        0 => String::new(),
        failed => format!(" {failed} more could not be scored and are in no count."),
    };
    format!("Scored again at every level: {good} and {defective} of the test set, evenly chosen.{failed}")
}

fn threshold(threshold: Option<&Threshold>) -> String {
    match threshold {
        None => "There is no threshold, so false alarms and misses are not counted.".to_owned(),
        Some(Threshold { value, origin }) => format!("Counted at the threshold {}: {origin}.", number(*value)),
    }
}

impl StressRow {
    fn new(change: String, outcome: &StressOutcome) -> Self {
        let dash = || "–".to_owned();
        let counted = |wrong: Option<StressCount>| match wrong {
            None => [dash(), String::new()],
            Some(wrong) => [format!("{} of {}", wrong.count, wrong.of), range(&wrong)],
        };
        Self {
            change,
            auroc: outcome.image_auroc.map_or_else(dash, |auroc| format!("{:.1}\u{a0}%", auroc * 100.0)),
            false_alarms: counted(outcome.false_alarms),
            misses: counted(outcome.misses),
            ratio: outcome.median_ratio.map_or_else(dash, |ratio| format!("x{ratio:.2}")),
            finding: outcome.finding().map_or("–", StressFinding::name),
        }
    }
}

/// What is counted, by name: the count and its interval.
type Count<'a> = (&'static str, &'a [String; 2]);

impl StressRow {
    /// The two counted columns.
    pub(super) fn counts(&self) -> [Count<'_>; 2] {
        [("false alarms", &self.false_alarms), ("misses", &self.misses)]
    }
}

/// The interval of a share, in percent.
fn range(wrong: &StressCount) -> String {
    format!("{:.0} to {:.0}\u{a0}%", wrong.interval.low * 100.0, wrong.interval.high * 100.0)
}

/// The chart of one kind, the photos as they are among its levels, and its caption.
fn chart(series: &StressSeries, unchanged: &StressOutcome) -> Result<(String, String), ReportError> {
    let level = |label: &str, words: &str, outcome: &StressOutcome| {
        let counted = |wrong: Option<StressCount>, what: &str| {
            let wrong = wrong?;
            let title = format!("{words}: {} of {} {what}, {}", wrong.count, wrong.of, range(&wrong));
            Some((wrong.share(), wrong.interval, title))
        };
        Level {
            label: label.to_owned(),
            false_alarms: counted(outcome.false_alarms, "false alarms"),
            misses: counted(outcome.misses, "misses"),
            auroc: outcome.image_auroc,
        }
    };
    let below = series.levels.iter().take_while(|level| level.level < series.unchanged).count();
    let mut levels: Vec<Level> =
        series.levels.iter().map(|found| level(&found.label, &found.words, &found.outcome)).collect();
    levels.insert(below, level(AS_IT_IS, "as it is", unchanged));
    let words = |level: &Level| {
        let of = |counted: &Option<(f64, patchcore_metrics::Interval, String)>, what: &str| {
            counted.as_ref().map(|(share, ..)| format!("{:.0} % {what}", share * 100.0))
        };
        let both = [of(&level.false_alarms, "false alarms"), of(&level.misses, "misses")];
        format!("{}: {}", level.label, both.into_iter().flatten().collect::<Vec<String>>().join(", "))
    };
    let description = levels.iter().map(words).collect::<Vec<String>>().join("; ");
    let title = capital(&series.kind);
    let svg = level_chart(&LevelChart {
        id: &format!("stress-{}", series.kind),
        title: &title,
        description: &description,
        x_name: &series.about,
        levels: &levels,
    })?;
    Ok((svg, capital(&series.about)))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
