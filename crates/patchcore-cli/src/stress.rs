//! `evaluate --stress`: the test set in other light, out of focus, elsewhere; what is said before, and the tables after.

use patchcore::metrics::{StressCount, StressFinding, StressOutcome, StressResults};
use patchcore::{DataSet, Evaluation, Model, StressOptions, StressTest};

use crate::forecast::Forecast;
use crate::output::note;
use crate::progress::Display;

/// Tests at most so many photos of each class, at the threshold that the report counts at: the model's, or one of the test set.
pub fn test(model: &Model, data: &DataSet, evaluation: &Evaluation, most: usize) -> anyhow::Result<StressTest> {
    let mut options = StressOptions::default().photos(most);
    if model.thresholds().image.is_none()
        && let Some(threshold) = evaluation.verdicts_at
    {
        options = options.threshold(threshold);
    }
    let anomalous = data.test.iter().filter(|image| image.is_anomalous).count();
    let normal = data.test.len() - anomalous;
    let (good, defective, each) = (options.taken(normal), options.taken(anomalous), options.scores_per_photo());
    note(&format!(
        "stress test: {good} of {normal} good and {defective} of {anomalous} defective photos, each as it is and at {} levels: {} scores",
        each - 1,
        (good + defective) * each
    ));
    let (mut display, mut forecast) = (Display::new(), Forecast::new());
    let options = options.progress(|progress| {
        // Some changes cost more than others, so whole photos are measured.
        if progress.done.is_multiple_of(each)
            && let Some(line) = forecast.line(progress)
        {
            display.suspend(|| note(&line));
        }
        display.show(progress)
    });
    let photos = data.test.iter().map(|image| (&image.path, image.is_anomalous));
    let test = model.stress(photos, options)?;
    display.finish();
    Ok(test)
}

/// The photos as they are, and every level: kind, level, words, and what was found.
fn rows(results: &StressResults) -> impl Iterator<Item = (&str, Option<f64>, &str, &StressOutcome)> {
    let levels = results.kinds.iter().flat_map(|series| series.levels.iter().map(move |level| (series, level)));
    std::iter::once(("unchanged", None, "as it is", &results.unchanged)).chain(
        levels.map(|(series, level)| (series.kind.as_str(), Some(level.level), level.words.as_str(), &level.outcome)),
    )
}

/// The table on stdout, and the sentence.
pub fn summary(results: &StressResults) -> String {
    let mut text = line("change", "AUROC %", "false alarms", "misses", "good score", "");
    for (_, level, words, outcome) in rows(results) {
        let dash = || "-".to_owned();
        let counted =
            |wrong: Option<StressCount>| wrong.map_or_else(dash, |wrong| format!("{} of {}", wrong.count, wrong.of));
        let auroc = outcome.image_auroc.map_or_else(dash, |auroc| format!("{:.1}", auroc * 100.0));
        let ratio = outcome.median_ratio.map_or_else(dash, |ratio| format!("x{ratio:.2}"));
        // The photos as they are hold to nothing.
        let finding = outcome.finding().filter(|_| level.is_some()).map_or("", StressFinding::name);
        text.push_str(&line(words, &auroc, &counted(outcome.false_alarms), &counted(outcome.misses), &ratio, finding));
    }
    format!("{text}{}\n", results.sentence)
}

fn line(change: &str, auroc: &str, alarms: &str, misses: &str, ratio: &str, finding: &str) -> String {
    let line = format!("{change:<32} {auroc:>8} {alarms:>13} {misses:>11} {ratio:>11}  {finding}");
    format!("{}\n", line.trim_end())
}

/// stress.csv: one row per level, the photos as they are first; what is not defined is empty.
pub fn csv(results: &StressResults) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "kind",
        "level",
        "change",
        "image_auroc",
        "false_alarms",
        "good",
        "false_alarms_low",
        "false_alarms_high",
        "misses",
        "defective",
        "misses_low",
        "misses_high",
        "median_good_score",
        "median_ratio",
        "finding",
    ])?;
    for (kind, level, words, outcome) in rows(results) {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let counted = |wrong: Option<StressCount>| match wrong {
            None => [const { String::new() }; 4],
            Some(StressCount { count, of, interval, .. }) => {
                [count.to_string(), of.to_string(), interval.low.to_string(), interval.high.to_string()]
            }
        };
        let mut cells = vec![kind.to_owned(), number(level), words.to_owned(), number(outcome.image_auroc)];
        cells.extend(counted(outcome.false_alarms));
        cells.extend(counted(outcome.misses));
        cells.extend([number(outcome.median_good_score), number(outcome.median_ratio)]);
        cells.push(outcome.finding().filter(|_| level.is_some()).map_or("", StressFinding::name).to_owned());
        writer.write_record(cells)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}
