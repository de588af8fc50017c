//! What an error of the library means at the command line: the option or command that helps.

use patchcore::Error;
use patchcore::error::{
    BackboneError, CalibrationError, DeviceError, FitError, ImageError, InputError, ModelFileError, RegionError,
    ScoreError, WeightsError,
};

/// The option or command that helps, if one does.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    let of_cause = |cause: &(dyn std::error::Error + 'static)| {
        let of_image = || cause.downcast_ref().and_then(of_image);
        cause.downcast_ref().and_then(of_error).or_else(of_image).or_else(|| cause.downcast_ref().and_then(of_rate))
    };
    error.chain().find_map(of_cause)
}

/// [`hint`], of one photo's error.
pub fn of_error(error: &Error) -> Option<String> {
    let text = match error {
        Error::Device(device) | Error::Fit(FitError::Device(device)) | Error::Score(ScoreError::Device(device)) => {
            return of_device(device);
        }
        Error::NoUsablePhoto { first, .. } => return of_error(first),
        Error::Image(image) => return of_image(image),
        Error::Calibration(calibration) => return of_rate(calibration),
        Error::Fit(FitError::Input(InputError::WrongSize { .. }))
        | Error::Score(ScoreError::Input(InputError::WrongSize { .. })) => SIZES,
        Error::TrainingPhoto { .. } => "`--cross-fit 5` makes an estimate from the training photos",
        Error::NotATrainingPhoto { .. } => "without `--cross-fit` photos calibrate that the model has not seen",
        Error::TooMuchMemory { .. } => {
            "fewer photos, `--resize` or `--roi` have fewer patches, `--tile` smaller maps of the network; `--max-memory MIB` allows more"
        }
        Error::Fit(FitError::BudgetTooSmall { smallest, .. }) => {
            let mebibytes = smallest.div_ceil(1 << 20);
            return Some(format!("`--memory {mebibytes}MiB` is enough; `--bank-rows` asks for fewer rows"));
        }
        Error::Fit(FitError::CoverageOverBudget { .. }) => {
            "`--memory` allows more rows, a larger `--coverage` needs fewer"
        }
        Error::UnknownPhoto { .. } | Error::AmbiguousPhoto { .. } => {
            "`patchcore inspect --format json` lists the photos with their digests"
        }
        Error::NoThreshold => "run `patchcore calibrate`, or give a threshold with `--threshold`",
        Error::Io { action: "read", .. } => "a model is what `patchcore fit` wrote",
        Error::ModelFile { source: ModelFileError::OtherWeights { .. }, .. } => "`--weights FILE` names the weights",
        Error::ModelFile { source: ModelFileError::WeightsNeeded { .. }, .. } => {
            "`--weights FILE` names the weights, of several networks `--weights NAME=FILE`; `fit --embed-weights` stores them in the model"
        }
        Error::Fit(FitError::Backbone(BackboneError::TwoPrecisions { .. }))
        | Error::ModelFile {
            source: ModelFileError::Backbone(BackboneError::TwoPrecisions { .. } | BackboneError::NoChoice { .. }),
            ..
        } => "leave `--precision` out",
        Error::ModelFile { source: ModelFileError::Drift { .. }, .. } => {
            "`patchcore doctor` compares the device with the CPU; `--allow-drift` goes on"
        }
        Error::Weights(WeightsError::NotInstalled { .. }) => {
            "`--weights FILE` names a file of them, of several networks `--weights NAME=FILE`"
        }
        Error::WhoseWeights { .. } => "`--weights NAME=FILE` says whose they are",
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_device(error: &DeviceError) -> Option<String> {
    let text = match error {
        DeviceError::NotCompiledIn { feature, .. } => {
            return Some(format!("cargo build --release --features {feature}"));
        }
        DeviceError::NotPresent { .. } | DeviceError::NoGpu { .. } => "`patchcore devices` lists the compute devices",
        DeviceError::OutOfMemory { .. } => {
            "`--size`, `--resize` or `--tile` make what is computed at once smaller; `--device cpu` is the CPU"
        }
        DeviceError::Lost { .. } => "run the command again; `patchcore doctor` examines the device",
        DeviceError::UnsupportedPrecision { .. } => "`--precision f32` is what every device computes in",
        DeviceError::WrongAnswer { .. } | DeviceError::Crashed { .. } | DeviceError::Execution { .. } => {
            "`--device cpu` is the CPU"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_image(error: &ImageError) -> Option<String> {
    let text = match error {
        ImageError::PreparedTooLarge { .. } => SIZES,
        ImageError::FloatRange { .. } => "`fit --full-scale 255` says which value is white, and the model keeps it",
        ImageError::Region(RegionError::Empty { .. }) => {
            "white is what to look at in the mask of `--roi`, and what to ignore in that of `--ignore`"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_rate(error: &CalibrationError) -> Option<String> {
    matches!(error, CalibrationError::TooFewScores { .. }).then(|| "`--fpr` allows a higher rate".to_owned())
}

const SIZES: &str =
    "`--size WxH` gives both sides, `--resize` the short one; `--tile 512` takes larger photos as they are, in tiles";
