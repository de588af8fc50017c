//! `patchcore reproduce`: every class of the public benchmarks in every mode, beside what was published.

mod benchmark;
mod page;
mod published;
mod record;

use std::path::PathBuf;

use patchcore::config::Checked;
use patchcore::{
    DataSet, Error, EvaluateOptions, FitOptions, FitPlan, Limits, Mode, Model, Settings, Stage, path_text,
    write_beside_and_rename,
};

use self::benchmark::{Benchmark, Class, MVTEC_AD, VISA, check_classes};
use self::page::{ModeColumn, Page, Row, State};
pub use self::published::PAPERS_BACKBONE;
use self::record::{MadeWith, Record, described};
use crate::arguments::Reproduce;
use crate::command_line::shell_path;
use crate::commands::evaluate;
use crate::data::{self, Use};
use crate::free_memory::check_memory;
use crate::interrupt::{Watch, is_asked};
use crate::machine::machine;
use crate::outcome::Outcome;
use crate::output::{self, make_folder};
use crate::progress::Display;
use crate::write_plan::{Kind, WritePlan};
use crate::{said, utc};

/// Name of the page in the folder for results.
const PAGE: &str = "reproduce.md";

pub fn run(arguments: &Reproduce) -> anyhow::Result<Outcome> {
    let mut columns = columns(arguments)?;
    let classes = classes(arguments)?;
    let device = crate::device::open(&arguments.compute)?;
    let weights_sha256 = match columns.first() {
        Some((_, settings, _)) => settings.load_weights()?.sha256(),
        None => String::new(),
    };
    // What `gpu` or `auto` has found, so that it need not be looked for again.
    columns.iter_mut().for_each(|(_, settings, _)| settings.device = device.name());
    // Between two runs nobody else looks whether Ctrl-C was pressed.
    let _watch = Watch::new();
    let sets = classes.iter().map(|(_, _, path)| Some(data::read(path.as_ref()?))).collect::<Vec<_>>();
    check_places(arguments, &columns, &classes, &sets)?;

    let made_with = |config: &Checked, set: &DataSet| MadeWith::new(config, &weights_sha256, &device, set);
    let mut page = Page {
        modes: columns.iter().map(|(mode, _, config)| column_of(*mode, config)).collect(),
        rows: Vec::new(),
        backbone: arguments.backbone.clone(),
        weights_sha256: weights_sha256.clone(),
        ratio: arguments.coreset_sampling_ratio,
        seed: arguments.seed,
        device: described(&device),
        machine: machine(),
        written: utc::now(),
    };
    for ((benchmark, class, _), set) in classes.iter().zip(&sets) {
        let state = |(mode, _, config): &(Mode, Settings, Checked)| -> anyhow::Result<State> {
            let set = match set {
                None => return Ok(State::Missing),
                Some(Err(error)) => return Ok(State::Failed(said::of_chain(error))),
                Some(Ok(set)) => set,
            };
            let file = Record::place(&arguments.output, benchmark.folder, class.name, mode.name());
            let Some(record) = Record::read(&file)? else { return Ok(State::Waiting) };
            let wanted = made_with(config, set);
            if record.made_with == wanted {
                return Ok(State::Measured(Box::new(record)));
            }
            let why = record.made_with.difference(&wanted);
            output::note(&format!("{}: measured with {why}, so measured again", path_text(&file)));
            Ok(State::Waiting)
        };
        let states = columns.iter().map(state).collect::<anyhow::Result<Vec<_>>>()?;
        let missing = states.iter().all(|state| matches!(state, State::Missing));
        if missing {
            tracing::warn!("{} {}: its folder is not there", benchmark.name, class.name);
        }
        page.rows.push(Row { benchmark, class, states });
    }
    let count = |wanted: fn(&State) -> bool| -> usize {
        page.rows.iter().flat_map(|row| &row.states).filter(|state| wanted(state)).count()
    };
    let (kept, waiting) =
        (count(|state| matches!(state, State::Measured(_))), count(|state| matches!(state, State::Waiting)));
    output::note(&format!("runs to measure: {waiting}, kept from before: {kept}"));
    write_page(arguments, &mut page)?;

    let mut done = 0;
    for (at, ((benchmark, class, _), set)) in classes.iter().zip(&sets).enumerate() {
        let Some(Ok(set)) = set else {
            if let Some(Err(error)) = set {
                tracing::warn!("{} {}: {}", benchmark.name, class.name, said::of_chain(error));
            }
            continue;
        };
        let mut is_first = true;
        for (column, (mode, settings, config)) in columns.iter().enumerate() {
            let Some(state) = page.rows.get_mut(at).and_then(|row| row.states.get_mut(column)) else { continue };
            if !matches!(state, State::Waiting) {
                continue;
            }
            done += 1;
            let name = format!("{} {}, mode {}", benchmark.name, class.name, mode.name());
            output::note(&format!("{name} ({done} of {waiting})"));
            if std::mem::take(&mut is_first) {
                data::say(set, Use::Test);
            }
            let file = Record::place(&arguments.output, benchmark.folder, class.name, mode.name());
            *state = match measure(arguments, settings, config, set, made_with(config, set)) {
                Ok(record) => {
                    record.write(&file)?;
                    output::print(&format!("{name}: {}\n", crate::markdown::figures(&page::values(&record))))?;
                    State::Measured(Box::new(record))
                }
                Err(error) if is_cancelled(&error) => {
                    output::note("the next start goes on from here");
                    return Err(Error::Cancelled { what: "reproduction" }.into());
                }
                Err(error) => {
                    tracing::warn!("{name}: {}", said::of_chain(&error));
                    State::Failed(said::of_chain(&error))
                }
            };
            write_page(arguments, &mut page)?;
        }
    }
    let written = arguments.output.join(PAGE);
    output::print(&format!("written to {}\n", written.display()))?;
    let outcome = outcome(&page)?;
    output::next(&format!("less {}", shell_path(&written)));
    Ok(outcome)
}

