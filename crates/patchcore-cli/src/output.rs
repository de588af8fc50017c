//! Where results go: stdout, and files in folders that are made when needed.

use std::fmt;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use patchcore::{Model, Remark, Remarks, Threshold, one_line};

use crate::{hint, said};

/// Writes text to stdout; an error instead of a panic where `println!` panics.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the results to stdout")
}

/// Writes a line to stderr, with the control characters of names escaped. Nobody may be reading it (`2>&1 | head`): then the work
/// goes on, where `eprintln!` panics.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", one_line(line));
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
