//! Settings by name, as a dict has them.

use std::collections::HashMap;
use std::path::PathBuf;

use numpy::{PyArrayMethods, PyUntypedArrayMethods};
use patchcore::{
    BankDtype, Copies, Crop, Instructions, Limits, Mode, NetworkPrecision, NetworkSettings, Photo, Precision, Preset,
    Region, Resize, Settings, Size, Tiling, Turned, region_of_masks,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::array::{as_array, contiguous, described};
use crate::errors::{PatchCoreError, raised};
use crate::photo::is_path;

/// Pixels that neighbouring tiles share, where nobody says.
const OVERLAP: u32 = 128;

/// Every setting, in the order of the documentation.
const SETTINGS: [&str; 41] = [
    "preset",
    "mode",
    "backbone",
    "weights",
    "layers",
    "further_networks",
    "coreset_sampling_ratio",
    "bank_rows",
    "coverage",
    "memory",
    "num_neighbors",
    "patch_size",
    "pretrain_embed_dimension",
    "target_embed_dimension",
    "resize",
    "size",
    "crop",
    "pad_to_stride",
    "tile",
    "overlap",
    "tiling",
    "region",
    "full_scale",
    "copies",
    "unsteady_light",
    "any_angle",
    "distance",
    "image_score",
    "upsampling",
    "border",
    "smoothing",
    "embedding",
    "projection",
    "start",
    "rules",
    "seed",
    "device",
    "precision",
    "instructions",
    "bank_dtype",
    "network_precision",
];

/// The names of all settings.
#[pyfunction]
pub fn setting_names() -> Vec<&'static str> {
    SETTINGS.to_vec()
}

/// The settings in a dict. `None` is what has not been said.
pub fn settings_of(dict: &Bound<'_, PyAny>) -> PyResult<Settings> {
    let dict = dict.cast::<PyDict>()?;
    let mut given: HashMap<String, Bound<'_, PyAny>> = HashMap::new();
    for (key, value) in dict {
        let key: String = key.extract()?;
        if !SETTINGS.contains(&key.as_str()) {
            return Err(unknown(&key));
        }
        if !value.is_none() {
            given.insert(key, value);
        }
    }
    let preset = given.remove("preset").map(|value| text("preset", &value)).transpose()?;
    let base = preset.map(|name| Preset::from_name(&name).map(Preset::settings)).transpose();
    let mut settings = base.map_err(|error| raised(&error.into()))?.unwrap_or_default();
    let mut given = Given(given);
    given.networks(&mut settings)?;
    given.sizes(&mut settings)?;
    given.view(&mut settings)?;
    given.rules(&mut settings)?;
    given.compute(&mut settings)?;
    Ok(settings)
}

/// What is given and not yet used.
struct Given<'py>(HashMap<String, Bound<'py, PyAny>>);

impl<'py> Given<'py> {
    /// A value of a type, if it is given.
    fn take<T>(&mut self, name: &str, expected: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.0.remove(name).map(|value| value.extract().map_err(|_| wrong(name, &value, expected))).transpose()
    }

    fn text(&mut self, name: &str) -> PyResult<Option<String>> {
        self.0.remove(name).map(|value| text(name, &value)).transpose()
    }

    fn count(&mut self, name: &str) -> PyResult<Option<usize>> {
        self.take(name, "a whole number")
    }

    fn flag(&mut self, name: &str) -> PyResult<Option<bool>> {
        self.take(name, "True or False")
    }

