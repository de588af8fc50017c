//! Photo in, embedding rows out: normalisation, networks and patch embeddings on one device.

use std::ops::Range;
use std::sync::Arc;

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{BackboneWeights, Checked, ConfigError, Grid, MemberConfig};
use patchcore_cpu::ScratchPool;

use crate::backbone::{Backbone, PlanBackbone};
use crate::device::ComputeDevice;
use crate::engine::{Embedded, EmbeddingSpec, Engine, Fallback, Features, ReducedBatch, engine_of, features_of};
use crate::error::{BackboneError, DeviceError, EngineError, InputError, ScoreError};
use crate::image_input::ImageInput;

/// The frozen part of PatchCore: the networks of all members, each with the embeddings that members make of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extractor {
    config: Checked,
    device: ComputeDevice,
    engine: Arc<dyn Engine>,
    networks: Arc<[Network]>,
    members: Arc<[MemberShape]>,
    /// Rows that are scaled, kept for the next photo.
    scaled: Arc<ScratchPool<Vec<f32>>>,
}

/// A network on the engine. It runs once for all its members.
#[derive(Debug)]
struct Network {
    name: String,
    sha256: String,
    plan: Option<Plan>,
    /// Which member each of the embeddings belongs to.
    members: Vec<usize>,
    features: Arc<dyn Features>,
    fallback: Option<Fallback>,
}

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

    /// The patch grid of an input of such a size.
    pub fn grid(&self, height: usize, width: usize) -> Grid {
        Grid { rows: height.div_ceil(self.stride), columns: width.div_ceil(self.stride) }
    }
}

impl Extractor {
    /// Puts the network of a configuration on the device, for members that all name one network of the catalogue.
    ///
    /// # Errors
    /// [`EngineError`]; [`BackboneError::SeveralNetworks`] for members of more than one network, which
    /// [`Extractor::with_backbones`] takes.
    pub fn new(config: Checked, weights: &BackboneWeights, device: &ComputeDevice) -> Result<Self, EngineError> {
        let backbones = catalogue_backbones(&config, weights)?;
        Self::with_backbones(config, &backbones, device)
    }

    /// Puts networks on the device, one for each member of the configuration. Members that share a network (the same object) and its
    /// normalisation have it run once for all of them.
    ///
    /// # Errors
    /// [`EngineError`]; [`BackboneError::NoLevel`] for a layer that a network does not have.
    pub fn with_backbones(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        Self::on_engine(config, backbones, device, engine_of(device))
    }

    pub(crate) fn on_engine(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
        engine: Arc<dyn Engine>,
    ) -> Result<Self, EngineError> {
        if backbones.len() != config.members.len() {
            return Err(BackboneError::NotOnePerMember { found: backbones.len(), members: config.members.len() }.into());
        }
        let mut shapes = Vec::new();
        // Networks that are put on the engine, each with its members.
        let mut groups: Vec<(usize, Vec<usize>, Vec<EmbeddingSpec>)> = Vec::new();
        for (number, (member, backbone)) in config.members.iter().zip(backbones).enumerate() {
            let (spec, shape) = embedding_of(member, backbone.as_ref())?;
            shapes.push(shape);
            let shared = groups.iter_mut().find(|(first, ..)| {
                let others = (config.members.get(*first), backbones.get(*first));
                matches!(others, (Some(other), Some(network))
                    if other.normalization == member.normalization && Arc::ptr_eq(network, backbone))
            });
            match shared {
                Some((_, members, specs)) => {
                    members.push(number);
                    specs.push(spec);
                }
                None => groups.push((number, vec![number], vec![spec])),
            }
        }
        let mut networks = Vec::new();
        for (first, members, specs) in groups {
            let (Some(member), Some(backbone)) = (config.members.get(first), backbones.get(first)) else { continue };
            let (features, fallback) = features_of(engine.as_ref(), backbone, &member.normalization, &specs)?;
            networks.push(Network {
                name: backbone.name().to_owned(),
                sha256: backbone.sha256().to_owned(),
                plan: backbone.plan().map(|(plan, _)| plan.clone()),
                members,
                features,
                fallback,
            });
        }
        let (networks, members) = (networks.into(), shapes.into());
        Ok(Self { config, device: device.clone(), engine, networks, members, scaled: Arc::default() })
    }

    /// The settings.
    pub fn config(&self) -> &Checked {
        &self.config
    }

