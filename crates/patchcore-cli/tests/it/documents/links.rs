//! Links of the documents: to files that are there, and to headings that they have.

use std::collections::BTreeMap;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The links and pictures of a page that lead to something of the repository.
pub fn local(page: &str) -> Vec<String> {
    let links = Parser::new_ext(page, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    links.filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
}

/// The names under which the headings of a page can be reached, as they are made where repositories are shown, and by mdBook.
pub fn anchors(page: &str) -> Vec<String> {
    let mut heading: Option<String> = None;
    let mut found = Vec::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap_or_default());
                let before = times.entry(name.clone()).or_insert(0);
                found.push(if *before == 0 { name } else { format!("{name}-{before}") });
                *before += 1;
            }
            _ => {}
        }
    }
    found
}

fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let letters = letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The links of a file that lead nowhere.
pub fn broken(file: &Path) -> Vec<String> {
    let page = std::fs::read_to_string(file).unwrap();
    let mut broken = Vec::new();
    for link in local(&page) {
        let (path, heading) =
            link.split_once('#').map_or((link.as_str(), None), |(path, heading)| (path, Some(heading)));
        let target = if path.is_empty() { file.to_owned() } else { file.parent().unwrap().join(path) };
        if !target.exists() {
            broken.push(format!("{}: {link}: no such file", file.display()));
        } else if let Some(heading) = heading {
            let there = anchors(&std::fs::read_to_string(&target).unwrap_or_default());
            if !there.iter().any(|name| name == heading) {
                broken.push(format!("{}: {link}: no such heading, there are {}", file.display(), there.join(", ")));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.md");
        std::fs::write(folder.path().join("b.md"), "# What `a` mask means, in short\n\n## Twice\n\n## Twice\n")
            .unwrap();
        std::fs::write(
            &file,
            "# Own\n\n[a](b.md#what-a-mask-means-in-short) [b](b.md#twice-1) [c](#own) [d](https://x.org/y) ![e](b.md)\n\n\
             | [f](c.md) |\n|---|\n\n[g](b.md#thrice) [h](#other)\n",
        )
        .unwrap();
        let found = broken(&file).join("\n");
        assert_eq!(found.lines().count(), 3, "{found}");
        for link in ["c.md: no such file", "b.md#thrice: no such heading", "#other: no such heading, there are own"] {
            assert!(found.contains(link), "{link}: {found}");
        }
    }
}
