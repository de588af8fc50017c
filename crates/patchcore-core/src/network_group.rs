//! Which networks a configuration has, and which members each of them runs once for; what a member's embedding of them looks like.

use std::ops::Range;
use std::sync::Arc;

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, Checked, ConfigError, Grid, MemberConfig, NetworkPrecision, Normalization};

use crate::backbone::{Backbone, PlanBackbone};
use crate::device::Precision;
use crate::engine::EmbeddingSpec;
use crate::error::BackboneError;
use crate::given_weights::GivenWeights;

/// What one member's embedding looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberShape {
    /// Values per embedding row.
    pub dim: usize,
    /// Input pixels per grid cell and axis.
    pub stride: usize,
    /// Cells of a patch's neighbourhood.
    window: usize,
    /// Channels and stride of its levels.
    levels: Vec<(usize, usize)>,
    /// Factor of each value of a row.
    scales: Option<Arc<[f32]>>,
}

impl MemberShape {
    /// Factor of each value of a row; `None` where the levels are not scaled, and before the fit has measured them.
    pub(crate) fn scales(&self) -> Option<&[f32]> {
        self.scales.as_deref()
    }

    /// The same with the factors of a configuration after its fit.
    pub(crate) fn with_scales_of(&self, member: &MemberConfig) -> Self {
        Self { scales: scales_of(member), ..self.clone() }
    }

    /// Values of the shifted copies of each level, twice, and of the rows, for an input of such a size.
    pub(crate) fn embedding_values(&self, height: usize, width: usize) -> usize {
        let cells = self.grid(height, width).cells();
        let unfolded: usize = self.levels.iter().map(|(channels, _)| 2 * self.window * channels * cells).sum();
        unfolded + 4 * self.dim * cells
    }

    /// The patch grid of an input of such a size.
    pub fn grid(&self, height: usize, width: usize) -> Grid {
        Grid { rows: height.div_ceil(self.stride), columns: width.div_ceil(self.stride) }
    }
}

/// A network and the members that it runs once for.
pub(crate) struct NetworkGroup {
    pub backbone: Arc<dyn Backbone>,
    pub normalization: Normalization,
    pub precision: NetworkPrecision,
    /// Numbers of the members, and the embedding of each.
    pub members: Vec<usize>,
    pub specs: Vec<EmbeddingSpec>,
}

/// Networks, each with its members, in the order of their first members.
pub(crate) struct GroupedNetworks {
    /// One for each member.
    pub shapes: Vec<MemberShape>,
    pub groups: Vec<NetworkGroup>,
}

impl GroupedNetworks {
    /// Members share a network, the same object, if they normalise alike and compute in the same number format.
    pub fn of(config: &Checked, backbones: &[Arc<dyn Backbone>]) -> Result<Self, BackboneError> {
        if backbones.len() != config.members.len() {
            return Err(BackboneError::NotOnePerMember { found: backbones.len(), members: config.members.len() });
        }
        let mut shapes = Vec::new();
        let mut groups: Vec<NetworkGroup> = Vec::new();
        for (number, (member, backbone)) in config.members.iter().zip(backbones).enumerate() {
            let (spec, shape) = embedding_of(member, backbone.as_ref())?;
            shapes.push(shape);
            let (normalization, precision) = (member.normalization, member.network_precision);
            let shared = groups.iter_mut().find(|group| {
                (group.normalization, group.precision) == (normalization, precision)
                    && Arc::ptr_eq(&group.backbone, backbone)
            });
            match shared {
                Some(group) => {
                    group.members.push(number);
                    group.specs.push(spec);
                }
                None => {
                    if precision.has_ranges() {
                        check_plan(config, member, backbone.as_ref())?;
                        let before = config.members.iter().take(number);
                        if before.clone().any(|other| is_one_network(other, member)) {
                            return Err(BackboneError::NotShared { backbone: backbone.name().to_owned() });
                        }
                    }
                    let (backbone, members, specs) = (Arc::clone(backbone), vec![number], vec![spec]);
                    groups.push(NetworkGroup { backbone, normalization, precision, members, specs });
                }
            }
        }
        Ok(Self { shapes, groups })
    }
}

/// Ranges belong to the maps of a plan, and a file has no other plan than the one that the configuration makes.
fn check_plan(config: &Checked, member: &MemberConfig, backbone: &dyn Backbone) -> Result<(), BackboneError> {
    let expected = plan_of(config, member)?;
    match backbone.plan() {
        Some((plan, _)) if *plan == expected => Ok(()),
        Some(_) => Err(BackboneError::OtherPlan { backbone: backbone.name().to_owned() }),
        None => {
            let (backbone, precision) = (backbone.name().to_owned(), member.network_precision.name());
            Err(BackboneError::NoReduction { backbone, precision })
        }
    }
}

/// The plans of a configuration's networks of int8 and what their images are normalised by, in the order of their first members.
pub(crate) fn int8_plans(config: &Checked) -> Result<Vec<(Plan, Normalization)>, ConfigError> {
    let mut seen: Vec<&MemberConfig> = Vec::new();
    for member in config.members.iter().filter(|member| member.network_precision.has_ranges()) {
        if !seen.iter().any(|other| is_one_network(other, member)) {
            seen.push(member);
        }
    }
    seen.into_iter().map(|member| Ok((plan_of(config, member)?, member.normalization))).collect()
}

/// Whether two members say the same of their networks.
fn is_one_network(one: &MemberConfig, other: &MemberConfig) -> bool {
    let said = |member: &MemberConfig| (member.normalization, member.network_precision);
    one.backbone == other.backbone && said(one) == said(other)
}