    /// The same networks for what a configuration has become in the fit: the sizes of its view, its members' factors and weights.
    pub(crate) fn with_config(self, config: Checked) -> Self {
        let scaled = |(shape, member): (&MemberShape, &MemberConfig)| {
            let scales = scales_of(member);
            MemberShape { scales, ..shape.clone() }
        };
        let members = self.members.iter().zip(&config.members).map(scaled).collect();
        Self { config, members, ..self }
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// What computes.
    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// What each member's embedding looks like; at least one.
    pub fn members(&self) -> &[MemberShape] {
        &self.members
    }

    /// Name and digest of every network, in the order of their first members.
    pub fn networks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.networks.iter().map(|network| (network.name.as_str(), network.sha256.as_str()))
    }

    /// The plan of the one network that all members share; `None` for several networks, and for one without a plan.
    pub(crate) fn only_plan(&self) -> Option<&Plan> {
        match self.networks.as_ref() {
            [network] => network.plan.as_ref(),
            _ => None,
        }
    }

    /// Name and plan of every network that the device's own engine runs as one, in the order of their first members.
    #[cfg(feature = "burn")]
    pub(crate) fn plans(&self) -> impl Iterator<Item = (&str, &Plan)> {
        let own = self.networks.iter().filter(|network| network.fallback.is_none());
        own.filter_map(|network| Some((network.name.as_str(), network.plan.as_ref()?)))
    }

    /// What another engine does for the device's own; empty where that does everything.
    pub fn fallbacks(&self) -> impl Iterator<Item = &Fallback> {
        self.networks.iter().filter_map(|network| network.fallback.as_ref())
    }

