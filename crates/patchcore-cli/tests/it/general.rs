//! Options of all commands: how much stderr says, colours, threads.

use serde_json::Value;

use crate::photos::{category, good_folder, photo, save};
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
fn every_stage_of_an_evaluation_is_told() {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    let run = patchcore(["evaluate", "-v", "--model", &model, "--data", &data, "-o", &out]).done();
    for stage in ["scoring 6/6: ", "metrics: ", "intervals: ", "overlays 6/6: ", "report: "] {
        assert!(run.stderr.contains(stage), "{stage}: {run:#?}");
    }
    // The sentence of misses and false alarms comes first.
    assert!(run.stdout.starts_with("Found ") && run.stdout.contains(" and rejected "), "{run:#?}");
    let run = patchcore(["inspect-data", "-v", &data]).done();
    assert!(run.stderr.contains("reading 10/10: "), "{run:#?}");
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

/// The last line of stderr.
fn next(run: &crate::program::Run) -> &str {
    run.stderr.lines().last().unwrap_or_default()
}

#[test]
fn every_command_ends_with_the_next_step_in_the_users_own_paths() {
    let place = Workplace::new();
    category(&place.path("my part"));
    let (data, model, out) = (place.text("my part"), place.text("m.patchcore"), place.text("out"));
    let good = place.text("my part/train/good");
    let bad = place.text("my part/test/spot/000.png");
    let steps: [(&[&str], String); 11] = [
        (&["inspect-data", &data], format!("next: patchcore fit --data '{data}' -o part.patchcore")),
        (
            &["fit", "--data", &data, "--size", "64x64", "--coreset-sampling-ratio", "0.25", "-o", &model],
            format!("next: patchcore audit --model {model}"),
        ),
        (&["audit", "--model", &model], format!("next: patchcore audit --model {model} -o audit")),
        (&["inspect", &model], format!("next: patchcore calibrate --model {model} --good HELD_OUT_PHOTOS")),
        (
            &["score", "--model", &model, &bad],
            format!("next: patchcore calibrate --model {model} --good HELD_OUT_PHOTOS"),
        ),
        (
            &["calibrate", "--model", &model, "--good", &good, "--cross-fit", "2"],
            format!("next: patchcore score --model {model} NEW_PHOTO --overlays out"),
        ),
        (
            &["score", "--model", &model, "--threshold", "0.001", &bad],
            format!("next: patchcore score --model {model} '{bad}' --explain why --threshold 0.001"),
        ),
        (
            &["score", "--model", &model, "--threshold", "1e9", &bad],
            format!("next: patchcore evaluate --model {model} --data TEST_SET -o results"),
        ),
        (
            &["evaluate", "--model", &model, "--data", &data, "-o", &out],
            format!("next: patchcore score --model {model} NEW_PHOTO --overlays out"),
        ),
        (&["config", "fit"], "next: patchcore fit --config FILE.toml".to_owned()),
        (&["devices"], "next: patchcore doctor --device cpu".to_owned()),
    ];
    for (arguments, expected) in &steps {
        let run = patchcore(*arguments).done();
        // Without Burn the first device is another one.
        let is_same =
            next(&run) == expected || arguments == &["devices"] && next(&run).starts_with("next: patchcore doctor");
        assert!(is_same, "{arguments:?}: {run:#?}");
        assert!(!run.stdout.contains("next: "), "{run:#?}");
    }
    let page = place.text("page.html");
    let run = patchcore(["compare", &out, &out, "-o", &page]).done();
    assert_eq!(next(&run), format!("next: open {page} in a browser"));
}

#[test]
fn a_score_without_a_threshold_says_what_good_patches_reach() {
    let place = fitted();
    let run = patchcore(["score", "--model", &place.text("m.patchcore"), &place.text("new.png")]).done();
    let said: Value =
        serde_json::from_str(&patchcore(["inspect", &place.text("m.patchcore"), "--format", "json"]).done().stdout)
            .unwrap();
    let good = &said["fitted_on"]["good_scores"];
    for share in ["median", "percentile_99"] {
        let value = format!("{:.4}", good[share].as_f64().unwrap());
        assert!(run.stderr.contains(&value), "{share} {value}: {run:#?}");
    }
}

#[test]
fn audit_says_which_ratio_is_a_reason_to_worry() {
    let place = Workplace::new();
    for seed in 0..12 {
        save(&place.path(&format!("photos/{seed:03}.png")), photo(112, 80, seed, seed == 7));
    }
    let model = place.text("m.patchcore");
    patchcore(small_fit(&place.path("photos"), &place.path("m.patchcore"))).done();
    let run = patchcore(["audit", "--model", &model]).done();
    assert!(run.stdout.lines().nth(1).unwrap().ends_with("007.png"), "{run:#?}");
    let ratio = run.stdout.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap();
    assert!(
        run.stderr.contains(&format!("1 of 12 photos stands apart from all others, from a ratio of {ratio} on")),
        "{run:#?}"
    );
    let few = fitted();
    let run = patchcore(["audit", "--model", &few.text("m.patchcore")]).done();
    assert!(run.stderr.contains("4 photos are too few to say"), "{run:#?}");
}

#[test]
fn a_log_level_that_does_not_exist_is_said() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    let fit = |level: &str| {
        let mut command = crate::program::command();
        command.env("PATCHCORE_LOG", level).args(small_fit(&place.path("photos"), &place.path("m.patchcore")));
        crate::program::finish(&mut command).done().stderr
    };
    let wrong = fit("patchcore=loud");
    assert!(wrong.contains("PATCHCORE_LOG is patchcore=loud: expected a level"), "{wrong}");
    assert!(fit("debug").contains("features 2/2: "), "debug says what each photo took");
    assert!(!fit("error").contains("features 2/2: "));
}
