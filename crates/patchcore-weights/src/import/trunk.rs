//! What a weights file of a network holds: the convolutions of its plan, by their names.

use std::collections::BTreeMap;

use patchcore_config::CATALOGUE;
use patchcore_config::backbone::NetworkEntry;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};

use super::error::WeightsError;
use super::fold::Convolution;

/// The plan of all levels of a network. A file has to hold it up to the deepest default level; each level behind that may be
/// absent as a whole.
#[derive(Debug)]
pub struct Trunk {
    /// The network's name.
    pub name: &'static str,
    /// Every step, with every level tapped.
    pub plan: Plan,
    /// How many steps there are up to the deepest default level, and up to each level behind it.
    ends: Vec<usize>,
    /// What stands before the first point of the convolutions' names: `conv1`, `layer1`, ...
    roots: Vec<String>,
}

impl Trunk {
    /// The trunk of a network.
    pub fn new(network: &NetworkEntry) -> Self {
        let plan = network.plan_of_levels(network.levels.len());
        let ends = network.needed_levels()..=network.levels.len();
        let ends = ends.map(|count| network.plan_of_levels(count).steps.len()).collect();
        let mut roots: Vec<String> = plan.convolutions().map(|conv| root(&conv.name).to_owned()).collect();
        roots.dedup();
        Self { name: network.name, plan, ends, roots }
    }

    /// The steps that every file has, then those of each level behind the deepest default one.
    pub fn parts(&self) -> impl Iterator<Item = &[Step]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.plan.steps.get(start..*end).unwrap_or_default())
    }

    /// The convolutions that every file has.
    pub fn needed(&self) -> impl Iterator<Item = &ConvStep> {
        self.parts().take(1).flatten().filter_map(Step::conv)
    }

    /// Whether a convolution of that name is one of the network, or would be one if the network were deeper.
    pub fn is_inside(&self, conv: &str) -> bool {
        self.roots.iter().any(|known| known == root(conv))
    }

    /// What stands before the network's names (`module.`, `backbone.`); `None` when these are not among `names`.
    pub fn prefix<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
        let mut convolutions = self.plan.convolutions();
        // The first name alone could be the end of a longer one. A shortcut is not in every network of a family.
        let first = convolutions.next()?.weight_name();
        let second = convolutions.find(|conv| conv.activation != Activation::Identity)?.weight_name();
        let heads: Vec<&str> = names.clone().filter_map(|name| name.strip_suffix(&second)).collect();
        let is_whole = |head: &&str| names.clone().any(|name| name.strip_prefix(head) == Some(&first));
        heads.into_iter().find(is_whole).map(str::to_owned)
    }

    /// The network of the catalogue whose needed convolutions have exactly these names and shapes.
    pub fn guess(found: &BTreeMap<String, Convolution<'_>>) -> Option<&'static str> {
        let fits = |network: &&NetworkEntry| {
            let trunk = Self::new(network);
            let behind = trunk.parts().skip(1).flatten().filter_map(Step::conv);
            let behind = behind.filter(|conv| found.contains_key(&conv.name)).count();
            trunk.needed().count() + behind == found.len()
                && trunk.needed().all(|conv| {
                    found.get(&conv.name).is_some_and(|found| same_shape(&found.weight.dims, &conv.weight_shape()))
                })
        };
        CATALOGUE.iter().find(fits).map(|network| network.name)
    }

    /// That the file holds no such network.
    pub fn unrecognised(&self, file: &str, detail: String) -> WeightsError {
        WeightsError::Unrecognised { file: file.into(), backbone: self.name.into(), detail }
    }
}

/// What stands before the first point.
fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether declared extents equal expected ones.
pub(super) fn same_shape(dims: &[u64], shape: &[usize]) -> bool {
    dims.len() == shape.len() && dims.iter().zip(shape).all(|(&have, &want)| have == want as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_torchvisions_convolutions() {
        let trunk = |name: &str| Trunk::new(CATALOGUE.iter().find(|known| known.name == name).unwrap());
        let counts = |trunk: &Trunk| -> Vec<usize> {
            trunk.parts().map(|steps| steps.iter().filter_map(Step::conv).count()).collect()
        };
        for (name, wanted) in [
            ("efficientnet_lite0", [24].as_slice()),
            ("resnet18", &[15, 5]),
            ("resnet34", &[29, 7]),
            ("resnet50", &[43, 10]),
            ("resnet101", &[94, 10]),
            ("wide_resnet50_2", &[43, 10]),
            ("wide_resnet101_2", &[94, 10]),
        ] {
            assert_eq!(counts(&trunk(name)), wanted, "{name}");
        }
        let wide = trunk("wide_resnet50_2");
        let shape = |name: &str| wide.plan.convolutions().find(|conv| conv.name == name).map(ConvStep::weight_shape);
        assert_eq!(shape("layer1.0.downsample.0"), Some([256, 64, 1, 1]));
        assert_eq!(shape("layer2.0.conv2"), Some([256, 256, 3, 3]));
        assert_eq!(shape("layer3.5.conv3"), Some([1024, 512, 1, 1]));
        assert_eq!(shape("layer4.0.downsample.0"), Some([2048, 1024, 1, 1]));
        assert_eq!(shape("layer4.1.downsample.0"), None);
        assert!(wide.is_inside("layer3.22.conv1") && wide.is_inside("conv1") && !wide.is_inside("fc"));
    }
}
