//! `reproduce`: classes of the public benchmarks in several modes, resumed, on one page.

use std::fs;
#[cfg(target_os = "linux")]
use std::io::{BufRead, BufReader};
#[cfg(target_os = "linux")]
use std::process::Stdio;

use crate::photos::category;
#[cfg(target_os = "linux")]
use crate::program::{PROGRAM, finish, shell};
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
    let one = ["--modes", "line", "--coreset-sampling-ratio", "0.05", "--classes", "tile"];
    let run = reproduce(&place, &one).done();
    assert!(run.stderr.contains("runs to measure: 1, kept from before: 0"), "{run:#?}");
    let first = |name: &str| fs::read(place.path("out/mvtec/tile").join(name)).unwrap();
    let kept = first("line.json");

    let run = reproduce(&place, &both).done();
    assert!(run.stderr.contains("runs to measure: 3, kept from before: 1"), "{run:#?}");
    assert!(run.stdout.contains("MVTec AD bottle, mode line: 100.00 / "), "{run:#?}");
    assert!(!run.stdout.contains("tile, mode line"), "{run:#?}");
    assert!(run.stderr.contains("MVTec AD grid: its folder is not there"), "{run:#?}");
    assert_eq!(first("line.json"), kept);
    let record: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(record["results"]["model"]["mode"].as_str(), Some("line"));
    // As many rows in both banks together as the other mode has: 4 photos of 44 x 32 cells.
    assert_eq!(record["results"]["model"]["bank_rows"].as_u64(), Some(2 * 140));
    assert_eq!(entries(&place.path("out/mvtec/bottle")), ["line.json", "paper.json"]);

    let page = page(&place);
    assert!(page.contains("- MVTec AD, mode paper: 2 of 15 classes, 0 of them with all their photos; mean image AUROC over those 2: 100.00."), "{page}");
    assert!(page.contains("\n| class | paper | line |\n| --- | --- | --- |\n| bottle | 100.00 / "), "{page}");
    assert!(page.contains("\n| cable | no folder | no folder |\n"), "{page}");
    assert!(page.contains("\n| **mean** | **100.00 / ") && page.contains(" of 2 |\n| published | - | - |"), "{page}");
    let few = "- MVTec AD tile: 4 photos for training and 6 of the test, where the data set has 230 and 117";
    assert!(page.contains(few), "{page}");
    assert!(page.contains("Nothing that this program knows of is published"), "{page}");
    assert!(page.contains("| patches kept | 5 % |") && page.contains("2 with 2.5 % of the patches each"), "{page}");

    let run = reproduce(&place, &both).done();
    assert!(run.stderr.contains("runs to measure: 0, kept from before: 4"), "{run:#?}");
    assert!(run.stdout.lines().count() == 1 && run.stdout.contains("reproduce.md"), "{run:#?}");
    // Other settings are other results, and so are other photos.
    fs::remove_file(place.path("mvtec/tile/train/good/003.png")).unwrap();
    let run = reproduce(&place, &["--modes", "paper", "--seed", "5", "--classes", "tile"]).done();
    assert!(
        run.stderr.contains("paper.json: measured with other settings and other photos, so measured again"),
        "{run:#?}"
    );
    assert!(run.stderr.contains("runs to measure: 1, kept from before: 0"), "{run:#?}");
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
    assert!(text.contains("- MVTec AD tile, mode paper: photos or masks that could not be used: 1;"), "{text}");
    // What failed is tried again, what is measured is not, and both are still said.
    let run = reproduce(&place, &["--modes", "paper"]).ends(3, &["runs to measure: 1, kept from before: 1"]);
    assert!(!run.stdout.contains("tile"), "{run:#?}");
    assert_eq!(page(&place).lines().filter(|line| line.contains("that could not be used")).count(), 1);
    reproduce(&place, &["--modes", "paper", "--classes", "bottle"])
        .ends(1, &["nothing could be measured, the first error: "]);
}

