//! `device-check`: right and wrong devices, drivers that crash and hang, time that runs out, and the files that come of it.

use std::fs;

use serde_json::Value;

use crate::program::{Run, Workplace, patchcore};
use crate::written::{check, parsed};

/// The JSON and the page of a folder.
#[track_caller]
#[expect(clippy::unwrap_used, reason = "a test's own helper: the files are there, or the test fails")]
fn read(place: &Workplace, out: &str) -> (Value, String) {
    let file = parsed(&fs::read_to_string(place.path(out).join("device-check.json")).unwrap());
    check("device-check", &file);
    (file, fs::read_to_string(place.path(out).join("device-check.md")).unwrap())
}

/// Part and state of a check.
fn states(check: &Value) -> Vec<(&str, &str)> {
    let parts = check["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().map(|part| (part["part"].as_str().unwrap_or(""), part["state"].as_str().unwrap_or(""))).collect()
}

#[test]
fn a_folder_is_made_once_and_checked_and_a_wrong_answer_in_it_is_found() {
    let place = Workplace::new();
    let folder = place.text("data");
    let made = patchcore(["device-check", "--prepare", &folder, "--photos", "3"]).done();
    assert!(made.stderr.contains(&format!("next: patchcore device-check --from {folder}")), "{}", made.stderr);
    let count = |name: &str| fs::read_dir(place.path("data").join(name)).unwrap().count();
    assert_eq!((count("fit"), count("score")), (3, 3));

    let run = patchcore(["device-check", "--from", &folder, "--device", "cpu", "-o", &place.text("right")]).done();
    assert!(run.stdout.contains("device-check.md"), "{}", run.stdout);
    let (file, page) = read(&place, "right");
    let cpu = &file["checks"][0];
    let parts = ["doctor", "answers", "throughput", "stages", "fit"];
    assert_eq!(states(cpu), parts.map(|part| (part, "passed")), "{file:#}");
    let of = |part: usize, key: &str| cpu["parts"][part][key].as_array().unwrap().clone();
    assert_eq!(of(1, "answers").len(), 2);
    // The same CPU.
    assert!(of(1, "answers").iter().all(|one| one["score_difference"] == 0.0 && one["photos"] == 3), "{cpu:#}");
    let batches: Vec<u64> = of(2, "throughput").iter().filter_map(|one| one["batch"].as_u64()).collect();
    assert_eq!(batches, [1, 8, 32, 0, 1, 8, 32, 0]);
    let stages: Vec<String> =
        of(3, "stages").iter().filter_map(|one| Some(one["stage"].as_str()?.to_owned())).collect();
    assert_eq!(stages, ["trunk", "embedding", "trunk and embedding", "coreset", "search", "map"]);
    assert!(of(4, "fits").iter().all(|one| one["median_difference"] == 0.0), "{cpu:#}");
    assert!(page.starts_with("# Device check\n") && page.contains("| `cpu` f32 | ok | ok | ok | ok | ok |"), "{page}");
    assert!(!fs::read_dir(place.path("right")).unwrap().any(|entry| entry.unwrap().path().is_dir()));

    // A recorded score that no device gives.
    let answers = place.path("data/answers.json");
    let mut wrong = parsed(&fs::read_to_string(&answers).unwrap());
    wrong["models"][1]["photos"][1]["score"] = Value::from(1.0);
    fs::write(&answers, wrong.to_string()).unwrap();
    let out = place.text("wrong");
    patchcore(["device-check", "--from", &folder, "--device", "cpu", "-o", &out]).done();
    let (file, page) = read(&place, "wrong");
    let part = &file["checks"][0]["parts"][1];
    assert_eq!(part["state"], "differs", "{file:#}");
    assert!(part["reason"].as_str().unwrap().contains("mode line"), "{part:#}");
    assert!(page.contains("**wrong**"), "{page}");
}

#[test]
fn what_is_not_there_is_named_and_time_that_is_up_ends_it() {
    let place = Workplace::new();
    patchcore(["device-check", "--prepare", &place.text("data"), "--photos", "2"]).done();
    let folder = place.text("data");
    let out = place.text("out");
    let check =
        |more: &[&str]| -> Run { patchcore(["device-check", "--from", &folder, "-o", &out].iter().chain(more)).done() };
    check(&["--device", "cuda,warp", "--seconds", "60"]);
    let (file, _) = read(&place, "out");
    for found in file["checks"].as_array().unwrap() {
        let states = states(found);
        assert!(states[1..].iter().all(|(_, state)| *state == "not_run"), "{found:#}");
        assert_eq!(states[0].1, "failed", "{found:#}");
    }
    let verdict = file["verdict"].as_str().unwrap();
    assert!(verdict.contains("No GPU passed every part.") && verdict.contains("cuda in f16"), "{verdict}");
    // A second is no time for a fit; the files are whole all the same.
    check(&["--device", "cpu", "--seconds", "1"]);
    let (file, page) = read(&place, "out");
    let states = states(&file["checks"][0]);
    assert!(states.iter().all(|(_, state)| matches!(*state, "out_of_time" | "not_run")), "{states:?}");
    assert!(page.contains("out of time") || page.contains("used up"), "{page}");
    // Over its own files, not over those of others.
    fs::write(place.path("out/device-check.md"), "mine").unwrap();
    patchcore(["device-check", "--from", &folder, "-o", &out]).fails(&["device-check.md", "did not write"]);
    patchcore(["device-check", "--from", &place.text("nothing"), "-o", &place.text("new")]).fails(&["--prepare"]);
}

/// Drivers of no use, with whom the check ends all the same. `LIBRARY` does its worst when it is loaded.
#[cfg(target_os = "linux")]
#[cfg(feature = "wgpu")]
#[test]
fn drivers_that_crash_and_hang_are_named() {
    use std::process::Command;

    use crate::program::{command, finish};

    let loader = Command::new("sh").args(["-c", "ldconfig -p | grep -q libvulkan.so.1"]).status().unwrap();
    if !loader.success() {
        println!("skipped: no libvulkan.so.1");
        return;
    }
    let place = Workplace::new();
    let folder = place.text("data");
    patchcore(["device-check", "--prepare", &folder, "--photos", "2"]).done();
    for (name, on_load, needle) in
        [("crashes", "unsafe { abort() }", "ended the process"), ("hangs", "loop {}", "did not answer")]
    {
        let source = format!(
            "#![no_std]\nunsafe extern \"C\" {{ fn abort() -> !; }}\nextern \"C\" fn on_load() {{ let _ = abort as unsafe extern \
             \"C\" fn() -> !; {on_load} }}\n#[used]\n#[unsafe(link_section = \".init_array\")]\nstatic ON_LOAD: extern \"C\" fn() = \
             on_load;\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{ loop {{}} }}\n"
        );
        fs::write(place.path("driver.rs"), source).unwrap();
        let library = place.text(&format!("lib{name}.so"));
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o", &library]);
        assert!(rustc.arg(place.path("driver.rs")).status().unwrap().success());
        let icd = place.text("icd.json");
        fs::write(
            &icd,
            format!(r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"{library}","api_version":"1.3.0"}}}}"#),
        )
        .unwrap();
        let out = place.text(name);
        let mut program = command();
        program.env("VK_DRIVER_FILES", &icd).env("VK_ICD_FILENAMES", &icd);
        // Time enough to look at both backends; the CPU's parts may or may not come to their end.
        finish(program.args(["device-check", "--from", &folder, "-o", &out, "--seconds", "18"])).done();
        let (file, page) = read(&place, name);
        let listed = file["devices"].as_array().unwrap();
        let named = |device: &&Value| device["name"] == "wgpu";
        let reason = listed.iter().find(named).unwrap()["state"]["reason"].as_str().unwrap();
        assert!(reason.contains(needle), "{file:#}");
        assert!(page.contains(needle) && page.contains("though there are files of a driver"), "{page}");
    }
}
