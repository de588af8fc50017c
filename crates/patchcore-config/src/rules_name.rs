//! Whose rules a configuration has: a published mode's, or a mix of them, which is named after the nearest mode.

use crate::backbone::Architecture;
use crate::member_config::MemberConfig;
use crate::mode::{MODES, Mode};
use crate::patchcore_config::PatchCoreConfig;

/// How the number format of a single network is named.
const OF_ONE_NETWORK: &str = "network_precision of member ";

impl PatchCoreConfig {
    /// A mode's values for a backbone, to change ([`PatchCoreConfig::with_seed`] and the like, or the fields) and to
    /// [`check`](PatchCoreConfig::check): a configuration is its own builder, as in linfa's `ParamGuard`.
    ///
    /// ```
    /// use patchcore_config::{Architecture, Distance, Mode, PatchCoreConfig, Tiling};
    ///
    /// # fn main() -> Result<(), patchcore_config::ConfigError> {
    /// let checked = PatchCoreConfig::builder(Mode::Anomalib, Architecture::RESNET18)
    ///     .with_coreset_sampling_ratio(0.01)
    ///     .with_distance(Distance::SquaredL2)
    ///     .check()?;
    /// assert_eq!(checked.rules_name(), "anomalib with distance squared_l2");
    ///
    /// let tiles = Tiling::Tiles { size: 500, overlap: 64 };
    /// let refused = PatchCoreConfig::builder(Mode::Paper, Architecture::RESNET18).with_tiling(tiles).check();
    /// assert!(refused.unwrap_err().to_string().starts_with("tile is"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(mode: Mode, backbone: Architecture) -> Self {
        mode.config(backbone)
    }

    /// The mode whose rules these are; none for a mix. What a user of the published code sets there too (view, layers,
    /// neighbours, ratio) makes no other definition of it.
    pub fn mode(&self) -> Option<Mode> {
        MODES.into_iter().find(|mode| self.rules() == self.with_rules_of(*mode).rules())
    }

    /// The mode's name, or of a mix the name of the mode that it differs from least and how it differs: "anomalib with
    /// distance squared_l2".
    pub fn rules_name(&self) -> String {
        let (own, one_precision) = (self.rules(), self.is_of_one_precision());
        let differences = MODES.map(|mode| {
            let published = self.with_rules_of(mode).rules();
            let differing = own.iter().zip(published).filter(|(own, published)| own.1 != published.1);
            // A number format that all networks have is one difference, and is said without a number.
            let differing = differing.filter(|((key, _), _)| !(one_precision && key.starts_with(OF_ONE_NETWORK)));
            (mode, differing.map(|((key, value), _)| format!("{key} {value}")).collect::<Vec<_>>())
        });
        let nearest = differences.into_iter().min_by_key(|(_, differences)| differences.len());
        match nearest {
            Some((mode, differences)) if differences.is_empty() => mode.name().to_owned(),
            Some((mode, differences)) => format!("{} with {}", mode.name(), differences.join(", ")),
            None => String::new(),
        }
    }

    /// The same settings with a mode's rules.
    fn with_rules_of(&self, mode: Mode) -> PatchCoreConfig {
        let own = |member: &MemberConfig| (member.backbone.clone(), member.layers.clone());
        let of = |(backbone, layers)| mode.member(backbone, layers);
        let members = match mode {
            // Members of one network stand side by side, two of them together.
            Mode::Line => {
                let networks = self.members.chunk_by(|one, next| one.backbone == next.backbone);
                let pairs = networks.flat_map(|members| members.chunks(2));
                let of_pair = |pair: &[MemberConfig]| match pair {
                    [first, second] => {
                        let (backbone, layers) = own(second);
                        vec![of(own(first)), Mode::second_of_line(backbone, layers)]
                    }
                    single => {
                        single.iter().map(own).flat_map(|(backbone, layers)| mode.members(backbone, layers)).collect()
                    }
                };
                pairs.flat_map(of_pair).collect()
            }
            _ => self.members.iter().map(own).map(of).collect::<Vec<_>>(),
        };
        let published = match members.first() {
            Some(first) => mode.config(first.backbone.clone()),
            None => mode.config(Architecture::EFFICIENTNET_LITE0),
        };
        PatchCoreConfig { members, ..published }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::Architecture;
    use crate::network_precision::NetworkPrecision;
    use crate::rules::{Distance, EmbeddingRule, ImageScoreRule, LevelScaling, Smoothing, StartRule};
    use crate::view::{Crop, Resampling, Resize};

    #[test]
    fn a_mode_is_its_rules_whatever_else_is_set() {
        for (mode, backbone) in
            MODES.into_iter().flat_map(|mode| Architecture::all().map(move |backbone| (mode, backbone)))
        {
            let mut config = mode.config(backbone).with_num_neighbors(3).with_coreset_sampling_ratio(0.01).with_seed(5);
            (config.view.resize, config.view.crop) = (Resize::Keep, Crop::Keep);
            config.members = mode.members(backbone, vec![backbone.default_layers()[0].to_owned()]);
            assert_eq!((config.mode(), config.rules_name().as_str()), (Some(mode), mode.name()));
        }
    }

    #[test]
    fn a_mix_is_named_after_the_nearest_mode() {
        let name = |config: PatchCoreConfig| {
            assert_eq!(config.mode(), None);
            config.rules_name()
        };
        let anomalib = || Mode::Anomalib.config(Architecture::RESNET18);
        assert_eq!(name(anomalib().with_distance(Distance::SquaredL2)), "anomalib with distance squared_l2");
        assert_eq!(name(anomalib().with_smoothing(Smoothing::None)), "anomalib with smoothing none");
        let mut config = anomalib().with_smoothing(Smoothing::Gaussian { sigma: 2.5 });
        config.members[0].start = StartRule::MeanOfRandomRows(10);
        assert_eq!(name(config), "anomalib with smoothing gaussian of sigma 2.5, start mean_of_random_rows (10)");
        let mut config = Mode::Paper.config(Architecture::RESNET18);
        config.view.resampling = Resampling::Float;
        config.members[0].embedding = EmbeddingRule::PUBLISHED;
        assert_eq!(name(config), "paper with resampling float, embedding adaptive_pool to 1024, then 1024");
        // Half way between two modes the first of them gives the name.
        let mut config = Mode::Authors.config(Architecture::RESNET18);
        (config.distance, config.image_score) = (Distance::L2, ImageScoreRule::Reweighted);
        config.members[0].embedding = EmbeddingRule::Concatenate;
        assert_eq!(name(config), "paper with resampling pil8_bit, start mean_of_random_rows (10)");
    }

    #[test]
    fn mode_line_is_two_members_and_what_they_lack_is_named() {
        let line = || Mode::Line.config(Architecture::RESNET18);
        let layers: Vec<Vec<String>> = line().members.iter().map(|member| member.layers.clone()).collect();
        assert_eq!(layers, [vec!["layer2", "layer3"], vec!["layer1", "layer2", "layer3"]]);
        let config = line().check().unwrap();
        let grids: Vec<(u32, u32)> = config.members.iter().map(MemberConfig::strides).collect();
        assert_eq!((grids.as_slice(), config.members[1].embedding_dim()), ([(8, 16), (8, 16)].as_slice(), 448));
        // What a fit measures makes no other definition of it.
        let mut fitted = line();
        fitted.members[0].weight = 0.7;
        fitted.members[1].level_scaling = fitted.members[1].level_scaling.after_the_fit(&[1.0, 4.0, 9.0]);
        assert_eq!(fitted.mode(), Some(Mode::Line));
        let mut config = line();
        config.members[1].level_scaling = LevelScaling::None;
        assert_eq!(config.rules_name(), "line with level_scaling of member 2 none");
        let mut config = line();
        config.members.truncate(1);
        assert_eq!(config.rules_name(), "line with members 1");
        let paper = Mode::Paper.config(Architecture::RESNET18).with_image_score(ImageScoreRule::MaximumOfMap);
        assert_eq!(paper.rules_name(), "paper with image_score maximum_of_map");
        // A grid that no layer has, factors that are not the layers'.
        let refused = |spoil: fn(&mut MemberConfig)| {
            let mut config = line();
            spoil(&mut config.members[1]);
            config.check().unwrap_err().to_string()
        };
        let no_grid = refused(|member| member.grid_layer = Some("layer4".to_owned()));
        assert!(no_grid.starts_with("grid_layer is layer4 with the layers layer1, layer2, layer3"), "{no_grid}");
        for factors in [vec![1.0, 2.0], vec![1.0, f32::NAN, 1.0], vec![1.0, 0.0, 1.0]] {
            let mut config = line();
            config.members[1].level_scaling = LevelScaling::EqualVariance { of_the_fit: factors };
            assert!(config.check().unwrap_err().to_string().starts_with("level_scaling is ["));
        }
    }

    /// Each network of an ensemble brings the members that it has alone.
    #[test]
    fn several_networks_are_of_a_mode_too() {
        let of = |backbone: Architecture| {
            Mode::Line.members(backbone, backbone.default_layers().map(str::to_owned).to_vec())
        };
        let mut config = Mode::Line.config(Architecture::EFFICIENTNET_LITE0);
        config.members.extend(of(Architecture::RESNET18));
        // Another pair of levels of the same network.
        config
            .members
            .extend(Mode::Line.members(Architecture::RESNET18, vec!["layer3".to_owned(), "layer4".to_owned()]));
        config.view.sizes = config.usual_sizes();
        assert_eq!((config.members.len(), config.rules_name().as_str()), (6, "line"));
        assert!(config.clone().check().is_ok());
        config.members[5].level_scaling = LevelScaling::None;
        assert_eq!(config.rules_name(), "line with level_scaling of member 6 none");
    }

    #[test]
    fn a_number_format_that_all_networks_have_is_said_once() {
        let line = |formats: [NetworkPrecision; 2]| {
            let mut config = Mode::Line.config(Architecture::RESNET18);
            config.members.iter_mut().zip(formats).for_each(|(member, format)| member.network_precision = format);
            config
        };
        let (f32, bf16, int8) = (NetworkPrecision::F32, NetworkPrecision::Bf16, NetworkPrecision::Int8);
        for (formats, name, reduced) in [
            ([f32, f32], "line", None),
            ([int8, int8], "line with network_precision int8", Some(int8)),
            ([bf16, bf16], "line with network_precision bf16", Some(bf16)),
            ([int8, f32], "line with network_precision of member 1 int8", Some(int8)),
            ([f32, int8], "line with network_precision of member 2 int8", Some(int8)),
            (
                [bf16, int8],
                "line with network_precision of member 1 bf16, network_precision of member 2 int8",
                Some(bf16),
            ),
        ] {
            let config = line(formats);
            assert_eq!((config.rules_name().as_str(), config.reduced_precision()), (name, reduced));
            // The words of the name make it.
            let said = name.strip_prefix("line with ").unwrap_or_default().split(", ").filter(|said| !said.is_empty());
            let made = said.fold(line([f32, f32]), |config, said| {
                let (key, value) = said.rsplit_once(' ').unwrap();
                config.with_rule(key, value).unwrap()
            });
            assert_eq!(made, config, "{name}");
        }
    }

    #[test]
    fn the_rules_of_every_member_count() {
        let mut config = Mode::Paper.config(Architecture::RESNET18).with_image_score(ImageScoreRule::MaximumOfMap);
        config.members.push(Mode::Anomalib.member(Architecture::RESNET18, vec!["layer2".into()]));
        let name = "paper with image_score maximum_of_map, projection of member 2 sparse with eps 0.9, start of member 2 random_row";
        assert_eq!(config.rules_name(), name);
    }
}
