//! `--config FILE.toml`: the options of a file become words of the command line, behind the command and where that line does not
//! give them.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use patchcore::{Size, WeightsFile, path_of_text};
use toml::{Table, Value};

use crate::arguments::Arguments;
use crate::command_line::{command_at, value_of};
use crate::misuse::Misuse;

/// Options that no file gives: they say what else is read, or what is shown instead.
const NEVER: [&str; 5] = ["config", "help", "version", "from", "of"];
/// Options that a file gives beside `evaluate --from`, which takes the others from a record.
const BESIDE_FROM: [&str; 2] = ["output", "force"];

/// The program with nothing required: what a line says can be asked of it before the file has said the rest.
pub fn lenient() -> Command {
    let eased = |command: Command| {
        let groups: Vec<_> = command.get_groups().map(|group| group.get_id().clone()).collect();
        let command = command.mut_args(|option| option.required(false));
        groups.into_iter().fold(command, |command, id| command.mut_group(id, |group| group.required(false)))
    };
    let mut program = Arguments::command().disable_help_subcommand(true).mut_subcommands(eased);
    program.build();
    program
}

/// Whether a file, or the list of `patchcore config`, can have this option.
pub fn is_of_files(option: &Arg) -> bool {
    let is_hidden = option.is_hide_set() || option.is_positional();
    option.get_long().is_some_and(|name| !is_hidden && !NEVER.contains(&name))
}

/// What a value of an option is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Given or not.
    Switch,
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// Text; a number where that is one of the option's forms.
    Text { or_number: bool },
    /// A path.
    Path,
    /// Several texts, or numbers.
    List { of_numbers: bool },
    /// Several paths, which may have a network's name in front.
    Weights,
}

impl Kind {
    /// Of an option.
    pub fn of(option: &Arg) -> Self {
        let value = option.get_value_parser().type_id();
        let is_one_of = |types: &[TypeId]| types.iter().any(|known| value == *known);
        let is_whole =
            is_one_of(&[TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()]);
        let is_number = is_one_of(&[TypeId::of::<f32>(), TypeId::of::<f64>()]);
        match option.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append if is_one_of(&[TypeId::of::<WeightsFile>()]) => Self::Weights,
            ArgAction::Append => Self::List { of_numbers: is_whole || is_number },
            _ if option.get_value_delimiter().is_some() => Self::List { of_numbers: is_whole || is_number },
            _ if is_whole => Self::Whole,
            _ if is_number => Self::Number,
            _ if is_one_of(&[TypeId::of::<PathBuf>()]) => Self::Path,
            _ => Self::Text { or_number: is_one_of(&[TypeId::of::<Size>()]) },
        }
    }

    /// What is expected, in words.
    fn words(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Text { or_number: true } => "a whole number or text in quotes",
            Self::Text { .. } => "text in quotes",
            Self::Path => "a path in quotes",
            Self::List { .. } => "text in quotes, or a list of it",
            Self::Weights => "a path in quotes, or a list of them",
        }
    }

    /// How often a key gives its option, each time with a value or, as a switch, without; `None` where it is of another kind.
    fn values(self, option: &Arg, value: &Value) -> Option<Vec<Option<OsString>>> {
        let text = |value: &Value| value.as_str().map(|text| Some(OsString::from(text)));
        let whole = |value: &Value| value.as_integer().map(|whole| Some(OsString::from(whole.to_string())));
        let float = |value: &Value| value.as_float().map(|number| Some(OsString::from(number.to_string())));
        let number = |value: &Value| whole(value).or_else(|| float(value));
        // `--any-angle` has a value of its own where none is said.
        let is_optional = option.get_num_args().is_some_and(|count| count.min_values() == 0);
        match (self, value) {
            (Self::Switch, Value::Boolean(is_on)) => Some(if *is_on { vec![None] } else { Vec::new() }),
            (Self::Text { .. }, Value::Boolean(true)) if is_optional => Some(vec![None]),
            (Self::Whole, value) => whole(value).map(|value| vec![value]),
            (Self::Number, value) => number(value).map(|value| vec![value]),
            (Self::Text { or_number: true }, value) => text(value).or_else(|| whole(value)).map(|value| vec![value]),
            (Self::Path, value) => value.as_str().map(|value| vec![Some(path_of_text(value).into_os_string())]),
            (Self::Text { .. }, value) => text(value).map(|value| vec![value]),
            (Self::Weights, value) => {
                let path = |value: &Value| value.as_str().map(|value| Some(path_of_text(value).into_os_string()));
                match value {
                    Value::Array(values) => values.iter().map(path).collect(),
                    value => path(value).map(|value| vec![value]),
                }
            }
            (Self::List { of_numbers }, value) => {
                // Sides and shares may be text too.
                let word = |value: &Value| text(value).or_else(|| number(value).filter(|_| of_numbers));
                match value {
                    Value::Array(values) => values.iter().map(word).collect(),
                    value => word(value).map(|value| vec![value]),
                }
            }
            _ => None,
        }
    }
}

