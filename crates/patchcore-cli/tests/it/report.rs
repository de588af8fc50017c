//! `report.html` and `patchcore compare` as a user gets them, looked at in a browser where there is one.

use std::fs;

use patchcore::metrics::{Comparison, ComparisonFinding, OperatingBasis};
use serde_json::{Value, json};

use crate::browser::{Line, chromium, in_the_dark, printed, probe, probe_at};
use crate::photos::{HEIGHT, WIDTH, category, photo, save};
use crate::program::{Run, Workplace, patchcore, small_fit};

fn evaluated(place: &Workplace, model: &str, out: &str, more: &[&str]) -> Run {
    let fit = small_fit(&place.path("part"), &place.path(model));
    patchcore(fit.into_iter().chain(more.iter().map(|text| (*text).to_owned()))).done();
    let (model, data, out) = (place.text(model), place.text("part"), place.text(out));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays"]).done()
}

fn read(place: &Workplace, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn the_report_says_what_was_found_and_shows_the_pairs() {
    let place = Workplace::new();
    category(&place.path("part"));
    let run = evaluated(&place, "m.patchcore", "out", &[]);
    let html = read(&place, "out/report.html");
    for needle in ["image AUROC", "chosen on these very photos", "ROC curve", "Borderline", "No good part is called"] {
        assert!(html.contains(needle), "{needle}");
    }
    // The terminal, metrics.json and the report say the same.
    let metrics: Value = serde_json::from_str(&read(&place, "out/metrics.json")).unwrap();
    let sentence = metrics["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("Found 3 of 3 defective parts and rejected 0 of 3 good ones, at the middle of the gap")
    );
    assert!(run.stdout.starts_with(&format!("{sentence}\n")) && html.contains(sentence), "{}", run.stdout);
    assert_eq!(metrics["verdicts_at"]["origin"], json!({"middle_of_gap": {"n_normal": 3, "n_anomalous": 3}}));
    // Names are those of the data set, whatever folder it lies in.
    let (_, cards) = html.split_once("<section aria-labelledby=\"look\">").unwrap();
    let (cards, _) = cards.split_once("</section>").unwrap();
    assert!(!cards.contains(&place.text("")) && cards.contains("Nearest good patch: train/good/00"), "{cards:.2000}");
    // 6 borderline images: photo, heat map, worst place, nearest good patch.
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 24);
    assert!(html.contains("train/good/00") && html.len() < 1_000_000, "{} bytes", html.len());

    // The training photos are gone: the report says so and stays whole.
    fs::remove_dir_all(place.path("part/train")).unwrap();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays"]).done();
    let html = read(&place, "out/report.html");
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 18);
    assert_eq!(html.matches("The training photo train/good/00").count(), 6);
    let (_, cards) = html.split_once("<section aria-labelledby=\"look\">").unwrap();
    assert!(!cards.split_once("</section>").unwrap().0.contains(&place.text("")), "{cards:.3000}");
}

