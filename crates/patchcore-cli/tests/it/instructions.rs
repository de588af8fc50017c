//! `--instructions` and PATCHCORE_INSTRUCTIONS: what the CPU's own kernels may use, and what they then compute.

use serde_json::Value;

use crate::photos::{good_folder, save};
use crate::program::{Run, Workplace, command, finish, patchcore, small_fit};

/// What `patchcore devices` says of the instructions, with this in the environment.
fn devices(variable: &str) -> Run {
    finish(command().args(["devices", "--format", "json"]).env("PATCHCORE_INSTRUCTIONS", variable))
}

fn available() -> Vec<String> {
    let said: Value = serde_json::from_str(&devices("").done().stdout).unwrap();
    let sets = said["instructions"]["available"].as_array().unwrap();
    sets.iter().map(|set| set.as_str().unwrap().to_owned()).collect()
}

#[test]
fn devices_names_the_sets_and_the_one_in_use() {
    let sets = available();
    assert_eq!(sets.first().map(String::as_str), Some("portable"));
    let said: Value = serde_json::from_str(&devices("").done().stdout).unwrap();
    let known = said["instructions"]["known"].as_array().unwrap();
    assert!(sets.iter().all(|set| known.iter().any(|known| known == set.as_str())), "{known:?}");
    for (variable, used) in sets.iter().map(|set| (set.as_str(), set)).chain([("", sets.last().unwrap())]) {
        let said: Value = serde_json::from_str(&devices(variable).done().stdout).unwrap();
        assert_eq!(said["instructions"]["used"], used.as_str(), "{variable:?}");
    }
    let table = patchcore(["devices"]).done().stdout;
    let cpu = table.lines().find(|line| line.starts_with("cpu")).unwrap();
    assert!(cpu.contains(&format!("{} instructions (it has {})", sets.last().unwrap(), sets.join(", "))), "{cpu}");
}

#[test]
fn sets_that_do_not_exist_or_are_not_there_are_refused() {
    devices("sse2").misused(&[
        "instructions is sse2: expected one of portable, simd128, neon, neon_dot, avx2, avx_vnni, avx512, avx512_vnni, amx",
    ]);
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    let fit = |more: [&str; 4]| {
        let mut arguments = small_fit(&place.path("photos"), &place.path("m.patchcore"));
        arguments.extend(more.map(str::to_owned));
        patchcore(arguments)
    };
    fit(["--device", "cpu", "--instructions", "sse2"])
        .misused(&["'sse2'", "portable, simd128, neon, neon_dot, avx2, avx_vnni, avx512, avx512_vnni, amx"]);
    let elsewhere = ["device `flex:tensors` in f32 cannot be limited to portable", "CPU's own kernels"];
    if patchcore::Backend::Flex.is_compiled_in() {
        fit(["--device", "flex:tensors", "--instructions", "portable"]).fails(&elsewhere);
    }
    let sets = available();
    if let Some(absent) = ["neon", "avx2"].into_iter().find(|set| !sets.iter().any(|there| there == set)) {
        let words = [&format!("cannot be limited to {absent}"), "what this processor has: portable"];
        fit(["--device", "cpu", "--instructions", absent]).fails(&words);
    }
    assert!(!place.path("m.patchcore").exists());
}

#[test]
fn every_set_fits_and_reads_what_another_has_fitted() {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 4);
    save(&place.path("new.png"), crate::photos::photo(112, 80, 40, true));
    let (new, mut scores) = (place.text("new.png"), Vec::new());
    for set in available() {
        let model = place.path(&format!("{set}.patchcore"));
        let mut arguments = small_fit(&place.path("photos"), &model);
        arguments.extend(["--instructions".to_owned(), set.clone()]);
        patchcore(arguments).done();
        for other in available() {
            let model = model.display().to_string();
            let score = ["score", "--model", &model, "--format", "json", "--instructions", &other, &new];
            let rows: Value = serde_json::from_str(&patchcore(score).done().stdout).unwrap();
            scores.push(rows[0]["score"].as_f64().unwrap());
        }
    }
    // The network rounds differently in each set, and near ties may fall to another row: no more than that.
    let first = scores[0];
    assert!(scores.iter().all(|score| (score / first - 1.0).abs() < 1e-3), "{scores:?}");
}