/// The plan of a member's network, with all layers that any member of the same network taps.
pub(crate) fn plan_of(config: &Checked, member: &MemberConfig) -> Result<Plan, ConfigError> {
    let network = &member.backbone;
    let architecture = network.architecture().ok_or_else(|| ConfigError::NoPlan { name: network.name().to_owned() })?;
    architecture.plan(&layers_of(config, architecture))
}

/// The layers of a network that any member taps, in network order.
pub(crate) fn layers_of(config: &Checked, architecture: Architecture) -> Vec<String> {
    let members = || config.members.iter().filter(|member| member.backbone == architecture);
    let wanted = |layer: &&str| members().any(|member| member.layers.iter().any(|own| own == layer));
    architecture.layers().filter(wanted).map(str::to_owned).collect()
}

/// What a model says of its network is what every device computes: the device has no number format of its own then.
pub(crate) fn check_precisions(config: &Checked, device: Precision) -> Result<(), BackboneError> {
    match config.reduced_precision() {
        Some(network) if device != Precision::F32 => {
            Err(BackboneError::TwoPrecisions { network: network.name(), device: device.name() })
        }
        _ => Ok(()),
    }
}

/// The networks that members name, all of the catalogue.
pub(crate) fn catalogue_backbones(
    config: &Checked,
    weights: GivenWeights<'_>,
) -> Result<Vec<Arc<dyn Backbone>>, BackboneError> {
    backbones_of(config, weights, &[])
}

/// The networks that members name, once for each member: of those in `own` the one of that name, else the catalogue's, with all layers that
/// the members ask for. Members of one network have the same object.
///
/// # Errors
/// [`BackboneError`]: a network that is neither, and weights that are missing or do not fit.
pub fn backbones_of(
    config: &Checked,
    weights: GivenWeights<'_>,
    own: &[Arc<dyn Backbone>],
) -> Result<Vec<Arc<dyn Backbone>>, BackboneError> {
    let mut made: Vec<(Architecture, Arc<dyn Backbone>)> = Vec::new();
    let mut backbones = Vec::new();
    for member in &config.members {
        let name = member.backbone.name();
        if let Some(own) = own.iter().find(|own| own.name() == name) {
            backbones.push(Arc::clone(own));
            continue;
        }
        let architecture =
            member.backbone.architecture().ok_or_else(|| ConfigError::NoPlan { name: name.to_owned() })?;
        if let Some((_, backbone)) = made.iter().find(|(of, _)| *of == architecture) {
            backbones.push(Arc::clone(backbone));
            continue;
        }
        if let (true, Some((first, _))) = (weights.is_of_one(), made.first()) {
            return Err(BackboneError::SeveralNetworks { found: vec![first.name().to_owned(), name.to_owned()] });
        }
        let own = weights.of(name).ok_or_else(|| BackboneError::NoWeights { backbone: name.to_owned() })?;
        let layers = layers_of(config, architecture);
        let backbone: Arc<dyn Backbone> = Arc::new(PlanBackbone::new(architecture, &layers, own)?);
        backbones.push(Arc::clone(&backbone));
        made.push((architecture, backbone));
    }
    Ok(backbones)
}

/// The names of a configuration's networks, each once, in the order of their first members.
pub(crate) fn network_names(config: &Checked) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for member in &config.members {
        let name = member.backbone.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A member's embedding over the levels of its network.
fn embedding_of(member: &MemberConfig, backbone: &dyn Backbone) -> Result<(EmbeddingSpec, MemberShape), BackboneError> {
    let all = backbone.levels();
    if backbone.name() != member.backbone.name() {
        let (found, expected) = (backbone.name().to_owned(), member.backbone.name().to_owned());
        return Err(BackboneError::OtherNetwork { found, expected });
    }
    let missing = |layer: &String| BackboneError::NoLevel {
        backbone: backbone.name().to_owned(),
        level: layer.clone(),
        levels: all.iter().map(|level| level.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    let level = |layer: &String| {
        let found = all.iter().enumerate().find(|(_, level)| level.name == *layer);
        found.ok_or_else(|| missing(layer))
    };
    let found = member.layers.iter().map(level).collect::<Result<Vec<_>, _>>()?;
    for (_, level) in &found {
        // What a configuration says of a network is what its memory, its grid and its embedding are worked out from.
        let expected = member.backbone.layer_shape(&level.name);
        if expected != Some((level.channels, level.stride)) {
            return Err(BackboneError::OtherLevel {
                backbone: backbone.name().to_owned(),
                level: level.name.clone(),
                found: (level.channels, level.stride),
                expected: expected.unwrap_or_default(),
            });
        }
    }
    let grid = member.layers.iter().position(|layer| member.grid_layer.as_ref() == Some(layer)).unwrap_or(0);
    let spec = EmbeddingSpec {
        levels: found.iter().map(|(index, _)| *index).collect(),
        grid,
        rule: member.embedding,
        patch_size: member.patch_size,
    };
    let levels: Vec<(usize, usize)> = found.iter().map(|(_, level)| (level.channels, level.stride)).collect();
    let stride = levels.get(grid).map(|(_, stride)| *stride).filter(|stride| *stride > 0);
    let stride = stride.ok_or_else(|| missing(&String::new()))?;
    let window = member.patch_size * member.patch_size;
    Ok((spec, MemberShape { dim: member.embedding_dim(), stride, window, levels, scales: scales_of(member) }))
}

/// One factor for each value of a row; `None` where the levels are not scaled.
fn scales_of(member: &MemberConfig) -> Option<Arc<[f32]>> {
    let factors = member.level_scaling.factors();
    let values = member.embedding.values_of_levels(&member.channels_of_layers());
    let of_level = |(values, factor): (Range<usize>, &f32)| std::iter::repeat_n(*factor, values.len());
    (!factors.is_empty()).then(|| values.into_iter().zip(factors).flat_map(of_level).collect())
}
