//! `cargo xtask taps NETWORK`: every level of a network for one image, as NPY, to compare with another implementation of it.
//!
//! The image goes in as it is, without a resize or a crop: pixels in [0, 1], normalised as the network's weights expect. What went in is
//! written too, so that the other side can begin with the same numbers.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use patchcore_config::backbone::NetworkEntry;
use patchcore_config::{Architecture, BackboneWeights, CATALOGUE};
use patchcore_cpu::Instructions;
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};
use patchcore_fetch::read_pth;
use patchcore_io::{Limits, Photo};
use patchcore_testing::formula_weights;
use patchcore_weights::{import_known_safetensors, import_state_dict, load_weights};

/// Write every level of a network for one image, as NPY.
#[derive(Debug, Args)]
pub struct Taps {
    /// The network.
    #[arg(value_name = "NETWORK", value_parser = PossibleValuesParser::new(CATALOGUE.iter().map(|network| network.name)))]
    network: String,
    /// Its weights: a .pth, .safetensors or .onnx file.
    #[arg(long, value_name = "FILE", required_unless_present = "formula", conflicts_with = "formula")]
    weights: Option<PathBuf>,
    /// Weights by the formula of crates/patchcore-testing/fixtures/formula_weights.py, with this seed.
    #[arg(long, value_name = "SEED")]
    formula: Option<u32>,
    /// The image, taken as it is.
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// Folder to write into.
    #[arg(long, value_name = "DIR", default_value = "taps")]
    output: PathBuf,
}

impl Taps {
    /// Writes `NETWORK.input.npy` [1, 3, height, width] and `NETWORK.LEVEL.npy` [1, channels, rows, columns], f32.
    ///
    /// # Errors
    /// A file that cannot be read or written; weights of another network; an image that the network cannot take.
    pub fn run(&self) -> Result<()> {
        let architecture = Architecture::from_name(&self.network)?;
        let network = architecture.entry();
        let weights = self.weights(network)?;
        let levels = levels_of(network, &weights);
        let photo = Photo::open(&self.image, &Limits::default())?;
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        let pixels = photo.to_rgb8().into_raw();
        let channel = |channel: usize| pixels.iter().skip(channel).step_by(3).map(|value| f32::from(*value) / 255.0);
        let mut input: Vec<f32> = (0..3).flat_map(channel).collect();
        architecture.normalization().apply(&mut input);
        let maps = forward(network, levels, &weights, &input, (height, width))?;
        fs::create_dir_all(&self.output).with_context(|| format!("cannot create {}", self.output.display()))?;
        self.write("input", &[1, 3, height, width], &input)?;
        for (level, (shape, values)) in network.levels.iter().zip(maps) {
            self.write(level.name, &shape, &values)?;
        }
        Ok(())
    }

    fn weights(&self, network: &NetworkEntry) -> Result<BackboneWeights> {
        let name = network.name;
        let Some(path) = &self.weights else {
            let file = formula_weights(network, network.levels.len(), self.formula.unwrap_or_default());
            return Ok(import_known_safetensors(name, "the formula", &file)?);
        };
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pth")) {
            return Ok(load_weights(path, name)?);
        }
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        match read_pth(&bytes) {
            Ok(tensors) => Ok(import_state_dict(network, &path.display().to_string(), &tensors)?),
            Err(detail) => bail!("{}: {detail}", path.display()),
        }
    }

    fn write(&self, what: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        let path = self.output.join(format!("{}.{what}.npy", self.network));
        fs::write(&path, npy(shape, values)).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}  {shape:?}", path.display());
        Ok(())
    }
}

/// How many levels the weights reach.
fn levels_of(network: &NetworkEntry, weights: &BackboneWeights) -> usize {
    let is_whole = |count: &usize| {
        let tensors = network.plan_of_levels(*count).expected_tensors();
        tensors.iter().all(|(name, _)| weights.tensors.contains_key(name))
    };
    (1..=network.levels.len()).take_while(is_whole).last().unwrap_or_default()
}

/// Shape and values of a level.
type Map = ([usize; 4], Vec<f32>);

/// The first levels for one image `[3, height, width]`.
fn forward(
    network: &NetworkEntry,
    levels: usize,
    weights: &BackboneWeights,
    input: &[f32],
    (height, width): (usize, usize),
) -> Result<Vec<Map>> {
    let plan = network.plan_of_levels(levels);
    plan.check_sides(height, width)?;
    let executor = CpuNetwork::new(Instructions::native(), &plan, weights)?;
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    executor.forward(input, 1, height, width, MapLayout::ChannelsFirst, &mut workspace, &mut maps)?;
    Ok(maps.into_iter().map(|map| ([1, map.channels, map.height, map.width], map.data)).collect())
}

/// An array of `f32` in numpy's format, version 1.0.
fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sides = shape.iter().map(|side| format!("{side},")).collect::<String>();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}");
    // Magic, version and length before it, a line's end behind it: together a multiple of 64.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use patchcore_testing::read_npy;

    use super::*;

    fn taps(place: &Path, size: (u32, u32)) -> Taps {
        let image = place.join("image.png");
        image::RgbImage::from_fn(size.0, size.1, |x, y| image::Rgb([x as u8 * 3, y as u8 * 5, 90]))
            .save(&image)
            .unwrap();
        let weights = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/efficientnet_lite0.safetensors"));
        let network = "efficientnet_lite0".to_owned();
        Taps { network, weights, formula: None, image, output: place.join("out") }
    }

    #[test]
    fn every_level_is_written_with_what_went_in() {
        let place = tempfile::tempdir().unwrap();
        let taps = taps(place.path(), (40, 24));
        taps.run().unwrap();
        let read = |what: &str| read_npy(&place.path().join(format!("out/efficientnet_lite0.{what}.npy"))).unwrap();
        let (shape, input) = read("input");
        assert_eq!(shape, [1, 3, 24, 40]);
        // Row 2, column 1 of green is 10 of 255; (10 - 127) / 128.
        assert!((input[24 * 40 + 2 * 40 + 1] - (10.0 - 127.0) / 128.0).abs() < 1e-6);
        for (level, expected) in [("block2", [1, 24, 6, 10]), ("block4", [1, 40, 3, 5]), ("block7", [1, 80, 2, 3])] {
            let (shape, values) = read(level);
            assert_eq!(shape, expected);
            assert!(
                values.iter().all(|value| value.is_finite()) && values.iter().any(|value| *value != 0.0),
                "{level}"
            );
        }
    }

    #[test]
    fn weights_of_another_network_and_of_no_file_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let mut other = taps(place.path(), (32, 32));
        other.network = "resnet18".to_owned();
        assert!(other.run().unwrap_err().to_string().contains("no `conv1.weight`, which resnet18 needs"));
        other.weights = Some(place.path().join("none.pth"));
        assert!(other.run().unwrap_err().to_string().contains("none.pth"));
        assert!(!place.path().join("out").exists());
    }

    #[test]
    fn an_image_that_an_average_pool_would_cut_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let mut dense = taps(place.path(), (40, 36));
        (dense.network, dense.weights, dense.formula) = ("densenet121".to_owned(), None, Some(0));
        let error = dense.run().unwrap_err().to_string();
        assert!(error.contains("multiple"), "{error}");
    }
}
