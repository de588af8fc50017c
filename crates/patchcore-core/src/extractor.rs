//! Photo in, embedding rows out: normalisation, networks and patch embeddings on one device.

use std::sync::Arc;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Checked, Grid, NetworkPrecision};
use patchcore_cpu::ScratchPool;

use crate::backbone::{Backbone, ReducedBackbone};
use crate::device::ComputeDevice;
use crate::engine::{Embedded, Engine, Fallback, Features, ReducedBatch, engine_of, features_of};
use crate::error::{BackboneError, DeviceError, EngineError, InputError, ScoreError};
use crate::given_weights::GivenWeights;
use crate::image_input::ImageInput;
use crate::network_group::{GroupedNetworks, MemberShape, NetworkGroup, catalogue_backbones, check_precisions};

/// The frozen part of PatchCore: the networks of all members, each with the embeddings that members make of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Extractor {
    config: Checked,
    device: ComputeDevice,
    engine: Arc<dyn Engine>,
    networks: Arc<[Network]>,
    members: Arc<[MemberShape]>,
    /// Of the networks of int8.
    ranges: Arc<[ActivationRanges]>,
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

impl Extractor {
    /// Puts the networks of a configuration on the device, for members that all name networks of the catalogue. `weights` are the
    /// [`BackboneWeights`](patchcore_config::BackboneWeights) of its only network, or
    /// [`NetworkWeights`](patchcore_config::NetworkWeights): those of each, by its name.
    ///
    /// # Errors
    /// [`EngineError`]; [`BackboneError::SeveralNetworks`] and [`BackboneError::NoWeights`] for a network without weights.
    pub fn new<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        Self::with_ranges(config, weights, &[], device)
    }

    /// [`Extractor::new`] for a configuration with networks of int8: their activation ranges, in the order of the networks' first
    /// members, are those that a [`RangeSurvey`](crate::RangeSurvey) has measured.
    ///
    /// # Errors
    /// As [`Extractor::new`]; [`BackboneError::NotOneRangesEach`] and [`BackboneError::Ranges`].
    pub fn with_ranges<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        let backbones = catalogue_backbones(&config, weights.into())?;
        Self::with_backbones_and_ranges(config, &backbones, ranges, device)
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
        Self::with_backbones_and_ranges(config, backbones, &[], device)
    }

    /// [`Extractor::with_backbones`] for a configuration with networks of int8: see [`Extractor::with_ranges`]. The networks are given as
    /// those of f32; in what they compute says the configuration.
    ///
    /// # Errors
    /// As [`Extractor::with_backbones`] and [`Extractor::with_ranges`].
    pub fn with_backbones_and_ranges(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, EngineError> {
        Self::on_engine(config, backbones, ranges, device, engine_of(device))
    }

    pub(crate) fn on_engine(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
        engine: Arc<dyn Engine>,
    ) -> Result<Self, EngineError> {
        check_precisions(&config, device.precision())?;
        let GroupedNetworks { shapes, groups } = GroupedNetworks::of(&config, backbones)?;
        let in_int8 = groups.iter().filter(|group| group.precision.has_ranges()).count();
        if ranges.len() != in_int8 {
            return Err(BackboneError::NotOneRangesEach { found: ranges.len(), networks: in_int8 }.into());
        }
        // In what a network computes says the configuration alone.
        if let Some(reduced) = groups.iter().find(|group| group.backbone.reduction().is_some()) {
            return Err(BackboneError::AlreadyReduced { backbone: reduced.backbone.name().to_owned() }.into());
        }
        let mut of_int8 = ranges.iter();
        let mut networks = Vec::new();
        for NetworkGroup { backbone, normalization, precision, members, specs } in groups {
            let ranges = if precision.has_ranges() { of_int8.next() } else { None };
            let backbone = match precision {
                NetworkPrecision::F32 => backbone,
                _ => Arc::new(ReducedBackbone::new(&backbone, ranges)?),
            };
            let (features, fallback) = features_of(engine.as_ref(), &backbone, &normalization, &specs)?;
            networks.push(Network {
                name: backbone.name().to_owned(),
                sha256: backbone.sha256().to_owned(),
                plan: backbone.plan().map(|(plan, _)| plan.clone()),
                members,
                features,
                fallback,
            });
        }
        let (networks, members, ranges) = (networks.into(), shapes.into(), ranges.into());
        Ok(Self { config, device: device.clone(), engine, networks, members, ranges, scaled: Arc::default() })
    }

    /// The settings.
    pub fn config(&self) -> &Checked {
        &self.config
    }

    /// The same networks for what a configuration has become in the fit: the sizes of its view, its members' factors and weights.
    pub(crate) fn with_config(self, config: Checked) -> Self {
        let members = self.members.iter().zip(&config.members);
        let members = members.map(|(shape, member)| shape.with_scales_of(member)).collect();
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

    /// What computes, for who computes beside it.
    pub(crate) fn shared_engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// What each member's embedding looks like; at least one.
    pub fn members(&self) -> &[MemberShape] {
        &self.members
    }

    /// Name and digest of every network, in the order of their first members.
    pub fn networks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.networks.iter().map(|network| (network.name.as_str(), network.sha256.as_str()))
    }

    /// The activation ranges of every network of int8, in the order of their first members.
    pub fn ranges(&self) -> &[ActivationRanges] {
        &self.ranges
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
                [shape] if shape.scales().is_none() => Some(network.features.as_ref()),
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
        let embeddings = self.members.iter().map(|member| member.embedding_values(height, width) as u64);
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
        if let Some(first) = images.first() {
            self.check_sides(first.height, first.width)?;
        }
        for network in self.networks.iter() {
            self.embed_by(network, images, use_rows)?;
        }
        Ok(())
    }

    /// Whether the maps of every network cover an input of such a size.
    ///
    /// # Errors
    /// [`InputError::OddGrid`].
    pub(crate) fn check_sides(&self, height: usize, width: usize) -> Result<(), InputError> {
        self.networks.iter().try_for_each(|network| {
            let fits = network.plan.as_ref().map_or(Ok(()), |plan| plan.check_sides(height, width));
            fits.map_err(|fault| InputError::OddGrid { backbone: network.name.clone(), fault })
        })
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
                match self.members.get(*member).and_then(|shape| shape.scales()) {
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

/// Multiplies each value of rows by its factor.
pub(crate) fn scale_rows(rows: &mut [f32], scales: &[f32]) {
    for row in rows.chunks_exact_mut(scales.len()) {
        for (value, scale) in row.iter_mut().zip(scales) {
            *value *= scale;
        }
    }
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
