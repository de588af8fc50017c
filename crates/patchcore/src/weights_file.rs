//! Files of weights for a model's networks, and whose each of them is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file of weights that somebody gives: an ONNX or safetensors file, for a network by its name or for the one that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeightsFile {
    /// The network; `None`: the model's only one, or of several the one whose weights are nowhere else.
    pub network: Option<String>,
    /// The file.
    pub path: PathBuf,
}

impl WeightsFile {
    /// The weights of a network.
    pub fn of(network: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { network: Some(network.into()), path: path.into() }
    }
}

/// The weights of the network that needs them.
impl From<PathBuf> for WeightsFile {
    fn from(path: PathBuf) -> Self {
        Self { network: None, path }
    }
}

impl From<&Path> for WeightsFile {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&str> for WeightsFile {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

/// Which of these files each of the networks reads. A file without a name is the only network's, and of several the one's that has no
/// weights elsewhere.
///
/// # Errors
/// [`Error::WhoseWeights`], [`Error::StrangeWeights`] and [`Error::WeightsTwice`].
pub fn assign_weights(
    files: &[WeightsFile],
    networks: &[&str],
    has_weights: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut assigned: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut give = |network: &str, path: &Path| match assigned.insert(network.to_owned(), path.to_owned()) {
        Some(first) if first != path => {
            Err(Error::WeightsTwice { network: network.into(), first: first.into(), second: path.into() })
        }
        _ => Ok(()),
    };
    let mut nameless = Vec::new();
    for WeightsFile { network, path } in files {
        match network {
            Some(network) if networks.contains(&network.as_str()) => give(network, path)?,
            Some(network) => {
                let networks = networks.join(", ").into();
                return Err(Error::StrangeWeights {
                    path: path.as_path().into(),
                    network: network.as_str().into(),
                    networks,
                });
            }
            None => nameless.push(path),
        }
    }
    for path in nameless {
        if let [only] = networks {
            give(only, path)?;
            continue;
        }
        let named = |network: &&str| files.iter().any(|file| file.network.as_deref() == Some(network));
        let lacking: Vec<&str> =
            networks.iter().copied().filter(|network| !named(network) && !has_weights(network)).collect();
        match lacking.as_slice() {
            [only] => give(only, path)?,
            _ => {
                let (networks, lacking) = (networks.join(", ").into(), lacking.join(" and ").into());
                return Err(Error::WhoseWeights { path: path.as_path().into(), networks, lacking });
            }
        }
    }
    Ok(assigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORKS: [&str; 3] = ["efficientnet_lite0", "resnet18", "resnet50"];

    fn assigned(files: &[WeightsFile], there: &[&str]) -> Result<Vec<(String, PathBuf)>, String> {
        let assigned = assign_weights(files, &NETWORKS, |network| there.contains(&network));
        assigned.map(|files| files.into_iter().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_without_a_name_is_the_one_networks_that_lacks_weights() {
        let file = || WeightsFile::from("a.onnx");
        let of = |network: &str, path: &str| (network.to_owned(), PathBuf::from(path));
        assert_eq!(assigned(&[file()], &NETWORKS[..2]), Ok(vec![of("resnet50", "a.onnx")]));
        let both = [WeightsFile::of("resnet18", "b.onnx"), file()];
        assert_eq!(assigned(&both, &NETWORKS[..1]), Ok(vec![of("resnet18", "b.onnx"), of("resnet50", "a.onnx")]));
        // Of a model with one network there is no doubt, whatever is installed.
        let only = assign_weights(&[file()], &["resnet18"], |_| true).unwrap();
        assert_eq!(only.into_iter().collect::<Vec<_>>(), [of("resnet18", "a.onnx")]);
        assert_eq!(assigned(&[], &[]), Ok(vec![]));
    }

    #[test]
    fn a_file_that_may_be_anybodys_is_refused() {
        let file = || WeightsFile::from("a.onnx");
        let refused = assigned(&[file()], &NETWORKS[..1]).unwrap_err();
        assert!(refused.contains("a.onnx") && refused.contains("resnet18 and resnet50 both lack weights"), "{refused}");
        let refused = assigned(&[file()], &NETWORKS).unwrap_err();
        assert!(refused.contains("none of efficientnet_lite0, resnet18, resnet50 lacks weights"), "{refused}");
        let refused = assigned(&[WeightsFile::of("resnet34", "a.onnx")], &[]).unwrap_err();
        assert!(
            refused.contains("resnet34") && refused.contains("efficientnet_lite0, resnet18, resnet50"),
            "{refused}"
        );
        let twice = [WeightsFile::of("resnet18", "a.onnx"), WeightsFile::of("resnet18", "b.onnx")];
        let refused = assigned(&twice, &[]).unwrap_err();
        assert!(["resnet18", "a.onnx", "b.onnx"].iter().all(|word| refused.contains(word)), "{refused}");
        assert!(assigned(&[file(), WeightsFile::from("b.onnx")], &NETWORKS[..2]).unwrap_err().contains("b.onnx"));
    }
}
