//! The fit that a choice of `patchcore bench` stands for, as one line to type.

use patchcore::{Mode, Precision};

use super::measured::Measured;
use crate::arguments::Bench;
use crate::command_line::shell_path;

/// The one line to type.
pub(super) fn command(arguments: &Bench, best: &Measured) -> String {
    let mut words = vec!["patchcore fit --data".to_owned(), shell_path(&arguments.data)];
    let mut option = |name: &str, value: String| words.push(format!("--{name} {value}"));
    if arguments.mode != Mode::default().name() {
        option("mode", arguments.mode.clone());
    }
    if arguments.seed != 0 {
        option("seed", arguments.seed.to_string());
    }
    if arguments.compute.device != patchcore::DEFAULT_DEVICE {
        option("device", arguments.compute.device.clone());
    }
    if let Ok(Some(precision)) = arguments.compute.precision()
        && precision != Precision::F32
    {
        option("precision", precision.name().to_owned());
    }
    if let Some(instructions) = &arguments.compute.instructions {
        option("instructions", instructions.clone());
    }
    best.backbone.split('+').for_each(|backbone| option("backbone", backbone.to_owned()));
    if !best.network_precision.is_f32() {
        option("network-precision", best.network_precision.name().to_owned());
    }
    option("resize", best.resize.to_string());
    option("coreset-sampling-ratio", best.coreset_sampling_ratio.to_string());
    words.push("-o part.patchcore".to_owned());
    words.join(" ")
}
