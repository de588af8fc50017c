//! Nothing of the user's is lost: outputs never land on inputs, and what is there and not ours stays; long because every command and
//! every kind of file has its case.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::photos::{HEIGHT, WIDTH, category, good_folder, mask, photo, save};
use crate::program::{Run, Workplace, entries, patchcore, small_fit};

/// A category with a model of it, and an evaluation.
fn fitted() -> Workplace {
    let place = Workplace::new();
    category(&place.path("part"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-intervals"]).done();
    place
}

/// Every file below a folder, with its content. Links are followed.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else if let Ok(content) = fs::read(&path) {
            found.insert(path, content);
        }
    }
    found
}

/// Ways in which an output leads to an input.
const WAYS: [&str; 6] = ["same path", "other spelling", "hard link", "linked file", "linked folder", "its folder"];

/// Brings about that the file `output` of a command is the input `input`, and gives the output's folder to name; nothing where that
/// cannot be, since the program chooses the name.
fn collide(place: &Workplace, way: &str, input: &Path, output: &str) -> Option<PathBuf> {
    let is_input = input.file_name().unwrap() == output;
    let folder = place.path("to");
    match way {
        "same path" | "its folder" => is_input.then(|| input.parent().unwrap().to_owned()),
        "other spelling" => {
            is_input.then(|| input.parent().unwrap().join("../").join(input.parent().unwrap().file_name().unwrap()))
        }
        "linked folder" => is_input.then(|| {
            symlink(input.parent().unwrap(), &folder).unwrap();
            folder
        }),
        "hard link" => {
            fs::create_dir_all(folder.join(output).parent().unwrap()).unwrap();
            fs::hard_link(input, folder.join(output)).unwrap();
            Some(folder)
        }
        _ => {
            fs::create_dir_all(folder.join(output).parent().unwrap()).unwrap();
            symlink(input, folder.join(output)).unwrap();
            Some(folder)
        }
    }
}

