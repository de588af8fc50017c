//! `patchcore bench`: what networks, sizes and banks take and find on this machine, and the one that a time budget leaves.

mod line_to_type;
mod measured;

use std::path::{Path, PathBuf};
use std::time::Instant;

use patchcore::config::{CATALOGUE, ConfigError};
use patchcore::{
    DataSet, Error, FitOptions, FitPlan, Limits, Mode, Model, NetworkPrecision, NetworkSettings, Precision, Resize,
    ScoreStep, Settings, path_text,
};
use serde::Serialize;

use self::line_to_type::command;
use self::measured::{Choice, Measured, Milliseconds, Parts, choose, mark_front};
use crate::arguments::{Bench, InspectFormat, ratio_of_a_larger_view};
use crate::command_line::shell_path;
use crate::commands::weights;
use crate::data::{self, Use};
use crate::free_memory::check_memory;
use crate::in_words::percent;
use crate::interrupt::{Watch, is_asked};
use crate::machine::machine;
use crate::misuse::Misuse;
use crate::outcome::Outcome;
use crate::progress::Display;
use crate::{output, said, utc};

/// What is printed as JSON.
#[derive(Serialize)]
struct BenchFile<'a> {
    version: u32,
    program: &'static str,
    date: String,
    machine: String,
    device: String,
    data: String,
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_ms: Option<f64>,
    measured: &'a [Measured],
    left_out: &'a [LeftOut],
    /// The command of the choice within the budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// A choice that could not be measured.
#[derive(Serialize)]
struct LeftOut {
    what: String,
    reason: String,
}

/// A choice to measure: what of its settings was chosen, and all of them.
struct Candidate {
    /// Short side after the resize, in pixels.
    resize: u32,
    /// Share of the training patches in each memory bank.
    ratio: f64,
    settings: Settings,
}

/// A photo to score.
struct Timed<'a> {
    path: &'a Path,
    is_anomalous: bool,
}

/// Photos of a plain folder that are timed.
const OF_A_FOLDER: usize = 40;

/// The first photos of a model are not timed: buffers are made and caches filled.
const WARM_UP: usize = 2;

pub fn run(arguments: &Bench) -> anyhow::Result<Outcome> {
    let mut choices = choices(arguments)?;
    let data = data::open(&arguments.data, Use::Good)?;
    let files = data.training()?;
    let photos = photos(&data, arguments.photos.map(|count| count as usize));
    let device = crate::device::open(&arguments.compute)?;
    if let Some(line) = only_on_the_cpu(arguments, &device.name(), &mut choices) {
        output::note(&line);
    }
    // Between two stages nobody else looks whether Ctrl-C was pressed.
    let _watch = Watch::new();
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    // Which photos could be scored, of all choices.
    let mut usable = vec![true; photos.len()];
    for (number, Candidate { resize, ratio, settings }) in choices.iter().enumerate() {
        let what = named(&networks_of(settings), settings.network_precision, *resize, *ratio);
        output::note(&format!("{what} ({} of {})", number + 1, choices.len()));
        let settings = Settings { device: device.name(), ..settings.clone() };
        match measure(arguments, *resize, &settings, files, &photos, &mut usable) {
            Ok(one) => all.push(one),
            Err(error) if is_asked() => return Err(error),
            Err(error) => {
                let reason = said::of_chain(&error);
                tracing::warn!("{what} is left out: {reason}");
                left_out.push(LeftOut { what, reason });
            }
        }
    }
    if let (true, Some(first)) = (all.is_empty(), left_out.first()) {
        anyhow::bail!("nothing could be measured, the first error: {}: {}", first.what, first.reason);
    }
    let labels: Vec<bool> = kept(&usable, photos.iter().map(|photo| photo.is_anomalous)).collect();
    for one in &mut all {
        one.scores = kept(&usable, std::mem::take(&mut one.scores)).collect();
        one.judge(&labels);
    }
    mark_front(&mut all);
    let choice = arguments.budget_ms.and_then(|budget| choose(&all, budget, &labels));
    let command = choice.as_ref().map(|choice| command(arguments, choice.best));
    let text = match arguments.format {
        InspectFormat::Json => {
            let file = BenchFile {
                version: 1,
                program: env!("CARGO_PKG_VERSION"),
                date: utc::now(),
                machine: machine(),
                device: device.name(),
                data: path_text(&arguments.data),
                mode: &arguments.mode,
                budget_ms: arguments.budget_ms,
                measured: &all,
                left_out: &left_out,
                command,
            };
            serde_json::to_string_pretty(&file)? + "\n"
        }
        InspectFormat::Table => {
            table(&all, &device.name())
                + &sentences(arguments, choice.as_ref(), &all)
                + &command.map_or(String::new(), |line| line + "\n")
        }
    };
    output::print(&text)?;
    if arguments.budget_ms.is_none() {
        output::next(&format!("patchcore bench --data {} --budget-ms 20", shell_path(&arguments.data)));
    }
    let failed = usable.iter().filter(|usable| !**usable).count();
    if failed > 0 {
        tracing::warn!("{failed} of {} photos could not be scored and count nowhere", photos.len());
    }
    Ok(if failed > 0 || !left_out.is_empty() { Outcome::SomeImagesFailed } else { Outcome::Done })
}

