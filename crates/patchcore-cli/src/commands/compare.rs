//! `patchcore compare`: two evaluations of the same images in; a table of differences and one page out.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use patchcore::metrics::{
    Bootstrap, ComparedPhoto, Comparison, ImageMetrics, Interval, Judged, METRICS, Metric, MetricDifference,
    MetricSource, OfBoth, PairedCount, PerMetric, PixelReplicates, Results, ResultsError, delong_difference,
    image_metrics_at, image_replicates_at, roc_curve, thin_curve,
};
use patchcore::{Limits, Photo, Threshold, one_line, path_of_text, write_beside_and_rename};
use patchcore_report::{ComparisonPage, Fact, OwnFile};
use serde::Deserialize;

use crate::arguments::{Compare, InspectFormat};
use crate::command_line::{command_line, shell_path};
use crate::outcome::Outcome;
use crate::output;
use crate::results::{ReplicatesFile, described};
use crate::utc;
use crate::write_plan::{Kind, WritePlan};

/// A row of scores.csv; columns that a comparison does not need may come and go.
#[derive(Debug, Deserialize)]
struct Row {
    image_path: String,
    kind: String,
    label: u8,
    score: Option<f32>,
    /// In the evaluation's folder; files of earlier versions do not say it.
    #[serde(default)]
    overlay_path: Option<String>,
}

/// What an evaluation left in its folder.
struct Evaluated {
    folder: PathBuf,
    name: String,
    results: Results,
    rows: Vec<Row>,
    /// Whether its table says where the overlays lie; those of earlier versions do not.
    names_overlays: bool,
    replicates: Option<PixelReplicates>,
}

const MOST_ROWS: usize = 50;
/// Changed photos that are shown with their heat maps.
const MOST_PICTURES: usize = 12;

pub fn run(arguments: &Compare) -> anyhow::Result<Outcome> {
    let files = |folder: &Path| ["metrics.json", "scores.csv", ReplicatesFile::NAME].map(|name| folder.join(name));
    let read = [files(&arguments.a), files(&arguments.b)].concat();
    let plan = WritePlan::new(arguments.force).reads(read.iter().map(PathBuf::as_path));
    plan.file(&arguments.output, Kind::Report(OwnFile::Comparison))?;
    let (a, b) = (Evaluated::read(&arguments.a)?, Evaluated::read(&arguments.b)?);
    let joined = join(&a, &b)?;
    let comparison = compare(&a, &b, &joined.photos)?;
    let shown = comparison.changed.iter().take(MOST_PICTURES).map(|photo| photo.path.as_str());
    let overlays: Vec<[Result<PathBuf, String>; 2]> =
        shown.map(|path| [&a, &b].map(|evaluated| evaluated.overlay(path))).collect();
    let pictures = overlays.iter().flatten().filter_map(|overlay| overlay.as_deref().ok());
    plan.reads(pictures).replaced(&arguments.output, Kind::Report(OwnFile::Comparison))?;

    let photos = &joined.photos;
    let page = ComparisonPage {
        thresholds: [a.threshold().map(described), b.threshold().map(described)],
        roc: [roc(photos, |photo| photo.first), roc(photos, |photo| photo.second)],
        heat_maps: overlays
            .into_iter()
            .map(|both| both.map(|overlay| opened(&overlay?).map(|photo| photo.to_rgb8())))
            .collect(),
        facts: vec![
            Fact::new("command line", command_line().join(" ")),
            Fact::new("program", format!("patchcore {}", env!("CARGO_PKG_VERSION"))),
            Fact::new("written", utc::now()),
        ],
        comparison,
        images: joined.photos,
        notes: joined.notes,
        most_rows: MOST_ROWS,
    };
    write_beside_and_rename(&arguments.output, page.render()?.as_bytes())?;
    for note in &page.notes {
        tracing::warn!("{note}");
    }
    let written = format!("{} images, written to {}", page.images.len(), arguments.output.display());
    match arguments.format {
        InspectFormat::Json => {
            output::print(&page.comparison.to_json()?)?;
            output::note(&written);
        }
        InspectFormat::Table => output::print(&format!("{}{written}\n", table(&page.comparison)))?,
    }
    output::next(&format!("open {} in a browser", shell_path(&arguments.output)));
    Ok(Outcome::Done)
}

