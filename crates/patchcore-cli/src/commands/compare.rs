//! `patchcore compare`: two evaluations of the same images in; a table of differences and one page out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore::metrics::{
    Bootstrap, ImageMetrics, Interval, METRICS, Metric, MetricSource, PerMetric, PixelReplicates, Results,
    ResultsError, delong_difference, image_metrics_at, image_replicates_at, roc_curve, thin_curve,
};
use patchcore::write_beside_and_rename;
use patchcore_report::{ComparedImage, ComparisonPage, MetricDifference, OwnFile, Threshold};
use serde::Deserialize;

use crate::arguments::Compare;
use crate::outcome::Outcome;
use crate::output;
use crate::results::{ReplicatesFile, threshold};
use crate::write_plan::{Kind, WritePlan};

/// A row of scores.csv; columns that a comparison does not need may come and go.
#[derive(Debug, Deserialize)]
struct Row {
    image_path: String,
    kind: String,
    label: u8,
    score: Option<f32>,
}

/// What an evaluation left in its folder.
struct Evaluated {
    name: String,
    results: Results,
    rows: Vec<Row>,
    replicates: Option<PixelReplicates>,
}

const MOST_ROWS: usize = 50;

pub fn run(arguments: &Compare) -> anyhow::Result<Outcome> {
    let files = |folder: &Path| ["metrics.json", "scores.csv", ReplicatesFile::NAME].map(|name| folder.join(name));
    let read = [files(&arguments.a), files(&arguments.b)].concat();
    let plan = WritePlan::new(arguments.force).reads(read.iter().map(PathBuf::as_path));
    plan.file(&arguments.output, Kind::Report(OwnFile::Comparison))?;
    let (a, b) = (Evaluated::read(&arguments.a)?, Evaluated::read(&arguments.b)?);
    let joined = join(&a, &b)?;
    let metrics = differences(&a, &b, &joined.images);
    output::print(&table(&metrics))?;
    let page = ComparisonPage {
        thresholds: [a.threshold(), b.threshold()],
        roc: [roc(&joined.images, |image| image.a), roc(&joined.images, |image| image.b)],
        names: [a.name, b.name],
        metrics,
        images: joined.images,
        notes: joined.notes,
        most_rows: MOST_ROWS,
    };
    write_beside_and_rename(&arguments.output, page.render()?.as_bytes())?;
    for note in &page.notes {
        tracing::warn!("{note}");
    }
    output::print(&format!("{} images, written to {}\n", page.images.len(), arguments.output.display()))?;
    Ok(Outcome::Done)
}

impl Evaluated {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let remedy = "give the folder that `patchcore evaluate -o` wrote";
        let read =
            |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}; {remedy}", path.display()));
        let path = folder.join("metrics.json");
        let json = read(&path)?;
        let results = Results::from_json(&json).map_err(|error| match error {
            ResultsError::Malformed(source) => anyhow::Error::new(source)
                .context(format!("{} is not the JSON of an evaluation; {remedy}", path.display())),
            newer => anyhow::Error::new(newer).context(format!("cannot read {}", path.display())),
        })?;
        let path = folder.join("scores.csv");
        let scores = read(&path)?;
        let rows = csv::Reader::from_reader(&scores[..])
            .deserialize()
            .collect::<Result<Vec<Row>, _>>()
            .with_context(|| format!("{} is not the table of an evaluation; {remedy}", path.display()))?;
        if let Some(row) = rows.iter().find(|row| row.score.is_some_and(|score| !score.is_finite())) {
            anyhow::bail!("{}: the score of {} is not a finite number; {remedy}", path.display(), row.image_path);
        }
        let replicates = replicates(&folder.join(ReplicatesFile::NAME), &ReplicatesFile::digest(&json, &scores))?;
        Ok(Self { name: folder.display().to_string(), results, rows, replicates })
    }

    /// The threshold that its model carries.
    fn stored_threshold(&self) -> Option<f32> {
        Some(self.results.thresholds?.image?.value)
    }

    /// The threshold that its verdicts come from.
    fn threshold(&self) -> Option<Threshold> {
        let own = self.results.thresholds.and_then(|stored| stored.image);
        let scored = self.rows.iter().filter_map(|row| Some((row.score?, row.label != 0)));
        let (scores, labels): (Vec<f32>, Vec<bool>) = scored.unzip();
        threshold(own, &scores, &labels)
    }
}

/// The resamples of an evaluation's pixels; none if it was made without intervals, or the file is of an earlier one.
fn replicates(path: &Path, evaluation_sha256: &str) -> anyhow::Result<Option<PixelReplicates>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let file: ReplicatesFile = serde_json::from_str(&text)
        .with_context(|| format!("{} is no file of an evaluation; evaluate again", path.display()))?;
    Ok((file.evaluation_sha256 == evaluation_sha256).then_some(file.pixel))
}

/// Intervals of b minus a for the pixel metrics, where both have counted the same images.
fn pixel_intervals(a: &Evaluated, b: &Evaluated) -> PerMetric<Interval> {
    let images = |evaluated: &Evaluated| -> Vec<(String, bool)> {
        evaluated.rows.iter().map(|row| (row.image_path.clone(), row.score.is_some())).collect()
    };
    let paired = || {
        let (of_a, of_b) = (a.replicates.as_ref()?, b.replicates.as_ref()?);
        // Other defective images in view are other strata: then there are no pairs.
        if images(a) == images(b) { of_b.difference(of_a).ok() } else { None }
    };
    paired().unwrap_or_default()
}

/// Images that both have scored, and what was left out.
struct Joined {
    images: Vec<ComparedImage>,
    notes: Vec<String>,
}