/// A command, an input of it, and the name below its output folder of a file that it writes. `-o` takes a file or a folder.
struct Case {
    name: &'static str,
    input: &'static str,
    output: &'static str,
    arguments: fn(&Workplace, &Path, &str) -> Vec<String>,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn evaluated(place: &Workplace, to: &Path, _: &str) -> Vec<String> {
    let (model, data, to) = (place.text("m.patchcore"), place.text("part"), to.display().to_string());
    words(&["evaluate", "--model", &model, "--data", &data, "-o", &to])
}

fn scored(place: &Workplace, option: &str, to: &Path, format: &str) -> Vec<String> {
    let (model, photos, to) = (place.text("m.patchcore"), place.text("part/test/good"), to.display().to_string());
    words(&["score", "--model", &model, option, &to, "--map-format", format, &photos])
}

const CASES: [Case; 19] = [
    Case {
        name: "fit, photo",
        input: "part/train/good/000.png",
        output: "000.png",
        arguments: |place, to, name| small_fit(&place.path("part"), &to.join(name)),
    },
    Case {
        name: "fit, mask of the region",
        input: "roi.png",
        output: "roi.png",
        arguments: |place, to, name| {
            let mut fit = small_fit(&place.path("part"), &to.join(name));
            fit.extend(words(&["--roi", &place.text("roi.png")]));
            fit
        },
    },
    Case {
        name: "fit, truth mask",
        input: "part/ground_truth/spot/000_mask.png",
        output: "000_mask.png",
        arguments: |place, to, name| small_fit(&place.path("part"), &to.join(name)),
    },
    Case {
        name: "maps, photo",
        input: "part/test/good/000.png",
        output: "000.png.map.npy",
        arguments: |place, to, _| scored(place, "--maps", to, "npy"),
    },
    Case {
        name: "maps, model",
        input: "m.patchcore",
        output: "000.png.map.tiff",
        arguments: |place, to, _| scored(place, "--maps", to, "tiff"),
    },
    Case {
        name: "overlays, photo",
        input: "part/test/good/000.png",
        output: "000.png.overlay.png",
        arguments: |place, to, _| scored(place, "--overlays", to, "npy"),
    },
    Case {
        name: "evaluate, photo",
        input: "part/test/good/000.png",
        output: "overlays/good/000.png.overlay.png",
        arguments: evaluated,
    },
    Case {
        name: "evaluate, mask",
        input: "part/ground_truth/spot/000_mask.png",
        output: "report.html",
        arguments: evaluated,
    },
    Case { name: "evaluate, model", input: "m.patchcore", output: "metrics.json", arguments: evaluated },
    Case {
        name: "evaluate, table",
        input: "part.csv",
        output: "scores.csv",
        arguments: |place, to, _| {
            let (model, data, to) = (place.text("m.patchcore"), place.text("part.csv"), to.display().to_string());
            words(&["evaluate", "--model", &model, "--data", &data, "-o", &to])
        },
    },
    Case {
        name: "audit, photo",
        input: "part/train/good/000.png",
        output: "001_FIRST.pair.png",
        arguments: |place, to, _| {
            let (model, to) = (place.text("m.patchcore"), to.display().to_string());
            words(&["audit", "--model", &model, "-o", &to])
        },
    },
    Case {
        name: "compare, table",
        input: "out/scores.csv",
        output: "scores.csv",
        arguments: |place, to, name| {
            let (out, to) = (place.text("out"), to.join(name).display().to_string());
            words(&["compare", &out, &out, "-o", &to])
        },
    },
    Case {
        name: "calibrate, photo",
        input: "part/train/good/000.png",
        output: "x.patchcore",
        arguments: |place, to, name| {
            let (model, data) = (to.join(name).display().to_string(), place.text("part"));
            words(&["calibrate", "--model", &model, "--good", &data, "--cross-fit", "2", "--fpr", "0.6"])
        },
    },
    Case {
        name: "extend, photo",
        input: "part/train/good/000.png",
        output: "x.patchcore",
        arguments: |place, to, name| {
            let (model, data) = (to.join(name).display().to_string(), place.text("part"));
            words(&["extend", &model, "--data", &data])
        },
    },
    Case {
        name: "extend, model",
        input: "m.patchcore",
        output: "m.patchcore",
        arguments: |place, to, name| {
            let (model, data, to) =
                (place.text("m.patchcore"), place.text("part/test/good"), to.join(name).display().to_string());
            words(&["extend", &model, "--data", &data, "-o", &to])
        },
    },
    Case {
        name: "extend, photo that calibrates",
        input: "part/train/good/000.png",
        output: "000.png",
        arguments: |place, to, name| {
            let (model, data, good, to) = (
                place.text("m.patchcore"),
                place.text("part/test/good"),
                place.text("part"),
                to.join(name).display().to_string(),
            );
            words(&["extend", &model, "--data", &data, "--calibrate-again", &good, "--fpr", "0.9", "-o", &to])
        },
    },
    Case {
        name: "forget, model",
        input: "m.patchcore",
        output: "m.patchcore",
        arguments: |place, to, name| {
            let (model, photo, to) =
                (place.text("m.patchcore"), place.text("part/train/good/000.png"), to.join(name).display().to_string());
            words(&["forget", &model, "--photo", &photo, "-o", &to])
        },
    },
    Case {
        name: "merge, model",
        input: "m.patchcore",
        output: "m.patchcore",
        arguments: |place, to, name| {
            let (model, to) = (place.text("m.patchcore"), to.join(name).display().to_string());
            words(&["merge", &model, &model, "-o", &to])
        },
    },
    Case {
        name: "demo, photo",
        input: "part/train/good/000.png",
        output: "flange/train/good/000.jpg",
        arguments: |_, to, _| words(&["demo", "-o", &to.display().to_string()]),
    },
];

#[test]
fn no_output_lands_on_an_input() {
    let place = fitted();
    save(&place.path("roi.png"), mask());
    let table = "image_path,split,label\npart/train/good/000.png,train,good\npart/test/good/000.png,test,good\npart/test/spot/000.png,test,spot\n";
    fs::write(place.path("part.csv"), table).unwrap();
    // Which photo comes first in an audit is the scores' business.
    let audit = patchcore(["audit", "--model", &place.text("m.patchcore")]).done().stdout;
    let first = audit.lines().nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
    let mut tried = 0;
    for case in CASES {
        for way in WAYS {
            let input = place.path(case.input);
            let output = case.output.replace("FIRST", &first);
            let Some(to) = collide(&place, way, &input, &output) else { continue };
            let before = files(&place.path("."));
            let run = patchcore((case.arguments)(&place, &to, &output));
            assert_eq!(run.code, Some(1), "{}, {way}: {run:#?}", case.name);
            assert!(run.stderr.contains("cannot "), "{}, {way}: {run:#?}", case.name);
            tried += 1;
            let after = files(&place.path("."));
            for (path, content) in &before {
                assert!(after.get(path) == Some(content), "{}, {way}: {} is another", case.name, path.display());
            }
            let _ = fs::remove_dir_all(place.path("to")).or_else(|_| fs::remove_file(place.path("to")));
            // The same with --force: an input stays an input.
            if matches!(case.name, "fit, photo" | "maps, model" | "evaluate, model" | "compare, table") {
                let to = collide(&place, way, &input, &output).unwrap();
                let mut arguments = (case.arguments)(&place, &to, &output);
                arguments.push("--force".to_owned());
                patchcore(arguments).ends(1, &["which this command reads"]);
                assert!(before[&input] == fs::read(&input).unwrap());
                let _ = fs::remove_dir_all(place.path("to")).or_else(|_| fs::remove_file(place.path("to")));
            }
        }
    }
    assert_eq!(tried, 70);
}

#[test]
fn results_do_not_go_among_the_photos_and_are_not_learnt() {
    let place = fitted();
    let (model, good) = (place.text("m.patchcore"), place.text("part/train/good"));
    fs::create_dir(place.path("links")).unwrap();
    symlink(place.path("part/train/good"), place.path("links/good")).unwrap();
    for (to, option) in
        [("part/train/good", "--maps"), ("part/train/../train/good/", "--overlays"), ("links/good", "--maps")]
    {
        let run = patchcore(["score", "--model", &model, option, &place.text(to), &good]);
        run.fails(&[&place.text(to), "000.png lies there", "--force"]);
    }
    patchcore(["audit", "--model", &model, "-o", &good]).fails(&["lies there"]);
    patchcore(["evaluate", "--model", &model, "--data", &place.text("part"), "-o", &place.text("part/test/good")])
        .fails(&["lies there"]);
    assert_eq!(entries(&place.path("part/train/good")).len(), 4);
    // Who insists has them there; no fit takes them for photos.
    let score =
        ["score", "--model", &model, "--force", "--maps", &good, "--map-format", "tiff", "--overlays", &good, &good];
    patchcore(score).done();
    patchcore(["audit", "--model", &model, "--force", "-o", &good]).done();
    assert_eq!(entries(&place.path("part/train/good")).len(), 16);
    for data in ["part", "part/train/good"] {
        let run = patchcore(small_fit(&place.path(data), &place.path("again.patchcore"))).done();
        assert!(run.stdout.contains("4 photos"), "{}", run.stdout);
        let said = "left out: 12 files (.map.tiff, .overlay.png, .pair.png)";
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn what_is_there_and_not_ours_is_replaced_only_by_force() {
    let place = fitted();
    let (model, data, photos) = (place.text("m.patchcore"), place.text("part"), place.text("part/test/good"));
    let own = |name: &str| place.text(&format!("own/{name}"));
    let first = place.text("part/train/good/000.png");
    let commands: Vec<(Vec<String>, &str)> = vec![
        (words(&["extend", &model, "--data", &photos, "-o", &own("m.patchcore")]), "m.patchcore"),
        (words(&["forget", &model, "--photo", &first, "-o", &own("m.patchcore")]), "m.patchcore"),
        (words(&["merge", &model, &model, "-o", &own("m.patchcore")]), "m.patchcore"),
        (small_fit(&place.path("part"), &place.path("own/m.patchcore")), "m.patchcore"),
        (words(&["score", "--model", &model, "--maps", &own(""), &photos]), "001.png.map.npy"),
        (words(&["score", "--model", &model, "--maps", &own(""), "--map-format", "tiff", &photos]), "001.png.map.tiff"),
        (words(&["score", "--model", &model, "--overlays", &own(""), &photos]), "001.png.overlay.png"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "report.html"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "metrics.json"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "scores.csv"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "replicates.json"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "overlays/spot/000.png.overlay.png"),
        (words(&["compare", &place.text("out"), &place.text("out"), "-o", &own("c.html")]), "c.html"),
        (words(&["doctor", "--device", "cpu", "-o", &own("d.json")]), "d.json"),
        (words(&["evaluate", "--model", &model, "--data", &data, "-o", &own("")]), "run.json"),
        (
            words(&[
                "evaluate",
                "--model",
                &model,
                "--data",
                &data,
                "-o",
                &own(""),
                "--stress",
                "--stress-photos",
                "1",
            ]),
            "stress.json",
        ),
    ];
    // A picture, a page and texts that others have made: with a version that is no number, higher than ours, and with keys like ours.
    let mut png = std::io::Cursor::new(Vec::new());
    photo(9, 9, 0, false).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let others: [&[u8]; 5] = [
        png.get_ref(),
        b"<!DOCTYPE html><html></html>",
        b"{\"version\": \"mine\"}",
        b"{\"version\": 2}",
        b"{\"version\": 2, \"run\": {\"command_line\": [\"npm\", \"start\"]}, \"model\": \"mine\", \"kinds\": [], \"unchanged\": 1}",
    ];
    for (arguments, name) in commands {
        let file = place.path("own").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for other in others {
            fs::write(&file, other).unwrap();
            patchcore(&arguments).fails(&[name, "did not write", "--force"]);
            assert_eq!(fs::read(&file).unwrap(), other, "{arguments:?}");
        }
        patchcore(arguments.iter().map(String::as_str).chain(["--force"])).done();
        let made = fs::read(&file).unwrap();
        assert!(!others.contains(&&made[..]), "{arguments:?}");
        // Now it is ours, and replaced without a word; so is what a later version of the program has written.
        patchcore(&arguments).done();
        if ["metrics.json", "run.json", "stress.json"].contains(&name) {
            let text = String::from_utf8(made).unwrap();
            let later = text.replacen("\"version\": 1", "\"version\": 2", 1).replacen("\"seconds\"", "\"times\"", 1);
            assert_eq!((later.contains("\"version\": 2"), later.contains("\"seconds\"")), (true, false));
            fs::write(&file, later).unwrap();
            patchcore(&arguments).done();
        }
        // Under two names it is not: the other would keep the old content.
        fs::hard_link(&file, place.path("second")).unwrap();
        patchcore(&arguments).fails(&[name, "2 names", "--force"]);
        fs::remove_dir_all(place.path("own")).unwrap();
        fs::remove_file(place.path("second")).unwrap();
    }
    // The demo's own photos.
    fs::create_dir_all(place.path("own/flange/train/good")).unwrap();
    fs::write(place.path("own/flange/train/good/000.jpg"), "mine").unwrap();
    let run = patchcore(["demo", "-o", &own("")]).ends(1, &["another file is there", "--force"]);
    assert!(run.stdout.is_empty());
}

#[test]
fn a_calibrated_model_is_refitted_only_by_force_and_its_file_stays_where_it_is() {
    let place = fitted();
    let model = place.path("m.patchcore");
    let calibrate = |model: &str, value: &str| patchcore(["calibrate", "--model", model, "--manual", value]);
    // A link stays a link, and the model keeps its permissions.
    symlink("m.patchcore", place.path("current")).unwrap();
    fs::set_permissions(&model, fs::Permissions::from_mode(0o640)).unwrap();
    calibrate(&place.text("current"), "7").done();
    assert!(place.path("current").is_symlink());
    assert_eq!(fs::metadata(&model).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(patchcore(["inspect", &place.text("m.patchcore")]).done().stdout.contains("threshold     7"));

    let before = fs::read(&model).unwrap();
    for name in ["m.patchcore", "current"] {
        let fit = small_fit(&place.path("part"), &place.path(name));
        patchcore(fit).fails(&[name, "the image threshold 7", "--force"]);
        assert_eq!(fs::read(&model).unwrap(), before);
    }
    // A model under two names is changed under both or not at all, unless its user says so.
    fs::hard_link(&model, place.path("second")).unwrap();
    calibrate(&place.text("m.patchcore"), "8").fails(&["2 names", "--force"]);
    assert_eq!(fs::read(&model).unwrap(), before);
    patchcore(["calibrate", "--model", &place.text("m.patchcore"), "--manual", "8", "--force"]).done();
    assert_eq!(fs::read(place.path("second")).unwrap(), before);

    let mut fit = small_fit(&place.path("part"), &model);
    fit.push("--force".to_owned());
    patchcore(fit).done().ends(0, &["the image threshold 8"]);
    // Without a threshold there is nothing to lose.
    patchcore(small_fit(&place.path("part"), &model)).done();
    assert!(patchcore(["inspect", &place.text("m.patchcore")]).done().stdout.contains("threshold     none"));
}

#[test]
fn an_evaluation_replaces_what_an_earlier_one_left_and_nothing_else() {
    let place = fitted();
    let out = place.path("out");
    assert_eq!(entries(&out.join("overlays")), ["good", "spot"]);
    fs::rename(place.path("part/test/spot"), place.path("part/test/dent")).unwrap();
    fs::rename(place.path("part/ground_truth/spot"), place.path("part/ground_truth/dent")).unwrap();
    fs::remove_file(place.path("part/test/good/002.png")).unwrap();
    save(&out.join("overlays/good/mine.png"), photo(9, 9, 0, false));
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let (model, data, to) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(["evaluate", "--model", &model, "--data", &data, "-o", &to]).done();
    assert_eq!(entries(&out.join("overlays")), ["dent", "good"]);
    assert_eq!(entries(&out.join("overlays/good")), ["000.png.overlay.png", "001.png.overlay.png", "mine.png"]);
    assert_eq!(
        entries(&out),
        ["metrics.json", "notes.txt", "overlays", "replicates.json", "report.html", "run.json", "scores.csv"]
    );
    let bare = ["--no-report", "--no-overlays", "--no-intervals"];
    let arguments = ["evaluate", "--model", &model, "--data", &data, "-o", &to].into_iter().chain(bare);
    patchcore(arguments).done();
    assert_eq!(entries(&out), ["metrics.json", "notes.txt", "overlays", "run.json", "scores.csv"]);
    assert_eq!(files(&out.join("overlays")).len(), 1);
}

/// What is said before the first photo is read.
fn refused_before_the_work(run: Run, needles: &[&str]) {
    let run = run.fails(needles);
    for word in ["photos, about", "features", "scoring"] {
        assert!(!run.stderr.contains(word), "after the work: {run:#?}");
    }
}

#[test]
fn places_that_cannot_be_written_are_found_before_the_work() {
    let place = fitted();
    let (model, data, photos) = (place.text("m.patchcore"), place.text("part"), place.text("part/test/good"));
    fs::write(place.path("file"), "x").unwrap();
    for to in ["/proc/patchcore", "absent/m.patchcore", "file/m.patchcore", "part/", "/dev/full/x"] {
        let to = if to.starts_with('/') { PathBuf::from(to) } else { place.path(to) };
        refused_before_the_work(patchcore(small_fit(&place.path("part"), &to)), &["cannot write"]);
    }
    for to in ["/proc/patchcore", &place.text("file")] {
        for option in ["--maps", "--overlays"] {
            refused_before_the_work(patchcore(["score", "--model", &model, option, to, &photos]), &[to]);
        }
        refused_before_the_work(patchcore(["evaluate", "--model", &model, "--data", &data, "-o", to]), &[to]);
        refused_before_the_work(patchcore(["audit", "--model", &model, "-o", to]), &[to]);
    }
    // A model that its user has protected stays.
    let before = fs::read(&model).unwrap();
    fs::set_permissions(place.path("m.patchcore"), fs::Permissions::from_mode(0o444)).unwrap();
    refused_before_the_work(
        patchcore(["calibrate", "--model", &model, "--good", &data, "--cross-fit", "2", "--fpr", "0.6"]),
        &["write-protected"],
    );
    refused_before_the_work(
        patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))),
        &["write-protected"],
    );
    assert_eq!(fs::read(&model).unwrap(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_pipes_are_written_and_stay() {
    use std::os::unix::fs::FileTypeExt;
    let place = fitted();
    let null = || fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device();
    let out = place.text("out");
    patchcore(small_fit(&place.path("part"), Path::new("/dev/null"))).done();
    patchcore(["compare", &out, &out, "-o", "/dev/null"]).done();
    patchcore(["doctor", "--device", "cpu", "-o", "/dev/null"]).done();
    assert!(null());
    patchcore(small_fit(&place.path("part"), Path::new("/dev/full"))).fails(&["/dev/full", "No space left"]);
    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(&pipe).unwrap());
        patchcore(small_fit(&place.path("part"), &pipe)).done();
        reader.join().unwrap()
    });
    fs::write(place.path("piped.patchcore"), read).unwrap();
    patchcore(["inspect", &place.text("piped.patchcore")]).done();
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn folders_of_the_same_names_do_not_collide_and_each_row_names_its_files() {
    let place = fitted();
    for folder in ["a", "b", "c/a"] {
        for name in ["000.png", "000.bmp"] {
            save(&place.path(folder).join(name), photo(WIDTH, HEIGHT, 9, folder == "b"));
        }
    }
    let (model, maps) = (place.text("m.patchcore"), place.text("maps"));
    let [a, b, c] = ["a", "b", "c/a"].map(|folder| place.text(folder));
    for format in ["csv", "table"] {
        let arguments =
            ["score", "--model", &model, "--format", format, "--maps", &maps, "--overlays", &maps, &a, &b, &c];
        let stdout = patchcore(arguments).done().stdout;
        let names = ["000.bmp", "000.png", "b_000.bmp", "b_000.png", "a_000.bmp", "a_000.png"];
        let lines = stdout.lines().skip(usize::from(format == "csv"));
        assert_eq!(lines.clone().count(), 6);
        for (line, name) in lines.zip(names) {
            assert!(line.contains(&place.text(&format!("maps/{name}.map.npy"))), "{line}");
            assert!(line.contains(&place.text(&format!("maps/{name}.overlay.png"))), "{line}");
        }
    }
    assert_eq!(entries(&place.path("maps")).len(), 12);
}

#[test]
fn a_folder_that_gives_no_photos_is_a_row_among_the_others() {
    let place = fitted();
    fs::create_dir(place.path("empty")).unwrap();
    good_folder(&place.path("more"), 2);
    let paths = ["part/test/good", "empty", "more"].map(|name| place.text(name));
    let model = place.text("m.patchcore");
    for format in ["table", "csv", "json", "jsonl"] {
        let arguments = ["score", "--model", &model, "--format", format].map(str::to_owned);
        let stdout = patchcore(arguments.into_iter().chain(paths.clone())).ends(3, &[]).stdout;
        let text = match format {
            "json" => {
                let rows: Vec<serde_json::Value> = serde_json::from_str(&stdout).unwrap();
                rows.iter().map(|row| format!("{row}\n")).collect()
            }
            "csv" => stdout.lines().skip(1).map(|line| format!("{line}\n")).collect(),
            _ => stdout,
        };
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{format}: {text}");
        assert!(lines[3].contains("empty") && lines[3].contains("no images"), "{format}: {text}");
        assert!(lines[5].contains("more/001.png"), "{format}: {text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_under_the_rows_ends_the_work() {
    use crate::program::background;
    let place = fitted();
    for format in ["table", "csv", "json", "jsonl"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let arguments =
            ["score", "--model", &place.text("m.patchcore"), "--format", format, &place.text("part/test/good")];
        let run = background(arguments).stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = run.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}: {stderr}");
        assert!(stderr.contains("cannot write the results to stdout: No space left"), "{format}: {stderr}");
    }
}
