//! `weights`: what is listed, imported and refused. Downloads have their tests in `patchcore-fetch`.

use std::fs;

use patchcore_testing::resnet18;

use crate::photos::good_folder;
use crate::program::{Run, Workplace, command, finish, small_fit};
use crate::written::parsed;

fn of(place: &Workplace, arguments: &[&str]) -> Run {
    finish(command().env("PATCHCORE_CACHE", place.path("cache")).args(arguments))
}

#[test]
fn an_imported_file_is_listed_and_fitted_with() {
    let Some(file) = resnet18() else { return };
    let place = Workplace::new();
    let file = file.display().to_string();
    let before = of(&place, &["weights", "list"]).done().stdout;
    let line = |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(
        line(&before, "resnet18").contains("absent") && before.contains("patchcore weights fetch resnet18"),
        "{before}"
    );
    assert!(line(&before, "efficientnet_lite0").contains("embedded"), "{before}");
    let imported = of(&place, &["weights", "import", "resnet18", &file]).done().stdout;
    let installed = place.text("cache/resnet18.safetensors");
    assert!(imported.starts_with(&format!("resnet18 installed: {installed} (up to layer3)")), "{imported}");
    let found = parsed(&of(&place, &["weights", "list", "--format", "json"]).done().stdout);
    let network = found["networks"].as_array().unwrap().iter().find(|network| network["name"] == "resnet18").unwrap();
    assert_eq!((network["state"].as_str(), network["file"].as_str()), (Some("installed"), Some(installed.as_str())));
    // No ONNX file can be compared with the published one.
    assert_eq!(network["verified"].as_bool(), Some(false));
    let after = of(&place, &["weights", "list"]).done().stdout;
    assert!(line(&after, "resnet18").ends_with("(not verified to be the published ones)"), "{after}");
    good_folder(&place.path("photos"), 2);
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    finish(command().env("PATCHCORE_CACHE", place.path("cache")).args(fit).args(["--backbone", "resnet18"])).done();
}

#[test]
fn what_cannot_be_installed_is_refused_and_leaves_nothing() {
    let place = Workplace::new();
    fs::create_dir(place.path("files")).unwrap();
    for (name, bytes) in [("text.txt", "text"), ("other.pth", "PK"), ("broken.safetensors", "x")] {
        fs::write(place.path("files").join(name), bytes).unwrap();
    }
    let import = |file: &str| of(&place, &["weights", "import", "resnet18", &place.text(file)]);
    import("files/text.txt").fails(&["text.txt", "expected .pth, .safetensors or .onnx"]);
    import("files/other.pth").fails(&["other.pth", "the published file begins with f37072fd", "--unverified"]);
    import("files/broken.safetensors").fails(&["broken.safetensors", "not a readable safetensors file"]);
    import("files/none.pth").fails(&["none.pth"]);
    of(&place, &["weights", "import", "resnet19", "x.pth"]).ends(2, &["resnet19", "resnet18"]);
    of(&place, &["weights", "fetch"]).ends(2, &["NETWORK"]);
    let file = ["weights", "fetch", "resnet18", "--from", "resnet18.pth"];
    of(&place, &file).misused(&["--from is resnet18.pth", "patchcore weights import"]);
    let left = fs::read_dir(place.path("cache")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[test]
fn no_network_says_how_to_go_on_without_one() {
    let place = Workplace::new();
    // Nobody listens there.
    let address = "http://127.0.0.1:9/";
    let run = of(&place, &["weights", "fetch", "resnet18", "--from", address]);
    match cfg!(feature = "fetch") {
        true => {
            run.fails(&["cannot reach http://127.0.0.1:9/resnet18-f37072fd.pth", "patchcore weights import NAME FILE"])
        }
        false => run.fails(&["without downloads", "f37072fd", "patchcore weights import resnet18 FILE"]),
    };
}
