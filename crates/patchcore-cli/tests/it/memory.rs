//! The memory that `fit` announces is the memory that it takes, at most.

#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::photos::{photo, save};
use crate::program::{PROGRAM, Workplace};

#[test]
fn a_fit_stays_within_what_it_announces() {
    let place = Workplace::new();
    for seed in 0..24 {
        save(&place.path("photos").join(format!("{seed:02}.png")), photo(320, 256, seed, false));
    }
    let (photos, model) = (place.text("photos"), place.text("m.patchcore"));
    let mut fit = Command::new(PROGRAM);
    fit.args(["fit", "--data", &photos, "-o", &model, "--mode", "authors", "--resize", "256"]);
    let mut fit = fit.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The kernel remembers the peak; the last reading before the end is within one tick of it.
    let mut peak = 0;
    while fit.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", fit.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = fit.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "MiB").unwrap();
    let announced: u64 = words[at - 1].parse().unwrap();
    let peak = peak / 1024;
    println!("announced {announced} MiB, took {peak} MiB");
    assert!(peak <= announced, "announced {announced} MiB, took {peak} MiB");
    // A bound that is far too high would say nothing.
    assert!(announced <= 3 * peak, "announced {announced} MiB, took {peak} MiB");
}
