//! The memory that `fit` announces is the memory that it takes, at most; tiles bound that of a score.
//!
//! A binary of its own: the kernel counts for a program what the process had that started it, and the other tests of the
//! program have many photos at once.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod flat_jpeg;
#[path = "../it/photos.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod photos;
#[path = "../it/program.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod program;
#[path = "../it/written.rs"]
mod written;

use std::io::Read;
use std::process::Stdio;

use wait4::Wait4;

use crate::flat_jpeg::Kind;
use crate::photos::{photo, save};
use crate::program::{Workplace, background, patchcore};

#[test]
fn a_fit_stays_within_what_it_announces() {
    let place = Workplace::new();
    for seed in 0..24 {
        save(&place.path("photos").join(format!("{seed:02}.png")), photo(320, 256, seed, false));
    }
    let said = announced_fit(&place, &["--mode", "authors", "--resize", "256"]);
    assert!(said.contains("24 photos, about 30720 patches"), "{said}");
}

/// Photos of 12 megapixels, whose decoders hold more than the network does, behind a small first one.
#[test]
fn large_photos_are_in_what_a_fit_announces_wherever_they_stand() {
    for kind in [Kind::Baseline, Kind::Progressive] {
        let place = Workplace::new();
        save(&place.path("photos/0.png"), photo(320, 256, 0, false));
        for name in ["photos/1.jpg", "photos/2.jpg"] {
            flat_jpeg::save(&place.path(name), 4000, 3000, kind);
        }
        let said = announced_fit(&place, &["--coreset-sampling-ratio", "0.01"]);
        assert!(said.contains("the largest photo is 4000 x 3000"), "{said}");
    }
}

#[test]
fn a_photo_of_60_megapixels_is_in_what_a_fit_announces() {
    let place = Workplace::new();
    flat_jpeg::save(&place.path("photos/0.jpg"), 9504, 6336, Kind::Baseline);
    let said = announced_fit(&place, &["--coreset-sampling-ratio", "0.01"]);
    assert!(said.contains("the largest photo is 9504 x 6336"), "{said}");
}

/// A line scan that is wider than any network's input is fitted and scored in tiles.
#[test]
fn a_wide_line_scan_in_tiles_is_in_what_a_fit_announces() {
    let place = Workplace::new();
    save(&place.path("photos/0.png"), photo(16_384, 64, 0, false));
    let said = announced_fit(&place, &["--tile", "256", "--overlap", "64", "--coreset-sampling-ratio", "0.001"]);
    assert!(said.contains("1 photos, about 16384 patches"), "{said}");
    patchcore(["score", "--model", &place.text("m.patchcore"), &place.text("photos")]).done();
}

/// Refused before the work, with the number and with what lowers it; an allowance makes it go.
#[test]
fn a_fit_beyond_its_memory_is_refused_before_the_work() {
    let place = Workplace::new();
    save(&place.path("photos/0.png"), photo(960, 640, 0, false));
    let (photos, model) = (place.text("photos"), place.text("m.patchcore"));
    let fit = ["fit", "--data", &photos, "-o", &model, "--tile", "256", "--coreset-sampling-ratio", "0.001"];
    let refused = patchcore(fit.iter().chain(&["--max-memory", "60"]));
    let refused = refused.fails(&["9600 patches of 1 photos", "at most 60 MiB", "--resize", "--max-memory"]);
    assert!(!refused.stderr.contains("features:"), "{refused:?}");
    assert!(!place.path("m.patchcore").exists());
    patchcore(fit.iter().chain(&["--max-memory", "4000"])).done();
}

/// Fits on the place's photos within what is announced, which says something; gives what the program says.
#[track_caller]
fn announced_fit(place: &Workplace, options: &[&str]) -> String {
    let (photos, model) = (place.text("photos"), place.text("m.patchcore"));
    let fit = ["fit", "--data", &photos, "-o", &model];
    let (stderr, peak) = peak(&[&fit[..], options].concat());
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "MiB").unwrap();
    let announced: u64 = words[at - 1].parse().unwrap();
    println!("{options:?}: announced {announced} MiB, took {peak} MiB");
    assert!(peak <= announced, "{options:?}: announced {announced} MiB, took {peak} MiB");
    // A bound that is far too high would say nothing; 80 MiB of it are for a program with a GPU's backend.
    assert!(announced <= 80 + 2 * peak, "{options:?}: announced {announced} MiB, took {peak} MiB");
    stderr
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
    let mut stderr = String::new();
    run.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let ended = run.wait4().unwrap();
    assert!(ended.status.success(), "{stderr}");
    let peak = ended.rusage.maxrss / (1 << 20);
    // The kernel counts what this process had before the program took its place.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let own: u64 = own.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(own / 1024 < peak, "the tests take {} MiB, more than the program: its peak is not known", own / 1024);
    (stderr, peak)
}