    fn networks(&mut self, settings: &mut Settings) -> PyResult<()> {
        if let Some(value) = self.0.remove("backbone") {
            let names = texts("backbone", &value)?;
            let Some((first, further)) = names.split_first() else {
                return Err(wrong("backbone", &value, "the name of a network, or several"));
            };
            settings.backbone.clone_from(first);
            settings.further_networks = further.iter().map(NetworkSettings::new).collect();
        }
        if let Some(value) = self.0.remove("further_networks") {
            let expected = "a list of names, or of dicts of backbone, layers and weights";
            for network in value.try_iter().map_err(|_| wrong("further_networks", &value, expected))? {
                settings.further_networks.push(network_of(&network?)?);
            }
        }
        if let Some(value) = self.0.remove("layers") {
            settings.layers = Some(texts("layers", &value)?);
        }
        if let Some(value) = self.0.remove("weights") {
            let Ok(files) = value.cast::<PyDict>() else {
                settings.weights = Some(path("weights", &value)?);
                return Ok(());
            };
            for (network, file) in files {
                let (network, file) = (text("weights", &network)?, path("weights", &file)?);
                let mut further = settings.further_networks.iter_mut();
                match further.find(|further| further.backbone == network) {
                    _ if settings.backbone == network => settings.weights = Some(file),
                    Some(further) => further.weights = Some(file),
                    None => {
                        let found = format!("setting weights names {network}, which is none of the networks");
                        return Err(PatchCoreError::new_err(format!("{found}: give those of backbone")));
                    }
                }
            }
        }
        Ok(())
    }

    fn sizes(&mut self, settings: &mut Settings) -> PyResult<()> {
        let number = "a number";
        let ratio = self.take("coreset_sampling_ratio", number)?;
        settings.coverage = self.take("coverage", number)?;
        settings.bank_rows = self.count("bank_rows")?;
        settings.memory = self.take("memory", "a number of bytes")?;
        settings.num_neighbors = self.count("num_neighbors")?.or(settings.num_neighbors);
        settings.patch_size = self.count("patch_size")?.unwrap_or(settings.patch_size);
        settings.pretrain_embed_dimension =
            self.count("pretrain_embed_dimension")?.or(settings.pretrain_embed_dimension);
        settings.target_embed_dimension = self.count("target_embed_dimension")?.or(settings.target_embed_dimension);
        // A preset's share gives way to what is said.
        let is_said = settings.bank_rows.is_some() || settings.coverage.is_some();
        settings.coreset_sampling_ratio = ratio.or(settings.coreset_sampling_ratio.filter(|_| !is_said));
        Ok(())
    }

    fn view(&mut self, settings: &mut Settings) -> PyResult<()> {
        // Of a preset's view the crop belongs to the resize, and neither to tiles and padding.
        let whole_cells = ["tile", "tiling", "pad_to_stride"].iter().any(|name| self.0.contains_key(*name));
        if whole_cells || self.0.contains_key("resize") || self.0.contains_key("size") {
            (settings.resize, settings.crop) = (None, None);
        }
        if let Some(value) = self.0.remove("resize") {
            settings.resize = Some(match value.extract::<u32>() {
                Ok(short) => Resize::Short(short),
                Err(_) if is_word(&value, "keep") => Resize::Keep,
                Err(_) => Resize::Exact(size("resize", &value)?),
            });
        }
        if let Some(value) = self.0.remove("size") {
            settings.resize = Some(Resize::Exact(size("size", &value)?));
        }
        if let Some(value) = self.0.remove("crop") {
            settings.crop = Some(match is_false(&value) || is_word(&value, "keep") {
                true => Crop::Keep,
                false => Crop::Center(size("crop", &value)?),
            });
        }
        settings.pad_to_stride = self.flag("pad_to_stride")?.unwrap_or(settings.pad_to_stride);
        let tiles = self.take::<(u32, u32)>("tiling", "the side of a tile and what neighbours share")?;
        let tile: Option<u32> = self.take("tile", "a number of pixels")?;
        let overlap: Option<u32> = self.take("overlap", "a number of pixels")?;
        let side = tile.or(tiles.map(|(side, _)| side));
        if let Some(side) = side {
            let overlap = overlap.or(tiles.map(|(_, overlap)| overlap)).unwrap_or(OVERLAP);
            settings.tiling = Tiling::Tiles { size: side, overlap };
        } else if overlap.is_some() {
            return Err(PatchCoreError::new_err("setting overlap is given without tile: give the side of a tile, too"));
        }
        if let Some(value) = self.0.remove("region") {
            settings.region = Some(region(&value)?);
        }
        settings.full_scale = self.take("full_scale", "a whole number up to 65535")?;
        self.copies(settings)
    }

