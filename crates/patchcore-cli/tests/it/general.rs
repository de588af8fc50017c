//! Options of all commands: how much stderr says, colours, threads.

use serde_json::Value;

use crate::photos::{good_folder, photo, save};
use crate::program::{Workplace, command, patchcore, small_fit};

fn fitted() -> Workplace {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    save(&place.path("new.png"), photo(112, 80, 40, true));
    patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    place
}

#[test]
fn quiet_leaves_nothing_on_stderr_but_the_last_error() {
    let place = fitted();
    let (model, photos, new) = (place.text("m.patchcore"), place.text("photos"), place.text("new.png"));
    let fit = small_fit(&place.path("photos"), &place.path("again.patchcore"));
    let runs: [&[&str]; 5] = [
        &["score", "--model", &model, &photos, &new, "-q"],
        &["--quiet", "inspect", &model],
        &["-q", "audit", "--model", &model],
        &["calibrate", "-q", "--model", &model, "--good", &photos, "--cross-fit", "2"],
        &["devices", "--quiet"],
    ];
    for run in runs {
        let run = patchcore(run).done();
        assert_eq!(run.stderr, "", "{run:#?}");
    }
    let run = patchcore(fit.iter().map(String::as_str).chain(["--quiet"])).done();
    assert_eq!(run.stderr, "", "{run:#?}");
    let run = patchcore(["score", "-q", "--model", "none.patchcore", &new]).fails(&["none.patchcore"]);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    patchcore(["devices", "-q", "-v"]).misused(&["--quiet", "--verbose"]);
}

#[test]
fn verbose_says_settings_and_times() {
    let place = fitted();
    let (model, photos) = (place.text("m.patchcore"), place.text("photos"));
    let run = patchcore(["score", "-v", "--model", &model, &photos]).done();
    for needle in ["scoring 4/4: ", " ms", "scoring: ", "device cpu", "threads"] {
        assert!(run.stderr.contains(needle), "{needle}: {run:#?}");
    }
    let fit = small_fit(&place.path("photos"), &place.path("again.patchcore"));
    let run = patchcore(fit.iter().map(String::as_str).chain(["-v"])).done();
    for needle in ["features 4/4: ", "features: ", "coreset: ", "mode: line", "backbone: efficientnet_lite0"] {
        assert!(run.stderr.contains(needle), "{needle}: {run:#?}");
    }
}

#[test]
fn verdicts_have_colours_where_they_are_asked_for() {
    let place = fitted();
    let (model, new) = (place.text("m.patchcore"), place.text("new.png"));
    let score = |options: &[&str], no_color: &str| {
        let arguments = ["score", "--model", &model, "--threshold", "0.001", &new];
        let output = command().args(arguments).args(options).env("NO_COLOR", no_color).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let red = "\u{1b}[31manomalous";
    assert!(score(&["--color", "always"], "").contains(red));
    // Who asks by an option is heard before the environment.
    assert!(score(&["--color", "always"], "1").contains(red));
    assert!(!score(&[], "").contains('\u{1b}'));
    assert!(!score(&["--color", "never"], "").contains('\u{1b}'));
    // Rows for programs have none.
    assert!(!score(&["--color", "always", "--format", "csv"], "").contains('\u{1b}'));
    let help =
        |color| String::from_utf8(command().args(["fit", "-h", "--color", color]).output().unwrap().stdout).unwrap();
    assert!(help("always").contains('\u{1b}') && !help("never").contains('\u{1b}'));
}

#[test]
fn devices_says_the_threads_in_force_and_scores_do_not_depend_on_them() {
    let place = fitted();
    for (threads, variable) in [(Some("3"), ""), (None, "2"), (Some("1"), "2")] {
        let mut run = command();
        run.args(["devices", "--format", "json"]).env("RAYON_NUM_THREADS", variable);
        run.args(threads.iter().flat_map(|count| ["--threads", count]));
        let said: Value = serde_json::from_slice(&run.output().unwrap().stdout).unwrap();
        assert_eq!(said["threads"].to_string(), threads.unwrap_or(variable));
    }
    let (model, photos) = (place.text("m.patchcore"), place.text("photos"));
    let score = |threads| {
        patchcore(["score", "--threads", threads, "--format", "csv", "--model", &model, &photos]).done().stdout
    };
    assert_eq!(score("1"), score("3"));
    patchcore(["devices", "--threads", "0"]).misused(&["'0'", "--threads", "from 1 to 1024"]);
}
