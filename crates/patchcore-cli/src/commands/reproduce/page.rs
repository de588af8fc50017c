//! `reproduce.md`: the measured figures beside the published ones.

use std::fmt::Write;

use patchcore::metrics::Metric;
use patchcore::{Mode, one_line};

use super::benchmark::Benchmark;
use super::published::{Figures, Published, published};
use super::record::Record;

/// The first line, by which the page is known.
pub const TITLE: &str = "# PatchCore on public benchmarks, measured and published";

/// What of a run is there.
#[derive(Debug)]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// The class has no folder.
    Missing,
    /// It could not be measured, and why.
    Failed(String),
    /// The figures.
    Measured(Box<Record>),
}

/// A class of a benchmark: what of each mode is there, in the order of [`Page::modes`].
#[derive(Debug)]
pub struct Row {
    /// Of what.
    pub benchmark: &'static Benchmark,
    /// Its name.
    pub class: &'static str,
    /// One for each mode.
    pub states: Vec<State>,
}

impl Row {
    fn record(&self, mode: usize) -> Option<&Record> {
        match self.states.get(mode)? {
            State::Measured(record) => Some(record),
            _ => None,
        }
    }
}

/// A mode with its view and the share of the patches in each of its banks.
#[derive(Debug)]
pub struct ModeColumn {
    /// Which.
    pub mode: Mode,
    /// The view, in words.
    pub input: String,
    /// Share of the patches in each memory bank.
    pub ratio_of_each: f64,
    /// Memory banks.
    pub banks: usize,
}

/// Everything on the page.
#[derive(Debug)]
pub struct Page {
    /// The columns.
    pub modes: Vec<ModeColumn>,
    /// By benchmark, then class.
    pub rows: Vec<Row>,
    /// The network.
    pub backbone: String,
    /// Digest of its weights.
    pub weights_sha256: String,
    /// Share of the patches that was asked for.
    pub ratio: f64,
    /// Source of every random choice.
    pub seed: u64,
    /// Where it is computed.
    pub device: String,
    /// When the page was written.
    pub written: String,
}

/// What a cell shows, in this order; the first three are published as well.
const SHOWN: [Metric; 4] = [Metric::IMAGE_AUROC, Metric::PIXEL_AUROC, Metric::AUPRO_30, Metric::AUPRO_05];

