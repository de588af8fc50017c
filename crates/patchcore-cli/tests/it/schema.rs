//! The schemas of docs/schema describe what the program writes, key by key: one that is renamed without a new version is found.

use std::fs;

use serde_json::{Value, json};

use crate::photos::{HEIGHT, WIDTH, category, photo, save};
use crate::program::{Workplace, patchcore, small_fit};
use crate::written::{SCHEMAS, check, parsed};

/// The value with one key renamed, in every way; not the keys that are names of kinds, stages and settings.
fn renamed(value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let mut other = object.clone();
                other.remove(key);
                other.insert(format!("{key}_renamed"), inner.clone());
                all.push((key.clone(), Value::Object(other)));
                let names = ["kinds", "seconds", "settings", "metrics", "hidden_defects"];
                let is_map = names.contains(&key.as_str()) && inner.is_object();
                let inners = if is_map { Vec::new() } else { renamed(inner) };
                for (path, inner) in inners {
                    let mut other = object.clone();
                    other.insert(key.clone(), inner);
                    all.push((format!("{key}/{path}"), Value::Object(other)));
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                for (path, inner) in renamed(item) {
                    let mut other = items.clone();
                    other[at] = inner;
                    all.push((format!("{at}/{path}"), Value::Array(other)));
                }
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_renamed_key_is_found_in_every_file() {
    let place = Workplace::new();
    category(&place.path("part"));
    let (model, data, out) = (place.text("m.patchcore"), place.text("part"), place.text("out"));
    patchcore(small_fit(&place.path("part"), &place.path("m.patchcore"))).done();
    for seed in 100..112 {
        save(&place.path(&format!("held_out/{seed}.png")), photo(WIDTH, HEIGHT, seed, false));
    }
    patchcore(["calibrate", "--model", &model, "--good", &place.text("held_out"), "--fpr", "0.25"]).done();
    let evaluate = ["evaluate", "--model", &model, "--data", &data, "-o", &out, "--no-report", "--stress"];
    patchcore(evaluate.iter().chain(&["--stress-photos", "2"])).done();
    let compared = patchcore(["compare", &out, &out, "-o", &place.text("c.html"), "--format", "json"]).done().stdout;
    let extended = place.text("e.patchcore");
    patchcore(["extend", &model, "--data", &place.text("part/test/good"), "-o", &extended]).done();
    let diff = ["diff", &model, &extended, "--format", "json", "--data", &place.text("held_out"), "--most", "1"];
    let different = patchcore(diff).done().stdout;
    let scored = patchcore(["score", "--model", &model, "--format", "jsonl", &place.text("part/test/spot/000.png")]);
    let read = |name: &str| parsed(&fs::read_to_string(place.path("out").join(name)).unwrap());
    for (name, value, at_least) in [
        ("metrics", read("metrics.json"), 60),
        ("run", read("run.json"), 30),
        ("stress", read("stress.json"), 200),
        ("comparison", parsed(&compared), 60),
        ("diff", parsed(&different), 40),
        ("score-row", parsed(&scored.done().stdout), 13),
    ] {
        check(name, &value);
        let all = renamed(&value);
        assert!(all.len() >= at_least, "{name}: {} keys", all.len());
        for (key, other) in all {
            assert!(!SCHEMAS[name].is_valid(&other), "{name}: {key} is renamed, and nobody is told");
        }
        if name != "score-row" {
            let mut newer = value;
            newer["version"] = json!(2);
            assert!(!SCHEMAS[name].is_valid(&newer), "{name}: version 2 has a schema of its own");
        }
    }
}
