//! Commands about the program itself, `completions`, `man` and `config`: their options.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::arguments::heading::OUTPUT;

const COMPLETIONS: &str = "Examples:
  patchcore completions bash > ~/.local/share/bash-completion/completions/patchcore
  patchcore completions fish > ~/.config/fish/completions/patchcore.fish";

const MAN: &str = "Examples:
  patchcore man | man -l -
  patchcore man -o ~/.local/share/man/man1";

const CONFIG: &str = "Examples:
  patchcore config
  patchcore config fit --resize 384 --mode paper > line.toml
  patchcore fit --config line.toml --data good/ -o part.patchcore

The file has the names of the options: at the top for all commands that have the option, in [fit],
[score], ... for one of them. The command line wins over the file. A switch that the file turns on
cannot be turned off on the command line.";

/// `patchcore completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `patchcore man`.
#[derive(Debug, Args)]
#[command(after_help = MAN)]
pub struct Man {
    /// Folder for all pages: patchcore.1, patchcore-fit.1, ... [default: the program's page goes to stdout]
    #[arg(short, long, value_name = "DIR", help_heading = OUTPUT)]
    pub output: Option<PathBuf>,
    /// Replace files that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}

/// `patchcore config`.
#[derive(Debug, Args)]
#[command(after_help = CONFIG)]
pub struct Config {
    /// A command and its options [default: all commands]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}
