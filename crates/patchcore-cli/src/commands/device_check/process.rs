//! A part in a process of its own: what it writes line by line, how it ends, and an end where it takes too long.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::device_memory;
use super::found::Found;
use crate::interrupt::{Watch, is_asked};

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, well.
    Done,
    /// By itself, with an error.
    Error(String),
    /// By a signal, or by an exit code that this program does not give.
    Crashed(String),
    /// By this program, because its time was up.
    OutOfTime,
}

/// A process that is over.
pub struct Ended {
    pub how: How,
    pub found: Vec<Found>,
    pub seconds: f64,
    /// The most memory in use on the cards meanwhile, above what was in use before.
    pub device_memory: Option<u64>,
}

/// How often it is looked whether time is up, and at the cards' memory.
const TICK: Duration = Duration::from_millis(250);
/// Time between two looks at the memory in use.
const BETWEEN: Duration = Duration::from_secs(2);
/// Time for a process that has closed its output to end.
const TO_END: Duration = Duration::from_secs(5);
/// Time for the last words of a process that is over to come.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Codes that this program ends with: an error, and wrong usage.
const ERRORS: [i32; 2] = [1, 2];

/// Runs this program with these arguments, with a cache of its own, for at most `limit`.
///
/// # Errors
/// This program's own file cannot be run; Ctrl-C.
pub fn run(arguments: &[&OsStr], cache: &Path, limit: Duration) -> anyhow::Result<Ended> {
    let program = std::env::current_exe().context("cannot find this program's own file to check a device with")?;
    let mut command = Command::new(program);
    command.args(arguments).env("PATCHCORE_CACHE", cache);
    // A panic of a driver's wrapper is said in one line.
    command.env("RUST_BACKTRACE", "0");
    watched(command, limit)
}

fn watched(mut command: Command, limit: Duration) -> anyhow::Result<Ended> {
    // Ctrl-C ends that process too: that is no crash.
    let _watch = Watch::new();
    let started = Instant::now();
    let before = device_memory::used();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start this program again to check a device with")?;
    let lines = read_lines(&mut child);
    let words = read_words(&mut child);
    let (mut found, mut most, mut last_asked) = (Vec::new(), None, Instant::now());
    let in_time = loop {
        let left = limit.saturating_sub(started.elapsed());
        match lines.recv_timeout(TICK.min(left)) {
            Ok(line) => found.extend(serde_json::from_str::<Found>(&line)),
            Err(RecvTimeoutError::Disconnected) => break ended(&mut child, left.min(TO_END))?,
            Err(RecvTimeoutError::Timeout) if left.is_zero() || is_asked() => break false,
            // Seldom: asking takes time from what is measured.
            Err(RecvTimeoutError::Timeout) if last_asked.elapsed() > BETWEEN => {
                most = most.max(device_memory::used());
                last_asked = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    if !in_time {
        // It may have ended at this very moment.
        let _ = child.kill();
    }
    let status = child.wait().context("cannot wait for a process of this program")?;
    if is_asked() {
        return Err(patchcore::Error::Cancelled { what: "device check" }.into());
    }
    let words = words.recv_timeout(LAST_WORDS).unwrap_or_default();
    let how = match (in_time, status.code()) {
        (false, _) => How::OutOfTime,
        (true, Some(0)) => How::Done,
        (true, Some(code)) if ERRORS.contains(&code) => How::Error(last_error(&words)),
        (true, _) => How::Crashed(match last_error(&words) {
            error if error.is_empty() => status.to_string(),
            error => format!("{status}; {error}"),
        }),
    };
    let device_memory = most.map(|most| most.saturating_sub(before.unwrap_or(0)));
    Ok(Ended { how, found, seconds: started.elapsed().as_secs_f64(), device_memory })
}

/// Waits for a process that has nothing more to say; whether it ended in time. Drivers may hang in their last function.
fn ended(child: &mut Child, limit: Duration) -> anyhow::Result<bool> {
    let started = Instant::now();
    loop {
        if child.try_wait().context("cannot wait for a process of this program")?.is_some() {
            return Ok(true);
        }
        if started.elapsed() >= limit {
            return Ok(false);
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn read_lines(child: &mut Child) -> Receiver<String> {
    let (send, lines) = channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
    }
    lines
}

/// All that it says on stderr, once it is over.
fn read_words(child: &mut Child) -> Receiver<String> {
    let (send, words) = channel();
    if let Some(mut errors) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = errors.read_to_end(&mut bytes);
            let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    words
}

/// The most characters of a reason.
const REASON: usize = 600;

/// The line that says why, else the last one.
fn last_error(words: &str) -> String {
    let lines = || words.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rev().find_map(|line| line.strip_prefix("error: ")).or_else(|| lines().next_back());
    error.unwrap_or_default().chars().take(REASON).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        watched(command, limit).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn every_end_is_told_apart_and_what_was_found_before_is_kept() {
        let line = r#"echo '{"host_memory":7}'; echo no line of ours; "#;
        for (end, how) in [
            ("exit 0", How::Done),
            ("echo 'error: no such thing' >&2; exit 1", How::Error("no such thing".to_owned())),
            ("echo some words >&2; exit 2", How::Error("some words".to_owned())),
        ] {
            let ended = shell(&format!("{line}{end}"), LONG);
            assert_eq!(ended.how, how);
            assert!(matches!(ended.found[..], [Found::HostMemory(7)]), "{:?}", ended.found);
        }
        for end in ["kill -SEGV $$", "echo ACO ERROR >&2; exit 134"] {
            let ended = shell(&format!("{line}{end}"), LONG);
            assert!(matches!(&ended.how, How::Crashed(how) if !how.is_empty()), "{end}: {:?}", ended.how);
            assert_eq!(ended.found.len(), 1);
        }
        let hung = shell(&format!("{line}while :; do :; done"), Duration::from_millis(300));
        assert_eq!(hung.how, How::OutOfTime);
        assert_eq!(hung.found.len(), 1);
        // One that says nothing more and does not end.
        let silent = shell(&format!("{line}exec >&-; while :; do :; done"), Duration::from_millis(300));
        assert_eq!(silent.how, How::OutOfTime);
    }
}
