//! The README's table between its two markers.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use super::measurement::{Measurement, three_digits};

const BEGIN: &str = "<!-- bench-report -->";
const END: &str = "<!-- /bench-report -->";

/// The table with the machine, the versions and the date.
pub fn table(rows: &[Measurement], ceilings: &[f64; 2], versions: &str) -> String {
    let mut text = String::from("| what | ours | peer | its | ratio | target |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let [ours, peer] = [row.ours_ms, row.peer_ms].map(three_digits);
        let (ratio, target) = (row.ratio, row.target.map_or("-".to_owned(), |target| target.to_string()));
        let mark = if row.met { "" } else { " (missed)" };
        let _ = writeln!(text, "| {} | {ours} | {} | {peer} | **{ratio:.2}** | {target}{mark} |", row.what, row.peer);
    }
    let [one, two] = ceilings;
    let _ = writeln!(
        text,
        "\nRatio = the peer's time (or memory) / ours, medians of measurements taken in turn; above 1, ours is better. \
         GEMM ceiling of the run: {one:.0} GFLOP/s on one thread, {two:.0} on two. Photographs: MVTec AD `bottle` (60 of \
         its training images and 40 mirrored ones) and Magnetic Tile Defects. {versions}"
    );
    text
}

/// Replaces what stands between the markers; false if the file does not have them.
///
/// # Errors
/// A file that cannot be written.
pub fn rewrite(readme: &Path, table: &str) -> anyhow::Result<bool> {
    let Ok(text) = std::fs::read_to_string(readme) else { return Ok(false) };
    let Some(new) = between_markers(&text, table) else { return Ok(false) };
    std::fs::write(readme, new).with_context(|| format!("cannot write {}", readme.display()))?;
    Ok(true)
}

fn between_markers(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = between_markers(&text, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(between_markers(&new, "new\n").unwrap(), new);
        assert_eq!(between_markers("no markers", "new"), None);
    }
}