/// All that follows from the scores and the metrics of both.
fn compare(a: &Evaluated, b: &Evaluated, photos: &[ComparedPhoto]) -> anyhow::Result<Comparison> {
    let judged = Judged::new(photos, [a.threshold(), b.threshold()], &Bootstrap::default())?;
    let metrics = differences(a, b, photos);
    let names = [a.name.clone(), b.name.clone()];
    let models = [a.results.model.clone(), b.results.model.clone()];
    let mut comparison = Comparison::new(names, photos, &judged, metrics, models)?;
    comparison.runs = OfBoth { first: a.results.run.clone(), second: b.results.run.clone() };
    let [first, second] = [a, b].map(|evaluated| Some(evaluated.results.seconds.clone()));
    comparison.seconds = OfBoth { first, second };
    comparison.ms_per_photo = OfBoth { first: a.ms_per_photo(), second: b.ms_per_photo() };
    Ok(comparison)
}

/// The picture of an overlay, or why there is none.
fn opened(path: &Path) -> Result<Photo, String> {
    Photo::open(path, &Limits::default()).map_err(|error| format!("the overlay cannot be shown: {error}"))
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
        let mut table = csv::Reader::from_reader(&scores[..]);
        let columns = table.headers().cloned();
        let (names_overlays, rows) = columns
            .and_then(|columns| {
                let rows = table.deserialize().collect::<Result<Vec<Row>, _>>()?;
                Ok((columns.iter().any(|column| column == "overlay_path"), rows))
            })
            .with_context(|| format!("{} is not the table of an evaluation; {remedy}", path.display()))?;
        if let Some(row) = rows.iter().find(|row| row.score.is_some_and(|score| !score.is_finite())) {
            anyhow::bail!("{}: the score of {} is not a finite number; {remedy}", path.display(), row.image_path);
        }
        let replicates = replicates(&folder.join(ReplicatesFile::NAME), &ReplicatesFile::digest(&json, &scores))?;
        let name = folder.display().to_string();
        Ok(Self { folder: folder.to_owned(), name, results, rows, names_overlays, replicates })
    }

    /// The threshold that its model carries.
    fn threshold(&self) -> Option<Threshold> {
        self.results.thresholds?.image
    }

    fn ms_per_photo(&self) -> Option<f64> {
        let seconds = self.results.seconds.get("scoring")?;
        (!self.rows.is_empty()).then(|| seconds * 1e3 / self.rows.len() as f64)
    }

    /// Where the overlay of a photo lies, or why there is none. A table names files in its own folder alone.
    fn overlay(&self, photo: &str) -> Result<PathBuf, String> {
        if !self.names_overlays {
            return Err("this evaluation is of an earlier version, whose scores.csv does not say where overlays lie; \
                 evaluate again"
                .to_owned());
        }
        let row = self.rows.iter().find(|row| row.image_path == photo);
        let Some(named) = row.and_then(|row| row.overlay_path.as_deref()).filter(|named| !named.is_empty()) else {
            return Err("no overlay was drawn; evaluate again without --no-overlays".to_owned());
        };
        let path = path_of_text(named);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if is_inside { Ok(self.folder.join(path)) } else { Err(format!("{named} is no file of the evaluation")) }
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
    photos: Vec<ComparedPhoto>,
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
        images.push(ComparedPhoto {
            path: row.image_path.clone(),
            kind: row.kind.clone(),
            is_anomalous: row.label != 0,
            first: score_a,
            second: score_b,
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
            let (images, they) = if count == 1 { ("image is", "it is") } else { ("images are", "they are") };
            notes.push(format!(
                "{count} {images} scored by {name} only: {they} in its pixel metrics, and in nothing else of this comparison."
            ));
        }
    }
    Ok(Joined { photos: images, notes })
}

