//! A bank that was not fitted here: refused where it is none, honest about what it does not know.

use patchcore_config::{Architecture, Mode};
use patchcore_core::error::FitError;
use patchcore_core::memory_bank::BankError;
use patchcore_core::model_file::{DriftPolicy, ModelFile};
use patchcore_core::{ComputeDevice, PatchCore};

use crate::arrays::efficientnet_lite0;
use crate::formula::fill;

#[test]
fn it_has_no_origins_and_its_model_file_none_either() {
    let config = Mode::Paper.config(Architecture::EFFICIENTNET_LITE0).check().unwrap();
    let rows = fill("bank", &[20, config.first().embedding_dim()], 1.0).data;
    let (weights, device) = (efficientnet_lite0(), ComputeDevice::flex());
    let model = PatchCore::with_bank(config.clone(), &weights, rows.clone(), &device).unwrap();
    assert_eq!(model.bank().origins(), None);

    let bytes = ModelFile::new(&model).to_bytes().unwrap();
    let read = ModelFile::from_bytes(&bytes)
        .unwrap()
        .into_model(Some((&weights).into()), &device, DriftPolicy::Refuse)
        .unwrap();
    assert_eq!(read.bank(), model.bank());
    // Which photo's rows to leave out nobody can say.
    assert!(matches!(read.without_image(0), Err(FitError::NoOrigins)));

    let cut = PatchCore::with_bank(config, &weights, rows[1..].to_vec(), &device);
    assert!(matches!(cut, Err(FitError::Bank(BankError::Rows { .. }))));
}
