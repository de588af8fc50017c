//! `--config FILE.toml` and `patchcore config`: options from a file, and what is in force.

use crate::photos::{category, good_folder};
use crate::program::{Run, Workplace, patchcore, small_fit};

fn written(place: &Workplace, text: &str) -> String {
    std::fs::write(place.path("line.toml"), text).unwrap();
    place.text("line.toml")
}

/// `patchcore fit` on four small photos with this file and these options.
fn fit(place: &Workplace, text: &str, options: &[&str]) -> Run {
    good_folder(&place.path("photos"), 4);
    let file = written(place, text);
    patchcore(["fit", "--config", &file].iter().chain(options))
}

fn quoted(path: &str) -> String {
    toml::Value::from(path).to_string()
}

#[test]
fn a_fit_takes_its_options_from_the_file_and_the_command_line_wins() {
    let place = Workplace::new();
    let (data, model) = (quoted(&place.text("photos")), quoted(&place.text("m.patchcore")));
    let text = format!(
        "seed = 7\n[fit]\ndata = {data}\noutput = {model}\nsize = \"64x64\"\ncoreset-sampling-ratio = 0.25\nlayers = [\"block4\", \
         \"block7\"]\nmode = \"paper\"\nforce = true\n"
    );
    fit(&place, &text, &[]).done();
    let said = patchcore(["inspect", &place.text("m.patchcore")]).done().stdout;
    for needle in ["64x64", "block4, block7", "paper", "line.toml"] {
        assert!(said.contains(needle), "{needle}: {said}");
    }
    // `--resize` cannot be given beside `--size`: that of the file gives way.
    fit(&place, &text, &["--resize", "96", "--mode", "anomalib"]).done();
    let said = patchcore(["inspect", &place.text("m.patchcore")]).done().stdout;
    assert!(said.contains("anomalib") && !said.contains("64x64"), "{said}");
}

#[test]
fn unknown_names_and_other_kinds_are_named_with_file_key_and_remedy() {
    let place = Workplace::new();
    for (text, needles) in [
        ("resise = 256", &["line.toml: resise is no option of any command", "did you mean resize?"][..]),
        ("[fit]\nmap-formats = 'npy'", &["fit.map-formats is no option of `patchcore fit`"]),
        ("[fit]\nnum_neighbors = 3", &["fit.num_neighbors is no option", "did you mean num-neighbors?"]),
        ("[fitt]\nseed = 3", &["[fitt] is no command", "did you mean fit?"]),
        ("[fit]\nresize = 'big'", &["fit.resize is \"big\" (string), expected a whole number"]),
        ("[fit]\nforce = 1", &["fit.force is 1 (integer), expected true or false"]),
        ("[calibrate]\nfpr = true", &["calibrate.fpr is true (boolean), expected a number"]),
        ("mode = 3", &["mode is 3 (integer), expected text in quotes"]),
        ("layers = [1]", &["layers is [1] (array), expected text in quotes, or a list of it"]),
        ("mode = 'papers'", &["line.toml: mode is wrong", "'papers'", "paper, authors, anomalib"]),
        ("threads = 0", &["threads is wrong", "from 1 to 1024"]),
        ("from = 'run.json'", &["from is no option of any command"]),
        ("seed = 1\nresize = ", &["line.toml, line 2", "TOML"]),
    ] {
        let run = fit(&place, text, &["--data", "photos", "-o", "m.patchcore"]).misused(needles);
        assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    }
    patchcore(["fit", "--config", "no-such.toml"]).fails(&["cannot read no-such.toml", "TOML"]);
}

#[test]
fn what_config_prints_reads_back_the_same() {
    let place = Workplace::new();
    let all = patchcore(["config"]).done().stdout;
    for needle in ["[fit]", "[score]", "mode = \"line\"", "confidence = 0.95", "# resize = PIXELS", "color = \"auto\""]
    {
        assert!(all.contains(needle), "{needle}: {all}");
    }
    let file = written(&place, &all);
    assert_eq!(patchcore(["config", "--config", &file]).done().stdout, all);
    let options =
        ["--resize", "384", "--mode", "paper", "--layers", "block3,block5", "--rule", "image_score=maximum_of_map"];
    let fit = patchcore(["config", "fit"].iter().chain(&options)).done().stdout;
    for needle in ["resize = 384", "mode = \"paper\"", "layers = [\"block3,block5\"]", "overlap = 128"] {
        assert!(fit.contains(needle), "{needle}: {fit}");
    }
    assert!(!fit.contains("[score]"), "{fit}");
    let file = written(&place, &fit);
    assert_eq!(patchcore(["config", "fit", "--config", &file]).done().stdout, fit);
    assert_eq!(patchcore(["config", "--config", &file, "fit"]).done().stdout, fit);
    patchcore(["config", "fits"]).misused(&["fits is no command"]);
}

#[test]
fn a_table_wins_over_the_top_and_options_of_all_commands_count() {
    let place = Workplace::new();
    let file =
        written(&place, "resize = 320\nmode = \"paper\"\nquiet = true\n[fit]\nsize = \"64x64\"\nmode = \"authors\"\n");
    let fit = patchcore(["config", "fit", "--config", &file]).done().stdout;
    for needle in ["size = \"64x64\"", "# resize = PIXELS", "mode = \"authors\"", "quiet = true"] {
        assert!(fit.contains(needle), "{needle}: {fit}");
    }
}

#[test]
fn a_recorded_evaluation_takes_only_what_it_does_not_say_from_a_file() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-report"]).done();
    let again = quoted(&place.text("again"));
    let file = written(&place, &format!("no-overlays = true\nthreads = 1\n[evaluate]\noutput = {again}\n"));
    let run = place.text("out/run.json");
    patchcore(["evaluate", "--config", &file, "--from", &run]).done();
    let scores = |folder: &str| std::fs::read(place.path(folder).join("scores.csv")).unwrap();
    assert_eq!(scores("again"), scores("out"));
    assert!(place.path("again/overlays").exists());
}