#[test]
fn two_evaluations_are_compared_over_their_common_images() {
    let place = Workplace::new();
    category(&place.path("part"));
    evaluated(&place, "a.patchcore", "a", &[]);
    evaluated(&place, "b.patchcore", "b", &["--mode", "anomalib"]);
    let page = place.text("compared.html");
    let run = patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).done();
    assert!(run.stdout.contains("image AUROC") && run.stdout.contains("AUPRO 0.3"), "{}", run.stdout);
    assert!(run.stdout.contains("6 images"), "{}", run.stdout);
    // Every metric has an interval that holds its difference; those of pixels are from the same draws of images.
    for line in run.stdout.lines().filter(|line| line.starts_with("pixel") || line.starts_with("AUPRO")) {
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [.., difference, low, high] = numbers[..] else { panic!("{line}") };
        assert!(low <= difference + 0.01 && difference <= high + 0.01, "{line}");
    }
    let html = read(&place, "compared.html");
    assert!(html.contains("Score by score") && html.contains("test/spot/001.png"));
    assert_eq!(html.matches("its model carries no threshold").count(), 2, "{html}");
    // The model's own threshold comes before the one that suits the test set.
    let (model, data) = (place.text("a.patchcore"), place.text("part"));
    patchcore(["calibrate", "--model", &model, "--manual", "2.5"]).done();
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &place.text("a"), "--no-overlays"]).done();
    patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).done();
    let html = read(&place, "compared.html");
    assert!(html.contains("set by hand"));
    assert_eq!(html.matches("its model carries no threshold").count(), 1);

    // Without the intervals of one of them there are none of the pixels' differences, and none of an evaluation before.
    let (old, model, data) = (read(&place, "b/replicates.json"), place.text("b.patchcore"), place.text("part"));
    let b = place.text("b");
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &b, "--no-overlays", "--no-intervals"]).done();
    let dashes = || {
        let table = patchcore(["compare", &place.text("a"), &b, "-o", &page]).done().stdout;
        table.lines().filter(|line| line.starts_with("AUPRO") && line.ends_with('-')).count()
    };
    assert_eq!(dashes(), 2);
    // That evaluation had the same metrics to the last bit, but its files are other ones.
    fs::write(place.path("b/replicates.json"), old).unwrap();
    assert_eq!(dashes(), 2);
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &b, "--no-overlays"]).done();
    assert_eq!(dashes(), 0);
    let metrics = read(&place, "b/metrics.json");
    fs::write(place.path("b/metrics.json"), format!("{metrics}\n")).unwrap();
    assert_eq!(dashes(), 2);
    // A file from before it named its version is read; one of a version to come is not.
    let version = "{\n  \"version\": 1,\n";
    assert!(metrics.starts_with(version), "{metrics}");
    fs::write(place.path("b/metrics.json"), metrics.replace(version, "{\n")).unwrap();
    assert_eq!(dashes(), 2);
    fs::write(place.path("b/metrics.json"), metrics.replace(version, "{\n  \"version\": 2,\n")).unwrap();
    patchcore(["compare", &place.text("a"), &b, "-o", &page]).fails(&[
        "b/metrics.json",
        "version 2",
        "update patchcore",
    ]);
    fs::write(place.path("b/metrics.json"), metrics).unwrap();

    // An image that only one of them has is left out and said; a label that differs is refused.
    let scores = read(&place, "b/scores.csv");
    let fewer: String =
        scores.lines().filter(|line| !line.contains("spot/002")).map(|line| format!("{line}\n")).collect();
    fs::write(place.path("b/scores.csv"), fewer).unwrap();
    let run = patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page])
        .ends(0, &["1 image is scored by", "only: it is in its"]);
    assert!(run.stdout.contains("5 images"), "{}", run.stdout);
    fs::write(place.path("b/scores.csv"), scores.replace("spot,1,", "spot,0,")).unwrap();
    patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).fails(&["is labelled", "one test set"]);
    fs::write(place.path("b/scores.csv"), "image_path,kind,label,score\n").unwrap();
    patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).fails(&["no scored image in common"]);
    fs::write(place.path("b/metrics.json"), "{").unwrap();
    patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).fails(&["b/metrics.json", "evaluate -o"]);
    patchcore(["compare", &place.text("a"), &place.text("c"), "-o", &page])
        .fails(&["c/metrics.json", "give the folder"]);
}

