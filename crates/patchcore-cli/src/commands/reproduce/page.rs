//! `reproduce.md`: the measured figures beside the published ones.

use patchcore::metrics::Metric;
use patchcore::{Mode, one_line};

use super::benchmark::{Benchmark, Class};
use super::published::{Figures, Published, published};
use super::record::Record;
use crate::in_words::percent;
use crate::markdown::{escaped, figures, joined, line, push};

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
    /// Which.
    pub class: &'static Class,
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
    /// System and processor.
    pub machine: String,
    /// When the page was written.
    pub written: String,
}

/// The mean over the measured classes of a benchmark.
struct Mean {
    classes: Vec<&'static str>,
    /// Of how many of them all photos were used.
    whole: usize,
    /// In the order of [`SHOWN`].
    values: [Option<f64>; 4],
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
        text.push_str("\nA cell is image AUROC / pixel AUROC / AUPRO up to 0.3 (the paper's PRO) / AUPRO up to 0.05, in percent; \\* is not of all photos.\n");
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
    fn mean(&self, benchmark: &Benchmark, mode: usize) -> Mean {
        let measured: Vec<(&Row, &Record)> =
            self.rows_of(benchmark).filter_map(|row| Some((row, row.record(mode)?))).collect();
        let mean = |at: usize| {
            let column: Vec<f64> =
                measured.iter().map(|(_, record)| *values(record).get(at)?).collect::<Option<_>>()?;
            (!column.is_empty()).then(|| column.iter().sum::<f64>() / column.len() as f64)
        };
        Mean {
            classes: measured.iter().map(|(row, _)| row.class.name).collect(),
            whole: measured.iter().filter(|(row, record)| record.is_whole(row.class)).count(),
            values: [mean(0), mean(1), mean(2), mean(3)],
        }
    }

