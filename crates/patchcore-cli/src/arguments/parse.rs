//! Values of options that are more than a number or a word.

use std::ffi::OsString;

use bytesize::ByteSize;
use clap::builder::{OsStringValueParser, TypedValueParser};
use patchcore::config::CATALOGUE;
use patchcore::{Size, WeightsFile};

/// `FILE`, or `NAME=FILE` where NAME is a network: a file may have `=` in its name.
pub fn weights_parser() -> impl TypedValueParser<Value = WeightsFile> {
    OsStringValueParser::new().map(|text: OsString| {
        let network = |name: &str| CATALOGUE.iter().find(|network| network.name == name);
        let named = text.to_str().and_then(|text| text.split_once('='));
        match named.and_then(|(name, path)| Some((network(name)?, path))) {
            Some((network, path)) => WeightsFile::of(network.name, path),
            None => WeightsFile { network: None, path: text.into() },
        }
    })
}

/// `NETWORK` or `NETWORK+NETWORK`.
///
/// # Errors
/// Which networks there are.
pub fn parse_networks(text: &str) -> Result<String, String> {
    let is_known = |name: &str| CATALOGUE.iter().any(|network| network.name == name);
    if text.split('+').all(is_known) {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = CATALOGUE.iter().map(|network| network.name).collect();
    Err(format!("expected networks joined by +, each one of {}", known.join(", ")))
}

/// Levels of a network that is named, or of the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelSet {
    /// The network.
    pub network: Option<String>,
    /// In network order.
    pub layers: Vec<String>,
}

/// `LAYER,LAYER` or `NAME=LAYER,LAYER`.
///
/// # Errors
/// What is expected.
pub fn parse_layers(text: &str) -> Result<LevelSet, String> {
    let (network, layers) = match text.split_once('=') {
        Some((network, layers)) => (Some(network.trim().to_owned()), layers),
        None => (None, text),
    };
    let layers: Vec<String> = layers.split(',').map(|layer| layer.trim().to_owned()).collect();
    let is_empty = layers.iter().any(String::is_empty) || network.as_ref().is_some_and(String::is_empty);
    if is_empty {
        Err("expected LAYER,LAYER or NETWORK=LAYER,LAYER".to_owned())
    } else {
        Ok(LevelSet { network, layers })
    }
}

/// `RULE=VALUE`.
///
/// # Errors
/// What is expected.
pub fn parse_rule(text: &str) -> Result<(String, String), String> {
    let (rule, value) = text.split_once('=').ok_or("expected RULE=VALUE, for example image_score=maximum_of_map")?;
    Ok((rule.trim().to_owned(), value.trim().to_owned()))
}

/// A number of pixels that is not negative.
///
/// # Errors
/// What is expected.
pub fn parse_area(text: &str) -> Result<f64, String> {
    let area = text.parse::<f64>().ok().filter(|area| area.is_finite() && *area >= 0.0);
    area.ok_or_else(|| "expected a number of pixels, 0 or more".to_owned())
}

/// A time in milliseconds.
///
/// # Errors
/// What is expected.
pub fn parse_budget(text: &str) -> Result<f64, String> {
    let budget = text.parse::<f64>().ok().filter(|budget| budget.is_finite() && *budget > 0.0);
    budget.ok_or_else(|| "expected a number of milliseconds above 0".to_owned())
}

/// `N` or `WxH`.
///
/// # Errors
/// What is expected.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let side =
        |side: &str| side.parse::<u32>().map_err(|_| format!("`{text}`: expected N or WxH, for example 320x256"));
    match text.split_once(['x', 'X']) {
        Some((width, height)) => Ok(Size { width: side(width)?, height: side(height)? }),
        None => side(text).map(|side| Size { width: side, height: side }),
    }
}

/// A size in bytes: `512MiB`, `2GiB`, `500MB`.
///
/// # Errors
/// What is expected.
pub fn parse_bytes(text: &str) -> Result<ByteSize, String> {
    let size = text.parse::<ByteSize>().ok().filter(|_| text.ends_with(['B', 'b']));
    size.ok_or_else(|| "expected a size with its unit, for example 512MiB or 2GiB".to_owned())
}

/// Threads of the program: at least one.
///
/// # Errors
/// What is expected.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    let threads = text.parse::<usize>().ok().filter(|threads| (1..=MOST_THREADS).contains(threads));
    threads.ok_or_else(|| format!("expected a number from 1 to {MOST_THREADS}"))
}

/// More than any machine that computes on its CPU alone gains from.
const MOST_THREADS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_side_or_two() {
        assert_eq!(parse_size("224"), Ok(Size { width: 224, height: 224 }));
        assert_eq!(parse_size("320x256"), Ok(Size { width: 320, height: 256 }));
        for bad in ["", "x", "3x", "a", "-1", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_and_files_are_a_networks_or_nobodys() {
        let set = |network: Option<&str>, layers: &[&str]| LevelSet {
            network: network.map(str::to_owned),
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
        };
        assert_eq!(parse_layers("layer2, layer3"), Ok(set(None, &["layer2", "layer3"])));
        assert_eq!(parse_layers("resnet18=layer1,layer2"), Ok(set(Some("resnet18"), &["layer1", "layer2"])));
        for bad in ["", "layer2,", "=layer2", "resnet18="] {
            assert!(parse_layers(bad).is_err(), "{bad}");
        }
        let parse = |text: &str| {
            let command = clap::Command::new("fit");
            weights_parser().parse_ref(&command, None, std::ffi::OsStr::new(text)).unwrap()
        };
        assert_eq!(parse("resnet18=a=b.onnx"), WeightsFile::of("resnet18", "a=b.onnx"));
        assert_eq!(parse("a=b.onnx"), WeightsFile::from("a=b.onnx"));
        assert_eq!(parse_networks("resnet18+resnet34").as_deref(), Ok("resnet18+resnet34"));
        assert!(parse_networks("resnet18+").is_err_and(|error| error.contains("resnet18, ")));
    }

    #[test]
    fn sizes_in_bytes_have_a_unit() {
        for (text, bytes) in [
            ("512MiB", 512 << 20),
            ("512 MiB", 512 << 20),
            ("2GiB", 2 << 30),
            ("1.5 GiB", 3 << 29),
            ("64KiB", 64 << 10),
        ] {
            assert_eq!(parse_bytes(text), Ok(ByteSize(bytes)), "{text}");
        }
        assert_eq!(parse_bytes("500MB"), Ok(ByteSize(500_000_000)));
        for bad in ["", "512", "MiB", "-1MiB", "1e3", "12 parsecs", "512M", "nanMiB"] {
            assert!(parse_bytes(bad).is_err_and(|error| error.contains("512MiB")), "{bad}");
        }
    }

    #[test]
    fn threads_are_at_least_one() {
        assert_eq!(parse_threads("2"), Ok(2));
        for bad in ["0", "-1", "two", "1025", ""] {
            assert!(parse_threads(bad).is_err(), "{bad}");
        }
    }
}
