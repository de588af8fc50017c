//! Settings that cannot work: exit 2 where the command line or a value in it is wrong, else exit 1; both name the option.

use crate::photos::good_folder;
use crate::program::{Run, Workplace, patchcore, small_fit};

/// A fit on two small photos with further options.
fn fit(place: &Workplace, options: &[&str]) -> Run {
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    patchcore(fit.into_iter().chain(options.iter().map(|option| (*option).to_owned())))
}

/// The same without settings of its own.
fn bare_fit(place: &Workplace, options: &[&str]) -> Run {
    let (data, model) = (place.text("photos"), place.text("m.patchcore"));
    patchcore(["fit", "--data", &data, "-o", &model].into_iter().chain(options.iter().copied()))
}

fn photos() -> Workplace {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    place
}

#[test]
fn values_that_do_not_exist_are_listed() {
    let place = photos();
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--mode", "papers"], &["'papers'", "paper, authors, anomalib"]),
        (&["--backbone", "vgg16"], &["'vgg16'", "resnet18", "efficientnet_lite0"]),
        (&["--layers", "layer9"], &["`layer9`", "efficientnet_lite0", "choose among"]),
        (&["--layers", ""], &["layer"]),
        (&["--backbone", "resnet18", "--layers", "layer3,layer2"], &["`layer2`", "in this order"]),
        (&["--backbone", "resnet18", "--layers", "layer2,layer2"], &["`layer2`", "repeated"]),
        (&["--device", "tpu"], &["`tpu`", "expected auto, gpu, cpu, flex"]),
        (&["--device", "flex:1"], &["`flex:1`", "expected auto, gpu, cpu, flex"]),
        (&["--device", "cuda:one"], &["`cuda:one`", "expected auto, gpu, cpu, flex"]),
    ];
    for (options, needles) in cases {
        fit(&place, options).misused(needles);
    }
    #[cfg(not(feature = "cuda"))]
    for name in ["cuda", "cuda:1"] {
        fit(&place, &["--device", name]).fails(&[
            &format!("`{name}`"),
            "not compiled in",
            "--features cuda",
            "compiled in: ",
            "cpu)",
        ]);
    }
    assert!(!place.path("m.patchcore").exists());
}

#[test]
fn values_out_of_range_say_the_range() {
    let place = photos();
    let cases: [(&[&str], &[&str]); 17] = [
        (&["--patch-size", "0"], &["--patch-size is 0", "odd", "1 to 15"]),
        (&["--patch-size", "4"], &["--patch-size is 4", "odd", "1 to 15"]),
        (&["--target-embed-dimension", "0"], &["--target-embed-dimension is 0", "1 to 65536"]),
        (&["--pretrain-embed-dimension", "0", "--mode", "authors"], &["--pretrain-embed-dimension is 0", "1 to 65536"]),
        (&["--pretrain-embed-dimension", "512"], &["--pretrain-embed-dimension is 512", "--target-embed-dimension"]),
        (&["--coreset-sampling-ratio", "0"], &["--coreset-sampling-ratio is 0", "(0, 1]"]),
        (&["--coreset-sampling-ratio", "1.5"], &["--coreset-sampling-ratio is 1.5", "(0, 1]"]),
        (&["--coreset-sampling-ratio", "-0.1"], &["--coreset-sampling-ratio is -0.1", "(0, 1]"]),
        (&["--coreset-sampling-ratio", "NaN"], &["--coreset-sampling-ratio is NaN", "(0, 1]"]),
        (&["--mode", "paper", "--num-neighbors", "0"], &["--num-neighbors is 0", "from 1 to 1024"]),
        (
            &["--num-neighbors", "3"],
            &["--num-neighbors is 3 with the map's maximum", "modes paper, authors and anomalib"],
        ),
        (&["--layers", "block2,block4"], &["--layers is block2, block4 in mode line", "or mode paper"]),
        (&["--resize", "4"], &["--resize is 4", "8 to 8192"]),
        (&["--resize", "4294967295"], &["--resize is 4294967295", "8 to 8192"]),
        (&["--size", "0x64"], &["--size is 0x64", "8 to 8192"]),
        (&["--crop", "0"], &["--crop is 0x0", "8 to 8192"]),
        (&["--crop", "9000x64"], &["--crop is 9000x64", "8 to 8192"]),
    ];
    for (options, needles) in cases {
        bare_fit(&place, options).misused(needles);
    }
}

