//! Is what one sees what the page says? The rules of what may differ from run to run.
//!
//! Everything is compared as text, numbers to the printed digits, but for this:
//!
//! | what | how it is compared |
//! |---|---|
//! | times and speeds (`1.3 s`, `12 ms`, `about 2 minutes`, `57 photos/s`) | both sides have one, in whatever unit of time |
//! | memory (`171 MiB`, `2.1 GiB`) | both sides have some |
//! | dates, versions (`0.1.0`), digests (12 to 64 hexadecimal digits) | both sides have one |
//! | processors (`AMD EPYC ..`), `2 threads`, instruction sets, the CPU's device (`cpu`, `flex`) | both sides have one |
//! | a number of six and more digits (`36.0945`) | to one unit of its last digit, of seven and more (`17.329504`) to a part in a million: instruction sets round the last digits differently |
//! | blanks between words | any number: columns are as wide as what stands in them |
//! | lines that say how far the work is (`scoring: 12/35`, `coreset: about 2 seconds`) | left out: they come as time passes |
//! | the page's own folder as a whole path | written as `/line` |
//!
//! `...` on a line of its own stands for any lines.

use std::sync::LazyLock;

use regex::Regex;

/// The page's folder, as pages show it.
pub const FOLDER: &str = "/line";

static KINDS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|Z)?)?", "<date>"),
        (r"\b[0-9a-f]{12,64}\b", "<digest>"),
        (r"\b\d+(\.\d+)? ?(photos )?(/s\b|(a|per) second\b)|\b\d+(\.\d+)? photos/s\b", "<speed>"),
        (r"\bms per photo: \d+(\.\d+)?( \| \d+(\.\d+)?)*", "<time>"),
        (r"\b\d+(\.\d+)? ?(ms|s|seconds?|min|minutes?|h|hours?)\b", "<time>"),
        (r"\b\d+(\.\d+)? ?(B|KiB|MiB|GiB|KB|kB|MB|GB)\b", "<memory>"),
        (r"\b\d+\.\d+\.\d+\b", "<version>"),
        (r"\b(AMD|Intel|Apple|ARM)\b[^,;()\n]*", "<processor>"),
        (r"\b\d+ (virtual )?(threads?|processors?|cores?)\b", "<threads>"),
        (
            r"\b(portable|simd128|neon|neon_dot|avx2|avx_vnni|avx512|avx512_vnni|amx)(, (neon|neon_dot|avx2|avx_vnni|avx512|avx512_vnni|amx))*\b",
            "<instructions>",
        ),
        (r"\bdevice (flex|cpu)\b", "<cpu>"),
    ]
    .map(|(pattern, kind)| (Regex::new(pattern).unwrap(), kind))
    .into()
});

static PROGRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-z][a-z ,]*: (\d+/\d+|about |\d+ %)").unwrap());
static BLANKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s+").unwrap());
static LONG_NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d+\.\d+\b").unwrap());

/// The lines of an output that a page shows, with the page's own folder under its name there.
pub fn shown(output: &str, folder: &str) -> Vec<String> {
    let output = output.replace(folder, FOLDER);
    let lines = output.lines().map(str::trim_end).filter(|line| !PROGRESS.is_match(line));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Whether a line of the page says what one sees.
pub fn same_line(page: &str, seen: &str) -> bool {
    let (page, seen) = (of_kinds(page), of_kinds(seen));
    if page == seen {
        return true;
    }
    let bare = |line: &str| LONG_NUMBER.replace_all(line, "#").into_owned();
    let numbers = |line: &str| LONG_NUMBER.find_iter(line).map(|found| found.as_str().to_owned()).collect::<Vec<_>>();
    bare(&page) == bare(&seen) && numbers(&page).iter().zip(numbers(&seen)).all(|(a, b)| same_number(a, &b))
}

fn same_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, behind)| behind.len() as i32);
    let (Ok(x), Ok(y)) = (a.parse::<f64>(), b.parse::<f64>()) else { return false };
    let allowed = match digits(a).max(digits(b)) {
        0..=5 => 0.0,
        6 if decimals(a) == decimals(b) => 1.01 * 10_f64.powi(-decimals(a)),
        6 => 0.0,
        _ => 1e-6 * x.abs(),
    };
    a == b || (x - y).abs() <= allowed
}

