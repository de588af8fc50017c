//! Runs the program in an environment without surprises, and says what every failure owes its user.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::written::check_written;

/// The program that cargo built.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_patchcore");

/// A run that is over.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// It ended well.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// It ended with this code, and stderr holds all of these.
    #[track_caller]
    pub fn ends(self, code: i32, stderr: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for needle in stderr {
            assert!(self.stderr.contains(needle), "stderr lacks {needle:?}: {self:#?}");
        }
        self
    }

    /// [`Run::fails`] for a wrong value of an option.
    #[track_caller]
    pub fn misused(self, stderr: &[&str]) -> Self {
        let run = self.ends(2, stderr);
        assert_eq!(run.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{run:#?}");
        assert_eq!(run.stdout, "", "{run:#?}");
        run
    }

    /// It failed with one line that begins with `error:` and holds all of these; nothing went to stdout.
    #[track_caller]
    pub fn fails(self, stderr: &[&str]) -> Self {
        let run = self.ends(1, stderr);
        assert_eq!(run.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{run:#?}");
        assert_eq!(run.stdout, "", "{run:#?}");
        run
    }
}

/// A table's row: what is read by its column's name does not move when another column comes before it.
#[derive(Clone, Debug)]
pub struct Row(BTreeMap<String, String>);

impl Index<&str> for Row {
    type Output = str;

    #[track_caller]
    fn index(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}: {self:?}"))
    }
}

/// The rows of this CSV.
#[track_caller]
#[expect(clippy::unwrap_used, reason = "a test's own helper: what the program wrote is a table, or the test fails")]
pub fn csv_rows(csv: &str) -> Vec<Row> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(|row| Row(row.unwrap())).collect()
}

/// Runs the program with these arguments.
#[track_caller]
pub fn patchcore<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    let run = finish(command().args(&arguments));
    check_written(&arguments, &run);
    run
}

/// Seconds that no run of a test takes.
const DEADLINE: Duration = Duration::from_secs(120);

thread_local! {
    /// Each test has a thread, and so a place for weights and verdicts on devices of its own: none is there at first, and
    /// what the program finds out about a device is gone with the test.
    static CACHE: TempDir = tempfile::tempdir().unwrap();
}

/// The program in an environment that the machine's user did not set up: no installed weights, no device that has passed
/// the self-check, no logging wishes, a terminal of 100 columns.
pub fn command() -> assert_cmd::Command {
    waiting(process(PROGRAM))
}

/// The same environment for a shell that runs the program.
#[cfg(unix)]
pub fn shell(script: &str) -> assert_cmd::Command {
    let mut shell = process("sh");
    shell.args(["-c", script]).env("PROGRAM", PROGRAM);
    waiting(shell)
}

/// The same environment for a run that the test watches, ends or lets go on beside it.
pub fn background<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut program = process(PROGRAM);
    program.args(arguments);
    program
}

fn process(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATCHCORE_CACHE", CACHE.with(|folder| folder.path().join("cache"))).env("COLUMNS", "100");
    command.env_remove("PATCHCORE_LOG").env_remove("NO_COLOR").env_remove("PATCHCORE_INSTRUCTIONS");
    command
}

fn waiting(command: Command) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(command);
    command.timeout(DEADLINE);
    command
}

/// Waits until `is_so`.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} until {what}");
        std::thread::yield_now();
    }
}

/// Runs to the end. Whatever happens: no panic, and no colour codes where stderr is no terminal.
#[track_caller]
pub fn finish(command: &mut assert_cmd::Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let run = Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    let api = ["Settings::", "Limits::", "Model::", "Options::", "patchcore::"];
    assert!(!api.iter().any(|name| run.stderr.contains(&format!("`{name}"))), "names of the API: {run:#?}");
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'), "colours without a terminal: {run:#?}");
    run
}

/// A folder of its own for one test, gone afterwards.
pub struct Workplace(TempDir);

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// Arguments of a fit that takes well under a second: 64 x 64 pixels, a quarter of the patches.
pub fn small_fit(data: &Path, model: &Path) -> Vec<String> {
    let data = data.display().to_string();
    let model = model.display().to_string();
    ["fit", "--data", &data, "--size", "64x64", "--coreset-sampling-ratio", "0.25", "-o", &model]
        .map(str::to_owned)
        .to_vec()
}

/// Names of the entries of a folder, sorted.
pub fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
