//! The commands of a page, typed one after the other into one shell in a fresh folder.

use std::path::Path;

use super::compare::{same, shown};
use super::page::{Block, Step, blocks, steps, with_texts};
use super::rewrite::rewritten;
use crate::program::{PROGRAM, finish, shell};

/// What a command has shown and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub lines: Vec<String>,
    pub code: i32,
}

/// A page that has been tried: what is wrong with it, and what it would have to say.
#[derive(Debug)]
pub struct Tried {
    /// What only a person can mend: a block that is none, an exit code that is not shown.
    pub faults: Vec<String>,
    /// Where one sees something else than the page says.
    pub differences: Vec<String>,
    pub rewritten: String,
}

/// Runs all console blocks of a page and compares what one sees.
pub fn tried(page: &str) -> Tried {
    let (mut faults, mut differences) = (Vec::new(), Vec::new());
    let mut texts = Vec::new();
    let found = blocks(page).unwrap_or_else(|error| {
        faults.push(error);
        Vec::new()
    });
    let mut session: Vec<(&Block, Vec<Step>)> = Vec::new();
    for block in found.iter().filter(|block| block.language == "console") {
        match steps(&block.text) {
            Ok(steps) if block.not_run.is_none() => session.push((block, steps)),
            Ok(_) => {}
            Err(error) => faults.push(format!("line {}: {error}", block.line)),
        }
    }
    let typed: Vec<&str> = session.iter().flat_map(|(_, steps)| steps).map(|step| step.typed.as_str()).collect();
    let mut seen = run(&typed).into_iter().peekable();
    for (block, steps) in &session {
        let mut text = String::new();
        for (number, step) in steps.iter().enumerate() {
            let at = format!("line {}: `$ {}`", block.line, step.typed);
            let Some(now) = seen.next() else {
                faults.push(format!("{at}: the shell has ended before it"));
                text.push_str(&in_lines(&step.shown, &step.output));
                continue;
            };
            if !same(&step.output, &now.lines) {
                let (page, now) = (step.output.join("\n  "), now.lines.join("\n  "));
                differences.push(format!("{at}\n the page says\n  {page}\n one sees\n  {now}"));
            }
            let asked = steps.get(number + 1).is_some_and(|next| next.typed == "echo $?");
            if now.code != 0 && !asked {
                faults.push(format!("{at}: exit code {}; show it: `$ echo $?` as the next command", now.code));
            }
            text.push_str(&in_lines(&step.shown, &rewritten(&step.output, &now.lines)));
        }
        texts.push((block.place.clone(), text));
    }
    Tried { faults, differences, rewritten: with_texts(page, &texts) }
}

fn in_lines(shown: &[String], output: &[String]) -> String {
    shown.iter().chain(output).map(|line| format!("{line}\n")).collect()
}

/// Types these commands: each sees folder, variables and exit code that the one before it has left. What goes to stderr is seen where
/// it comes, and no command reads from a terminal. As many answers as commands, unless one of them ends the shell.
fn run(typed: &[&str]) -> Vec<Seen> {
    const MARK: &str = "~~~ this command has ended with code";
    if typed.is_empty() {
        return Vec::new();
    }
    let place = tempfile::tempdir().unwrap();
    let [folder, home] = ["line", "home"].map(|name| place.path().join(name));
    for folder in [&folder, &home] {
        std::fs::create_dir(folder).unwrap();
    }
    let folder = folder.canonicalize().unwrap();
    let mut script = "exec 2>&1\n".to_owned();
    for command in typed {
        script.push_str(&format!("{command}\n_code=$?; printf '\\n{MARK} %s\\n' $_code; (exit $_code)\n"));
    }
    let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let mut shell = shell(&script);
    shell.current_dir(&folder).env("HOME", &home).env("PATH", path).env("LC_ALL", "C");
    // What most processors have: which patches a coreset keeps may hang on the last bits.
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        shell.env("PATCHCORE_INSTRUCTIONS", "avx2");
    }
    let output = finish(&mut shell).stdout;
    let mut seen = Vec::new();
    let mut rest = output.as_str();
    while let Some((before, after)) = rest.split_once(MARK) {
        let (code, after) = after.split_once('\n').unwrap();
        seen.push(Seen { lines: shown(before, &folder.display().to_string()), code: code.trim().parse().unwrap() });
        rest = after;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(page: &str) -> String {
        let tried = tried(page);
        [tried.faults, tried.differences].concat().join("\n")
    }

    const TRUE: &str = "# A page\n\n```console\n$ mkdir a && cd a && printf '7 parts\\n1.5 s\\n' > b\n$ cat b\n7 parts\n2.5 s\n```\n\nThen\n\n\
                        ```console\n$ pwd\n/line/a\n$ cat c\n...\n$ echo $?\n1\n```\n";

    #[test]
    fn a_true_page_has_no_fault_and_stays_as_it_is() {
        let tried = tried(TRUE);
        assert_eq!([tried.faults, tried.differences].concat(), [""; 0]);
        assert_eq!(tried.rewritten, TRUE);
    }

    #[test]
    fn one_wrong_number_or_command_is_found_and_put_right() {
        for (right, wrong, fault) in [
            ("7 parts\n2", "8 parts\n2", "the page says\n  8 parts"),
            ("2.5 s\n```", "```", "one sees\n  7 parts\n  1.5 s"),
            ("$ cat b", "$ cat bb", "exit code 1"),
            ("$ pwd\n/line/a", "$ pwd\n/line", "line 12: `$ pwd`"),
            ("echo $?\n1", "echo $?\n2", "the page says\n  2"),
        ] {
            let page = TRUE.replacen(right, wrong, 1);
            assert_ne!(page, TRUE);
            assert!(faults(&page).contains(fault), "{wrong}: {}", faults(&page));
        }
        let numbers = TRUE.replacen("7 parts\n2", "8 parts\n2", 1).replacen("/line/a", "/line/b", 1);
        assert_eq!(tried(&numbers).rewritten, TRUE);
    }

    #[test]
    fn an_exit_code_that_is_not_shown_is_a_fault() {
        assert!(faults("```console\n$ false\n```\n").contains("exit code 1; show it"));
        assert_eq!(faults("```console\n$ false\n$ echo $?\n1\n```\n"), "");
        assert_eq!(faults("```console not-run=\"it fails\"\n$ false\n```\n"), "");
        assert!(faults("```console\n$ exit 3\n$ true\n```\n").contains("the shell has ended before it"));
        assert!(faults("```\n$ true\n```\n").contains("without a language"));
    }

    #[test]
    fn each_page_begins_in_an_empty_folder_without_a_home() {
        assert_eq!(faults("```console\n$ ls -A\n$ ls -A ~\n$ patchcore --version\npatchcore 9.9.9\n```\n"), "");
    }
}
