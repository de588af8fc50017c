//! What is computed on both sides: sets, networks, modes, devices, threads and instruction sets.

/// One fit and what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The photos.
    pub set: &'static Set,
    /// The network.
    pub backbone: Backbone,
    /// The published definition.
    pub mode: &'static str,
    /// Where.
    pub device: Device,
    /// Threads of the program.
    pub threads: usize,
    /// Of the CPU's own kernels.
    pub instructions: InstructionSet,
}

/// A set of photos in the shared folder.
#[derive(Debug, PartialEq)]
pub struct Set {
    /// Name of the case.
    pub name: &'static str,
    /// Under the shared folder.
    pub path: &'static str,
    /// Whether `--quick` looks at it.
    pub quick: bool,
}

/// The first photos of each set are looked at; a run takes minutes, not hours.
const SETS: [Set; 3] = [
    Set { name: "bottle", path: "data/bottle", quick: true },
    Set { name: "magnetic_tile", path: "data/magnetic_tile", quick: false },
    Set { name: "piped", path: "data/piped/PA_FLR01_TL", quick: true },
];

const MODES: [&str; 3] = ["paper", "authors", "anomalib"];

/// A network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backbone {
    /// The embedded one.
    Lite0,
    /// ResNet-18 with its weights in the shared folder.
    ResNet18,
}

impl Backbone {
    /// The program's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Backbone::Lite0 => "efficientnet_lite0",
            Backbone::ResNet18 => "resnet18",
        }
    }

    /// Its weights under the shared folder; `None` for the embedded ones.
    pub fn weights(self) -> Option<&'static str> {
        match self {
            Backbone::Lite0 => None,
            Backbone::ResNet18 => Some("weights/resnet18-imagenet1k-v1-trunk.onnx"),
        }
    }
}

/// Where to compute: both are the CPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Device {
    /// This project's own kernels.
    Own,
    /// Burn's tensor operations.
    Tensors,
}

/// What the CPU's own kernels may use.
#[derive(Debug, Clone, PartialEq)]
pub enum InstructionSet {
    /// The widest: no switch is given, so that a commit without one can be compared.
    Native,
    /// A narrower one, by name.
    Named(String),
}

impl Case {
    /// Its name, for people: `bottle resnet18 paper flex 2 threads, avx2`.
    pub fn name(&self) -> String {
        let Case { set, backbone, mode, device, threads, instructions } = self;
        let device = match device {
            Device::Own => "flex",
            Device::Tensors => "flex:tensors",
        };
        let instructions = match instructions {
            InstructionSet::Native => "native",
            InstructionSet::Named(name) => name,
        };
        let plural = if *threads == 1 { "" } else { "s" };
        format!("{} {} {mode} {device} {threads} thread{plural}, {instructions}", set.name, backbone.name())
    }

    /// The same as a file may be called.
    pub fn file_name(&self) -> String {
        self.name().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    }
}

/// Every case, or with `quick` a few; cases that differ in threads alone follow one another. `instructions` are the sets that
/// the new side can be limited to, the widest last.
pub fn cases(quick: bool, instructions: Option<&[String]>) -> Vec<Case> {
    let backbones = if quick { vec![Backbone::Lite0] } else { vec![Backbone::Lite0, Backbone::ResNet18] };
    // The widest set is the native one.
    let narrower = instructions.and_then(|sets| sets.split_last()).map_or(&[][..], |(_, narrower)| narrower);
    let narrower = if quick { &[] } else { narrower };
    let mut cases = Vec::new();
    for set in SETS.iter().filter(|set| set.quick || !quick) {
        for &backbone in &backbones {
            for mode in MODES {
                let mut add = |device, instructions: InstructionSet| {
                    for threads in [1, 2] {
                        cases.push(Case { set, backbone, mode, device, threads, instructions: instructions.clone() });
                    }
                };
                add(Device::Own, InstructionSet::Native);
                narrower.iter().for_each(|set| add(Device::Own, InstructionSet::Named(set.clone())));
                add(Device::Tensors, InstructionSet::Native);
            }
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_a_file_of_its_own() {
        let sets = ["portable", "avx2", "avx512"].map(str::to_owned);
        let all = cases(false, Some(&sets));
        // Sets x networks x modes x threads x (three instruction sets and the tensor operations).
        assert_eq!(all.len(), 3 * 2 * 3 * 2 * 4);
        let names: std::collections::BTreeSet<String> = all.iter().map(Case::file_name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|case| case.instructions != InstructionSet::Named("avx512".into())));
    }

    #[test]
    fn a_quick_run_is_the_embedded_network_on_small_sets() {
        let quick = cases(true, None);
        assert_eq!(quick.len(), 2 * 3 * 2 * 2);
        assert!(quick.iter().all(|case| case.backbone == Backbone::Lite0 && case.set.quick));
    }
}