/// Every network with every size and bank.
fn choices(arguments: &Bench) -> anyhow::Result<Vec<Candidate>> {
    let mode = Mode::from_name(&arguments.mode)?;
    let here = CATALOGUE.iter().filter(|network| weights::are_here(network)).map(|network| network.name.to_owned());
    let networks: Vec<String> = if arguments.backbone.is_empty() { here.collect() } else { arguments.backbone.clone() };
    if networks.is_empty() {
        return Err(Misuse("no network has weights here: name one with --backbone".to_owned()).into());
    }
    let formats = network_precisions(arguments)?;
    let mut all = Vec::new();
    for (backbone, network_precision) in
        networks.iter().flat_map(|network| formats.iter().map(move |of| (network, *of)))
    {
        let mut names = backbone.split('+');
        let (first, further) = (names.next().unwrap_or_default(), names.collect::<Vec<_>>());
        let of = |resize: u32, ratio: Option<f64>| -> anyhow::Result<Settings> {
            Ok(Settings {
                mode,
                backbone: first.to_owned(),
                further_networks: further.iter().copied().map(NetworkSettings::new).collect(),
                network_precision,
                resize: Some(Resize::Short(resize)),
                coreset_sampling_ratio: ratio,
                seed: arguments.seed,
                precision: arguments.compute.precision_without_model()?,
                instructions: arguments.compute.instructions()?,
                ..Settings::default()
            })
        };
        // Which networks have kernels for few bits nobody need know who has not named a format.
        let lacks =
            |settings: Settings| matches!(settings.config(), Err(Error::Config(ConfigError::NotReducible { .. })));
        let tried = arguments.resize.first().copied().unwrap_or_default();
        if arguments.network_precision.is_empty() && lacks(of(tried, None)?) {
            continue;
        }
        for resize in &arguments.resize {
            let mut ratios = arguments.coreset_sampling_ratio.clone();
            if ratios.is_empty() {
                // As a fit without the option: a larger view keeps as many rows.
                let of_mode = of(*resize, None)?.config()?.coreset_sampling_ratio;
                let own = ratio_of_a_larger_view(mode, Some(*resize)).unwrap_or(of_mode);
                ratios = vec![own.min(0.01), own];
                ratios.dedup();
            }
            for ratio in ratios {
                let settings = of(*resize, Some(ratio))?;
                // A value out of its range is found before the first fit.
                settings.config()?;
                all.push(Candidate { resize: *resize, ratio, settings });
            }
        }
    }
    Ok(all)
}

