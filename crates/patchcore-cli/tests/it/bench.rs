//! `bench`: what is measured, what the budget leaves, and what is refused.

use serde_json::Value;

use crate::photos::{category, good_folder};
use crate::program::{Workplace, finish, patchcore};
use crate::written::{check, parsed};

fn bench<'a>(data: &'a str, more: &[&'a str]) -> crate::program::Run {
    let always = ["bench", "--data", data, "--backbone", "efficientnet_lite0"];
    patchcore(always.iter().chain(more))
}

#[test]
fn every_choice_is_timed_and_judged() {
    let place = Workplace::new();
    category(&place.path("part"));
    let data = place.text("part");
    let options =
        ["--resize", "48,64", "--coreset-sampling-ratio", "0.2,0.5", "--budget-ms", "1e6", "--format", "json"];
    let run = bench(&data, &options).done();
    let found: Value = parsed(&run.stdout);
    check("bench", &found);
    let all = found["measured"].as_array().unwrap();
    let choice = |one: &Value| {
        let format = one["network_precision"].as_str().unwrap().to_owned();
        (format, one["resize"].as_u64().unwrap(), one["coreset_sampling_ratio"].as_f64().unwrap())
    };
    let choices: Vec<(String, u64, f64)> = all.iter().map(choice).collect();
    let of = |format: &str| {
        [(48, 0.2), (48, 0.5), (64, 0.2), (64, 0.5)].map(|(side, ratio)| (format.to_owned(), side, ratio))
    };
    assert_eq!(choices, [of("f32"), of("int8")].concat());
    for one in all {
        let ms = |key: &str| one["milliseconds"][key].as_f64().unwrap();
        for part in ["decode", "network", "search", "map"] {
            assert!(ms(part) > 0.0 && ms(part) <= ms("p95"), "{part}: {one}");
        }
        assert!(ms("median") <= ms("p95"), "{one}");
        let auroc = one["image_auroc"].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&auroc), "{one}");
    }
    // More rows cost more, and the banks say how many there are.
    let rows = |at: usize| all[at]["bank_rows"][0].as_u64().unwrap();
    assert!(rows(1) > rows(0) && rows(3) > rows(1), "{all:?}");
    assert!(all.iter().any(|one| one["is_on_front"] == true));
    // The line to type is one that works, and gives the model that was measured.
    let command = found["command"].as_str().unwrap();
    let mut words: Vec<String> = command.split(' ').skip(1).map(str::to_owned).collect();
    *words.last_mut().unwrap() = place.text("m.patchcore");
    let fitted = patchcore(words).done().stdout;
    let best = all.iter().filter(|one| one["is_on_front"] == true).any(|one| {
        let rows = one["bank_rows"][0].as_u64().unwrap();
        let is_int8 = one["network_precision"] == "int8";
        command.contains(&format!("--resize {} ", one["resize"]))
            && command.contains("--network-precision int8 ") == is_int8
            && fitted.contains(&format!("{rows} x "))
    });
    assert!(best, "{command}: {fitted}");
}

#[test]
fn the_table_ends_with_the_line_to_type() {
    let place = Workplace::new();
    category(&place.path("part"));
    let data = place.text("part");
    let small = ["--resize", "48", "--coreset-sampling-ratio", "0.5", "--network-precision", "f32"];
    let of = |more: &[&str]| bench(&data, &[&small, more].concat()).done().stdout;
    let chosen = of(&["--budget-ms", "1e6"]);
    assert!(chosen.lines().next().unwrap().contains("image AUROC (95 %)"), "{chosen}");
    let last = chosen.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("patchcore fit --data {data} --backbone efficientnet_lite0 --resize 48 ")),
        "{last}"
    );
    let never = of(&["--budget-ms", "0.0001"]);
    assert!(never.contains("nothing stays within 0.0001 ms") && !never.contains("patchcore fit"), "{never}");
    let next = bench(&data, &small).done().stderr;
    assert!(next.ends_with(&format!("next: patchcore bench --data {data} --budget-ms 20\n")), "{next}");
}

#[test]
fn photos_without_labels_give_times_alone() {
    let place = Workplace::new();
    good_folder(&place.path("good"), 4);
    let data = place.text("good");
    let options = ["--resize", "48", "--coreset-sampling-ratio", "0.5", "--photos", "3"];
    let text = bench(&data, &options).done().stdout;
    assert!(text.contains("not judged: an AUROC takes two labelled photos of each class"), "{text}");
    let found = parsed(&bench(&data, &[&options[..], &["--format", "json"]].concat()).done().stdout);
    check("bench", &found);
    assert!(found["measured"][0].get("image_auroc").is_none() && found["measured"][0]["photos"] == 3, "{found}");
}

#[test]
fn what_cannot_be_measured_is_named() {
    let place = Workplace::new();
    category(&place.path("part"));
    let data = place.text("part");
    for (options, words) in [
        (["--budget-ms", "0"], "expected a number of milliseconds above 0"),
        (["--coreset-sampling-ratio", "2"], "--coreset-sampling-ratio is 2"),
        (["--backbone", "resnet"], "resnet"),
        (["--mode", "mine"], "mine"),
        (["--photos", "0"], "0"),
        (["--network-precision", "int4"], "int4"),
    ] {
        bench(&data, &options).ends(2, &[words]);
    }
    let mut command = crate::program::command();
    command.env("PATCHCORE_CACHE", place.path("cache"));
    command.args(["bench", "--data", &data, "--resize", "48", "--backbone", "resnet18,efficientnet_lite0"]);
    let run = finish(&mut command).ends(3, &["resnet18, 48 px, 1 % is left out", "patchcore weights fetch resnet18"]);
    assert!(run.stdout.contains("efficientnet_lite0") && !run.stdout.contains("resnet18"), "{}", run.stdout);
    command.args(["--max-memory", "1"]);
    finish(&mut command).fails(&["nothing could be measured"]);
}

#[test]
fn a_model_of_two_networks_is_a_choice() {
    let Some(weights) = patchcore_testing::resnet18() else { return };
    let place = Workplace::new();
    category(&place.path("part"));
    std::fs::create_dir(place.path("cache")).unwrap();
    std::fs::copy(weights, place.path("cache/resnet18.onnx")).unwrap();
    let mut command = crate::program::command();
    command.env("PATCHCORE_CACHE", place.path("cache"));
    command.args(["bench", "--data", &place.text("part"), "--resize", "48", "--coreset-sampling-ratio", "0.5"]);
    command.args(["--backbone", "efficientnet_lite0+resnet18", "--network-precision", "f32", "--budget-ms", "100000"]);
    let run = finish(&mut command).done();
    assert!(run.stdout.contains("efficientnet_lite0+resnet18 "), "{}", run.stdout);
    assert!(run.stdout.contains("--backbone efficientnet_lite0 --backbone resnet18 "), "{}", run.stdout);
}

#[test]
fn a_file_of_options_holds_lists_of_numbers() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (data, file) = (place.text("part"), place.text("bench.toml"));
    for (text, sides) in [("resize = 48\n", "48"), ("[bench]\nresize = [48, 64]\n", "48, 64")] {
        std::fs::write(place.path("bench.toml"), format!("{text}\n")).unwrap();
        let options =
            ["--coreset-sampling-ratio", "0.5", "--network-precision", "f32", "--format", "json", "--config", &file];
        let found = parsed(&bench(&data, &options).done().stdout);
        let measured = found["measured"].as_array().unwrap();
        let found = measured.iter().map(|one| one["resize"].to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(found, sides, "{text}");
    }
}