    /// The one network with its one embedding, of a model with one member whose rows are what the network gives.
    pub(crate) fn only_features(&self) -> Option<&dyn Features> {
        match self.networks.as_ref() {
            [network] if network.fallback.is_none() => match self.members.as_ref() {
                [MemberShape { scales: None, .. }] => Some(network.features.as_ref()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Values per embedding row of the first member.
    pub fn dim(&self) -> usize {
        self.first().dim
    }

    /// The patch grid of the first member for an input of such a size.
    pub fn grid(&self, height: usize, width: usize) -> Grid {
        self.first().grid(height, width)
    }

    #[expect(clippy::indexing_slicing, reason = "a checked configuration has a member")]
    fn first(&self) -> &MemberShape {
        &self.members[0]
    }

    /// Bytes that one photo of a batch takes on the device while its features are computed: three times the network's
    /// largest map (input, output and residual), and of the embedding the shifted copies of each level, twice,
    /// and its rows.
    pub fn bytes_per_image(&self, height: usize, width: usize) -> u64 {
        let pixels = height * width;
        let maps = self.networks.iter().map(|network| {
            // A plan that no engine could take has been refused; without one the image is all that is known.
            let cost = network.plan.as_ref().and_then(|plan| plan.cost(height, width).ok());
            3 * cost.map_or(0, |cost| cost.largest_map).max(3 * pixels as u64)
        });
        let embeddings = self.members.iter().map(|member| {
            let cells = member.grid(height, width).cells();
            let unfolded: usize = member.levels.iter().map(|(channels, _)| 2 * member.window * channels * cells).sum();
            (unfolded + 4 * member.dim * cells) as u64
        });
        4 * (maps.max().unwrap_or(0) + embeddings.sum::<u64>())
    }

    /// How many photos of such a size go through the network at once beside `reserved` bytes: what the engine prefers
    /// ([`Engine::preferred_batch`]).
    pub fn batch_size(&self, height: usize, width: usize, reserved: u64) -> usize {
        self.engine.preferred_batch(self.bytes_per_image(height, width), reserved)
    }

    /// Embeds photos of one size and hands on the rows of every member ([`Embedded::embedding`]) and photo; they live in a buffer
    /// that is used again. On the CPU a steady stream of photos allocates nothing; on another device all photos go up at once.
    ///
    /// # Errors
    /// [`ScoreError::Input`] (also for photos of several sizes), [`ScoreError::Device`] and [`ScoreError::Backbone`].
    pub fn embed(&self, images: &[ImageInput<'_>], use_rows: &mut dyn FnMut(Embedded<'_>)) -> Result<(), ScoreError> {
        check_batch(images)?;
        for network in self.networks.iter() {
            self.embed_by(network, images, use_rows)?;
        }
        Ok(())
    }

    /// One network's part. Where the device has no memory for all photos at once, it gets half as many, from now on.
    fn embed_by(
        &self,
        network: &Network,
        images: &[ImageInput<'_>],
        use_rows: &mut dyn FnMut(Embedded<'_>),
    ) -> Result<(), ScoreError> {
        let (mut first, mut at_once) = (0, images.len());
        while first < images.len() {
            let batch = images.get(first..(first + at_once).min(images.len())).unwrap_or_default();
            let mut handed_on = false;
            let embedded = network.features.embed(batch, &mut |embedded| {
                handed_on = true;
                // A network has as many embeddings as members.
                let Some(member) = network.members.get(embedded.embedding) else { return };
                let embedded = Embedded { embedding: *member, image: first + embedded.image, ..embedded };
                match self.members.get(*member).and_then(|shape| shape.scales.as_deref()) {
                    None => use_rows(embedded),
                    Some(scales) => self.scaled.with(|rows| {
                        rows.clear();
                        rows.extend_from_slice(embedded.rows);
                        scale_rows(rows, scales);
                        use_rows(Embedded { rows, ..embedded });
                    }),
                }
            });
            match embedded {
                Ok(()) => first += batch.len(),
                // What has been handed on cannot be taken back.
                Err(EngineError::Device(error @ DeviceError::OutOfMemory { .. }))
                    if !handed_on && self.engine.halve_batch(batch.len(), &error) =>
                {
                    at_once = batch.len() / 2;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What has become of the batch where the device had no memory for it; `None` where everything fitted.
    pub fn reduced_batch(&self) -> Option<ReducedBatch> {
        self.engine.reduced_batch()
    }

    /// Embedding rows of one photo for the first member, `[grid cells, dim]`, grid row by row.
    ///
    /// # Errors
    /// As [`Extractor::embed`].
    pub fn embed_to_host(&self, image: ImageInput<'_>) -> Result<(Vec<f32>, Grid), ScoreError> {
        let mut found = (Vec::new(), Grid::default());
        self.embed(&[image], &mut |embedded| {
            if embedded.embedding == 0 {
                found = (embedded.rows.to_vec(), embedded.grid);
            }
        })?;
        Ok(found)
    }
}

/// One network of the catalogue with all layers that the members ask for, once for each member.
pub(crate) fn catalogue_backbones(
    config: &Checked,
    weights: &BackboneWeights,
) -> Result<Vec<Arc<dyn Backbone>>, BackboneError> {
    let first = &config.first().backbone;
    let architecture = first.architecture().ok_or_else(|| ConfigError::NoPlan { name: first.name().to_owned() })?;
    if let Some(other) = config.members.iter().find(|member| member.backbone != architecture) {
        let found = vec![architecture.name().to_owned(), other.backbone.name().to_owned()];
        return Err(BackboneError::SeveralNetworks { found });
    }
    let wanted = |layer: &&str| config.members.iter().any(|member| member.layers.iter().any(|own| own == layer));
    let layers: Vec<String> = architecture.layers().filter(wanted).map(str::to_owned).collect();
    let backbone: Arc<dyn Backbone> = Arc::new(PlanBackbone::new(architecture, &layers, weights)?);
    Ok(vec![backbone; config.members.len()])
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

/// Multiplies each value of rows by its factor.
pub(crate) fn scale_rows(rows: &mut [f32], scales: &[f32]) {
    for row in rows.chunks_exact_mut(scales.len()) {
        for (value, scale) in row.iter_mut().zip(scales) {
            *value *= scale;
        }
    }
}

/// One factor for each value of a row; `None` where the levels are not scaled.
fn scales_of(member: &MemberConfig) -> Option<Arc<[f32]>> {
    let factors = member.level_scaling.factors();
    let values = member.embedding.values_of_levels(&member.channels_of_layers());
    let of_level = |(values, factor): (Range<usize>, &f32)| std::iter::repeat_n(*factor, values.len());
    (!factors.is_empty()).then(|| values.into_iter().zip(factors).flat_map(of_level).collect())
}

/// The images of a batch have one size, and each is whole and finite.
fn check_batch(images: &[ImageInput<'_>]) -> Result<(), InputError> {
    let Some(first) = images.first() else { return Ok(()) };
    let expected = (first.height, first.width);
    for image in images {
        image.check()?;
        let found = (image.height, image.width);
        if found != expected {
            return Err(InputError::MixedSizes { found, expected });
        }
    }
    Ok(())
}