/// The modes asked for, each once, with what they mean for a fit.
fn columns(arguments: &Reproduce) -> anyhow::Result<Vec<(Mode, Settings, Checked)>> {
    let mut columns: Vec<(Mode, Settings, Checked)> = Vec::new();
    for name in &arguments.modes {
        let mode = Mode::from_name(name)?;
        if columns.iter().any(|(other, ..)| *other == mode) {
            continue;
        }
        let mut settings = Settings {
            mode,
            backbone: arguments.backbone.clone(),
            weights: arguments.weights.clone(),
            coreset_sampling_ratio: Some(arguments.coreset_sampling_ratio),
            seed: arguments.seed,
            device: arguments.compute.device.clone(),
            precision: arguments.compute.precision_without_model()?,
            instructions: arguments.compute.instructions()?,
            ..Settings::default()
        };
        // A mode of several banks keeps as many patches in all of them together.
        let banks = settings.config()?.members.len();
        settings.coreset_sampling_ratio = Some(arguments.coreset_sampling_ratio / banks as f64);
        let config = settings.config()?;
        columns.push((mode, settings, config));
    }
    Ok(columns)
}

fn column_of(mode: Mode, config: &Checked) -> ModeColumn {
    ModeColumn {
        mode,
        input: config.view.to_string(),
        ratio_of_each: config.coreset_sampling_ratio,
        banks: config.members.len(),
    }
}

/// A class of a benchmark, and its folder if that is there.
type Place = (&'static Benchmark, &'static Class, Option<PathBuf>);

