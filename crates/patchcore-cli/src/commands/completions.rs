//! `patchcore completions`: a script for the user's shell.

use clap::CommandFactory;

use crate::arguments::{Arguments, Completions};
use crate::outcome::Outcome;
use crate::output;

pub fn run(arguments: &Completions) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "patchcore", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    output::next("patchcore completions --help says where each shell looks for it");
    Ok(Outcome::Done)
}
