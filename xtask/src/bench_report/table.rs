//! The table of docs/explanation/speed.md.

use std::fmt::Write;

use super::measurement::{Measurement, three_digits};

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
