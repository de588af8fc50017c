//! `patchcore diff`: what changed from one model to another, and, with photos, whose scores change most.

use std::path::PathBuf;

use patchcore::{Change, Coverage, Progress, Stage, Threshold, Verdict, one_line};

use crate::arguments::{Diff, InspectFormat};
use crate::command_line::shell_path;
use crate::coverage_words::radius;
use crate::data::{self, Use};
use crate::model_difference::{ModelDifference, NamedPhoto, ScoreChange, ScoreDifference, Side};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;

/// Photos that a line names, at most.
const NAMED: usize = 5;

pub fn run(arguments: &Diff) -> anyhow::Result<Outcome> {
    let photos = arguments.data.as_deref().map(|path| data::open(path, Use::Good)).transpose()?.map(|set| {
        let tests = set.test.into_iter().map(|image| image.path);
        set.train.into_iter().chain(set.validation).chain(tests).collect::<Vec<PathBuf>>()
    });
    let mut difference = ModelDifference::of(&arguments.a, &arguments.b)?;
    if let Some(photos) = &photos {
        difference.scores = Some(scores(arguments, photos)?);
    }
    match arguments.format {
        InspectFormat::Json => output::print(&format!("{}\n", serde_json::to_string_pretty(&difference)?))?,
        InspectFormat::Table => output::print(&table(&difference))?,
    }
    if photos.is_none() {
        let (a, b) = (shell_path(&arguments.a), shell_path(&arguments.b));
        output::next(&format!("patchcore diff {a} {b} --data PHOTOS"));
    }
    let failed = difference.scores.as_ref().is_some_and(|scores| scores.failed > 0);
    Ok(if failed { Outcome::SomeImagesFailed } else { Outcome::Done })
}

/// Scores every photo by both models.
fn scores(arguments: &Diff, photos: &[PathBuf]) -> anyhow::Result<ScoreDifference> {
    let [a, b] = [&arguments.a, &arguments.b].map(|path| crate::device::load_file(path, &arguments.loading));
    let (a, b) = (a?, b?);
    let mut display = Display::new();
    let (mut scored, mut rejected) = (Vec::new(), Vec::new());
    for (at, (first, second)) in a.scores(photos).zip(b.scores(photos)).enumerate() {
        match (first.result, second.result) {
            (Ok(one), Ok(other)) => scored.push(ScoreChange {
                image_path: first.name,
                a: one.score,
                b: other.score,
                change: other.score - one.score,
                verdict_a: one.verdict.map(Verdict::name),
                verdict_b: other.verdict.map(Verdict::name),
            }),
            (Err(error), _) | (_, Err(error)) => rejected.push((first.name, error)),
        }
        if display.show(Progress::new(Stage::Scoring, at + 1, photos.len())).is_break() && at + 1 < photos.len() {
            return Err(patchcore::Error::Cancelled { what: "comparison" }.into());
        }
    }
    display.finish();
    drop(display);
    output::warn_of_rejected(&rejected);
    anyhow::ensure!(
        !scored.is_empty(),
        "none of the {} photos could be scored by both models: name photos that `patchcore score` takes",
        photos.len()
    );
    Ok(ScoreDifference::of(scored, rejected.len(), arguments.most))
}

