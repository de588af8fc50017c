//! Which networks stand together in the study, and the fits that they are.

use std::path::Path;

use patchcore_testing::RESNET18;

/// Networks whose maps are averaged, in one mode.
#[derive(Debug)]
pub struct Crew {
    /// Their names, the one whose gain is asked for first.
    pub networks: &'static [&'static str],
    /// Whether each has the two banks of mode `line`; else one bank, as in the paper.
    pub two_banks: bool,
}

const LITE0: &str = "efficientnet_lite0";
const LITE1: &str = "efficientnet_lite1";
const LITE2: &str = "efficientnet_lite2";
const RESNET: &str = "resnet18";

const fn plain(networks: &'static [&'static str]) -> Crew {
    Crew { networks, two_banks: false }
}

const fn line(networks: &'static [&'static str]) -> Crew {
    Crew { networks, two_banks: true }
}

/// Alone first: what stands together is measured against what it is made of.
pub static CREWS: [Crew; 14] = [
    plain(&[LITE0]),
    plain(&[RESNET]),
    plain(&[LITE0, RESNET]),
    line(&[LITE0]),
    line(&[RESNET]),
    line(&[LITE0, RESNET]),
    plain(&[LITE2]),
    plain(&[LITE0, LITE2]),
    plain(&[LITE1]),
    plain(&[LITE0, LITE1]),
    line(&[LITE2]),
    line(&[LITE0, LITE2]),
    plain(&[LITE0, LITE1, LITE2, RESNET]),
    line(&[LITE0, LITE1, LITE2, RESNET]),
];

impl Crew {
    /// What the tables and the CSV call it.
    pub fn name(&self) -> String {
        self.networks.join(" + ")
    }

    /// `two banks` or `one bank`, of every network.
    pub fn banks(&self) -> &'static str {
        if self.two_banks { "two banks" } else { "one bank" }
    }

    /// The networks of it by themselves, with as many banks each.
    pub fn parts(&self) -> impl Iterator<Item = &'static Crew> {
        let is_part = |crew: &&Crew| crew.networks.iter().all(|one| self.networks.contains(one));
        CREWS.iter().filter(|crew| crew.networks.len() == 1 && crew.two_banks == self.two_banks).filter(is_part)
    }

    /// Options of the fit: networks, and the mode. A model of one bank is judged by the maximum of its map, as one of several is.
    pub fn options(&self) -> Vec<String> {
        let mode = if self.two_banks { "line" } else { "paper" };
        let mut options: Vec<String> =
            self.networks.iter().flat_map(|name| ["--backbone", name]).map(str::to_owned).collect();
        options.extend(["--mode", mode].map(str::to_owned));
        if !self.two_banks && self.networks.len() == 1 {
            options.extend(["--rule", "image_score=maximum_of_map"].map(str::to_owned));
        }
        options
    }

    /// Options that name the files of weights which are not in the program.
    pub fn weights(&self, shared: &Path, root: &Path) -> Vec<String> {
        let file = |name: &&str| match *name {
            LITE0 => None,
            RESNET => Some(shared.join(RESNET18)),
            other => Some(root.join("assets").join(format!("{other}.safetensors"))),
        };
        let named = self.networks.iter().filter_map(|name| Some(format!("{name}={}", file(name)?.display())));
        named.flat_map(|weights| ["--weights".to_owned(), weights]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_a_crew_is_measured_alone_too() {
        for crew in CREWS.iter().filter(|crew| crew.networks.len() > 1 && crew.networks.len() < 4) {
            assert_eq!(crew.parts().count(), crew.networks.len(), "{crew:?}");
        }
    }
}
