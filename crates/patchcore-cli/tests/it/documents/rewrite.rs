//! What a page would have to say: the output that one sees now, in the form that the page has chosen.

use super::compare::{same, same_line};

/// The lines that the page is to have. Those that say the same stay as they are, times and all. Where the page leaves lines out with
/// `...`, it still does: each part is from where its first line is found to where its last one is.
pub fn rewritten(page: &[String], seen: &[String]) -> Vec<String> {
    if same(page, seen) {
        return page.to_vec();
    }
    let parts: Vec<&[String]> = page.split(|line| line.trim() == "...").collect();
    let mut new = Vec::new();
    let mut from = 0;
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            new.push("...".to_owned());
        }
        let (is_first, is_last) = (number == 0, number + 1 == parts.len());
        if part.is_empty() && parts.len() > 1 {
            continue;
        }
        let rest = seen.get(from..).unwrap_or_default();
        let start = if is_first { Some(0) } else { part.first().and_then(|line| alike(line, rest)) };
        let start = start.unwrap_or(0);
        let end = if is_last {
            Some(rest.len())
        } else {
            let after = rest.get(start..).unwrap_or_default();
            part.last().and_then(|line| alike(line, after)).map(|at| start + at + 1)
        };
        let end = end.unwrap_or((start + part.len()).min(rest.len()));
        new.extend(rest.get(start..end).unwrap_or_default().iter().map(|line| kept(line, part)));
        from += end;
    }
    new
}

/// The page's own words for a line, if it has them.
fn kept(line: &str, page: &[String]) -> String {
    page.iter().find(|old| same_line(old, line)).map_or_else(|| line.to_owned(), Clone::clone)
}

/// Where the line is that shares most words with this one: its first word, or at least a third of them.
fn alike(line: &str, lines: &[String]) -> Option<usize> {
    let shared = |other: &String| {
        let words: Vec<&str> = other.split_whitespace().collect();
        let own: Vec<&str> = line.split_whitespace().collect();
        let common = own.iter().filter(|word| words.contains(word)).count();
        let begins = if own.first() == words.first() { 333 } else { 0 };
        if other == line { usize::MAX } else { begins + common * 1000 / own.len().max(words.len()).max(1) }
    };
    let best = lines.iter().map(shared).enumerate().max_by_key(|(at, shared)| (*shared, std::cmp::Reverse(*at)))?;
    (best.1 >= 333).then_some(best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_true_stays_and_what_is_not_is_replaced() {
        let seen = lines("one 1\ntwo 2.5 s\nthree 3");
        assert_eq!(rewritten(&lines("one 1\ntwo 9.1 s\nthree 3"), &seen), lines("one 1\ntwo 9.1 s\nthree 3"));
        assert_eq!(rewritten(&lines("one 1\ntwo 9.1 s\nthree 4"), &seen), lines("one 1\ntwo 9.1 s\nthree 3"));
        assert_eq!(rewritten(&[], &seen), seen);
        assert_eq!(rewritten(&lines("one 1"), &[]), [""; 0]);
    }

    #[test]
    fn what_a_page_leaves_out_it_still_does() {
        let seen = lines("the head\nrow 1 good\nrow 2 bad\nrow 3 good\nthe sum 6\nnext: go on");
        for (page, new) in [
            ("the head\n...", "the head\n..."),
            ("the head\n...\nthe sum 5", "the head\n...\nthe sum 6\nnext: go on"),
            ("the heads\nrow 1 well\n...\nthe sum 5", "the head\nrow 1 good\n...\nthe sum 6\nnext: go on"),
            ("...\nrow 2 worse\n...", "...\nrow 2 bad\n..."),
            ("...\nnext: stay with what was said before\n...", "...\nnext: go on\n..."),
            ("...\nrow 2 bad\nrow 3 good\n...\nnext: stay", "...\nrow 2 bad\nrow 3 good\n...\nnext: go on"),
        ] {
            assert_eq!(rewritten(&lines(page), &seen), lines(new), "{page}");
            assert!(same(&lines(new), &seen));
        }
    }
}