#[test]
fn a_comparison_answers_first_and_shows_what_changed() {
    let place = Workplace::new();
    category(&place.path("part"));
    let evaluate = |model: &str, out: &str, more: &[&str]| {
        let given = ["evaluate", "--data", &place.text("part"), "--model", &place.text(model), "-o", &place.text(out)];
        patchcore(given.iter().chain(more)).done();
    };
    for (model, ratio) in [("a.patchcore", "0.25"), ("b.patchcore", "0.5")] {
        let fit = small_fit(&place.path("part"), &place.path(model)).into_iter();
        patchcore(fit.map(|text| if text == "0.25" { ratio.to_owned() } else { text })).done();
    }
    evaluate("a.patchcore", "a", &[]);
    evaluate("b.patchcore", "b", &[]);
    // One good photo and one defective one change sides.
    let scores = read(&place, "b/scores.csv");
    let swapped: String = scores
        .lines()
        .map(|line| match line.split(',').nth(3).filter(|_| line.contains("/000.png")) {
            Some(score) if line.contains("spot") => format!("{}\n", line.replacen(score, "0.001", 1)),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(place.path("b/scores.csv"), swapped).unwrap();
    let compare = |more: &[&str]| {
        let (a, b, page) = (place.text("a"), place.text("b"), place.text("c.html"));
        patchcore(["compare", &a, &b, "-o", &page].iter().chain(more)).done()
    };
    let run = compare(&["--format", "json"]);
    let comparison = Comparison::from_json(run.stdout.as_bytes()).unwrap();
    assert!(run.stderr.contains("6 images, written to"), "{}", run.stderr);
    assert_eq!(comparison.operating_point.unwrap().basis, OperatingBasis::EqualFalseAlarms);
    let alarms = comparison.false_alarms.unwrap();
    assert_eq!((alarms.of, alarms.first), (3, alarms.second));
    assert_eq!(comparison.finding, ComparisonFinding::Unclear);
    assert!(
        comparison
            .sentence
            .starts_with("The photos do not suffice to say which is better: the first finds 1 more of 3"),
        "{}",
        comparison.sentence
    );
    let kind = &comparison.kinds["spot"];
    assert_eq!((kind.n_anomalous, kind.found.unwrap().second), (3, 2));
    let differ: Vec<&str> = comparison.settings.iter().map(|setting| setting.name.as_str()).collect();
    assert_eq!(differ, ["bank rows", "coreset ratio"]);
    assert!(comparison.ms_per_photo.first.unwrap() > 0.0 && comparison.ms_per_photo.second.is_some());
    let changed: Vec<&str> = comparison.changed.iter().map(|photo| photo.path.as_str()).collect();
    assert_eq!(changed, ["test/spot/000.png"]);
    // The same on the page and on the terminal, before everything else.
    let html = read(&place, "c.html");
    assert!(html.contains(&format!("<p class=\"answer\">{}</p>", comparison.sentence)), "{html}");
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 2);
    assert!(compare(&[]).stdout.starts_with(&comparison.sentence));
    // Where an overlay is not there that is said; and nothing outside the folder is shown.
    let named = "overlays/spot/000.png.overlay.png";
    assert!(scores.contains(named), "{scores}");
    for (text, reason) in [
        ("../a/overlays/spot/000.png.overlay.png", "is no file of the evaluation"),
        ("overlays/x.png", "cannot be shown"),
        ("", "no overlay was drawn"),
    ] {
        let swapped = read(&place, "b/scores.csv");
        fs::write(place.path("b/scores.csv"), swapped.replace(named, text)).unwrap();
        compare(&[]);
        let html = read(&place, "c.html");
        assert!(html.contains(reason) && html.matches("data:image/jpeg;base64,").count() == 1, "{reason}");
        fs::write(place.path("b/scores.csv"), swapped).unwrap();
    }
    // The table of an earlier version has no column for them, the last one now.
    let swapped = read(&place, "b/scores.csv");
    let old: String = swapped.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    fs::write(place.path("b/scores.csv"), old).unwrap();
    compare(&[]);
    let html = read(&place, "c.html");
    assert!(html.contains("of an earlier version") && !html.contains("no overlay was drawn"), "{html}");
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 1);
    // Only defective photos are common.
    let defective = swapped.lines().filter(|line| !line.contains(",good,")).map(|line| format!("{line}\n"));
    fs::write(place.path("b/scores.csv"), defective.collect::<String>()).unwrap();
    let stdout = compare(&[]).stdout;
    assert!(
        stdout.starts_with("Which is better cannot be said: there are no good parts that both have scored."),
        "{stdout}"
    );
    fs::write(place.path("b/scores.csv"), swapped).unwrap();
    // Calibrated alike, each is taken at its own threshold.
    for seed in 100..112 {
        save(&place.path(&format!("held_out/{seed}.png")), photo(WIDTH, HEIGHT, seed, false));
    }
    for (model, out) in [("a.patchcore", "a"), ("b.patchcore", "b")] {
        let (model_path, held_out) = (place.text(model), place.text("held_out"));
        patchcore(["calibrate", "--model", &model_path, "--good", &held_out, "--fpr", "0.25"]).done();
        evaluate(model, out, &["--no-overlays"]);
    }
    let run = compare(&["--format", "json"]);
    let comparison = Comparison::from_json(run.stdout.as_bytes()).unwrap();
    let point = comparison.operating_point.unwrap();
    assert_eq!((point.basis, point.rate), (OperatingBasis::CalibratedAlike, 0.25));
    assert!(comparison.sentence.contains("both are calibrated for 25 % false alarms"), "{}", comparison.sentence);
}

