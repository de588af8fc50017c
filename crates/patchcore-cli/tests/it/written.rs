//! Files that the program writes for others, held against docs/schema: whatever a test has it write is validated.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::program::Run;

/// The published schemas, closed: there a key may be added, here each must be in the schema.
pub static SCHEMAS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let schema = |name: &'static str| {
        let text = fs::read_to_string(folder.join(format!("{name}.schema.json"))).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        close(&mut schema);
        (name, jsonschema::draft202012::new(&schema).unwrap())
    };
    ["metrics", "run", "stress", "comparison", "diff", "score-row", "bench", "device-check"].map(schema).into()
});

/// No object has other keys than its schema says.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) {
                object.entry("additionalProperties").or_insert(json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[track_caller]
pub fn check(name: &str, value: &Value) {
    let errors: Vec<String> =
        SCHEMAS[name].iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "docs/schema/{name}.schema.json does not describe what was written: {errors:#?}");
}

#[track_caller]
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Validates what a run that ended well has written for others.
#[track_caller]
pub fn check_written(arguments: &[OsString], run: &Run) {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let value = |option: &str| words.iter().position(|word| word == option).and_then(|at| words.get(at + 1));
    let format = value("--format").map_or("", String::as_str);
    match words.first().map_or("", String::as_str) {
        "evaluate" if matches!(run.code, Some(0 | 3)) => {
            // Help is no evaluation.
            let Some(at) = words.iter().position(|word| word == "-o") else { return };
            for name in ["metrics", "run", "stress"] {
                let file = Path::new(&arguments[at + 1]).join(format!("{name}.json"));
                if name == "stress" && !file.exists() {
                    continue;
                }
                check(name, &parsed(&fs::read_to_string(file).unwrap()));
            }
        }
        "compare" if run.code == Some(0) && format == "json" => check("comparison", &parsed(&run.stdout)),
        "diff" if matches!(run.code, Some(0 | 3)) && format == "json" => check("diff", &parsed(&run.stdout)),
        "score" if matches!(run.code, Some(0 | 3 | 4)) && format == "jsonl" => {
            run.stdout.lines().for_each(|line| check("score-row", &parsed(line)));
        }
        "score" if matches!(run.code, Some(0 | 3 | 4)) && format == "json" => {
            parsed(&run.stdout).as_array().unwrap().iter().for_each(|row| check("score-row", row));
        }
        _ => {}
    }
}
