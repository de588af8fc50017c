//! `patchcore man`: manual pages, of the same words as the help.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use patchcore::write_beside_and_rename;

use crate::arguments::{Arguments, Man as Options};
use crate::command_line::shell_path;
use crate::outcome::Outcome;
use crate::output;
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Options) -> anyhow::Result<Outcome> {
    // Built, each command has a name for its page, and the options of all commands.
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    with_subcommands(&program, &mut pages);
    let Some(folder) = &arguments.output else {
        output::print(&text(&page(program))?)?;
        output::next("patchcore man -o ~/.local/share/man/man1");
        return Ok(Outcome::Done);
    };
    let plan = WritePlan::new(arguments.force);
    plan.folder(folder)?;
    let file = |page: &Man| folder.join(page.get_filename());
    pages.iter().try_for_each(|page| plan.replaced(&file(page), Kind::ManualPage))?;
    for page in &pages {
        write_beside_and_rename(&file(page), text(page)?.as_bytes())?;
    }
    output::print(&format!("{} manual pages written to {}\n", pages.len(), folder.display()))?;
    output::next(&format!("man {}", shell_path(&folder.join("patchcore.1"))));
    Ok(Outcome::Done)
}

/// The pages of a command and of those below it.
fn with_subcommands(command: &Command, pages: &mut Vec<Man>) {
    pages.push(page(command.clone()));
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|below| with_subcommands(below, pages));
}

fn page(command: Command) -> Man {
    Man::new(command).source(concat!("patchcore ", env!("CARGO_PKG_VERSION")))
}

/// The page as roff.
fn text(page: &Man) -> anyhow::Result<String> {
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    Ok(String::from_utf8(roff)?)
}