/// A file of options.
struct File<'f> {
    path: &'f Path,
    table: Table,
}

/// An option that the file gives, with the words that say so.
struct Said {
    id: String,
    key: String,
    words: Vec<OsString>,
}

impl File<'_> {
    fn read(path: &Path) -> anyhow::Result<File<'_>> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("cannot read {shown}; --config takes a TOML file, such as `patchcore config` prints")
        })?;
        let table = text.parse::<Table>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Misuse(format!("{shown}, line {line}: {}; --config takes a TOML file", error.message().replace('\n', ", ")))
        })?;
        Ok(File { path, table })
    }

    fn wrong(&self, key: &str, what: &str) -> anyhow::Error {
        Misuse(format!("{}: {key} {what}", self.path.display())).into()
    }

    /// Refuses what is no option of any command, or of the command whose table it is in, and values of another kind.
    fn check(&self, program: &Command) -> anyhow::Result<()> {
        let commands: Vec<&Command> = program.get_subcommands().filter(|command| !command.is_hide_set()).collect();
        for (key, value) in &self.table {
            if let Value::Table(table) = value {
                let Some(command) = commands.iter().find(|command| command.get_name() == key) else {
                    let names = commands.iter().map(|command| command.get_name());
                    return Err(self.wrong(&format!("[{key}]"), &format!("is no command{}", nearest(key, names))));
                };
                for (name, value) in table {
                    let full = format!("{key}.{name}");
                    let Some(option) = option_of(command, name) else {
                        let names = options_of(command).filter_map(Arg::get_long);
                        let remedy = nearest(name, names);
                        return Err(self.wrong(&full, &format!("is no option of `patchcore {key}`{remedy}")));
                    };
                    self.check_value(&full, option, value)?;
                }
                continue;
            }
            let Some(option) = commands.iter().find_map(|command| option_of(command, key)) else {
                let names = commands.iter().flat_map(|command| options_of(command)).filter_map(Arg::get_long);
                return Err(self.wrong(key, &format!("is no option of any command{}", nearest(key, names))));
            };
            self.check_value(key, option, value)?;
        }
        Ok(())
    }

    fn check_value(&self, key: &str, option: &Arg, value: &Value) -> anyhow::Result<()> {
        let kind = Kind::of(option);
        match kind.values(option, value) {
            Some(_) => Ok(()),
            None => Err(self.wrong(
                key,
                &format!("is {} ({}), expected {}", value.to_string().trim(), value.type_str(), kind.words()),
            )),
        }
    }

    /// What the file says for a command: its table, and what stands at the top and does not go against it.
    fn said(&self, command: &Command) -> Vec<Said> {
        let own = self.table.get(command.get_name()).and_then(Value::as_table);
        let say = |prefix: &str, name: &str, value: &Value| {
            let option = option_of(command, name)?;
            let (kind, values) = (Kind::of(option), Kind::of(option).values(option, value)?);
            let default: Vec<Option<OsString>> =
                option.get_default_values().iter().map(|value| Some(value.into())).collect();
            // What is so anyway need not be said; said, it may ask for another option.
            let is_default = values == default || (kind == Kind::Number && is_same_number(&values, &default));
            let word = |value: &Option<OsString>| {
                let mut word = OsString::from(format!("--{name}"));
                if let Some(value) = value {
                    word.push("=");
                    word.push(value);
                }
                word
            };
            let words = if is_default { Vec::new() } else { values.iter().map(word).collect() };
            Some(Said { id: option.get_id().to_string(), key: format!("{prefix}{name}"), words })
        };
        let prefix = format!("{}.", command.get_name());
        let mut said: Vec<Said> =
            own.into_iter().flatten().filter_map(|(name, value)| say(&prefix, name, value)).collect();
        for (name, value) in self.table.iter().filter(|(_, value)| !value.is_table()) {
            if let Some(more) = say("", name, value)
                && !said.iter().any(|known| goes_against(command, &known.id, &more.id))
            {
                said.push(more);
            }
        }
        said
    }

    /// Refuses a value that the option itself does not take, in the words of the command line and with the key.
    fn check_words(&self, program: &Command, command: &str, said: &Said) -> anyhow::Result<()> {
        for word in &said.words {
            let line = [OsString::from("patchcore"), command.into(), word.clone()];
            let Err(error) = program.clone().try_get_matches_from(line) else { continue };
            if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
                continue;
            }
            let text = error.render().to_string();
            let lines: Vec<&str> =
                text.lines().map(str::trim).take_while(|line| !line.starts_with("For more")).collect();
            let text = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
            return Err(self.wrong(&said.key, &format!("is wrong: {}", text.trim_start_matches("error: "))));
        }
        Ok(())
    }
}

