//! Where to compute: options that every command has which computes.

use clap::Args;
use clap::builder::PossibleValuesParser;
use patchcore::{DEFAULT_DEVICE, INSTRUCTIONS, Instructions, Precision};

use crate::arguments::heading::COMPUTE;

/// Number formats of a device, and the choice among them.
pub const PRECISIONS: [&str; 5] = ["f32", "tf32", "f16", "bf16", AUTO];
/// Leaves the choice among the device's precisions to a measurement.
pub const AUTO: &str = "auto";

/// Where to compute, and in which number format.
#[derive(Debug, Clone, Args)]
pub struct Compute {
    /// Where to compute: auto, gpu, cpu, flex, vulkan, cuda:0, ...
    ///
    /// `patchcore devices` lists what there is here. flex is the CPU too, by way of Burn. gpu is the first GPU that computes right, auto
    /// the same, else the CPU.
    #[arg(long, default_value = DEFAULT_DEVICE, help_heading = COMPUTE)]
    pub device: String,
    /// Number format in which the device computes an f32 network
    ///
    /// tf32, f16 and bf16 are faster on GPUs that have units for them, and change scores a little. auto times what the device has on
    /// the model, and takes the fastest that keeps the model's passport; where there is no model yet it is f32.
    #[arg(long, default_value = "f32", value_name = "FORMAT", value_parser = PossibleValuesParser::new(PRECISIONS), help_heading = COMPUTE)]
    pub precision: String,
    /// Widest instruction set that the CPU may use [default: the processor's]
    ///
    /// `patchcore devices` lists which of them this processor has.
    /// The environment variable PATCHCORE_INSTRUCTIONS says the same where the option is not given.
    #[arg(long, value_name = "SET", value_parser = PossibleValuesParser::new(INSTRUCTIONS.map(Instructions::name)), help_heading = COMPUTE)]
    pub instructions: Option<String>,
}

impl Compute {
    /// The instruction set that the command names.
    pub fn instructions(&self) -> anyhow::Result<Option<Instructions>> {
        Ok(self.instructions.as_deref().map(Instructions::from_name).transpose()?)
    }

    /// The precision that the command names; `None` for `auto`.
    pub fn precision(&self) -> anyhow::Result<Option<Precision>> {
        let named = Some(self.precision.as_str()).filter(|name| *name != AUTO);
        Ok(named.map(Precision::from_name).transpose()?)
    }

    /// The precision of a command that has no model yet, whose passport could decide: f32 for `auto`.
    pub fn precision_without_model(&self) -> anyhow::Result<Precision> {
        Ok(self.precision()?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_is_listed_is_known() {
        for name in PRECISIONS.into_iter().filter(|name| *name != AUTO) {
            assert_eq!(Precision::from_name(name).unwrap().name(), name);
        }
    }
}