/// The classes asked for.
fn classes(arguments: &Reproduce) -> anyhow::Result<Vec<Place>> {
    let asked = [(&MVTEC_AD, &arguments.mvtec), (&VISA, &arguments.visa)];
    let roots: Vec<(&'static Benchmark, &PathBuf)> =
        asked.into_iter().filter_map(|(benchmark, root)| Some((benchmark, root.as_ref()?))).collect();
    check_classes(&arguments.classes, &roots.iter().map(|(benchmark, _)| *benchmark).collect::<Vec<_>>())?;
    let is_asked = |class: &str| arguments.classes.is_empty() || arguments.classes.iter().any(|asked| asked == class);
    let mut classes = Vec::new();
    for (benchmark, root) in roots {
        let found = benchmark.classes_in(root, is_asked)?;
        classes.extend(found.into_iter().map(|(class, path)| (benchmark, class, path)));
    }
    Ok(classes)
}

/// Refuses, before any work, to write where something else lies.
fn check_places(
    arguments: &Reproduce,
    columns: &[(Mode, Settings, Checked)],
    classes: &[Place],
    sets: &[Option<anyhow::Result<DataSet>>],
) -> anyhow::Result<()> {
    let sets = sets.iter().flatten().filter_map(|set| set.as_ref().ok());
    let plan = sets.fold(WritePlan::new(arguments.force), |plan, set| plan.reads_set(set));
    let plan = plan.reads(arguments.weights.as_deref());
    plan.folder(&arguments.output)?;
    plan.replaced(&arguments.output.join(PAGE), Kind::ReproducePage)?;
    for (benchmark, class, _) in classes {
        for (mode, ..) in columns {
            let file = Record::place(&arguments.output, benchmark.folder, class.name, mode.name());
            plan.replaced(&file, Kind::ReproduceRecord)?;
        }
    }
    Ok(())
}

/// Fits and evaluates one class in one mode.
fn measure(
    arguments: &Reproduce,
    settings: &Settings,
    config: &Checked,
    set: &DataSet,
    made_with: MadeWith,
) -> anyhow::Result<Record> {
    if is_asked() {
        return Err(Error::Cancelled { what: "reproduction" }.into());
    }
    let files = set.training()?;
    set.labelled()?;
    check_memory(&FitPlan::of_files(config, files, &Limits::default()), arguments.max_memory)?;
    let mut display = Display::new();
    let report = Model::fit_with(settings, files, FitOptions::default().progress(|progress| display.show(progress)))?;
    display.finish();
    let fit = display.elapsed();
    output::warn_of_rejected(&report.rejected);
    output::warn_of(&report.remarks);
    let mut display = Display::new();
    let model = report.model;
    let options = EvaluateOptions::default().progress(|progress| display.show(progress));
    let evaluation = model.evaluate(set, options)?;
    display.finish();
    let scoring = display.until(Stage::Scoring);
    evaluate::say(&evaluation, set);
    let mut results = evaluation.results(&model);
    let stages = [("fit", fit), ("scoring", scoring), ("metrics", display.elapsed().saturating_sub(scoring))];
    results.seconds.extend(stages.map(|(stage, time)| (stage.to_owned(), time.as_secs_f64())));
    let without_mask = if set.has_masks() { results.n_without_mask } else { 0 };
    Ok(Record {
        made_with,
        written: utc::now(),
        training_photos: model.fitted_on().images,
        faults: report.rejected.len() + results.n_failed + without_mask,
        results,
    })
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(Error::Cancelled { .. })))
}

fn write_page(arguments: &Reproduce, page: &mut Page) -> anyhow::Result<()> {
    page.written = utc::now();
    make_folder(&arguments.output)?;
    Ok(write_beside_and_rename(&arguments.output.join(PAGE), page.markdown().as_bytes())?)
}

/// Failed where nothing at all was measured.
fn outcome(page: &Page) -> anyhow::Result<Outcome> {
    let states = || page.rows.iter().flat_map(|row| &row.states);
    let failed: Vec<&String> =
        states().filter_map(|state| if let State::Failed(error) = state { Some(error) } else { None }).collect();
    let measured = states().filter(|state| matches!(state, State::Measured(_))).count();
    if let (0, Some(first)) = (measured, failed.first()) {
        anyhow::bail!("nothing could be measured, the first error: {first}");
    }
    let faulty = states().any(|state| matches!(state, State::Measured(record) if record.faults > 0));
    Ok(if failed.is_empty() && !faulty { Outcome::Done } else { Outcome::SomeImagesFailed })
}