#[test]
fn pages_fit_a_phone_and_load_nothing() {
    let Some(chromium) = chromium() else { return };
    let place = Workplace::new();
    category(&place.path("part"));
    let long = format!("{}.png", "a_name_without_any_place_to_break_it".repeat(4));
    fs::copy(place.path("part/test/good/000.png"), place.path("part/test/good").join(long)).unwrap();
    evaluated(&place, "a.patchcore", "a", &[]);
    evaluated(&place, "b.patchcore", "b", &["--mode", "anomalib"]);
    let page = place.text("compared.html");
    patchcore(["compare", &place.text("a"), &place.text("b"), "-o", &page]).done();
    for name in ["a/report.html", "compared.html"] {
        let found = probe(&chromium, &read(&place, name), &place.path(""));
        assert_eq!(found["loads"], json!([]), "{name}: {found:#}");
        assert!(found["needs"].as_u64() <= found["width"].as_u64(), "{name} overflows: {found:#}");
        assert!(found["width"].as_u64().unwrap() >= 340 && found["text"].as_u64().unwrap() > 500, "{name}: {found:#}");
        assert_eq!(found["landmarks"], json!([1, 1, 1, 1]), "{name}: {found:#}");
        assert_eq!((&found["headings"], &found["blank"], &found["skip"]), (&json!(1), &json!(0), &json!("#content")));
        let charts = found["charts"].as_array().unwrap();
        assert!(charts.len() >= 3 && charts.iter().all(|width| width.as_f64().unwrap() > 250.0), "{name}: {found:#}");
    }
    // The probe sees what it looks for.
    let bad = read(&place, "a/report.html")
        .replace("<main", "<img alt=\"x\" src=\"http://127.0.0.1:9/x.png\"><div style=\"width:900px\">wide</div><main");
    let found = probe(&chromium, &bad, &place.path(""));
    assert_eq!(found["loads"], json!(["http://127.0.0.1:9/x.png"]), "{found:#}");
    assert!(found["needs"].as_u64().unwrap() >= 900 && found["blank"] == 1, "{found:#}");
}

