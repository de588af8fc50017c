//! A model as bytes, without a file.

use patchcore::{Error, LoadOptions, Model, Save};

use crate::part;
use crate::photos::settings;

#[test]
fn bytes_are_the_file_and_give_the_model_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("m.patchcore");
    let model = Model::fit(&settings(), part::good(2)).unwrap();
    let mut sizes = Vec::new();
    for save in [Save::WithoutWeights, Save::WithWeights] {
        let bytes = model.to_bytes(save).unwrap();
        model.save(&path, save).unwrap();
        assert!(std::fs::read(&path).unwrap() == bytes, "{save:?}");
        for loaded in [Model::from_bytes(&bytes, &LoadOptions::default()).unwrap(), Model::load(&path).unwrap()] {
            assert_eq!(loaded.score(&part::photo(9, true)).unwrap(), model.score(&part::photo(9, true)).unwrap());
        }
        sizes.push(bytes.len());
    }
    assert!(sizes[1] > sizes[0] + 1_000_000, "{sizes:?}");
    let error = Model::from_bytes(&[0; 100], &LoadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::ModelFile { .. }), "{error}");
    assert!(error.to_string().starts_with("model in memory: not a readable PatchCore model"), "{error}");
}