fn is_same_number(values: &[Option<OsString>], default: &[Option<OsString>]) -> bool {
    let number = |values: &[Option<OsString>]| values.first()?.as_ref()?.to_str()?.parse::<f64>().ok();
    number(values).is_some() && number(values) == number(default)
}

fn options_of(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|option| is_of_files(option))
}

fn option_of<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    options_of(command).find(|option| option.get_long() == Some(name))
}

/// `; did you mean NAME?`, where a name is near.
fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> String {
    let word = word.replace('_', "-");
    let near = names.map(|name| (strsim::jaro_winkler(&word, name), name)).filter(|(likeness, _)| *likeness > 0.8);
    let best = near.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map_or_else(|| "; `patchcore config` lists all".to_owned(), |(_, name)| format!("; did you mean {name}?"))
}

/// Whether two options are the same or cannot be given together.
fn goes_against(command: &Command, one: &str, other: &str) -> bool {
    let option = |id: &str| command.get_arguments().find(|option| option.get_id() == id);
    let excludes = |one: &str, other: &str| {
        let conflicts = option(one).map(|option| command.get_arg_conflicts_with(option)).unwrap_or_default();
        conflicts.iter().any(|conflict| conflict.get_id() == other)
    };
    let are_alternatives = || {
        // (Its own question takes a group that may be changed.)
        let mut groups = command.get_groups().cloned().filter_map(|mut group| (!group.is_multiple()).then_some(group));
        groups.any(|group| {
            let has = |id: &str| group.get_args().any(|member| member == id);
            has(one) && has(other)
        })
    };
    one == other || excludes(one, other) || excludes(other, one) || are_alternatives()
}

/// Options that the command line itself gives.
fn given_ids(program: &Command, given: &[OsString]) -> Vec<String> {
    let matches = program.clone().ignore_errors(true).try_get_matches_from(given).ok();
    let of_command = |matches: &ArgMatches| {
        let ids = matches.ids().map(clap::Id::as_str);
        let is_given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        ids.filter(is_given).map(str::to_owned).collect::<Vec<_>>()
    };
    let found = matches.as_ref().and_then(ArgMatches::subcommand).map(|(_, matches)| of_command(matches));
    let of_all = matches.as_ref().map(of_command);
    [found, of_all].into_iter().flatten().flatten().collect()
}

/// The command line with the options of the file that `--config` names, behind the command.
///
/// # Errors
/// [`Misuse`] for a file that is no TOML, for an unknown name and for a value of another kind; and where it cannot be read.
pub fn expanded(mut given: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let (Some(at), Some(path)) = (command_at(&given), value_of(&given, "--config")) else { return Ok(given) };
    let path = PathBuf::from(path);
    let program = lenient();
    let name = given.get(at).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(command) = program.find_subcommand(&name).filter(|command| !command.is_hide_set()) else {
        return Ok(given);
    };
    let file = File::read(&path)?;
    file.check(&program)?;
    let from_record = value_of(&given, "--from").is_some();
    let of_all: Vec<&str> = program.get_arguments().map(|option| option.get_id().as_str()).collect();
    let ids = given_ids(&program, &given);
    let mut words = Vec::new();
    for said in file.said(command) {
        if from_record && !BESIDE_FROM.contains(&said.id.as_str()) && !of_all.contains(&said.id.as_str()) {
            continue;
        }
        file.check_words(&program, &name, &said)?;
        if !ids.iter().any(|id| goes_against(command, id, &said.id)) {
            words.extend(said.words);
        }
    }
    given.splice(at + 1..at + 1, words);
    Ok(given)
}
