//! One side of a comparison: a process that answers lines (see `benches/src/protocol.rs`).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

/// A process that has set its row up.
#[derive(Debug)]
pub struct Side {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// How a process began.
#[derive(Debug)]
pub enum Start {
    /// It can measure.
    Ready(Side),
    /// It cannot, for this reason.
    Skip(String),
}

impl Side {
    /// Starts a process and waits for its set-up.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub fn start(mut command: Command) -> anyhow::Result<Start> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process =
            command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let answers = BufReader::new(process.stdout.take().context("no standard output")?);
        let questions = process.stdin.take();
        let mut side = Self { process, questions, answers };
        let first = side.line()?;
        Ok(match first.split_once(' ') {
            _ if first == "ready" => Start::Ready(side),
            Some(("skip", reason)) => Start::Skip(reason.to_owned()),
            _ => Start::Skip(format!("{} ended while it was set up", command.get_program().display())),
        })
    }

    /// Asks for a number.
    ///
    /// # Errors
    /// A process that ended, or an answer that is no number.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<f64> {
        let Some(questions) = &mut self.questions else { bail!("the process has no input") };
        writeln!(questions, "{question}").context("the other side has ended")?;
        questions.flush()?;
        let answer = self.line()?;
        answer.parse().with_context(|| format!("`{answer}` is no number"))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // The end of its input ends the process.
        self.questions = None;
        let _ = self.process.wait();
    }
}
