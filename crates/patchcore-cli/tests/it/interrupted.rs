//! Work that is cut short: a full disk, a killed process, a reader that left. The old file is always whole.

#![cfg(unix)]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::photos::{category, good_folder};
use crate::program::{
    PROGRAM, Workplace, background, csv_rows, entries, finish, patchcore, shell, small_fit, wait_until,
};

/// A folder of photos and a model of it, which later fits overwrite.
fn fitted() -> Workplace {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 6);
    fs::create_dir(place.path("models")).unwrap();
    patchcore(small_fit(&place.path("photos"), &place.path("models/m.patchcore"))).done();
    place
}

/// The fit that replaces the model of [`fitted`]: another seed, other content.
fn overwriting_fit(place: &Workplace) -> Vec<String> {
    let mut fit = small_fit(&place.path("photos"), &place.path("models/m.patchcore"));
    fit.extend(["--seed", "5", "--embed-weights"].map(str::to_owned));
    fit
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_model_and_no_part_file() {
    let place = fitted();
    let old = fs::read(place.path("models/m.patchcore")).unwrap();
    // At most 64 blocks per file, and an error instead of a signal beyond them: what a full disk does.
    let mut fit = shell(r#"trap "" XFSZ; ulimit -f 64; exec "$PROGRAM" "$@""#);
    let run = finish(fit.arg("sh").args(overwriting_fit(&place)));
    run.fails(&[&place.text("models/m.patchcore"), "cannot write", "the disk has room", "old file is unchanged"]);
    assert_eq!(fs::read(place.path("models/m.patchcore")).unwrap(), old);
    assert_eq!(entries(&place.path("models")), ["m.patchcore"]);
    // And the same fit works where there is room.
    patchcore(overwriting_fit(&place)).done();
    assert_ne!(fs::read(place.path("models/m.patchcore")).unwrap(), old);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_maps_and_metrics_names_the_file() {
    let place = fitted();
    let (model, photos, out) = (place.text("models/m.patchcore"), place.text("photos"), place.text("out"));
    let cramped = |arguments: &[&str]| {
        let mut run = shell(r#"trap "" XFSZ; ulimit -f 1; exec "$PROGRAM" "$@""#);
        finish(run.arg("sh").args(arguments))
    };
    for option in ["--maps", "--overlays"] {
        // Each photo has its row all the same, with its score and what became of its picture.
        let run = cramped(&["score", "--model", &model, "--format", "csv", option, &out, &photos]).ends(3, &[]);
        let rows = csv_rows(&run.stdout);
        for (at, row) in rows.iter().enumerate() {
            let written = [&row["map_path"], &row["overlay_path"]];
            assert!(row["score"].parse::<f32>().is_ok() && written == ["", ""], "{row:?}");
            let file = place.text(&format!("out/{at:03}.png."));
            assert!(row["error"].contains(&file) && row["error"].contains("check that"), "{row:?}");
        }
        assert_eq!(rows.len(), 6);
        assert_eq!(entries(&place.path("out")), [""; 0], "{option}");
    }
}

#[test]
fn a_killed_fit_leaves_the_old_model() {
    let place = fitted();
    let model = place.path("models/m.patchcore");
    let old = fs::read(&model).unwrap();
    patchcore(overwriting_fit(&place)).done();
    let said = || patchcore(["inspect", &place.text("models/m.patchcore"), "--format", "json"]).done().stdout;
    let new = said();
    for (moment, certainly_old) in [("photos, about", true), ("features:", false), ("coreset:", false)] {
        fs::write(&model, &old).unwrap();
        // (Without -v a stage that is over within a second has no line.)
        let arguments = overwriting_fit(&place).into_iter().chain(["-v".to_owned()]);
        let mut fit = background(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(fit.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains(moment)), "no line with {moment:?}");
        fit.kill().unwrap();
        fit.wait().unwrap();
        let is_old = fs::read(&model).unwrap() == old;
        // Late in the fit the rename may have come before the kill; there is nothing in between.
        assert!(is_old || !certainly_old && said() == new, "{moment}: neither the old model nor the new one");
    }
    // What a killed process left behind is in nobody's way.
    patchcore(overwriting_fit(&place)).done();
}

/// Names and inodes of what lies in a folder: another list as soon as a file is begun there or replaced.
fn listing(folder: &Path) -> Vec<(OsString, u64)> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.ok().and_then(|entry| Some((entry.file_name(), entry.metadata().ok()?.ino()))))
        .collect();
    entries.sort();
    entries
}

/// Runs the program and kills it: at once, or as soon as `is_time` (which must come before it ends).
fn kill(arguments: &[&str], moment: &str, is_time: impl Fn() -> bool) {
    let mut run = background(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(moment, || {
        let has_ended = run.try_wait().unwrap().is_some();
        let is_time = is_time();
        assert!(is_time || !has_ended, "the program ended, and not yet: {moment}");
        is_time
    });
    run.kill().unwrap();
    run.wait().unwrap();
}

/// Killed as soon as each file is begun, and as soon as it is replaced: whatever lay there before is whole, old or new.
#[test]
fn a_killed_evaluation_or_calibration_leaves_every_file_whole() {
    let place = Workplace::new();
    category(&place.path("part"));
    fs::create_dir(place.path("models")).unwrap();
    patchcore(small_fit(&place.path("part"), &place.path("models/m.patchcore"))).done();
    let (model, data, out) = (place.text("models/m.patchcore"), place.text("part"), place.text("out"));
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out];
    let calibrate = ["calibrate", "--model", &model, "--good", &data, "--fpr", "0.6", "--cross-fit", "2"];
    patchcore(evaluate).done();
    let is_whole = |moment: &str| {
        patchcore(["inspect", &model]).done();
        let text = |name: &str| fs::read_to_string(place.path("out").join(name)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text("metrics.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text("replicates.json")).unwrap();
        assert_eq!(text("scores.csv").lines().count(), 7, "{moment}");
        assert!(text("report.html").trim_end().ends_with("</html>"), "{moment}");
        for kind in ["good", "spot"] {
            let folder = place.path("out/overlays").join(kind);
            let pictures: Vec<String> = entries(&folder).into_iter().filter(|name| name.ends_with("png")).collect();
            assert_eq!(pictures.len(), 3, "{moment}: {pictures:?}");
            pictures.iter().for_each(|name| drop(image::open(folder.join(name)).unwrap()));
        }
    };
    for (arguments, folder, files) in [
        (&evaluate[..], "out/overlays/good", &["000.png.overlay.png"][..]),
        (&evaluate, "out", &["report.html", "metrics.json", "replicates.json", "scores.csv"]),
        (&calibrate, "models", &["m.patchcore"]),
    ] {
        let folder = place.path(folder);
        let before = listing(&folder);
        let moment = format!("{} begins a file in {}", arguments[0], folder.display());
        kill(arguments, &moment, || listing(&folder) != before);
        is_whole(&moment);
        for file in files {
            let file = folder.join(file);
            let inode = || fs::metadata(&file).unwrap().ino();
            let before = inode();
            let moment = format!("{} has replaced {}", arguments[0], file.display());
            kill(arguments, &moment, || inode() != before);
            is_whole(&moment);
        }
    }
    for arguments in [&evaluate[..], &calibrate] {
        kill(arguments, "it is started", || true);
        is_whole("started");
        // What a killed process left behind is in nobody's way.
        patchcore(arguments).done();
        is_whole("at last");
    }
}

/// `env` gives the program the signal back where whoever runs the tests has set it aside.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_work_at_its_next_step() {
    let place = fitted();
    let (model, maps) = (place.text("models/m.patchcore"), place.path("maps"));
    let photos = vec![place.text("photos/000.png"); 4000];
    let run = Command::new("env")
        .args(["--default-signal=INT", PROGRAM, "score", "--model", &model, "--maps", &place.text("maps")])
        .args(&photos)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let written = || fs::read_dir(&maps).map_or(0, Iterator::count);
    wait_until("two maps are written", || written() >= 2);
    finish(shell(r#"kill -INT "$1""#).args(["sh", &run.id().to_string()])).done();
    let output = run.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("stopping at the next step"), "{stderr}");
    assert!(stderr.contains("error: the scoring was cancelled"), "{stderr}");
    // Whole rows, one for each map, and how far it came.
    let stdout = String::from_utf8(output.stdout).unwrap();
    let rows = stdout.lines().count();
    assert!(rows >= 2 && rows == written() && rows < photos.len(), "{rows} rows, {} maps", written());
    assert!(stdout.ends_with("000.png.map.npy\n"), "{stdout}");
    assert!(stderr.contains(&format!("stopped: scoring {rows}/4000")), "{stderr}");
    assert!(entries(&maps).iter().all(|name| name.ends_with(".npy")), "a part file stays");
}

/// Whenever it comes: before the first photo, at a step, or after the last one.
#[cfg(target_os = "linux")]
#[test]
fn every_command_says_what_was_cancelled() {
    let place = Workplace::new();
    let part = place.path("part");
    category(&part);
    patchcore(small_fit(&part, &place.path("m.patchcore"))).done();
    for kind in ["train/good", "test/good"] {
        let folder = part.join(kind);
        (0..600).for_each(|at| fs::hard_link(folder.join("000.png"), folder.join(format!("b{at}.png"))).unwrap());
        // Each command says first that it leaves this out.
        fs::write(folder.join("notes.gif"), "").unwrap();
    }
    let (model, data) = (place.text("m.patchcore"), place.text("part"));
    let (good, out) = (place.text("part/train/good"), place.text("out"));
    let before = fs::read(place.path("m.patchcore")).unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["fit", "--data", &good, "-o", &out], "the fit was cancelled"),
        (&["score", "--model", &model, &good], "the scoring was cancelled"),
        (&["evaluate", "--model", &model, "--data", &data, "-o", &out], "the evaluation was cancelled"),
        (&["calibrate", "--model", &model, "--good", &good, "--cross-fit", "3"], "the calibration was cancelled"),
        (&["audit", "--model", &model, "--good", &good], "the audit was cancelled"),
    ];
    for (arguments, said) in cases {
        let mut run = Command::new("env")
            .args(["--default-signal=INT", PROGRAM])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("left out: ")), "{arguments:?}");
        finish(shell(r#"kill -INT "$1""#).args(["sh", &run.id().to_string()])).done();
        let after: Vec<String> = lines.collect();
        assert_eq!(run.wait().unwrap().code(), Some(130), "{arguments:?}: {after:#?}");
        let errors: Vec<&String> = after.iter().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors, [&format!("error: {said}")], "{arguments:?}: {after:#?}");
        assert_eq!(fs::read(place.path("m.patchcore")).unwrap(), before, "{arguments:?}");
        assert!(!place.path("out").is_file() && !place.path("out/metrics.json").exists(), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let place = fitted();
    let (model, photos) = (place.text("models/m.patchcore"), place.text("photos"));
    for arguments in [
        vec!["score", "--model", &model, &photos],
        vec!["score", "--model", &model, "--format", "json", &photos],
        vec!["inspect", &model],
        vec!["devices"],
        vec!["completions", "bash"],
        vec!["--help"],
    ] {
        let mut child = background(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}: {stderr}");
        // Not "error": a Vulkan layer may complain in its own words (Mesa's does without XDG_RUNTIME_DIR).
        for complaint in ["panicked", "Broken pipe", "os error"] {
            assert!(!stderr.contains(complaint), "{arguments:?}: {stderr}");
        }
    }
    let mut head = shell(r#""$PROGRAM" score --model "$1" "$2" | head -1"#);
    let run = finish(head.args(["sh", &model, &photos])).done();
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_work() {
    let place = fitted();
    fs::write(place.path("photos/bad.png"), "no photo").unwrap();
    let mut child = background(overwriting_fit(&place)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{stdout}");
    assert!(stdout.contains("6 photos"), "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_an_error() {
    let place = fitted();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child =
        background(["inspect", &place.text("models/m.patchcore")]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("stdout") && !stderr.contains("panicked"), "{stderr}");
}