/// The metrics of both: image metrics over the common images, pixel metrics as their evaluations wrote them.
fn differences(a: &Evaluated, b: &Evaluated, images: &[ComparedPhoto]) -> BTreeMap<String, MetricDifference> {
    let labels: Vec<bool> = images.iter().map(|image| image.is_anomalous).collect();
    let first: Vec<f32> = images.iter().map(|image| image.first).collect();
    let second: Vec<f32> = images.iter().map(|image| image.second).collect();
    let thresholds = [a, b].map(|evaluated| evaluated.threshold().map(|threshold| threshold.value));
    let [of_a, of_b] = [(&first, thresholds[0]), (&second, thresholds[1])]
        .map(|(scores, threshold)| image_metrics_at(threshold, scores, &labels).ok());
    let mut intervals = pixel_intervals(a, b);
    intervals.extend(image_intervals([&first, &second], thresholds, &labels).iter());
    let row = |metric: &'static Metric| {
        let value = |evaluated: &Evaluated, image: &Option<ImageMetrics>| match metric.source {
            MetricSource::Images(value) => image.as_ref().and_then(value),
            MetricSource::Pixels(_) => evaluated.results.overall.values.get(metric),
        };
        let (first, second) = (value(a, &of_a), value(b, &of_b));
        let is_there = first.is_some() || second.is_some();
        is_there.then(|| (metric.key.to_owned(), MetricDifference::new(first, second, intervals.get(metric))))
    };
    METRICS.iter().filter_map(row).collect()
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
fn roc(images: &[ComparedPhoto], score: impl Fn(&ComparedPhoto) -> f32) -> Vec<[f64; 2]> {
    let scores: Vec<f32> = images.iter().map(score).collect();
    let labels: Vec<bool> = images.iter().map(|image| image.is_anomalous).collect();
    roc_curve(&scores, &labels).map_or_else(
        |_| Vec::new(),
        |roc| thin_curve(roc.fpr.iter().zip(&roc.tpr).map(|(fpr, tpr)| [*fpr, *tpr]), 0.002),
    )
}

/// What stands on stdout: the sentence, the metrics in percent and percentage points, kinds, and what else differs.
fn table(comparison: &Comparison) -> String {
    let [first, second] = comparison.names.each_ref().map(|name| one_line(name));
    let mut text = format!("{}\nfirst: {first}\nsecond: {second}\n\n", comparison.sentence);
    text.push_str(&format!("{:<14} {:>9} {:>9} {:>11}  {}\n", "%", "first", "second", "difference", "interval"));
    for (metric, row) in METRICS.iter().filter_map(|metric| Some((metric, comparison.metric(metric)?))) {
        let scale = metric.unit.scale();
        let value = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.2}", value * scale));
        let difference = row.difference.map_or("-".to_owned(), |value| format!("{:+.2}", value * scale));
        let interval = row
            .interval
            .map_or("-".to_owned(), |ends| format!("{:+.2} to {:+.2}", ends.low * scale, ends.high * scale));
        text.push_str(&format!(
            "{:<14} {:>9} {:>9} {difference:>11}  {interval}\n",
            metric.label,
            value(row.value.first),
            value(row.value.second)
        ));
    }
    if !comparison.kinds.is_empty() {
        text.push_str(&format!(
            "\n{:<20} {:>12} {:>12} {:>9} {:>9}\n",
            "found", "first", "second", "im.AUROC", "im.AUROC"
        ));
    }
    for (kind, row) in &comparison.kinds {
        let found = |count: fn(&PairedCount) -> usize| {
            row.found.as_ref().map_or("-".to_owned(), |found| format!("{} of {}", count(found), found.of))
        };
        let area = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.2}", 100.0 * value));
        text.push_str(&format!(
            "{:<20} {:>12} {:>12} {:>9} {:>9}\n",
            one_line(kind),
            found(|found| found.first),
            found(|found| found.second),
            area(row.image_auroc.first),
            area(row.image_auroc.second)
        ));
    }
    text.push('\n');
    let known = |value: &Option<String>| value.as_deref().map_or_else(|| "no such setting".to_owned(), one_line);
    for setting in &comparison.settings {
        let (first, second) = (known(&setting.value.first), known(&setting.value.second));
        text.push_str(&format!("{}: {first} | {second}\n", one_line(&setting.name)));
    }
    text.push_str(&match (comparison.settings.len(), comparison.n_equal_settings) {
        (0, equal) => format!("all {equal} recorded settings are equal\n"),
        (_, equal) => format!("all other settings, {equal}, are equal\n"),
    });
    if let OfBoth { first: Some(first), second: Some(second) } = comparison.ms_per_photo {
        text.push_str(&format!("ms per photo: {first:.1} | {second:.1}\n"));
    }
    text
}