    fn copies(&mut self, settings: &mut Settings) -> PyResult<()> {
        let expected = "a dict of light (a list of factors) and turned (no, eighth_turns or mirrored)";
        if let Some(value) = self.0.remove("copies") {
            let copies = value.cast::<PyDict>().map_err(|_| wrong("copies", &value, expected))?;
            for (key, part) in copies {
                match text("copies", &key)?.as_str() {
                    "light" => settings.copies.light = part.extract().map_err(|_| wrong("copies", &value, expected))?,
                    "turned" => {
                        settings.copies.turned = turned(&part).ok_or_else(|| wrong("copies", &value, expected))?
                    }
                    _ => return Err(wrong("copies", &value, expected)),
                }
            }
        }
        if self.flag("unsteady_light")? == Some(true) {
            settings.copies.light = Copies::UNSTEADY_LIGHT.to_vec();
        }
        if let Some(value) = self.0.remove("any_angle") {
            let angle = turned(&value).ok_or_else(|| wrong("any_angle", &value, "True, False, turned or mirrored"))?;
            settings.copies.turned = angle;
        }
        Ok(())
    }

    fn rules(&mut self, settings: &mut Settings) -> PyResult<()> {
        if let Some(mode) = self.text("mode")? {
            settings.mode = Mode::from_name(&mode).map_err(|error| raised(&error.into()))?;
        }
        let mut rules = Vec::new();
        for rule in ["distance", "image_score", "upsampling", "border", "smoothing"] {
            rules.extend(self.text(rule)?.map(|value| (rule.to_owned(), value)));
        }
        let mut of_members = Vec::new();
        for rule in ["embedding", "projection", "start"] {
            of_members.extend(self.text(rule)?.map(|value| (rule, value)));
        }
        if !of_members.is_empty() {
            // They are said of every member; a rule's name alone is the first one's.
            let members = settings.config().map_err(|error| raised(&error))?.members.len();
            for (rule, value) in of_members {
                rules.extend((1..=members).map(|member| (format!("{rule} of member {member}"), value.clone())));
            }
        }
        settings.rules = rules;
        let expected = "a dict of rules and their values";
        if let Some(value) = self.0.remove("rules") {
            let rules = value.cast::<PyDict>().map_err(|_| wrong("rules", &value, expected))?;
            for (rule, value) in rules {
                settings.rules.push((text("rules", &rule)?, text("rules", &value)?));
            }
        }
        Ok(())
    }

    fn compute(&mut self, settings: &mut Settings) -> PyResult<()> {
        let known = |error: patchcore::error::ConfigError| raised(&error.into());
        settings.seed = self.take("seed", "a whole number from 0 to 2^64 - 1")?.unwrap_or(settings.seed);
        settings.device = self.text("device")?.unwrap_or_else(|| settings.device.clone());
        if let Some(name) = self.text("precision")? {
            settings.precision = Precision::from_name(&name).map_err(known)?;
        }
        if let Some(name) = self.text("instructions")? {
            settings.instructions = Some(Instructions::from_name(&name).map_err(known)?);
        }
        if let Some(name) = self.text("bank_dtype")? {
            settings.bank_dtype = BankDtype::from_name(&name).map_err(known)?;
        }
        if let Some(name) = self.text("network_precision")? {
            settings.network_precision = NetworkPrecision::from_name(&name).map_err(known)?;
        }
        Ok(())
    }
}

fn unknown(key: &str) -> PyErr {
    let alike = |name: &&&str| (strsim::jaro_winkler(key, name) * 1e6) as u32;
    let nearest = SETTINGS.iter().max_by_key(alike).copied().unwrap_or_default();
    let list = SETTINGS.join(", ");
    PatchCoreError::new_err(format!("unknown setting {key}: did you mean {nearest}? (the settings: {list})"))
}

