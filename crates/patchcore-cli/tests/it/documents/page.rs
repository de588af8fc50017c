//! The fenced blocks of a page in Markdown, and the commands of a `console` block.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// What stands between two fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The first word after the fence: `console`.
    pub language: String,
    /// Why it is not run: `not-run="needs a GPU"`.
    pub not_run: Option<String>,
    pub text: String,
    /// Where the text stands in the page, in bytes.
    pub place: Range<usize>,
    /// Line of the opening fence, from 1.
    pub line: usize,
}

/// A command as it is typed, and what the page says one sees then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Without the prompts, continuation lines included.
    pub typed: String,
    /// The lines of the page that show it, prompts included.
    pub shown: Vec<String>,
    pub output: Vec<String>,
}

/// All blocks of a page.
///
/// # Errors
/// A block without a language or with an unknown word after the fence, one that is indented.
pub fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (event, place) in Parser::new_ext(page, Options::ENABLE_TABLES).into_offset_iter() {
        let line = page.get(..place.start).map_or(0, |before| before.matches('\n').count()) + 1;
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                return Err(format!("line {line}: an indented block; put it between fences"));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                if place.start > 0 && page.as_bytes().get(place.start - 1) != Some(&b'\n') {
                    return Err(format!("line {line}: an indented fence; begin it in the first column"));
                }
                let (language, not_run) = fence(&info).map_err(|error| format!("line {line}: {error}"))?;
                let start = page.get(place.clone()).and_then(|block| block.find('\n')).unwrap_or(0) + place.start + 1;
                open = Some(Block { language, not_run, text: String::new(), place: start..start, line });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&text);
                    block.place.end = place.end;
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    Ok(found)
}

fn fence(info: &str) -> Result<(String, Option<String>), String> {
    let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
    // `rust,no_run`, as rustdoc reads it.
    let language = language.split(',').next().unwrap_or_default();
    if language.is_empty() {
        return Err(
            "a fence without a language: console, rust, toml, json, python, sh, powershell, csv or text".to_owned()
        );
    }
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok((language.to_owned(), None));
    }
    let reason = rest.strip_prefix("not-run=\"").and_then(|rest| rest.strip_suffix('"'));
    match reason {
        Some(reason) if !reason.trim().is_empty() => Ok((language.to_owned(), Some(reason.to_owned()))),
        _ => Err(format!("the fence says `{rest}`, expected not-run=\"why it is not run\"")),
    }
}

/// The commands of a `console` block: a line that begins with `$ `, further ones while a line ends with `\` or begins with `> `,
/// then what one sees.
///
/// # Errors
/// Output before the first command.
pub fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { typed: command.to_owned(), shown: vec![line.to_owned()], output: Vec::new() });
            continue;
        }
        let step = steps.last_mut().ok_or_else(|| format!("`{line}` comes before a line that begins with `$ `"))?;
        let goes_on = step.output.is_empty() && (step.typed.ends_with('\\') || line.starts_with("> "));
        if goes_on {
            step.typed = format!("{}\n{}", step.typed, line.strip_prefix("> ").unwrap_or(line));
            step.shown.push(line.to_owned());
        } else {
            step.output.push(line.trim_end().to_owned());
        }
    }
    Ok(steps)
}

/// The page with other text in these blocks.
pub fn with_texts(page: &str, texts: &[(Range<usize>, String)]) -> String {
    let mut texts = texts.to_vec();
    texts.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut page = page.to_owned();
    for (place, text) in texts {
        page.replace_range(place, &text);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_language_reason_text_and_place() {
        let page =
            "# A\n\n```console\n$ ls\na\n```\n\ntext\n\n```console not-run=\"needs a GPU\"\n$ x\n```\n\n```text\n```\n";
        let found = blocks(page).unwrap();
        assert_eq!(
            found.iter().map(|block| block.language.as_str()).collect::<Vec<_>>(),
            ["console", "console", "text"]
        );
        assert_eq!((found[0].text.as_str(), found[0].line, &found[0].not_run), ("$ ls\na\n", 3, &None));
        assert_eq!(&page[found[0].place.clone()], "$ ls\na\n");
        assert_eq!((found[1].not_run.as_deref(), found[1].line), (Some("needs a GPU"), 10));
        let changed = with_texts(page, &[(found[0].place.clone(), "$ ls\nb\n".to_owned())]);
        assert_eq!(changed, page.replace("\na\n", "\nb\n"));
    }

    #[test]
    fn what_would_not_be_looked_at_is_an_error() {
        for (page, error) in [
            ("```\n$ ls\n```\n", "without a language"),
            ("a\n\n    $ ls\n", "indented block"),
            ("- a\n\n  ```console\n  $ ls\n  ```\n", "indented fence"),
            ("```console norun\n$ ls\n```\n", "expected not-run"),
            ("```console not-run=\"\"\n$ ls\n```\n", "expected not-run"),
        ] {
            let found = blocks(page).unwrap_err();
            assert!(found.contains(error), "{page}: {found}");
        }
    }

    #[test]
    fn a_command_goes_on_and_has_its_output() {
        let found = steps("$ a \\\n  b\nout\n$ cat <<E\n> x\n> E\nx\n$ c\n").unwrap();
        assert_eq!(
            found.iter().map(|step| step.typed.as_str()).collect::<Vec<_>>(),
            ["a \\\n  b", "cat <<E\nx\nE", "c"]
        );
        assert_eq!(found.iter().map(|step| step.output.join("|")).collect::<Vec<_>>(), ["out", "x", ""]);
        assert!(steps("out\n$ a\n").is_err());
    }
}