#[test]
fn a_report_fits_phone_tablet_and_screen_and_is_read_in_light_and_dark() {
    let Some(chromium) = chromium() else { return };
    let place = Workplace::new();
    category(&place.path("part"));
    fs::rename(place.path("part/test/spot"), place.path("part/test/contamination")).unwrap();
    fs::rename(place.path("part/ground_truth/spot"), place.path("part/ground_truth/contamination")).unwrap();
    evaluated(&place, "m.patchcore", "out", &[]);
    // Good photos are false alarms, and a defective one is missed.
    let model = place.text("m.patchcore");
    patchcore(["calibrate", "--model", &model, "--manual", "1e-3"]).done();
    let (data, out) = (place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays"]).done();
    let html = read(&place, "out/report.html");
    assert!(html.contains("Rejected 3 of 3 good ones") && html.contains("False alarms: <a href=\"#card-"));
    for (page, dark) in [(html.clone(), false), (in_the_dark(&html), true)] {
        for width in [390, 800, 1400] {
            let found = probe_at(&chromium, &page, &place.path(""), width);
            assert!(found["needs"].as_u64() <= found["width"].as_u64(), "{width} overflows, dark {dark}: {found:#}");
            assert!(found["width"].as_u64().unwrap() + 20 >= width.into(), "{found:#}");
            assert_eq!(found["broken"], json!([1, 1]), "a kind's name is broken at {width}: {found:#}");
            let contrast = found["contrast"].as_f64().unwrap();
            assert!(contrast >= 4.5 && found["written"].as_u64().unwrap() > 100, "{width}, dark {dark}: {found:#}");
        }
    }
    // The probe sees what it looks for.
    let faint = html.replace("--faint:#5b5f66", "--faint:#999");
    let contrast = probe_at(&chromium, &faint, &place.path(""), 800)["contrast"].as_f64().unwrap();
    assert!((2.0..4.0).contains(&contrast), "{contrast}");
}

#[test]
fn a_printed_report_keeps_together_what_belongs_together() {
    let Some(chromium) = chromium() else { return };
    let place = Workplace::new();
    category(&place.path("part"));
    for seed in 3..70 {
        save(&place.path(&format!("part/test/good/{seed:03}.png")), photo(WIDTH, HEIGHT, 100 + seed, false));
    }
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(["calibrate", "--model", &model, "--manual", "1e-3"]).done();
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-overlays", "--no-intervals"];
    patchcore(evaluate).done();
    let Some(pages) = printed(&chromium, &place.path("out/report.html"), &place.path("")) else { return };
    assert!((4..20).contains(&pages.len()), "{} pages", pages.len());

    // No heading stands last on its page.
    for heading in
        ["Kinds of defect", "Metrics", "Curves", "False alarms", "Misses", "Borderline", "All metrics", "All images"]
    {
        let is_heading = |line: &&Line| line.words.join(" ") == heading;
        let page = pages.iter().find(|page| page.iter().any(|line| is_heading(&line)));
        let page = page.unwrap_or_else(|| panic!("{heading} is not printed"));
        let top = page.iter().find(is_heading).unwrap().top;
        assert!(page.iter().any(|line| line.top > top + 20.0), "{heading} stands last on its page");
    }
    // Each card is on one page: it begins with the verdict and ends with the nearest good patch.
    let mut cards = 0;
    for page in &pages {
        let count = |wanted: &[&str]| {
            page.iter().flat_map(|line| &line.words).filter(|word| wanted.contains(&word.as_str())).count()
        };
        let begun = count(&["Good,", "(spot),"]);
        assert_eq!(begun, count(&["Nearest"]), "a card is split: {page:#?}");
        cards += begun;
    }
    assert_eq!(cards, 20, "ten false alarms and ten at the border");
    // What is folded on the screen is open on paper, with the table's head on every page.
    let rows = |page: &[Line]| {
        page.iter()
            .filter(|line| line.words.len() == 4 && line.words[0].starts_with("test/") && line.words[3] == "defective")
            .count()
    };
    let head = ["image", "truth", "score", "called", "error"];
    let with_rows: Vec<&Vec<Line>> = pages.iter().filter(|page| rows(page) > 0).collect();
    assert!(with_rows.len() >= 2, "{pages:#?}");
    assert_eq!(with_rows.iter().map(|page| rows(page)).sum::<usize>(), 73);
    for page in with_rows {
        assert!(page.iter().any(|line| line.words == head), "a page without the table's head: {page:#?}");
    }
}
