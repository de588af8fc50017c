//! What is compared: settings of a fit, each beside the one that it changes.

/// A fit with other settings than mode `paper`'s.
pub struct Variant {
    /// Its name in the table and the CSV.
    pub name: &'static str,
    /// The variant that it changes; nothing for the first.
    pub base: Option<&'static str>,
    /// Options of the fit. `{finer}` is the network's level of stride 4, `{fine}` of stride 8, `{deep}` of stride 16.
    pub options: &'static [&'static str],
}

/// A network, with the names of its levels at the strides 4, 8 and 16.
pub struct Net {
    pub name: &'static str,
    pub levels: [&'static str; 3],
}

/// The networks whose weights are at hand.
pub const NETS: [Net; 2] = [
    Net { name: "efficientnet_lite0", levels: ["block2", "block4", "block7"] },
    Net { name: "resnet18", levels: ["layer1", "layer2", "layer3"] },
];

/// The data sets: one of objects, one of a texture, six of parts.
pub const SETS: [&str; 8] = [
    "bottle",
    "magnetic_tile",
    "piped/PA_BDP01_TL",
    "piped/PA_BFT01_TL",
    "piped/PA_BRG01_RL",
    "piped/PA_BRG03_TL",
    "piped/PA_BTN01_RL",
    "piped/PA_FLR01_TL",
];

const TWO_BANKS: &[&str] = &["--mode", "line", "--coreset-sampling-ratio", "0.1"];
const MAP: &[&str] = &["--mode", "paper", "--rule", "image_score=maximum_of_map"];

/// Every choice alone, then together. A base stands before what changes it.
pub const VARIANTS: [Variant; 13] = [
    Variant { name: "paper", base: None, options: &["--mode", "paper"] },
    Variant { name: "maximum of the map", base: Some("paper"), options: MAP },
    Variant {
        name: "one bank, equal variance",
        base: Some("maximum of the map"),
        options: &["--mode", "paper", "--rule", "image_score=maximum_of_map", "--rule", "level_scaling=equal_variance"],
    },
    Variant {
        name: "one bank of three levels",
        base: Some("maximum of the map"),
        options: &[
            "--mode",
            "paper",
            "--rule",
            "image_score=maximum_of_map",
            "--layers",
            "{finer},{fine},{deep}",
            "--rule",
            "grid_layer={fine}",
        ],
    },
    Variant {
        name: "one bank of three levels, equal variance",
        base: Some("maximum of the map"),
        options: &[
            "--mode",
            "paper",
            "--rule",
            "image_score=maximum_of_map",
            "--layers",
            "{finer},{fine},{deep}",
            "--rule",
            "grid_layer={fine}",
            "--rule",
            "level_scaling=equal_variance",
        ],
    },
    Variant {
        name: "two banks, levels as they are",
        base: Some("maximum of the map"),
        options: &["--mode", "line", "--coreset-sampling-ratio", "0.1", "--rule", "level_scaling of member 2=none"],
    },
    Variant {
        name: "two banks, equal weights",
        base: Some("maximum of the map"),
        options: &[
            "--mode",
            "line",
            "--coreset-sampling-ratio",
            "0.1",
            "--rule",
            "weighting=as_given",
            "--rule",
            "weighting of member 2=as_given",
        ],
    },
    Variant { name: "two banks", base: Some("maximum of the map"), options: TWO_BANKS },
    Variant {
        name: "two banks, the second selected on 64 values",
        base: Some("two banks"),
        options: &["--mode", "line", "--coreset-sampling-ratio", "0.1", "--rule", "projection of member 2=dense to 64"],
    },
    Variant {
        name: "two banks, both selected on 64 values",
        base: Some("two banks"),
        options: &[
            "--mode",
            "line",
            "--coreset-sampling-ratio",
            "0.1",
            "--rule",
            "projection=dense to 64",
            "--rule",
            "projection of member 2=dense to 64",
        ],
    },
    Variant { name: "two banks of 5 %", base: Some("two banks"), options: &["--mode", "line"] },
    Variant { name: "two banks, all of it", base: Some("paper"), options: TWO_BANKS },
    Variant { name: "line", base: Some("paper"), options: &["--mode", "line"] },
];

impl Variant {
    /// The options for a network.
    pub fn options_for(&self, net: &Net) -> Vec<String> {
        let [finer, fine, deep] = net.levels;
        let put = |option: &&str| option.replace("{finer}", finer).replace("{fine}", fine).replace("{deep}", deep);
        self.options.iter().map(put).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_stands_before_what_changes_it_and_names_are_unique() {
        for (index, variant) in VARIANTS.iter().enumerate() {
            let before = VARIANTS.iter().take(index);
            assert!(before.clone().all(|other| other.name != variant.name), "{}", variant.name);
            assert!(variant.base.is_none_or(|base| before.clone().any(|other| other.name == base)), "{}", variant.name);
        }
    }
}
