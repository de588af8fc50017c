//! How long the networks of a fit take, estimated before it begins: their multiply-adds at the speed of a small network on the same device.

use std::time::Duration;

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights, Checked, Mode, NamedTensor};
use patchcore_core::{ComputeDevice, Extractor, ImageInput};

use crate::error::{Error, FitError};
use crate::fit_plan::FitPlan;

/// Side of the picture that the small network is measured on, in pixels.
const SIDE: usize = 224;
/// How often it is measured; the shortest time counts.
const ROUNDS: usize = 3;

/// What the networks of a fit have to do, and how long that takes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FitTime {
    /// Multiplications with an addition for the largest photo, of all networks.
    pub multiply_adds: u64,
    /// Seconds for the features of all photos and their copies; an estimate: networks differ in how well they use a processor, by up to
    /// two.
    pub seconds: f64,
}

impl FitTime {
    /// Measures a small network (ResNet-18, its third stage, weights 0) on the device, for some milliseconds. `clock` says what time it
    /// is, since whenever: this library has no clock of its own. `None` where nothing is known of the photos.
    ///
    /// # Errors
    /// [`Error::Fit`] where the device cannot compute it.
    pub fn estimate(
        config: &Checked,
        plan: &FitPlan,
        device: &ComputeDevice,
        clock: &dyn Fn() -> Duration,
    ) -> Result<Option<Self>, Error> {
        let Some(geometry) = plan.largest_geometry else { return Ok(None) };
        let (height, width) = (geometry.input.height as usize, geometry.input.width as usize);
        let multiply_adds = multiply_adds(config, height, width);
        let photos = plan.photos * (1 + config.copies.count());
        let seconds = photos as f64 * multiply_adds as f64 / speed(device, clock)?;
        Ok(Some(Self { multiply_adds, seconds }))
    }
}

/// Of an input of such a size: each network once, up to the deepest layer that any member taps.
fn multiply_adds(config: &Checked, height: usize, width: usize) -> u64 {
    let mut networks: Vec<(&str, u64)> = Vec::new();
    for member in &config.members {
        // An application's own network says nothing of its work.
        let cost = |plan: Plan| plan.cost(height, width).map_or(0, |cost| cost.multiply_adds);
        let own = member.backbone.plan(&member.layers).map_or(0, cost);
        match networks.iter_mut().find(|(name, _)| *name == member.backbone.name()) {
            Some((_, most)) => *most = own.max(*most),
            None => networks.push((member.backbone.name(), own)),
        }
    }
    networks.into_iter().map(|(_, own)| own).sum()
}

/// Multiply-adds a second of the small network.
fn speed(device: &ComputeDevice, clock: &dyn Fn() -> Duration) -> Result<f64, Error> {
    let config = Mode::Paper.config(Architecture::RESNET18).check()?;
    let plan = config.first().backbone.plan(&config.first().layers)?;
    let zeros = |(name, shape): (String, Vec<usize>)| {
        let data = vec![0.0; shape.iter().product()];
        (name, NamedTensor { shape, data })
    };
    let weights = BackboneWeights { tensors: plan.expected_tensors().into_iter().map(zeros).collect() };
    let work = multiply_adds(&config, SIDE, SIDE);
    let extractor = Extractor::new(config, &weights, device).map_err(FitError::from)?;
    let pixels = vec![0.5; 3 * SIDE * SIDE];
    let mut shortest = f64::INFINITY;
    for round in 0..=ROUNDS {
        let started = clock();
        extractor.embed_to_host(ImageInput { width: SIDE, height: SIDE, pixels: &pixels })?;
        // The first one makes room.
        if round > 0 {
            shortest = shortest.min(clock().saturating_sub(started).as_secs_f64());
        }
    }
    Ok(work as f64 / shortest.max(1e-9))
}

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{NetworkSettings, Settings};

    #[test]
    fn a_network_counts_once_whatever_its_members() {
        let of = |settings: Settings| multiply_adds(&settings.config().unwrap(), 224, 224);
        let one = of(Settings { backbone: "resnet18".to_owned(), mode: Mode::Paper, ..Settings::default() });
        let two_sets = Settings { backbone: "resnet18".to_owned(), ..Settings::default() };
        let further = vec![NetworkSettings::new("resnet18").with_layers(["layer2"])];
        assert_eq!(of(Settings { further_networks: further, ..two_sets.clone() }), one);
        let lite0 = of(Settings::default());
        let further = vec![NetworkSettings::new("efficientnet_lite0")];
        assert_eq!(of(Settings { further_networks: further, ..two_sets }), one + lite0);
        assert!(one > 1_000_000_000 && lite0 < one / 3, "{one} {lite0}");
    }

    #[test]
    fn the_speed_is_that_of_the_shortest_round() {
        // Each look at the clock is a step: the rounds take one second each.
        let time = Cell::new(0);
        let clock = || Duration::from_secs(time.replace(time.get() + 1));
        let config = Mode::Paper.config(Architecture::RESNET18).check().unwrap();
        let found = speed(&ComputeDevice::from_name("cpu").unwrap(), &clock).unwrap();
        assert_eq!(found, multiply_adds(&config, SIDE, SIDE) as f64);
    }
}
