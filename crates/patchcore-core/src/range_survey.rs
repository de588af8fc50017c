//! The first pass of a fit in int8: what the maps of an f32 network hold on good photos, from which the ranges of 8 bits come.

use std::fmt;
use std::sync::Arc;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Checked, Normalization};
use patchcore_cpu::Instructions;
use patchcore_cpu::network::reduced::ranges_of;
use patchcore_cpu::network::{CpuNetwork, CpuNetworkError, Workspace};

use crate::backbone::Backbone;
use crate::copies::each_copy;
use crate::device::ComputeDevice;
use crate::error::{BackboneError, FitError, ScoreError};
use crate::given_weights::GivenWeights;
use crate::image_input::ImageInput;
use crate::network_group::{GroupedNetworks, MemberShape, NetworkGroup, catalogue_backbones, check_precisions};
use crate::photo_parts::PhotoParts;

/// Photos that a survey needs at most; spread them evenly over those of the fit.
pub const MOST_SURVEYED: usize = 64;

/// Measures what a configuration's networks of int8 need before their fit: the range of every channel of every map.
///
/// It computes on the CPU with the widest instructions that the processor has, whatever limit the device of the fit has: sets that fuse a
/// multiplication with an addition (AVX2, AVX-512, NEON) give the same bits, so that a fit gives the same ranges in each of them. A
/// processor without any (x86-64 before AVX2, wasm) may give ranges that differ in their last places.
///
/// ```
/// use patchcore_config::{Architecture, Mode, NetworkPrecision};
/// # use patchcore_core::error::FitError;
/// use patchcore_core::{ComputeDevice, Fitter, ImageInput, MOST_SURVEYED, PatchCore, RangeSurvey};
///
/// # fn fit(weights: &patchcore_config::BackboneWeights, photos: &[ImageInput<'_>], device: &ComputeDevice) -> Result<PatchCore, FitError> {
/// let config = Mode::Line.config(Architecture::RESNET18).with_network_precision(NetworkPrecision::Int8).check()?;
/// let mut survey = RangeSurvey::new(config.clone(), weights, device)?;
/// for photo in photos.iter().step_by(photos.len().div_ceil(MOST_SURVEYED).max(1)) {
///     survey.add(*photo)?;
/// }
/// let mut fitter = Fitter::with_ranges(config, weights, &survey.finish()?, device)?;
/// photos.iter().try_for_each(|photo| fitter.add(*photo))?;
/// fitter.finish(&mut |_, _| true)
/// # }
/// ```
pub struct RangeSurvey {
    config: Checked,
    /// One for each member.
    shapes: Vec<MemberShape>,
    networks: Vec<Surveyed>,
    photos: usize,
    pixels: Vec<f32>,
    planes: Vec<f32>,
}

/// A network of int8, as yet in f32.
struct Surveyed {
    name: String,
    plan: Plan,
    normalization: Normalization,
    network: CpuNetwork,
    workspace: Workspace,
    seen: ActivationRanges,
}

impl fmt::Debug for RangeSurvey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.len();
        f.debug_struct("RangeSurvey").field("photos", &self.photos).field("networks", &networks).finish_non_exhaustive()
    }
}

