//! What a weights file of a network holds: the convolutions and prologues of its plan, by their names.

use patchcore_config::CATALOGUE;
use patchcore_config::backbone::plan::{ConvStep, Plan, Step};
use patchcore_config::backbone::{Family, NetworkEntry};

use super::error::WeightsError;
use super::found::Found;
use super::spelling::Spelling;

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
    /// What the convolutions are called in files, the usual names first.
    pub spellings: Vec<Spelling>,
    /// Whether a convolution without a BatchNorm behind it has no bias either.
    is_plain_unbiased: bool,
}

impl Trunk {
    /// The trunk of a network.
    pub fn new(network: &NetworkEntry) -> Self {
        let plan = network.plan_of_levels(network.levels.len());
        let ends = network.needed_levels()..=network.levels.len();
        let ends = ends.map(|count| network.plan_of_levels(count).steps.len()).collect();
        let spellings = Spelling::all(network, &plan);
        let is_plain_unbiased = matches!(network.family, Family::DenseNet(_));
        Self { name: network.name, plan, ends, spellings, is_plain_unbiased }
    }

    /// The steps that every file has, then those of each level behind the deepest default one.
    pub fn parts(&self) -> impl Iterator<Item = &[Step]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.plan.steps.get(start..*end).unwrap_or_default())
    }

    /// The steps with tensors that every file has.
    pub fn needed(&self) -> impl Iterator<Item = &Step> {
        self.parts().take(1).flatten()
    }

    /// The names that a file with these has, and what stands before them; the usual ones where it is not known.
    pub fn spelling<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<(&Spelling, String)> {
        self.spellings.iter().find_map(|spelling| Some((spelling, spelling.prefix(names.clone())?)))
    }

    /// Whether the network has no bias there: neither one of its own nor that of a BatchNorm.
    pub fn has_no_bias(&self, conv: &ConvStep) -> bool {
        let is_plain = |spelling: &Spelling| spelling.norm_behind(&conv.name).is_none();
        self.is_plain_unbiased && self.spellings.first().is_some_and(is_plain)
    }

    /// The network of the catalogue whose needed convolutions have exactly these names and shapes.
    pub fn guess(found: &Found<'_>) -> Option<&'static str> {
        let found = &found.convolutions;
        let fits = |network: &&NetworkEntry| {
            let trunk = Self::new(network);
            let behind = trunk.parts().skip(1).flatten().filter_map(Step::conv);
            let behind = behind.filter(|conv| found.contains_key(&conv.name)).count();
            let mut needed = trunk.needed().filter_map(Step::conv);
            trunk.needed().filter_map(Step::conv).count() + behind == found.len()
                && needed.all(|conv| {
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
            ("resnext50_32x4d", &[43, 10]),
            ("resnext101_32x8d", &[94, 10]),
            // The stem, two a layer, and the transitions' two and one.
            ("densenet121", &[1 + 2 * 42 + 2, 2 * 16 + 1]),
            ("densenet201", &[1 + 2 * 66 + 2, 2 * 32 + 1]),
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
        let known = |name: &str| wide.spellings[0].plan_name(name).is_some();
        assert!(known("layer3.22.conv1") && known("conv1") && !known("fc"));
    }
}