/// The number formats of networks to try. Those of few bits are for devices that compute in f32, which is the default.
fn network_precisions(arguments: &Bench) -> anyhow::Result<Vec<NetworkPrecision>> {
    let in_f32 = arguments.compute.precision()? == Some(Precision::F32);
    if arguments.network_precision.is_empty() {
        let int8 = in_f32.then_some(NetworkPrecision::Int8);
        return Ok(std::iter::once(NetworkPrecision::F32).chain(int8).collect());
    }
    let named = arguments.network_precision.iter().map(|name| NetworkPrecision::from_name(name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    match named.iter().find(|format| !format.is_f32() && !in_f32) {
        None => Ok(named),
        Some(format) => {
            let precision = &arguments.compute.precision;
            let text =
                format!("--network-precision {format} is the same on every device: leave --precision {precision} out");
            Err(Misuse(text).into())
        }
    }
}

/// Networks of few bits are computed by the CPU, whatever the device: on another one they are left out unless they were asked for. What is to
/// be said of it.
fn only_on_the_cpu(arguments: &Bench, device: &str, choices: &mut Vec<Candidate>) -> Option<String> {
    let is_of_f32 = |choice: &Candidate| choice.settings.network_precision.is_f32();
    if matches!(device, "cpu" | "flex") || choices.iter().all(is_of_f32) {
        return None;
    }
    if arguments.network_precision.is_empty() {
        choices.retain(is_of_f32);
        return Some(format!(
            "networks of int8 are left out: the CPU computes them, not {device}; `--device cpu` or `--network-precision int8` measures them"
        ));
    }
    Some(format!("rows of int8 and bf16 are measured with the network on the CPU, not on {device}"))
}

/// The photos to score: the labelled ones, of each class at most so many; without any, photos of the fit.
fn photos(data: &DataSet, most: Option<usize>) -> Vec<Timed<'_>> {
    let of_class = |is_anomalous: bool| {
        let of_it: Vec<&Path> = data
            .test
            .iter()
            .filter(|image| image.is_anomalous == is_anomalous)
            .map(|image| image.path.as_path())
            .collect();
        evenly(of_it, most.unwrap_or(usize::MAX)).map(move |path| Timed { path, is_anomalous }).collect::<Vec<_>>()
    };
    if data.test.is_empty() {
        let files = data.train.iter().map(PathBuf::as_path).collect();
        return evenly(files, most.unwrap_or(OF_A_FOLDER)).map(|path| Timed { path, is_anomalous: false }).collect();
    }
    [false, true].into_iter().flat_map(of_class).collect()
}

/// At most so many, from the whole length.
fn evenly<T>(all: Vec<T>, most: usize) -> impl Iterator<Item = T> {
    let (count, taken) = (all.len(), all.len().min(most));
    let is_taken = move |at: usize| (at + 1) * taken / count > at * taken / count;
    all.into_iter().enumerate().filter(move |(at, _)| is_taken(*at)).map(|(_, item)| item)
}

/// Those whose flag is set.
fn kept<'a, T: 'a>(flags: &'a [bool], items: impl IntoIterator<Item = T> + 'a) -> impl Iterator<Item = T> + 'a {
    items.into_iter().zip(flags).filter(|(_, flag)| **flag).map(|(item, _)| item)
}

