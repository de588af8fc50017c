//! The network alone in int8, bf16 or f32, limited to one instruction set, a batch of one: milliseconds per image.

use std::hint::black_box;

use anyhow::{Context, bail};
use patchcore::Mode;
use patchcore_config::Architecture;
use patchcore_config::backbone::ActivationRanges;
use patchcore_core::Instructions;
use patchcore_cpu::network::reduced::{ReducedNetwork, ReducedWorkspace, ranges_of};
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};

use super::Skip;
use super::trunk::{Trunk, trunk};
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A backbone up to its second level; the ranges of int8 are those of the photograph that is measured.
///
/// # Errors
/// [`Skip`] for a set that this processor has not; weights or input that are not there.
pub fn set_up(backbone: &str, set: &str, precision: &str, work: &Work) -> anyhow::Result<Measure> {
    let instructions = instructions(set, precision)?;
    let Trunk { plan, weights, input, side } = trunk(backbone, work)?;
    let float = || CpuNetwork::new(instructions, &plan, &weights).context("cannot build the network");
    let mut maps = Vec::new();
    let network = match precision {
        "f32" => {
            let (network, mut workspace) = (float()?, Workspace::new());
            return Ok(Box::new(move || {
                timed(|| {
                    network.forward(&input, 1, side, side, MapLayout::ChannelsLast, &mut workspace, &mut maps)?;
                    black_box(&maps);
                    Ok(())
                })
            }));
        }
        "int8" => {
            let mut observed = ActivationRanges::nothing_seen(&plan);
            float()?.observe(&input, 1, side, side, &mut Workspace::new(), &mut observed)?;
            let config = Mode::Line.config(Architecture::from_name(backbone)?).check()?;
            let ranges = ranges_of(&plan, &config.first().normalization, &observed)?;
            ReducedNetwork::int8(instructions, &plan, &weights, &ranges)?
        }
        "bf16" => ReducedNetwork::bf16(instructions, &plan, &weights)?,
        _ => bail!("unknown number format `{precision}`"),
    };
    let mut workspace = ReducedWorkspace::new();
    Ok(Box::new(move || {
        timed(|| {
            network.forward(&input, 1, side, side, &mut workspace, &mut maps)?;
            black_box(&maps);
            Ok(())
        })
    }))
}

/// The set of that name. AVX-512's products of bf16 have no name of their own: they are used where the processor has them.
fn instructions(set: &str, precision: &str) -> anyhow::Result<Instructions> {
    let instructions = match set {
        "avx512_bf16" if !has_avx512_bf16() => bail!(Skip(format!("this processor has no {set}"))),
        "avx512_bf16" => Instructions::Avx512Vnni,
        "avx512_vnni" if precision == "bf16" => bail!(Skip(format!("{set} has no bf16"))),
        _ => Instructions::from_name(set).map_err(|error| Skip(error.to_string()))?,
    };
    if !instructions.is_available() {
        bail!(Skip(format!("this processor has no {set}")));
    }
    Ok(instructions)
}

fn has_avx512_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}