/// What stands on stdout.
fn table(difference: &ModelDifference) -> String {
    let ModelDifference { a, b, banks, photos, settings, .. } = difference;
    let mut rows = vec![
        ("photos".to_owned(), a.photos.to_string(), b.photos.to_string(), photos_in_words(difference)),
        ("patches".to_owned(), a.patches.to_string(), b.patches.to_string(), String::new()),
    ];
    let of_bank = |at: usize| if banks.len() == 1 { String::new() } else { format!(" of bank {}", at + 1) };
    for (at, bank) in banks.iter().enumerate() {
        let both = format!("{} in both", bank.both);
        rows.push((format!("rows{}", of_bank(at)), bank.a.to_string(), bank.b.to_string(), both));
    }
    let coverage = |side: &Side, at: usize| {
        let known: Option<&Coverage> = side.coverage.get(at);
        known.map_or_else(|| "not known".to_owned(), radius)
    };
    for at in 0..banks.len() {
        rows.push((format!("coverage{}", of_bank(at)), coverage(a, at), coverage(b, at), String::new()));
    }
    rows.push(("threshold".to_owned(), threshold(a), threshold(b), String::new()));
    rows.push(("history".to_owned(), history(&a.history), history(&b.history), String::new()));
    for setting in settings {
        let known = |value: &Option<String>| value.as_deref().map_or_else(|| "not set".to_owned(), one_line);
        rows.push((one_line(&setting.name), known(&setting.a), known(&setting.b), String::new()));
    }
    let mut text = format!("first: {}\nsecond: {}\n", one_line(&a.path), one_line(&b.path));
    for (name, first, second, note) in rows {
        let note = if note.is_empty() { note } else { format!("; {note}") };
        let values = if first == second { first } else { format!("{first} | {second}") };
        text.push_str(&format!("{name:<19} {values}{note}\n"));
    }
    text.push_str(&match (settings.len(), difference.equal_settings) {
        (0, equal) => format!("all {equal} settings are equal"),
        (_, equal) => format!("all other settings, {equal}, are equal"),
    });
    text.push_str(if difference.same_scores { ", and so are all scores\n" } else { "\n" });
    let list = |what: &str, list: &[NamedPhoto]| {
        let mut names: Vec<String> = list.iter().take(NAMED).map(|photo| one_line(&photo.name)).collect();
        if list.len() > NAMED {
            names.push(format!("and {} more", list.len() - NAMED));
        }
        if list.is_empty() { String::new() } else { format!("{what}: {}\n", names.join(", ")) }
    };
    text.push_str(&list("only in the second", &photos.added));
    text.push_str(&list("only in the first", &photos.removed));
    if let Some(scores) = &difference.scores {
        text.push_str(&scores_in_words(scores));
    }
    text
}

fn photos_in_words(difference: &ModelDifference) -> String {
    let photos = &difference.photos;
    format!("{} in both, {} added, {} removed", photos.both, photos.added.len(), photos.removed.len())
}

/// The image threshold; what it was, where it is stale.
fn threshold(side: &Side) -> String {
    let value = |threshold: Option<Threshold>| threshold.map(|threshold| threshold.value.to_string());
    let stands = side.thresholds.and_then(|thresholds| value(thresholds.image));
    let stale = side.stale_thresholds.and_then(|stale| value(stale.thresholds.image));
    match (stands, stale) {
        (Some(stands), _) => stands,
        (None, Some(stale)) => format!("stale, it was {stale}"),
        (None, None) => "none".to_owned(),
    }
}

/// The kinds of changes, in order.
fn history(changes: &[Change]) -> String {
    let kinds: Vec<&str> = changes.iter().map(|change| change.kind.name()).collect();
    if kinds.is_empty() { "fit".to_owned() } else { kinds.join(", ") }
}

fn scores_in_words(scores: &ScoreDifference) -> String {
    let ScoreDifference { photos, failed, median_change, largest_change, other_verdicts, changed } = scores;
    let failed = if *failed == 0 { String::new() } else { format!(", {failed} could not be scored") };
    let mut text = format!(
        "\nscores of {photos} photos{failed}: the change is {median_change:.4} in the middle and {largest_change:.4} at most; \
         {other_verdicts} verdicts differ\n"
    );
    if !changed.is_empty() {
        text.push_str(&format!("{:>10}  {:>10}  {:>10}  photo\n", "first", "second", "change"));
    }
    for photo in changed {
        let verdicts = match (photo.verdict_a, photo.verdict_b) {
            (Some(one), Some(other)) if one != other => format!("  {one} | {other}"),
            _ => String::new(),
        };
        let ScoreChange { image_path, a, b, change, .. } = photo;
        text.push_str(&format!("{a:>10.4}  {b:>10.4}  {change:>+10.4}  {}{verdicts}\n", one_line(image_path)));
    }
    text
}