fn wrong(name: &str, value: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    let found = value.repr().map_or_else(|_| "not printable".to_owned(), |text| text.to_string());
    PatchCoreError::new_err(format!("setting {name} is {found}, expected {expected}"))
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.extract().map_err(|_| wrong(name, value, "text"))
}

/// A list of texts, or one with commas.
fn texts(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return Ok(text(name, value)?.split(',').map(|part| part.trim().to_owned()).collect());
    }
    value.extract().map_err(|_| wrong(name, value, "text, or a list of texts"))
}

fn path(name: &str, value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    value.extract().map_err(|_| wrong(name, value, "a path"))
}

fn is_word(value: &Bound<'_, PyAny>, word: &str) -> bool {
    value.extract::<String>().is_ok_and(|text| text == word)
}

fn is_false(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyBool>().is_ok_and(|flag| !flag.is_true())
}

/// A side, `(width, height)`, or `"320x256"`.
fn size(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Size> {
    let sides = if let Ok(side) = value.extract::<u32>() {
        Some((side, side))
    } else if let Ok(words) = value.extract::<String>() {
        words.split_once(['x', 'X']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
    } else if value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyList>() {
        value.extract::<[u32; 2]>().ok().map(|[width, height]| (width, height))
    } else {
        None
    };
    let (width, height) =
        sides.ok_or_else(|| wrong(name, value, "pixels: a number, (width, height) or \"320x256\""))?;
    Ok(Size { width, height })
}

fn turned(value: &Bound<'_, PyAny>) -> Option<Turned> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Some(if flag.is_true() { Turned::EighthTurns } else { Turned::No });
    }
    match value.extract::<String>().ok()?.as_str() {
        "no" => Some(Turned::No),
        "turned" | "eighth_turns" => Some(Turned::EighthTurns),
        "mirrored" => Some(Turned::Mirrored),
        _ => None,
    }
}

/// Where to look: a mask's file, or an array `[h, w]` that is true there.
fn region(value: &Bound<'_, PyAny>) -> PyResult<Region> {
    if is_path(value)? {
        let (path, limits) = (path("region", value)?, Limits::default());
        let mask = Photo::open(&path, &limits).map_err(|error| raised(&error.into()))?;
        let region = region_of_masks(Some(&mask), None).map_err(|error| raised(&error.into()))?;
        return region.ok_or_else(|| wrong("region", value, "a mask of where to look"));
    }
    let array = as_array(value)?;
    let expected = "a mask's file, or an array [h, w] of bool: true where to look";
    let &[height, width] = array.shape() else {
        return Err(PatchCoreError::new_err(format!("setting region is {}, expected {expected}", described(&array))));
    };
    let side = |pixels: usize| u32::try_from(pixels).map_err(|_| wrong("region", value, expected));
    let size = Size { width: side(width)?, height: side(height)? };
    // Read as numbers: the bytes of a numpy bool may be any.
    let inside: Vec<bool> = contiguous::<f32>(&array)?.to_vec()?.into_iter().map(|value| value != 0.0).collect();
    Region::from_pixels(size, &inside).map_err(|error| PatchCoreError::new_err(error.to_string()))
}

/// A network beside the first: its name, or a dict.
fn network_of(value: &Bound<'_, PyAny>) -> PyResult<NetworkSettings> {
    let Ok(dict) = value.cast::<PyDict>() else {
        return Ok(NetworkSettings::new(text("further_networks", value)?));
    };
    let mut network = NetworkSettings::default();
    for (key, part) in dict {
        match text("further_networks", &key)?.as_str() {
            "backbone" => network.backbone = text("further_networks", &part)?,
            "layers" if part.is_none() => {}
            "layers" => network.layers = Some(texts("further_networks", &part)?),
            "weights" if part.is_none() => {}
            "weights" => network.weights = Some(path("further_networks", &part)?),
            _ => return Err(wrong("further_networks", value, "dicts of backbone, layers and weights")),
        }
    }
    if network.backbone.is_empty() {
        return Err(wrong("further_networks", value, "dicts with a backbone"));
    }
    Ok(network)
}