#[test]
fn rates_and_thresholds_out_of_range_are_wrong_usage() {
    let place = photos();
    fit(&place, &["--mode", "paper", "--num-neighbors", "1"]).done();
    let (model, good) = (place.text("m.patchcore"), place.text("photos"));
    let calibrate = |options: &[&str]| patchcore(["calibrate", "--model", &model].iter().chain(options));
    for (options, needles) in [
        (&["--good", &good, "--fpr", "0"][..], &["--fpr is 0", "above 0 and below 1"][..]),
        (&["--good", &good, "--fpr", "5"], &["--fpr is 5", "for example 0.01"]),
        (&["--good", &good, "--confidence", "1"], &["--confidence is 1", "for example 0.95"]),
        (&["--good", &good, "--cross-fit", "2", "--confidence", "NaN"], &["--confidence is NaN"]),
        (&["--good", &good, "--fpr", "0.9", "--cross-fit", "1"], &["1 folds", "at least 2"]),
        (&["--manual", "NaN"], &["threshold NaN is not a finite number"]),
    ] {
        calibrate(options).misused(needles);
    }
    // What more photos would mend is none.
    calibrate(&["--good", &good, "--fpr", "0.01"]).fails(&["cannot guarantee", "--fpr"]);
}

#[test]
fn a_crop_larger_than_the_resized_photo_is_found_before_the_work() {
    let place = photos();
    for crop in ["5000", "64x65"] {
        let run = bare_fit(&place, &["--size", "64x64", "--crop", crop]);
        run.misused(&["--crop is", "at most the resized photo, which is 64x64", "000.png", "--resize"]);
    }
    bare_fit(&place, &["--size", "64x64", "--crop", "64", "--coreset-sampling-ratio", "0.5"]).done();
}

#[test]
fn a_coreset_of_no_or_too_few_rows_says_what_would_do() {
    let place = photos();
    let run = |ratio: &str, k: &str| {
        let options = ["--size", "64x64", "--coreset-sampling-ratio", ratio, "--mode", "paper", "--num-neighbors", k];
        bare_fit(&place, &options)
    };
    // Two photos of 8 x 8 patches.
    run("0.001", "1").fails(&["--coreset-sampling-ratio 0.001", "128 patches", "no row", "at least 0.00782"]);
    run("5e-324", "1").fails(&["--coreset-sampling-ratio 5e-324 of 128"]);
    run("1e300", "1").misused(&["--coreset-sampling-ratio is 1e300:"]);
    run("0.05", "7").fails(&["--num-neighbors is 7", "only 6 rows", "lower --num-neighbors", "add photos"]);
    run("0.05", "6").done();
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let place = photos();
    let cases: [(&[&str], &str); 8] = [
        (&["--resize", "64"], "--resize"),
        (&["--crop", "64x"], "--crop"),
        (&["--seed", "-1"], "--seed"),
        (&["--seed", "many"], "--seed"),
        (&["--coreset-sampling-ratio", "ten"], "--coreset-sampling-ratio"),
        (&["--num-neighbors", "-3"], "--num-neighbors"),
        (&["--epochs", "5"], "--epochs"),
        (&["--size", "64x64"], "--size"),
    ];
    for (options, needle) in cases {
        let run = fit(&place, options).ends(2, &[needle, "error:"]);
        assert_eq!(run.stdout, "");
    }
    patchcore(["fit", "-o", "m"]).ends(2, &["--data"]);
    patchcore(["score", "--model", "m"]).ends(2, &["PATH"]);
    patchcore(["score", "--model", "m", "p.png", "--format", "xml"]).ends(2, &["xml", "table", "json", "csv"]);
    patchcore(["train"]).ends(2, &["train"]);
    patchcore([""; 0]).ends(2, &["Usage"]);
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_work() {
    let place = photos();
    let run = |output: &str| patchcore(small_fit(&place.path("photos"), &place.path(output)));
    let missing = run("no/such/folder/m.patchcore").fails(&[&place.text("no/such/folder"), "does not exist"]);
    assert!(!missing.stderr.contains("features"), "{}", missing.stderr);
    std::fs::create_dir(place.path("taken")).unwrap();
    let taken = run("taken").fails(&[&place.text("taken"), "is a folder"]);
    assert!(!taken.stderr.contains("features"), "{}", taken.stderr);
    std::fs::write(place.path("file"), "x").unwrap();
    run("file/m.patchcore").fails(&[&place.text("file"), "folder"]);
    assert!(!place.path("no").exists());
}
