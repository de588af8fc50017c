//! Each writing command killed at seeded moments: what was there is whole, old or new, and what is left is cleared away by a later
//! run. Five times each; `cargo xtask soak kill` asks for a hundred by PATCHCORE_KILLS.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::photos::{HEIGHT, WIDTH, category, photo, save};
use crate::program::{Workplace, background, patchcore, small_fit, wait_until};

/// Times that each command is killed.
fn kills() -> u32 {
    std::env::var("PATCHCORE_KILLS").map_or(5, |kills| kills.parse().expect("PATCHCORE_KILLS is a number"))
}

/// Files of a folder and of those below it that are not whole, or were never to stay.
fn broken(folder: &Path, parts_too: bool) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            found.append(&mut broken(&path, parts_too));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        let is_whole = match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "part" => !parts_too,
            "patchcore" => patchcore(["inspect", &name]).code == Some(0),
            "json" => serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(),
            "html" => text().trim_end().ends_with("</html>"),
            "csv" => text().lines().count() == 7 && text().ends_with('\n'),
            "png" => image::load_from_memory(&bytes).is_ok(),
            "npy" => bytes.starts_with(b"\x93NUMPY") && bytes.len() == 256 + 4 * 112 * 80,
            other => panic!("{name}: what is a {other:?}?"),
        };
        if !is_whole {
            found.push(name);
        }
    }
    found
}

fn good(folder: &Path, seeds: std::ops::Range<u32>) {
    seeds.for_each(|seed| save(&folder.join(format!("{seed:03}.png")), photo(WIDTH, HEIGHT, seed, false)));
}

#[test]
fn a_killed_command_leaves_whole_files_and_a_later_run_clears_the_rest_away() {
    let place = Workplace::new();
    category(&place.path("part"));
    fs::create_dir(place.path("made")).unwrap();
    let text = |name: &str| place.text(name);
    let (model, data, photos) = (text("made/m.patchcore"), text("part"), text("part/test/good"));
    let fit = small_fit(&place.path("part"), &place.path("made/m.patchcore"));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let other = text("other.patchcore");
    good(&place.path("more"), 50..52);
    good(&place.path("held"), 70..74);
    let evaluate = words(&["evaluate", "--model", &model, "--data", &data, "-o", &text("made/out")]);
    let score =
        ["score", "--model", &model, "--maps", &text("made/maps"), "--overlays", &text("made/overlays"), &photos];
    let commands = [
        ([&fit[..], &words(&["--force", "--embed-weights"])].concat()),
        words(&score),
        words(&["calibrate", "--model", &model, "--good", &data, "--cross-fit", "2", "--fpr", "0.6"]),
        evaluate.clone(),
        words(&["audit", "--model", &model, "-o", &text("made/pairs")]),
        words(&["compare", &text("made/out"), &text("made/out"), "-o", &text("made/compared.html")]),
        words(&["doctor", "--device", "cpu", "-o", &text("made/doctor.json")]),
        words(&["extend", &model, "--data", &text("more"), "--calibrate-again", &text("held"), "--fpr", "0.7"]),
        words(&["extend", &other, "--data", &text("more"), "-o", &text("made/extended.patchcore"), "--force"]),
        words(&["forget", &other, "--photo", &text("part/train/good/001.png"), "-o", &text("made/less.patchcore")]),
        words(&["merge", &model, &other, "-o", &text("made/merged.patchcore")]),
    ];
    patchcore(small_fit(&place.path("part"), &place.path("other.patchcore"))).done();
    patchcore(&fit).done();
    patchcore(&evaluate).done();
    let mut random = 20_261_126_u64;
    for command in &commands {
        let started = Instant::now();
        patchcore(command).done();
        let whole = started.elapsed();
        for kill in 0..kills() {
            // Knuth's generator: the upper half of its bits is used.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // The later half of a run is when files are written.
            let share = (random >> 32) as f64 / f64::from(u32::MAX);
            let moment = whole.mul_f64(if kill % 2 == 0 { share } else { 0.5 + share / 2.0 });
            let mut run = background(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let started = Instant::now();
            wait_until("the seeded moment", || started.elapsed() >= moment || run.try_wait().unwrap().is_some());
            let _ = run.kill();
            run.wait().unwrap();
            assert_eq!(broken(&place.path("made"), false), [""; 0], "{command:?} killed after {moment:?}");
        }
        // Not `fit`'s first run: the model may have thresholds now, which --force lets go.
        patchcore(command).done();
        assert_eq!(broken(&place.path("made"), true), [""; 0], "{command:?} leaves parts of files");
    }
}