fn of_kinds(line: &str) -> String {
    let line = BLANKS.replace_all(line.trim(), " ").into_owned();
    KINDS.iter().fold(line, |line, (pattern, kind)| pattern.replace_all(&line, *kind).into_owned())
}

/// Whether the lines of a page, in which `...` stands for any lines, are what one sees.
pub fn same(page: &[String], seen: &[String]) -> bool {
    let Some((first, rest)) = page.split_first() else { return seen.is_empty() };
    if first.trim() == "..." {
        return (0..=seen.len()).any(|left_out| same(rest, seen.get(left_out..).unwrap_or_default()));
    }
    seen.split_first().is_some_and(|(line, others)| same_line(first, line) && same(rest, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn numbers_are_compared_to_the_printed_digits() {
        assert!(same_line("  36.0945  a.jpg", "36.0945 a.jpg"));
        for (page, seen) in [
            ("36.0945", "36.0947"),
            ("99.81", "99.82"),
            ("-0.25", "-0.26"),
            ("24 photos", "25 photos"),
            ("Found 25 of 25", "Found 24 of 25"),
            ("at most 30 % false alarms", "at most 3 % false alarms"),
            ("a.jpg", "b.jpg"),
            ("17.329504", "17.329604"),
            ("1.5 s, rank 2", "1.5 s, rank 3"),
            ("1536 x 120", "1536 x 144"),
        ] {
            assert!(!same_line(page, seen), "{page} is taken for {seen}");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_is_compared_as_a_kind() {
        for (page, seen) in [
            ("features 1.3 s, coreset 3.0 s", "features 980 ms, coreset 1 minute"),
            ("up to 171 MiB of memory", "up to 1.2 GiB of memory"),
            ("made 2026-11-29 20:04 UTC; patchcore 0.1.0", "made 2027-01-02 08:00 UTC; patchcore 1.2.30"),
            ("sha256 9537d2821d441bc7", "sha256 0000000000000000"),
            (
                "the CPU, 2 threads, avx512 instructions (portable, avx2, avx512)",
                "the CPU, 16 threads, avx2 instructions (portable, avx2)",
            ),
            ("device cpu in f32", "device flex in f32"),
            ("AMD EPYC 9R14 (avx512)", "Intel Xeon 6 (avx2)"),
            ("35 photos, 57.1 photos/s", "35 photos, 9 photos/s"),
            ("ms per photo: 67.9 | 66.2", "ms per photo: 9 | 12.25"),
            ("threshold 17.329504", "threshold 17.329505"),
            ("36.0945", "36.0946"),
        ] {
            assert!(same_line(page, seen), "{page} and {seen} are taken for different");
        }
        assert!(!same_line("features 1.3 s", "features"));
        assert!(!same_line("171 MiB", "171 s"));
    }

    #[test]
    fn dots_stand_for_any_lines_and_nothing_else_does() {
        let seen = lines("a\nb 1\nc\nd");
        for page in ["a\nb 1\nc\nd", "...", "a\n...", "...\nd", "a\n...\nd", "a\nb 1\n...\nc\nd", "...\nb 1\n..."] {
            assert!(same(&lines(page), &seen), "{page}");
        }
        for page in ["", "a", "a\n...\nc", "b 1\n...", "...\nb 2\n...", "a\nb 1\nc\nd\ne"] {
            assert!(!same(&lines(page), &seen), "{page}");
        }
        assert!(same(&[], &[]));
    }

    #[test]
    fn progress_is_no_part_of_a_page_and_its_folder_has_a_name() {
        let output = "scoring: 12/35\nfeatures: about 1 second (0.07 s a photo)\nx: /tmp/abc/good/1.jpg  \n\n";
        assert_eq!(shown(output, "/tmp/abc"), ["x: /line/good/1.jpg"]);
        assert_eq!(shown("error: 3/4 of it\n", "/x"), [""; 0], "a line that looks like progress");
    }
}