impl Page {
    /// The page as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("{TITLE}\n\n");
        let benchmarks = self.benchmarks();
        for benchmark in &benchmarks {
            for at in 0..self.modes.len() {
                self.sentence(&mut text, benchmark, at);
            }
        }
        text.push_str("\nA cell is image AUROC / pixel AUROC / AUPRO up to 0.3 (the paper's PRO) / AUPRO up to 0.05, in percent.\n");
        for benchmark in &benchmarks {
            self.table(&mut text, benchmark);
        }
        self.faults(&mut text);
        self.sources(&mut text, &benchmarks);
        self.settings(&mut text);
        text
    }

    fn benchmarks(&self) -> Vec<&'static Benchmark> {
        let mut all: Vec<&'static Benchmark> = self.rows.iter().map(|row| row.benchmark).collect();
        all.dedup_by_key(|benchmark| benchmark.name);
        all
    }

    fn rows_of<'p>(&'p self, benchmark: &'p Benchmark) -> impl Iterator<Item = &'p Row> {
        self.rows.iter().filter(|row| row.benchmark.name == benchmark.name)
    }

    /// Measured classes, and the mean of each figure over them.
    fn mean(&self, benchmark: &Benchmark, mode: usize) -> (Vec<&'static str>, [Option<f64>; 4]) {
        let measured: Vec<(&'static str, [Option<f64>; 4])> =
            self.rows_of(benchmark).filter_map(|row| Some((row.class, values(row.record(mode)?)))).collect();
        let count = measured.len() as f64;
        let mean = |at: usize| {
            let column: Vec<f64> = measured.iter().map(|(_, values)| *values.get(at)?).collect::<Option<_>>()?;
            (!column.is_empty()).then(|| column.iter().sum::<f64>() / count)
        };
        let means = [mean(0), mean(1), mean(2), mean(3)];
        (measured.into_iter().map(|(class, _)| class).collect(), means)
    }

    /// What was published for a column with this very share of the patches.
    fn published(&self, benchmark: &Benchmark, mode: usize) -> Option<&'static Published> {
        let mode = self.modes.get(mode)?.mode;
        published(benchmark, &self.backbone, mode).find(|published| published.is_of_ratio(self.ratio))
    }

    /// The published mean over the measured classes: that of all, or made of the source's figures of each.
    fn published_mean(&self, benchmark: &Benchmark, mode: usize, classes: &[&str]) -> Option<Figures> {
        let published = self.published(benchmark, mode)?;
        match classes.len() {
            0 => None,
            count if count == benchmark.classes.len() => Some(published.mean),
            _ => published.mean_of(classes),
        }
    }

    /// One line: the mean image AUROC of a mode beside the published one, if all classes are there.
    fn sentence(&self, text: &mut String, benchmark: &Benchmark, at: usize) {
        let Some(column) = self.modes.get(at) else { return };
        let (classes, [image, ..]) = self.mean(benchmark, at);
        let (name, mode, all) = (benchmark.name, column.mode.name(), benchmark.classes.len());
        let mean = image.map_or("not defined".to_owned(), |mean| format!("{mean:.2}"));
        let line = match classes.len() {
            0 => format!("{name}, mode {mode}: none of {all} classes is measured."),
            count if count < all => format!(
                "{name}, mode {mode}: {count} of {all} classes, mean image AUROC over those {mean}. What is published is the mean \
                 over all."
            ),
            _ => {
                let known: Vec<String> = published(benchmark, &self.backbone, column.mode)
                    .filter_map(|one| Some((one, one.mean.image_auroc?)))
                    .map(|(one, mean)| {
                        format!(
                            "{mean} with {} of the patches ({})",
                            percent(one.coreset_sampling_ratio),
                            one.source.name
                        )
                    })
                    .collect();
                let beside = match known.as_slice() {
                    [] => format!("nothing is published of this mode with {}", self.backbone),
                    known => format!("published: {}", known.join(", ")),
                };
                format!(
                    "**Mean image AUROC of mode {mode} over the {all} classes of {name}, with {} of the patches: {mean}**; {beside}.",
                    percent(self.ratio)
                )
            }
        };
        push(text, &format!("- {line}"));
    }

    fn table(&self, text: &mut String, benchmark: &Benchmark) {
        push(text, &format!("\n## {}\n", benchmark.name));
        let mut header = vec!["class".to_owned()];
        for (at, column) in self.modes.iter().enumerate() {
            header.push(column.mode.name().to_owned());
            if self.has_published_classes(benchmark, at) {
                header.push(format!("{}, published", column.mode.name()));
            }
        }
        push(text, &line(&header));
        push(text, &line(&header.iter().map(|_| "---".to_owned()).collect::<Vec<_>>()));
        for row in self.rows_of(benchmark) {
            let mut cells = vec![row.class.to_owned()];
            for (at, state) in row.states.iter().enumerate() {
                cells.push(match state {
                    State::Waiting => "not yet".to_owned(),
                    State::Missing => "no folder".to_owned(),
                    State::Failed(_) => "failed".to_owned(),
                    State::Measured(record) => {
                        format!("{}{}", figures(&values(record)), if record.faults > 0 { " (faults)" } else { "" })
                    }
                });
                if self.has_published_classes(benchmark, at) {
                    let of_class = self.published(benchmark, at).and_then(|published| published.class(row.class));
                    cells.push(of_class.map_or("-".to_owned(), |of_class| figures(&of_class.values())));
                }
            }
            push(text, &line(&cells));
        }
        let (mut means, mut said, mut deviations) =
            (vec!["**mean**".to_owned()], vec!["published".to_owned()], vec!["deviation".to_owned()]);
        for at in 0..self.modes.len() {
            let (classes, ours) = self.mean(benchmark, at);
            let theirs = self.published_mean(benchmark, at, &classes);
            means.push(format!("**{}** of {}", figures(&ours), classes.len()));
            said.push(theirs.map_or("-".to_owned(), |theirs| figures(&theirs.values())));
            deviations.push(theirs.map_or("-".to_owned(), |theirs| {
                let differences = ours.iter().zip(theirs.values()).map(|(ours, theirs)| Some((*ours)? - theirs?));
                joined(differences.map(|value| value.map_or("-".to_owned(), |value| format!("{value:+.2}"))))
            }));
            if self.has_published_classes(benchmark, at) {
                [&mut means, &mut said, &mut deviations].into_iter().for_each(|cells| cells.push(String::new()));
            }
        }
        [means, said, deviations].iter().for_each(|cells| push(text, &line(cells)));
    }

    fn has_published_classes(&self, benchmark: &Benchmark, mode: usize) -> bool {
        self.published(benchmark, mode).is_some_and(|published| !published.classes.is_empty())
    }

    /// Classes without a figure, with the reason; and figures that are not of all photos.
    fn faults(&self, text: &mut String) {
        let mut lines = Vec::new();
        for row in &self.rows {
            let name = format!("{} {}", row.benchmark.name, row.class);
            if row.states.iter().all(|state| matches!(state, State::Missing)) {
                lines.push(format!("{name}: its folder is not there"));
            }
            for (column, state) in self.modes.iter().zip(&row.states) {
                let mode = column.mode.name();
                match state {
                    State::Failed(error) => lines.push(format!("{name}, mode {mode}: {}", one_line(error))),
                    State::Measured(record) if record.faults > 0 => lines.push(format!(
                        "{name}, mode {mode}: {} photos or masks could not be used; the figures are of the others",
                        record.faults
                    )),
                    _ => {}
                }
            }
        }
        if !lines.is_empty() {
            push(text, "\n## Not measured, or not whole\n");
            lines.iter().for_each(|line| push(text, &format!("- {}", escaped(line))));
        }
    }

    fn sources(&self, text: &mut String, benchmarks: &[&'static Benchmark]) {
        push(text, "\n## Published\n");
        let mut rows = Vec::new();
        for benchmark in benchmarks {
            for column in &self.modes {
                for one in published(benchmark, &self.backbone, column.mode) {
                    rows.push(line(&[
                        benchmark.name.to_owned(),
                        column.mode.name().to_owned(),
                        percent(one.coreset_sampling_ratio),
                        figures(&one.mean.values()),
                        format!("[{}]({})", one.source.name, one.source.url),
                    ]));
                }
            }
        }
        if rows.is_empty() {
            push(text, &format!("Nothing that this program knows of is published with the network {}.", self.backbone));
            return;
        }
        let header =
            ["data set", "mode", "patches kept", "image AUROC / pixel AUROC / PRO", "source"].map(str::to_owned);
        push(text, &line(&header));
        push(text, &line(&header.each_ref().map(|_| "---".to_owned())));
        rows.iter().for_each(|row| push(text, row));
        push(
            text,
            "\nThe sources differ in the view: the paper and its authors resize to 256 pixels and look at the central 224 x 224, as mode \
             `authors` does; mode `paper` has the same definition without the crop. Random numbers differ too, so a deviation of a few \
             tenths of a point is expected.",
        );
    }

    fn settings(&self, text: &mut String) {
        push(text, "\n## Settings\n");
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let machine = format!("{} {}, {threads} threads", std::env::consts::OS, std::env::consts::ARCH);
        let facts = [
            ("network", self.backbone.clone()),
            ("weights", format!("sha256 {}", self.weights_sha256)),
            ("patches kept", percent(self.ratio)),
            ("seed", self.seed.to_string()),
            ("program", concat!("patchcore ", env!("CARGO_PKG_VERSION")).to_owned()),
            ("device", self.device.clone()),
            ("machine", machine),
            ("written", self.written.clone()),
        ];
        push(text, &line(&["setting", "value"].map(str::to_owned)));
        push(text, &line(&["---", "---"].map(str::to_owned)));
        facts.into_iter().for_each(|(name, value)| push(text, &line(&[name.to_owned(), escaped(&value)])));
        let header = ["mode", "input", "memory banks", "runs", "fits, s", "evaluations, s", "scoring, ms per photo"];
        push(text, "");
        push(text, &line(&header.map(str::to_owned)));
        push(text, &line(&header.map(|_| "---".to_owned())));
        for (at, column) in self.modes.iter().enumerate() {
            let records: Vec<&Record> = self.rows.iter().filter_map(|row| row.record(at)).collect();
            let seconds =
                |stage: &str| -> f64 { records.iter().filter_map(|record| record.results.seconds.get(stage)).sum() };
            let photos: usize =
                records.iter().map(|record| record.results.overall.n_normal + record.results.overall.n_anomalous).sum();
            let each =
                if photos == 0 { "-".to_owned() } else { format!("{:.1}", 1e3 * seconds("scoring") / photos as f64) };
            push(
                text,
                &line(&[
                    column.mode.name().to_owned(),
                    escaped(&column.input),
                    format!("{} with {} of the patches each", column.banks, percent(column.ratio_of_each)),
                    records.len().to_string(),
                    format!("{:.1}", seconds("fit")),
                    format!("{:.1}", seconds("scoring") + seconds("metrics")),
                    each,
                ]),
            );
        }
    }
}

/// In percent, in the order of [`SHOWN`].
pub fn values(record: &Record) -> [Option<f64>; 4] {
    SHOWN.map(|metric| Some(record.results.overall.values.get(&metric)? * metric.unit.scale()))
}

/// `99.12 / 98.10 / - / 80.00`.
pub fn figures(values: &[Option<f64>]) -> String {
    joined(values.iter().map(|value| value.map_or("-".to_owned(), |value| format!("{value:.2}"))))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" / ")
}

/// `10 %`; shares have no more digits than were asked for.
fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

fn push(text: &mut String, line: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Text from elsewhere in a table or a list of Markdown.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        if matches!(c, '|' | '<' | '*' | '`' | '[') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}