impl RangeSurvey {
    /// A survey of the networks of int8, for members that all name networks of the catalogue; one without such a network has nothing to
    /// measure.
    ///
    /// # Errors
    /// [`FitError::Backbone`], also for a device of the fit that has another number format of its own
    /// ([`BackboneError::TwoPrecisions`]), and for a network that the CPU has no kernels for.
    pub fn new<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        let backbones = catalogue_backbones(&config, weights.into())?;
        Self::with_backbones(config, &backbones, device)
    }

    /// A survey with networks of the caller's, one for each member: see
    /// [`Extractor::with_backbones`](crate::Extractor::with_backbones).
    ///
    /// # Errors
    /// As [`RangeSurvey::new`].
    pub fn with_backbones(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        check_precisions(&config, device.precision())?;
        let GroupedNetworks { shapes, groups } = GroupedNetworks::of(&config, backbones)?;
        let in_int8 = groups.into_iter().filter(|group| group.precision.has_ranges());
        let surveyed = |NetworkGroup { backbone, normalization, precision, .. }: NetworkGroup| {
            let no_plan =
                || BackboneError::NoReduction { backbone: backbone.name().to_owned(), precision: precision.name() };
            let (plan, weights) = backbone.plan().ok_or_else(no_plan)?;
            let network = CpuNetwork::new(Instructions::native(), plan, weights);
            let network = network.map_err(|error| failed(backbone.name(), error))?;
            let name = backbone.name().to_owned();
            let (plan, seen) = (plan.clone(), ActivationRanges::nothing_seen(plan));
            Ok(Surveyed { name, plan, normalization, network, workspace: Workspace::default(), seen })
        };
        let networks = in_int8.map(surveyed).collect::<Result<_, FitError>>()?;
        Ok(Self { config, shapes, networks, photos: 0, pixels: Vec::new(), planes: Vec::new() })
    }

    /// Looks at one photo of a good part.
    ///
    /// # Errors
    /// [`FitError::Input`] and [`FitError::Backbone`]. What the photo has shown until then stays counted.
    pub fn add(&mut self, image: ImageInput<'_>) -> Result<(), FitError> {
        self.add_within(image, None)
    }

    /// [`RangeSurvey::add`] for a photo of which only pixels `inside` count, `[height, width]` row by row: what is looked at is what the
    /// fit will see of it, in tiles and with its copies.
    ///
    /// # Errors
    /// As [`RangeSurvey::add`].
    pub fn add_within(&mut self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        let config = self.config.clone();
        let (_, deepest) = config.strides();
        let number = self.photos;
        let looked_at = self.look_at(&config, image, inside).and_then(|()| {
            each_copy(&config.copies, image, inside, deepest, |_, copied, inside| self.look_at(&config, copied, inside))
        });
        looked_at.map_err(|error| FitError::of_photo(error, number))?;
        self.photos += 1;
        Ok(())
    }

    fn look_at(&mut self, config: &Checked, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), ScoreError> {
        let Self { shapes, networks, pixels, planes, .. } = self;
        let parts = PhotoParts::of(config, shapes, image, inside)?;
        parts.each(config, image, pixels, |_, part| {
            part.check()?;
            for Surveyed { name, normalization, network, workspace, seen, .. } in networks.iter_mut() {
                planes.clear();
                part.push_normalized(normalization, planes);
                let observed = network.observe(planes, 1, part.height, part.width, workspace, seen);
                observed.map_err(|error| failed(name, error))?;
            }
            Ok(())
        })
    }

    /// Photos looked at.
    pub fn photos(&self) -> usize {
        self.photos
    }

    /// The ranges of every network of int8, in the order of their first members.
    ///
    /// # Errors
    /// [`FitError::NoImages`], and [`BackboneError::NoRanges`] where the photos or the weights gave values that are not finite.
    pub fn finish(self) -> Result<Vec<ActivationRanges>, FitError> {
        if self.photos == 0 && !self.networks.is_empty() {
            return Err(FitError::NoImages);
        }
        let decided = |network: Surveyed| {
            let Surveyed { name, plan, normalization, seen, .. } = network;
            let ranges = ranges_of(&plan, &normalization, &seen).map_err(|error| failed(&name, error))?;
            ranges.check(&plan).map_err(|range| BackboneError::NoRanges { backbone: name, range: Box::new(range) })?;
            Ok(ranges)
        };
        self.networks.into_iter().map(decided).collect()
    }
}

/// A network that cannot be surveyed: no fault of a device.
fn failed(backbone: &str, error: CpuNetworkError) -> BackboneError {
    BackboneError::Failed { backbone: backbone.to_owned(), reason: error.to_string() }
}
