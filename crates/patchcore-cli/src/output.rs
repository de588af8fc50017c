//! Where results go: stdout, and files in folders that are made when needed.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use patchcore::{ChangeKind, Model, Remark, Remarks, StaleThresholds, Threshold, one_line};

use crate::arguments::Color;
use crate::{hint, said};

/// Writes text to stdout; an error instead of a panic where `println!` panics.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the results to stdout")
}

/// Whether `--quiet` was given: nothing goes to stderr but the error that ends the program.
static QUIET: AtomicBool = AtomicBool::new(false);
/// Whether results on stdout have colours.
static COLORS: OnceLock<bool> = OnceLock::new();

/// Silences [`note`].
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether nothing goes to stderr but errors.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes a line to stderr, with the control characters of names escaped; none where `--quiet` was given.
pub fn note(line: &str) {
    if !is_quiet() {
        fatal(line);
    }
}

/// Writes the line that says why the program ends, quiet or not. Nobody may be reading it (`2>&1 | head`): then the work goes on, where
/// `eprintln!` panics.
pub fn fatal(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", one_line(line));
}

/// Says what to do next: a line to type.
pub fn next(line: &str) {
    note(&format!("next: {line}"));
}

/// Whether a stream has colours: as `--color` says, else a terminal has, unless NO_COLOR asks for none.
pub fn has_colors(color: Color, stream: &impl IsTerminal) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Settles whether results on stdout have colours.
pub fn color_results(color: Color) {
    COLORS.get_or_init(|| has_colors(color, &std::io::stdout()));
}

/// A word that says how something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should.
    Good,
    /// A person should look.
    Doubtful,
    /// Not as it should.
    Bad,
}

/// Text of this program in the colour of its tone, where results have colours.
pub fn toned(tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Good => 32,
        Tone::Doubtful => 33,
        Tone::Bad => 31,
    };
    match COLORS.get() {
        Some(true) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

/// One field of a message of the log, with the control characters of names escaped.
pub fn log_field(
    writer: &mut tracing_subscriber::fmt::format::Writer<'_>,
    field: &tracing::field::Field,
    value: &dyn fmt::Debug,
) -> fmt::Result {
    let text = one_line(&format!("{value:?}"));
    match field.name() {
        "message" => writer.write_str(&text),
        name => write!(writer, "{name}={text}"),
    }
}

/// Lines of a kind that are all said; of more only the first is, with their number.
const FEW: usize = 5;

/// Warns of each of a few, behind what they `are`; of many in one line, with their number, what `many` of them are (`photos are left
/// out`) and the first. The log of `-v` has all.
pub fn warn_each(are: &str, many: &str, lines: &[String]) {
    let few = lines.len() <= FEW;
    for line in lines {
        if few {
            tracing::warn!("{are}{line}");
        } else {
            tracing::debug!("{are}{line}");
        }
    }
    if let (false, Some(first)) = (few, lines.first()) {
        tracing::warn!("{} {many} (-v names all), the first: {first}", lines.len());
    }
}

/// Warns of photos that a command did without.
pub fn warn_of_rejected(rejected: &[(String, patchcore::Error)]) {
    let lines: Vec<String> = rejected.iter().map(|(photo, error)| naming(photo, error)).collect();
    warn_each("left out: ", "photos are left out", &lines);
}

/// Warns of what is odd about photos that were taken all the same, once each.
pub fn warn_of(remarks: &Remarks) {
    remarks.lines().for_each(|line| tracing::warn!("{line}"));
    if remarks.iter().any(|(remark, ..)| remark == Remark::NearlyBlack) {
        note("hint: `fit --full-scale 4095` (a camera of 12 bits) or 16383 (14 bits) says what is white");
    }
}

/// Says so where training photos cannot be known by what they show.
pub fn note_unknown_photos(model: &Model) {
    if !model.knows_its_photos() {
        note(
            "the model's file does not say what its training photos show (earlier versions kept their names alone): they are \
             known by their paths, and copies of them are not found; fit again to have them known",
        );
    }
}

/// Stale thresholds in words: since when, and what the image threshold was.
pub fn stale(stale: &StaleThresholds) -> String {
    let was = match stale.thresholds.image {
        Some(Threshold { value, origin }) => format!(" (the image threshold was {value}: {origin})"),
        None => String::new(),
    };
    let since = match stale.since {
        ChangeKind::Extend => "photos were added",
        ChangeKind::Forget => "photos were forgotten",
        ChangeKind::Merge => "models were merged",
        _ => "the memory banks were changed",
    };
    format!("the model's thresholds are stale since {since}{was}")
}

/// Says that a model's thresholds are stale, where they are, and that there are no verdicts.
pub fn note_stale(model: &Model) {
    if let Some(found) = model.stale_thresholds() {
        note(&format!("{}; there are no verdicts before it is calibrated again", stale(found)));
    }
}

/// Says where the threshold of the verdicts comes from, and when it ceases to hold.
pub fn note_threshold(model: &Model) {
    if let Some(Threshold { value, origin }) = model.thresholds().image {
        note(&format!("image threshold {value}: {origin}; {}", origin.holds_until()));
    }
}

/// Whether an error means that nobody reads stdout any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .root_cause()
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Makes a folder and the folders above it.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot make the folder {}: check that its parent is writable", path.display()))
}

/// An error with the file it concerns in front, unless its own text names it, and the option that helps.
pub fn naming(file: &str, error: &patchcore::Error) -> String {
    let text = said::of(error);
    let named = if text.contains(file) { text } else { format!("{file}: {text}") };
    hint::of_error(error).map_or_else(|| named.clone(), |hint| format!("{named} ({hint})"))
}

/// Finds out before long work whether its result has a place: a folder that is there, and no folder of that name in it.
pub fn check_place(file: &Path) -> anyhow::Result<()> {
    let path = file.display();
    anyhow::ensure!(!file.is_dir(), "cannot write {path}: it is a folder, expected a file name; add one to it");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    anyhow::ensure!(folder.exists(), "cannot write {path}: the folder {shown} does not exist; make it first");
    anyhow::ensure!(folder.is_dir(), "cannot write {path}: {shown} is a file, expected a folder; name another place");
    Ok(())
}