/// Fits one choice and scores every photo with it, each by itself as on a line.
fn measure(
    arguments: &Bench,
    resize: u32,
    settings: &Settings,
    files: &[PathBuf],
    photos: &[Timed<'_>],
    usable: &mut [bool],
) -> anyhow::Result<Measured> {
    let cancelled = || Error::Cancelled { what: "measurement" };
    let config = settings.config()?;
    check_memory(&FitPlan::of_files(&config, files, &Limits::default()), arguments.max_memory)?;
    let mut display = Display::new();
    let report = Model::fit_with(settings, files, FitOptions::default().progress(|progress| display.show(progress)))?;
    drop(display);
    let model = report.model;
    let (mut scores, mut times) = (Vec::with_capacity(photos.len()), Vec::new());
    for photo in photos.iter().take(WARM_UP) {
        let _ = time_photo(&model, photo.path);
    }
    for (photo, usable) in photos.iter().zip(usable) {
        if is_asked() {
            return Err(cancelled().into());
        }
        match time_photo(&model, photo.path) {
            Ok((score, parts)) => {
                scores.push(score);
                times.push(parts);
            }
            Err(error) => {
                if std::mem::replace(usable, false) {
                    tracing::warn!("left out: {}", output::naming(&path_text(photo.path), &error));
                }
                scores.push(f32::NAN);
            }
        }
    }
    let milliseconds =
        Milliseconds::of(&times).ok_or_else(|| anyhow::anyhow!("no photo could be scored; look at the photos"))?;
    Ok(Measured {
        backbone: networks_of(settings),
        network_precision: settings.network_precision,
        resize,
        coreset_sampling_ratio: config.coreset_sampling_ratio,
        bank_rows: model.banks().iter().map(|bank| bank.len()).collect(),
        photos: times.len(),
        milliseconds,
        image_auroc: None,
        image_auroc_interval: None,
        is_on_front: false,
        scores,
    })
}

/// A photo's score, and the milliseconds of its parts.
fn time_photo(model: &Model, path: &Path) -> Result<(f32, Parts), Error> {
    let started = Instant::now();
    let photo = model.open_photo(path, &Limits::default())?;
    let input = model.prepare(&photo)?;
    let mut last = Instant::now();
    let mut parts: Parts = [(last - started).as_secs_f64() * 1e3, 0.0, 0.0, 0.0];
    let score = model.score_input_in_steps(&input, &mut |step| {
        let [_, network, search, map] = &mut parts;
        let part = match step {
            ScoreStep::Search => search,
            ScoreStep::Map => map,
            _ => network,
        };
        let now = Instant::now();
        *part += (now - last).as_secs_f64() * 1e3;
        last = now;
    })?;
    Ok((score.score, parts))
}

/// The networks of a choice, as --backbone names them.
fn networks_of(settings: &Settings) -> String {
    let further = settings.further_networks.iter().map(|network| network.backbone.as_str());
    std::iter::once(settings.backbone.as_str()).chain(further).collect::<Vec<_>>().join("+")
}

fn named(backbone: &str, format: NetworkPrecision, resize: u32, ratio: f64) -> String {
    format!("{}, {resize} px, {}", network(backbone, format), percent(ratio))
}

/// A network, and its number format where it is not f32.
fn network(backbone: &str, format: NetworkPrecision) -> String {
    if format.is_f32() { backbone.to_owned() } else { format!("{backbone} {format}") }
}

fn name_of(one: &Measured) -> String {
    named(&one.backbone, one.network_precision, one.resize, one.coreset_sampling_ratio)
}

fn table(all: &[Measured], device: &str) -> String {
    let network_of = |one: &Measured| network(&one.backbone, one.network_precision);
    let network = all.iter().map(|one| network_of(one).len()).max().unwrap_or(0).max("network".len());
    let rows = |one: &Measured| one.bank_rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
    let width = all.iter().map(|one| rows(one).len()).max().unwrap_or(0).max("rows".len());
    let mut text = format!(
        "  {:<network$}  {:>6}  {:>7}  {:>width$}  {:>6}  {:>7}  {:>6}  {:>5}  {:>6}  {:>6}  image AUROC (95 %)\n",
        "network", "resize", "bank", "rows", "decode", "network", "search", "map", "median", "p95"
    );
    for one in all {
        let ms = &one.milliseconds;
        let mark = if one.is_on_front { '*' } else { ' ' };
        text.push_str(&format!(
            "{mark} {:<network$}  {:>6}  {:>7}  {:>width$}  {:>6.1}  {:>7.1}  {:>6.1}  {:>5.1}  {:>6.1}  {:>6.1}  {}\n",
            network_of(one),
            one.resize,
            percent(one.coreset_sampling_ratio),
            rows(one),
            ms.decode,
            ms.network,
            ms.search,
            ms.map,
            ms.median,
            ms.p95,
            auroc(one),
        ));
    }
    text.push_str(&format!(
        "times in ms per photo, one at a time, device {device}, {}: medians, and what 95 of 100 photos take at most (p95)\n\
         *: nothing else here is both faster and better\n",
        machine()
    ));
    text
}

fn auroc(one: &Measured) -> String {
    match (one.image_auroc, &one.image_auroc_interval) {
        (Some(auroc), Some(interval)) => format!("{auroc:.4} ({:.4} to {:.4})", interval.low, interval.high),
        (Some(1.0), None) => "1.0000 (none in the wrong order)".to_owned(),
        (Some(auroc), None) => format!("{auroc:.4} (too few photos to say)"),
        (None, _) => "-".to_owned(),
    }
}

/// What the budget leaves, in words.
fn sentences(arguments: &Bench, choice: Option<&Choice<'_>>, all: &[Measured]) -> String {
    let mut text = String::new();
    if all.iter().all(|one| one.image_auroc.is_none()) {
        text.push_str(
            "not judged: an AUROC takes two labelled photos of each class; a larger photo with more rows counts as better\n",
        );
    }
    let Some(budget) = arguments.budget_ms else {
        return text;
    };
    let Some(Choice { best, as_good }) = choice else {
        let fastest = all.iter().min_by(|a, b| a.milliseconds.p95.total_cmp(&b.milliseconds.p95));
        let fastest = fastest.map_or(String::new(), |one| {
            format!("; the fastest is {} at {:.1} ms", name_of(one), one.milliseconds.p95)
        });
        return text
            + &format!(
                "nothing stays within {budget} ms on this machine{fastest}: try a smaller --resize or --coreset-sampling-ratio\n"
            );
    };
    text.push_str(&format!("within {budget} ms: {} ({:.1} ms)\n", name_of(best), best.milliseconds.p95));
    if let Some(other) = as_good {
        text.push_str(&format!(
            "these photos do not tell it apart from {} ({:.1} ms)\n",
            name_of(other),
            other.milliseconds.p95
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn some_of_many_are_taken_from_the_whole_length() {
        let taken = |count: usize, most: usize| evenly((0..count).collect(), most).collect::<Vec<usize>>();
        assert_eq!(taken(10, 2), [4, 9]);
        assert_eq!(taken(3, 9), [0, 1, 2]);
        assert_eq!(taken(0, 2), [0; 0]);
        assert_eq!(taken(100, 40).len(), 40);
    }

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        bench: Bench,
    }

    #[test]
    fn on_a_gpu_networks_of_int8_are_left_out_or_said_to_be_measured_on_the_cpu() {
        let of = |device: &str, options: &[&str]| {
            let arguments = ["bench", "--data", "photos", "--backbone", "efficientnet_lite0"];
            let arguments = Program::parse_from(arguments.iter().chain(options)).bench;
            let mut choices = choices(&arguments).unwrap();
            let said = only_on_the_cpu(&arguments, device, &mut choices);
            let has_int8 = choices.iter().any(|choice| !choice.settings.network_precision.is_f32());
            (has_int8, said.unwrap_or_default())
        };
        for cpu in ["cpu", "flex"] {
            assert_eq!(of(cpu, &[]), (true, String::new()));
        }
        let (has_int8, said) = of("vulkan:0", &[]);
        assert!(
            !has_int8 && said.starts_with("networks of int8 are left out: the CPU computes them, not vulkan:0"),
            "{said}"
        );
        let (has_int8, said) = of("vulkan:0", &["--network-precision", "f32,int8"]);
        assert!(has_int8 && said.ends_with("measured with the network on the CPU, not on vulkan:0"), "{said}");
        assert_eq!(of("vulkan:0", &["--network-precision", "f32"]), (false, String::new()));
    }
}
