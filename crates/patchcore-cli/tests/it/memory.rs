//! The memory that `fit` announces is the memory that it takes, at most; tiles bound that of a score.

#![cfg(target_os = "linux")]

use std::process::Stdio;
use std::time::Duration;

use crate::photos::{photo, save};
use crate::program::{Workplace, background, patchcore};

#[test]
fn a_fit_stays_within_what_it_announces() {
    let place = Workplace::new();
    for seed in 0..24 {
        save(&place.path("photos").join(format!("{seed:02}.png")), photo(320, 256, seed, false));
    }
    let (photos, model) = (place.text("photos"), place.text("m.patchcore"));
    let (stderr, peak) = peak(&["fit", "--data", &photos, "-o", &model, "--mode", "authors", "--resize", "256"]);
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "MiB").unwrap();
    let announced: u64 = words[at - 1].parse().unwrap();
    println!("announced {announced} MiB, took {peak} MiB");
    assert!(peak <= announced, "announced {announced} MiB, took {peak} MiB");
    // A bound that is far too high would say nothing.
    assert!(announced <= 3 * peak, "announced {announced} MiB, took {peak} MiB");
}

/// A large photo in tiles takes the memory of one tile's network, not of the photo's.
#[test]
fn tiles_bound_the_memory_of_a_large_photo() {
    let place = Workplace::new();
    save(&place.path("photos/0.png"), photo(1600, 1200, 0, false));
    let (photos, model) = (place.text("photos"), place.text("m.patchcore"));
    let mut peaks = Vec::new();
    for view in [&["--tile", "256", "--overlap", "64"][..], &["--size", "1600x1200"]] {
        let fit = ["fit", "--data", &photos, "-o", &model, "--coreset-sampling-ratio", "0.001"];
        patchcore(fit.iter().chain(view)).done();
        peaks.push(peak(&["score", "--model", &model, &photos]).1);
    }
    println!("tiled {} MiB, whole {} MiB", peaks[0], peaks[1]);
    assert!(2 * peaks[0] < peaks[1], "tiled {} MiB, whole {} MiB", peaks[0], peaks[1]);
}

/// What the program says on stderr, and the most memory that it had, in MiB.
fn peak(arguments: &[&str]) -> (String, u64) {
    let mut run = background(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The kernel remembers the peak; the last reading before the end is within one tick of it.
    let mut peak = 0;
    while run.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = run.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    (stderr, peak / 1024)
}
