//! `docs/reference/model-file.md` is true: its Python reads a model that this crate wrote and finds both digests right, and its table of names is
//! that of the code.

use std::path::Path;
use std::process::Command;

use patchcore::{
    Instructions, LoadOptions, Model, NetworkPrecision, Photo, PixelBuffer, PixelFormat, Provenance, Save, Settings,
};
use patchcore_core::model_file::REQUIREMENTS;

use crate::part;
use crate::photos::settings;

const PAGE: &str = include_str!("../../../../docs/reference/model-file.md");

/// See [`a_file_of_version_3_scores_the_same_bits`].
const VERSION_3: [f32; 3] = [94.591866, 95.27761, 91.73879];

/// The page's blocks of Python, one program.
fn python() -> String {
    let blocks = PAGE.split("```python\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect()
}

/// What the program prints of a model; `None` where there is no Python.
fn read_by_python(model: &Path) -> Option<String> {
    let run = Command::new("python3").arg("-c").arg(python()).arg(model).output();
    let Ok(run) = run else {
        assert!(std::env::var_os("PATCHCORE_REQUIRE_SHARED").is_none(), "CI has python3");
        println!("skipped: no python3");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(String::from_utf8(run.stdout).unwrap())
}

#[test]
fn the_pages_python_reads_a_model_and_checks_its_digests() {
    assert_eq!(python().matches("assert").count(), 2, "both digests are checked");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let f16 = Settings { bank_dtype: patchcore::BankDtype::F16, ..settings() };
    let int8 = Settings { network_precision: NetworkPrecision::Int8, ..settings() };
    for (settings, save) in [
        (settings(), Save::WithoutWeights),
        (settings(), Save::WithWeights),
        (int8, Save::WithoutWeights),
        (f16, Save::WithWeights),
    ] {
        let model = Model::fit(&settings, part::good(3)).unwrap();
        let host = Some("Prüfplatz 4".to_owned());
        let model = model.with_provenance(Provenance { host, ..Provenance::default() });
        model.save(&path, save).unwrap();
        let rows = model.bank().rows();
        let Some(printed) = read_by_python(&path) else { return };
        let words: Vec<&str> = printed.split_whitespace().collect();
        assert_eq!(words[..3], ["efficientnet_lite0", &model.bank().len().to_string(), "120"]);
        let values: Vec<f32> = words[3..].iter().map(|word| word.parse().unwrap()).collect();
        assert_eq!(values, [rows[0], rows[rows.len() - 1]]);
    }
    // A bit of the bank.
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(std::panic::catch_unwind(|| read_by_python(&path)).is_err(), "damage is found");
}

#[test]
fn the_pages_names_are_those_of_the_code() {
    let (_, rest) = PAGE.split_once("<!-- requires -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /requires -->").unwrap();
    let mut expected = "| name in `requires` | what a reader must know |\n|---|---|\n".to_owned();
    expected.extend(REQUIREMENTS.map(|(name, what)| format!("| `{name}` | {what} |\n")));
    assert_eq!(table, expected);
}

/// A file of this format version as it was written when the format was made, and what was scored then with portable instructions: image
/// score, largest value of the map, value at column 30 of row 20.
#[test]
fn a_file_of_version_3_scores_the_same_bits() {
    let bytes = include_bytes!("../fixtures/version_3_paper.safetensors");
    let model = Model::from_bytes(bytes, &LoadOptions::default().instructions(Instructions::Portable)).unwrap();
    let (width, height) = (48, 40);
    let data: Vec<u8> = (0..width * height).map(|at| (at * 31 % 251) as u8).collect();
    let photo = PixelBuffer { data: &data, width, height, stride: 48, format: PixelFormat::Gray8 };
    let scored = model.score(&Photo::from_buffer(&photo).unwrap()).unwrap();
    let found = [scored.score, scored.map.max(), scored.map.scores[20 * 48 + 30]];
    assert_eq!(found, VERSION_3);
    assert_eq!(model.training_photos().len(), 3);
    assert!(model.training_photos().iter().all(|photo| photo.sha256.is_some() && photo.path.is_some()));
    assert!(model.passport().is_some() && model.good_quantiles().is_some() && model.inputs_seen().is_some());
    assert!(model.thresholds().image.is_some());
    // Read and written again it is the same file.
    assert_eq!(model.to_bytes(Save::WithoutWeights).unwrap(), bytes);
}