#[test]
fn visa_is_measured_by_its_table() {
    let place = Workplace::new();
    category(&place.path("part"));
    let mut table = "object,split,label,image,mask\n".to_owned();
    for (from, split, kind, count) in
        [("train/good", "train", "Normal", 4), ("test/good", "test", "Normal", 3), ("test/spot", "test", "Anomaly", 3)]
    {
        for at in 0..count {
            let image = format!("candle/Data/Images/{kind}/{split}{at}.png");
            let mask = format!("candle/Data/Masks/{kind}/{at}.png");
            let mut files = vec![(format!("{from}/00{at}.png"), &image)];
            let is_anomalous = kind == "Anomaly";
            if is_anomalous {
                files.push((format!("ground_truth/spot/00{at}_mask.png"), &mask));
            }
            for (from, to) in files {
                let to = place.path("visa").join(to);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(place.path("part").join(from), to).unwrap();
            }
            let (label, mask) = if is_anomalous { ("anomaly", &*mask) } else { ("normal", "") };
            table.push_str(&format!("candle,{split},{label},{image},{mask}\n"));
        }
    }
    let (visa, out) = (place.text("visa"), place.text("out"));
    let lite = ["reproduce", "--visa", &visa, "-o", &out, "--backbone", "efficientnet_lite0", "--modes", "paper"];
    patchcore(lite).fails(&["1cls.csv of VisA is missing"]);
    fs::create_dir(place.path("visa/split_csv")).unwrap();
    fs::write(place.path("visa/split_csv/1cls.csv"), table).unwrap();
    let run = patchcore(lite).done();
    assert!(run.stdout.contains("VisA candle, mode paper: 100.00 / "), "{run:#?}");
    let page = page(&place);
    assert!(page.contains("- VisA, mode paper: 1 of 12 classes") && !page.contains("MVTec"), "{page}");
    assert!(page.contains("- VisA candle: 4 photos for training and 6 of the test, where"), "{page}");
    assert_eq!(entries(&place.path("out/visa/candle")), ["paper.json"]);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_keeps_what_is_measured() {
    let place = mvtec();
    let good = place.path("mvtec/tile/train/good");
    let copies: Vec<_> = (0..600).map(|at| good.join(format!("b{at}.png"))).collect();
    copies.iter().for_each(|copy| fs::hard_link(good.join("000.png"), copy).unwrap());
    let (mvtec, out) = (place.text("mvtec"), place.text("out"));
    let arguments =
        ["reproduce", "--mvtec", &mvtec, "-o", &out, "--backbone", "efficientnet_lite0", "--modes", "paper"];
    let mut run = std::process::Command::new("env")
        .args(["--default-signal=INT", PROGRAM])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("tile, mode paper (2 of 2)")));
    finish(shell(r#"kill -INT "$1""#).args(["sh", &run.id().to_string()])).done();
    let after: Vec<String> = lines.collect();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{after:#?}");
    assert!(after.contains(&"error: the reproduction was cancelled".to_owned()), "{after:#?}");
    assert!(page(&place).contains("\n| tile | not yet |\n"));
    copies.iter().for_each(|copy| fs::remove_file(copy).unwrap());
    reproduce(&place, &["--modes", "paper"]).ends(0, &["runs to measure: 1, kept from before: 1"]);
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
    of(&[]).ends(2, &["--mvtec <PATH>|--visa <PATH>"]);
    of(&["--mvtec", &mvtec, "--classes", "cap"]).misused(&["`cap` is no class of MVTec AD", "zipper"]);
    of(&["--mvtec", &mvtec, "--modes", "papers"]).misused(&["papers"]);
    of(&["--mvtec", &mvtec, "--coreset-sampling-ratio", "2"]).misused(&["--coreset-sampling-ratio is 2"]);
    of(&["--mvtec", &mvtec]).fails(&[
        "no weights for wide_resnet50_2",
        "weights fetch wide_resnet50_2",
        "--weights FILE",
    ]);
    assert!(!place.path("out").exists());
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/reproduce.md"), "mine").unwrap();
    let lite = ["--mvtec", &mvtec, "--backbone", "efficientnet_lite0"];
    of(&lite).fails(&["reproduce.md", "a file that patchcore did not write is there"]);
    assert_eq!(fs::read_to_string(place.path("out/reproduce.md")).unwrap(), "mine");
}