    /// What was published for a column with this very share of the patches.
    fn published(&self, benchmark: &Benchmark, mode: usize) -> Option<&'static Published> {
        let mode = self.modes.get(mode)?.mode;
        published(benchmark, &self.backbone, mode).find(|published| published.is_of_ratio(self.ratio))
    }

    /// The published mean over the measured classes: that of all, or made of the source's figures of each. None for less than all photos.
    fn published_mean(&self, benchmark: &Benchmark, mode: usize, mean: &Mean) -> Option<Figures> {
        let published = self.published(benchmark, mode)?;
        match mean.classes.len() {
            0 => None,
            count if mean.whole < count => None,
            count if count == benchmark.classes.len() => Some(published.mean),
            _ => published.mean_of(&mean.classes),
        }
    }

    /// One line: the mean image AUROC of a mode beside the published one, if all classes are there and whole.
    fn sentence(&self, text: &mut String, benchmark: &Benchmark, at: usize) {
        let Some(column) = self.modes.get(at) else { return };
        let Mean { classes, whole, values: [image, ..] } = self.mean(benchmark, at);
        let (name, mode, all) = (benchmark.name, column.mode.name(), benchmark.classes.len());
        let mean = image.map_or("not defined".to_owned(), |mean| format!("{mean:.2}"));
        let line = match classes.len() {
            0 => format!("{name}, mode {mode}: none of {all} classes is measured."),
            count if whole < all => format!(
                "{name}, mode {mode}: {count} of {all} classes, {whole} of them with all their photos; mean image AUROC over those \
                 {count}: {mean}. What is published is the mean over all."
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
            let mut cells = vec![row.class.name.to_owned()];
            for (at, state) in row.states.iter().enumerate() {
                cells.push(match state {
                    State::Waiting => "not yet".to_owned(),
                    State::Missing => "no folder".to_owned(),
                    State::Failed(_) => "failed".to_owned(),
                    State::Measured(record) => {
                        let remark = if record.is_whole(row.class) { "" } else { r" \*" };
                        format!("{}{remark}", figures(&values(record)))
                    }
                });
                if self.has_published_classes(benchmark, at) {
                    let of_class = self.published(benchmark, at).and_then(|published| published.class(row.class.name));
                    cells.push(of_class.map_or("-".to_owned(), |of_class| figures(&of_class.values())));
                }
            }
            push(text, &line(&cells));
        }
        let (mut means, mut said, mut deviations) =
            (vec!["**mean**".to_owned()], vec!["published".to_owned()], vec!["deviation".to_owned()]);
        for at in 0..self.modes.len() {
            let mean = self.mean(benchmark, at);
            let theirs = self.published_mean(benchmark, at, &mean);
            let ours = mean.values;
            means.push(format!("**{}** of {}", figures(&ours), mean.classes.len()));
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
            let name = format!("{} {}", row.benchmark.name, row.class.name);
            if row.states.iter().all(|state| matches!(state, State::Missing)) {
                lines.push(format!("{name}: its folder is not there"));
            }
            // In whatever mode: the photos are the same.
            let mut records = (0..self.modes.len()).filter_map(|at| row.record(at));
            if let Some(record) = records.find(|record| record.faults == 0 && !record.is_whole(row.class)) {
                lines.push(format!(
                    "{name}: {} photos for training and {} of the test, where the data set has {} and {}: its figures are not held \
                     against published ones",
                    record.training_photos,
                    record.test_photos(),
                    row.class.training,
                    row.class.test
                ));
            }
            for (column, state) in self.modes.iter().zip(&row.states) {
                let mode = column.mode.name();
                match state {
                    State::Failed(error) => lines.push(format!("{name}, mode {mode}: {}", one_line(error))),
                    State::Measured(record) if record.faults > 0 => lines.push(format!(
                        "{name}, mode {mode}: photos or masks that could not be used: {}; the figures are of the others",
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
        let facts = [
            ("network", self.backbone.clone()),
            ("weights", format!("sha256 {}", self.weights_sha256)),
            ("patches kept", percent(self.ratio)),
            ("seed", self.seed.to_string()),
            ("program", concat!("patchcore ", env!("CARGO_PKG_VERSION")).to_owned()),
            ("device", self.device.clone()),
            ("machine", self.machine.clone()),
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

#[cfg(test)]
mod tests {
    use patchcore::metrics::Results;

    use super::super::benchmark::{MVTEC_AD, VISA};
    use super::super::record::MadeWith;
    use super::*;

    /// A run of all photos of a class with this image AUROC, and the same pixel metrics whatever the class.
    fn record(class: &Class, image_auroc: f64) -> Record {
        let made_with = MadeWith {
            program: "patchcore".to_owned(),
            settings: Vec::new(),
            weights_sha256: String::new(),
            device: "cpu".to_owned(),
            photos_sha256: String::new(),
        };
        let json = format!(
            "{{\"n_normal\":1,\"n_anomalous\":{},\"image_auroc\":{image_auroc},\"pixel_auroc\":0.982,\"aupro_0.3\":0.93,\"n_failed\":0,\
             \"n_without_mask\":0,\"n_defect_out_of_view\":0,\"kinds\":{{}},\"seconds\":{{\"fit\":2.0,\"scoring\":1.0}},\"model\":{{\
             \"mode\":\"paper\",\"backbone\":\"\",\"weights_sha256\":\"\",\"bank_rows\":1,\"seed\":0,\"device\":\"cpu\",\
             \"version\":\"\"}}}}",
            class.test - 1
        );
        let results = Results::from_json(json.as_bytes()).unwrap();
        Record { made_with, written: String::new(), training_photos: class.training, faults: 0, results }
    }

    fn page(backbone: &str, modes: &[Mode], rows: Vec<Row>) -> Page {
        let column =
            |mode: &Mode| ModeColumn { mode: *mode, input: "as it is".to_owned(), ratio_of_each: 0.1, banks: 1 };
        Page {
            modes: modes.iter().map(column).collect(),
            rows,
            backbone: backbone.to_owned(),
            weights_sha256: "abc".to_owned(),
            ratio: 0.1,
            seed: 0,
            device: "cpu".to_owned(),
            machine: "a|b".to_owned(),
            written: "now".to_owned(),
        }
    }

    /// All of MVTec AD, one class a point worse than the others.
    fn rows(modes: usize) -> Vec<Row> {
        let row = |class: &'static Class| {
            let auroc = if class.name == "screw" { 0.975 } else { 0.99 };
            let states = (0..modes).map(|_| State::Measured(Box::new(record(class, auroc)))).collect();
            Row { benchmark: &MVTEC_AD, class, states }
        };
        MVTEC_AD.classes.iter().map(row).collect()
    }

    #[test]
    fn the_whole_benchmark_stands_beside_what_was_published() {
        let text = page("wide_resnet50_2", &[Mode::Paper, Mode::Line], rows(2)).markdown();
        let sentence = "**Mean image AUROC of mode paper over the 15 classes of MVTec AD, with 10 % of the patches: 98.90**; published: \
                        99.1 with 100 % of the patches (Roth et al. 2022), 99.1 with 25 %";
        assert!(text.contains(sentence), "{text}");
        assert!(text.contains("98.90**; nothing is published of this mode with wide_resnet50_2."), "{text}");
        let rows = "| **mean** | **98.90 / 98.20 / 93.00 / -** of 15 | **98.90 / 98.20 / 93.00 / -** of 15 |\n\
                    | published | 99.00 / 98.10 / 93.50 | - |\n| deviation | -0.10 / +0.10 / -0.50 | - |\n";
        assert!(text.contains(rows), "{text}");
        assert!(text.contains("(https://arxiv.org/abs/2106.08265)") && text.contains("| machine | a\\|b |"), "{text}");
        assert!(text.contains("| paper | as it is | 1 with 10 % of the patches each | 15 | 30.0 | 15.0 |"), "{text}");
        assert!(!text.contains("Not measured"), "{text}");
    }

    #[test]
    fn a_part_is_held_against_the_same_part_if_the_source_has_it() {
        let mut part = rows(1);
        part.truncate(2);
        let text = page("resnet18", &[Mode::Anomalib], part).markdown();
        assert!(
            text.contains("2 of 15 classes, 2 of them with all their photos; mean image AUROC over those 2: 99.00."),
            "{text}"
        );
        // Bottle and cable: 100 and 98.6.
        assert!(text.contains("| published | 99.30 / 98.25 / - |  |\n| deviation | -0.30 / -0.05 / - |  |"), "{text}");
        assert!(text.contains("| cable | 99.00 / 98.20 / 93.00 / - | 98.60 / 98.40 / - |"), "{text}");
        // The mean of another part than all is none of theirs.
        let mut part = rows(1);
        part.truncate(2);
        let text = page("wide_resnet50_2", &[Mode::Anomalib], part).markdown();
        assert!(text.contains("| published | - |\n| deviation | - |"), "{text}");
    }

    #[test]
    fn less_than_all_photos_is_said_and_not_compared() {
        let mut all = rows(1);
        let State::Measured(first) = &mut all[0].states[0] else { panic!() };
        first.training_photos = 60;
        all.push(Row { benchmark: &VISA, class: &VISA.classes[0], states: vec![State::Failed("a|b".to_owned())] });
        let text = page("wide_resnet50_2", &[Mode::Paper], all).markdown();
        assert!(text.contains("| bottle | 99.00 / 98.20 / 93.00 / - \\* |"), "{text}");
        assert!(text.contains("15 of 15 classes, 14 of them with all their photos; mean"), "{text}");
        assert!(text.contains("| published | - |"), "{text}");
        assert!(
            text.contains("- MVTec AD bottle: 60 photos for training and 83 of the test, where the data set has 209"),
            "{text}"
        );
        assert!(text.contains("- VisA, mode paper: none of 12 classes is measured.\n"), "{text}");
        assert!(text.contains("- VisA candle, mode paper: a\\|b\n"), "{text}");
    }
}
