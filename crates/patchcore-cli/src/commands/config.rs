//! `patchcore config`: the options in force, as a TOML file that `--config` reads.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Context;
use clap::{Arg, ArgMatches, Command};
use patchcore::path_text;
use toml::Value;

use crate::arguments::{Config, General};
use crate::config_file::{Kind, expanded, is_of_files, lenient};
use crate::misuse::Misuse;
use crate::outcome::Outcome;
use crate::output;

/// Commands about the program itself: a file has no table for them.
const WITHOUT_TABLE: [&str; 3] = ["config", "completions", "man"];

pub fn run(arguments: &Config, general: &General) -> anyhow::Result<Outcome> {
    let program = lenient();
    let has_table = |command: &&Command| {
        !command.is_hide_set() && !command.has_subcommands() && !WITHOUT_TABLE.contains(&command.get_name())
    };
    let mut commands: Vec<&Command> = program.get_subcommands().filter(has_table).collect();
    let mut words = arguments.words.as_slice();
    if let Some((name, options)) = arguments.words.split_first() {
        words = options;
        commands.retain(|command| command.get_name() == name);
        if commands.is_empty() {
            let shown = name.display();
            return Err(
                Misuse(format!("{shown} is no command that has options in a file: see `patchcore --help`")).into()
            );
        }
    }
    let mut text = String::new();
    for (at, command) in commands.iter().enumerate() {
        let mut line = vec![OsString::from("patchcore"), command.get_name().into()];
        line.extend_from_slice(words);
        if let Some(file) = &general.config {
            line.extend([OsString::from("--config"), file.into()]);
        }
        let matches = program.clone().try_get_matches_from(expanded(line)?);
        let matches = matches.unwrap_or_else(|error| error.exit());
        let (_, own) = matches.subcommand().context("a line with a command")?;
        if at == 0 {
            text.push_str("# Options of patchcore: `--config FILE` takes them from here, the command line wins.\n");
            let of_all = program.get_arguments().filter(|option| is_of_files(option));
            of_all.for_each(|option| text.push_str(&line_of(option, own)));
        }
        text.push_str(&format!("\n[{}]\n", command.get_name()));
        let of_all = |option: &&Arg| !program.get_arguments().any(|known| known.get_id() == option.get_id());
        let options = command.get_arguments().filter(|option| is_of_files(option)).filter(of_all);
        options.for_each(|option| text.push_str(&line_of(option, own)));
    }
    output::print(&text)?;
    let command = arguments.words.first().map_or("COMMAND".to_owned(), |word| word.to_string_lossy().into_owned());
    output::next(&format!("patchcore {command} --config FILE.toml"));
    Ok(Outcome::Done)
}

/// `name = value`, as a comment where the option has none.
fn line_of(option: &Arg, matches: &ArgMatches) -> String {
    let (name, id) = (option.get_long().unwrap_or_default(), option.get_id().as_str());
    let kind = Kind::of(option);
    if kind == Kind::Switch {
        return format!("{name} = {}\n", matches.get_flag(id));
    }
    let raw: Vec<&OsStr> = matches.get_raw(id).into_iter().flatten().collect();
    let texts: Vec<String> = raw.iter().map(|value| path_text(Path::new(value))).collect();
    let value = match (kind, texts.as_slice()) {
        (Kind::List { .. } | Kind::Weights, []) => None,
        (Kind::List { .. } | Kind::Weights, texts) => {
            let parts = texts.iter().flat_map(|text| match option.get_value_delimiter() {
                Some(mark) => text.split(mark).collect(),
                None => vec![text.as_str()],
            });
            Some(Value::Array(parts.map(Value::from).collect()))
        }
        (_, []) => None,
        (Kind::Whole, [text, ..]) => text.parse::<i64>().ok().map(Value::Integer),
        (Kind::Number, [text, ..]) => text.parse::<f64>().ok().map(Value::Float),
        (_, [text, ..]) => Some(Value::String(text.clone())),
    };
    match value {
        Some(value) => format!("{name} = {value}\n"),
        None => {
            let names = option.get_value_names().unwrap_or_default();
            let names = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
            format!("# {name} = {names}\n")
        }
    }
}
