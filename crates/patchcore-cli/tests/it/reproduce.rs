//! `reproduce`: classes of the public benchmarks in several modes, resumed, on one page.

use std::fs;

use crate::photos::category;
use crate::program::{Run, Workplace, entries, patchcore};

/// Two classes of MVTec AD as far as their names go.
fn mvtec() -> Workplace {
    let place = Workplace::new();
    ["bottle", "tile"].iter().for_each(|class| category(&place.path("mvtec").join(class)));
    place
}

fn reproduce(place: &Workplace, options: &[&str]) -> Run {
    let (mvtec, out) = (place.text("mvtec"), place.text("out"));
    let fixed = ["reproduce", "--mvtec", &mvtec, "-o", &out, "--backbone", "efficientnet_lite0"];
    patchcore(fixed.into_iter().chain(options.iter().copied()))
}

fn page(place: &Workplace) -> String {
    fs::read_to_string(place.path("out/reproduce.md")).unwrap()
}

#[test]
fn classes_are_measured_in_each_mode_once_and_the_next_start_goes_on() {
    let place = mvtec();
    let both = ["--modes", "paper,line", "--coreset-sampling-ratio", "0.05"];
    // As if the first start had been ended after a class.
    let run = reproduce(&place, &[&both[..], &["--classes", "tile"]].concat()).done();
    assert!(run.stderr.contains("2 runs to measure, 0 are kept"), "{run:#?}");
    let first = |name: &str| fs::read(place.path("out/mvtec/tile").join(name)).unwrap();
    let kept = first("line.json");

    let run = reproduce(&place, &both).done();
    assert!(run.stderr.contains("2 runs to measure, 2 are kept"), "{run:#?}");
    assert!(run.stdout.contains("MVTec AD bottle, mode line: 100.00 / ") && !run.stdout.contains("tile"), "{run:#?}");
    assert!(run.stderr.contains("MVTec AD grid: its folder is not there"), "{run:#?}");
    assert_eq!(first("line.json"), kept);
    let record: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(record["results"]["model"]["mode"].as_str(), Some("line"));
    // As many rows in both banks together as the other mode has: 4 photos of 44 x 32 cells.
    assert_eq!(record["results"]["model"]["bank_rows"].as_u64(), Some(2 * 140));
    assert_eq!(entries(&place.path("out/mvtec/bottle")), ["line.json", "paper.json"]);

    let page = page(&place);
    assert!(page.contains("- MVTec AD, mode paper: 2 of 15 classes, mean image AUROC over those 100.00."), "{page}");
    assert!(page.contains("\n| class | paper | line |\n| --- | --- | --- |\n| bottle | 100.00 / "), "{page}");
    assert!(page.contains("\n| cable | no folder | no folder |\n"), "{page}");
    assert!(page.contains("\n| **mean** | **100.00 / ") && page.contains(" of 2 |\n| published | - | - |"), "{page}");
    assert!(page.contains("Nothing that this program knows of is published"), "{page}");
    assert!(page.contains("| patches kept | 5 % |") && page.contains("2 with 2.5 % of the patches each"), "{page}");

    let run = reproduce(&place, &both).done();
    assert!(run.stderr.contains("0 runs to measure, 4 are kept"), "{run:#?}");
    assert!(run.stdout.lines().count() == 1 && run.stdout.contains("reproduce.md"), "{run:#?}");
    // Other settings are other results, and so are other photos.
    fs::remove_file(place.path("mvtec/tile/train/good/003.png")).unwrap();
    let run = reproduce(&place, &["--modes", "paper", "--coreset-sampling-ratio", "0.05"]).done();
    assert!(run.stderr.contains("paper.json: measured with other photos, so measured again"), "{run:#?}");
    assert!(run.stderr.contains("1 runs to measure, 1 are kept"), "{run:#?}");
    let run = reproduce(&place, &["--modes", "paper", "--classes", "bottle"]).done();
    assert!(run.stderr.contains("measured with other settings"), "{run:#?}");
}

#[test]
fn a_broken_class_is_named_and_the_others_go_on() {
    let place = mvtec();
    fs::remove_dir_all(place.path("mvtec/bottle/train")).unwrap();
    fs::write(place.path("mvtec/tile/test/good/001.png"), "no photo").unwrap();
    let run = reproduce(&place, &["--modes", "paper"]).ends(3, &["MVTec AD bottle, mode paper: ", "test/good/001.png"]);
    assert!(run.stdout.contains("MVTec AD tile, mode paper: 100.00"), "{run:#?}");
    let text = page(&place);
    assert!(text.contains("\n| bottle | failed |\n| cable | no folder |"), "{text}");
    assert!(text.contains("- MVTec AD bottle, mode paper: no good photos to fit on in "), "{text}");
    assert!(text.contains("- MVTec AD tile, mode paper: 1 photos or masks could not be used"), "{text}");
    // What failed is tried again, what is measured is not, and both are still said.
    let run = reproduce(&place, &["--modes", "paper"]).ends(3, &["1 runs to measure, 1 are kept"]);
    assert!(!run.stdout.contains("tile"), "{run:#?}");
    assert_eq!(page(&place).lines().filter(|line| line.contains("could not be used")).count(), 1);
    reproduce(&place, &["--modes", "paper", "--classes", "bottle"]).ends(1, &["none of 1 runs could be measured"]);
}

#[test]
fn what_is_no_benchmark_is_refused_before_any_work() {
    let place = mvtec();
    let of = |arguments: &[&str]| patchcore(["reproduce", "-o", &place.text("out")].iter().chain(arguments));
    let (mvtec, class) = (place.text("mvtec"), place.text("mvtec/bottle"));
    of(&["--mvtec", &class]).fails(&[
        "no class of MVTec AD in",
        "bottle, cable, capsule",
        "the folder in which they lie",
    ]);
    of(&["--mvtec", &place.text("nowhere")]).fails(&["nowhere does not exist"]);
    of(&["--visa", &mvtec]).fails(&["no class of VisA in", "candle, capsules"]);
    of(&[]).ends(2, &["--mvtec <DIR>|--visa <DIR>"]);
    of(&["--mvtec", &mvtec, "--classes", "cap"]).misused(&["`cap` is no class of MVTec AD", "zipper"]);
    of(&["--mvtec", &mvtec, "--modes", "papers"]).misused(&["papers"]);
    of(&["--mvtec", &mvtec, "--coreset-sampling-ratio", "2"]).misused(&["--coreset-sampling-ratio is 2"]);
    of(&["--mvtec", &mvtec]).fails(&[
        "no weights for wide_resnet50_2",
        "fetch-weights wide_resnet50_2",
        "--weights FILE",
    ]);
    assert!(!place.path("out").exists());
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/reproduce.md"), "mine").unwrap();
    let lite = ["--mvtec", &mvtec, "--backbone", "efficientnet_lite0"];
    of(&lite).fails(&["reproduce.md", "a file that patchcore did not write is there"]);
    assert_eq!(fs::read_to_string(place.path("out/reproduce.md")).unwrap(), "mine");
}