/// Joins by the image's path in the test set.
fn join(a: &Evaluated, b: &Evaluated) -> anyhow::Result<Joined> {
    let mut of_b: HashMap<&str, &Row> = b.rows.iter().map(|row| (row.image_path.as_str(), row)).collect();
    let (mut images, mut only_a) = (Vec::new(), 0);
    for row in &a.rows {
        let other = of_b.remove(row.image_path.as_str());
        let (Some(score_a), Some((other, score_b))) = (row.score, other.and_then(|row| Some((row, row.score?)))) else {
            only_a += usize::from(row.score.is_some());
            continue;
        };
        anyhow::ensure!(
            row.label == other.label,
            "{} is labelled {} in {} and {} in {}: these are not evaluations of one test set",
            row.image_path,
            row.label,
            a.name,
            other.label,
            b.name
        );
        images.push(ComparedImage {
            path: row.image_path.clone(),
            kind: row.kind.clone(),
            is_anomalous: row.label != 0,
            a: score_a,
            b: score_b,
        });
    }
    anyhow::ensure!(
        !images.is_empty(),
        "{} and {} have no scored image in common: evaluate both models on one test set",
        a.name,
        b.name
    );
    // Those of b that a has scored too are out of the map; what a could not score was taken out without a pair.
    let scored_b = b.rows.iter().filter(|row| row.score.is_some()).count();
    let only_b = scored_b - images.len();
    let mut notes = Vec::new();
    for (count, name) in [(only_a, &a.name), (only_b, &b.name)] {
        if count > 0 {
            notes.push(format!(
                "{count} images are scored by {name} only: they are in its pixel metrics, and in nothing else of this comparison."
            ));
        }
    }
    Ok(Joined { images, notes })
}

/// The metrics of both: image metrics over the common images, pixel metrics as their evaluations wrote them.
fn differences(a: &Evaluated, b: &Evaluated, images: &[ComparedImage]) -> Vec<MetricDifference> {
    let labels: Vec<bool> = images.iter().map(|image| image.is_anomalous).collect();
    let first: Vec<f32> = images.iter().map(|image| image.a).collect();
    let second: Vec<f32> = images.iter().map(|image| image.b).collect();
    let thresholds = [a.stored_threshold(), b.stored_threshold()];
    let [of_a, of_b] = [(&first, thresholds[0]), (&second, thresholds[1])]
        .map(|(scores, threshold)| image_metrics_at(threshold, scores, &labels).ok());
    let mut intervals = pixel_intervals(a, b);
    intervals.extend(image_intervals([&first, &second], thresholds, &labels).iter());
    let row = |metric: &'static Metric| {
        let value = |evaluated: &Evaluated, image: &Option<ImageMetrics>| match metric.source {
            MetricSource::Images(value) => image.as_ref().and_then(value),
            MetricSource::Pixels(_) => evaluated.results.overall.values.get(metric),
        };
        MetricDifference { metric, a: value(a, &of_a), b: value(b, &of_b), interval: intervals.get(metric) }
    };
    METRICS.iter().map(row).filter(|row| row.a.is_some() || row.b.is_some()).collect()
}

/// 95 % intervals of second minus first from the paired scores: DeLong's for the AUROC, the paired bootstrap's for the
/// others. None where there is none, as with a single image of a class.
fn image_intervals(scores: [&[f32]; 2], thresholds: [Option<f32>; 2], labels: &[bool]) -> PerMetric<Interval> {
    let [first, second] = scores;
    let bootstrap = Bootstrap::default();
    let delong =
        delong_difference(second, first, labels).and_then(|difference| difference.interval(bootstrap.confidence)).ok();
    let [of_first, of_second] = [(first, thresholds[0]), (second, thresholds[1])]
        .map(|(scores, threshold)| image_replicates_at(threshold, scores, labels, &bootstrap));
    let paired = of_second.and_then(|second| second.difference(&of_first?)).unwrap_or_default();
    let others = paired.iter().filter(|(metric, _)| **metric != Metric::IMAGE_AUROC);
    others.chain(delong.map(|interval| (&Metric::IMAGE_AUROC, interval))).collect()
}

/// The ROC curve of the common images; empty where it is not defined.
fn roc(images: &[ComparedImage], score: impl Fn(&ComparedImage) -> f32) -> Vec<[f64; 2]> {
    let scores: Vec<f32> = images.iter().map(score).collect();
    let labels: Vec<bool> = images.iter().map(|image| image.is_anomalous).collect();
    roc_curve(&scores, &labels).map_or_else(
        |_| Vec::new(),
        |roc| thin_curve(roc.fpr.iter().zip(&roc.tpr).map(|(fpr, tpr)| [*fpr, *tpr]), 0.002),
    )
}

/// The table on stdout, in percent and percentage points.
fn table(metrics: &[MetricDifference]) -> String {
    let mut text = format!("{:<14} {:>9} {:>9} {:>11}  {}\n", "%", "first", "second", "difference", "interval");
    for row in metrics {
        let scale = row.metric.unit.scale();
        let value = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.2}", value * scale));
        let difference = row.difference().map_or("-".to_owned(), |value| format!("{:+.2}", value * scale));
        let interval = row
            .interval
            .map_or("-".to_owned(), |ends| format!("{:+.2} to {:+.2}", ends.low * scale, ends.high * scale));
        text.push_str(&format!(
            "{:<14} {:>9} {:>9} {difference:>11}  {interval}\n",
            row.metric.label,
            value(row.a),
            value(row.b)
        ));
    }
    text
}
