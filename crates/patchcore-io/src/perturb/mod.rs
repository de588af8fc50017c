//! Photos as a camera would have taken them under other conditions; which conditions is said at
//! [`PerturbationKind`](crate::PerturbationKind). The same photo, perturbation and seed give the same samples on every machine:
//! draws are those of a portable generator, and exponentials and sines those of the crate `libm`.

mod blur;
mod border;
mod jpeg;
mod point;
mod sample;
mod warp;

use self::sample::Sample;
use crate::photo::Samples;
use crate::{ImageError, Perturbation, PerturbationKind, Photo};

impl Photo {
    /// The photo under other conditions. `white` is the sample that counts as white in a photo of 16 bits or floats; `None`: the photo's
    /// own ([`Photo::with_full_scale`]), else the largest one, of floats 1. The seed decides the direction of a shift, a rotation or a
    /// shading, and the draws of the noise.
    ///
    /// The photo keeps its name, size, channels and kind of samples; of its alpha, which no network looks at, nothing is kept.
    ///
    /// # Errors
    /// [`ImageError::FormatNotCompiledIn`] for JPEG without the feature of that name, and [`ImageError::TooLarge`] for a photo of more
    /// columns or rows than a JPEG has.
    pub fn perturbed(&self, perturbation: Perturbation, white: Option<u16>, seed: u64) -> Result<Photo, ImageError> {
        let white = white.or(self.full_scale());
        let samples = if perturbation.is_unchanged() {
            self.samples().clone()
        } else if perturbation.kind() == PerturbationKind::Jpeg {
            jpeg::round_trip(self, perturbation.level() as u8, white)?
        } else {
            let frame =
                Frame { width: self.width() as usize, height: self.height() as usize, channels: self.channels() };
            match self.samples() {
                Samples::Eight(samples) => Samples::from(made(samples, frame, perturbation, 255.0, seed)),
                Samples::Sixteen(samples) => {
                    Samples::Sixteen(made(samples, frame, perturbation, f32::from(white.unwrap_or(u16::MAX)), seed))
                }
                Samples::Float(samples) => {
                    Samples::Float(made(samples, frame, perturbation, white.map_or(1.0, f32::from), seed))
                }
            }
        };
        Ok(self.with_samples(samples))
    }
}

/// How samples lie in a photo.
#[derive(Debug, Clone, Copy)]
struct Frame {
    width: usize,
    height: usize,
    channels: usize,
}

fn made<S: Sample>(samples: &[S], frame: Frame, perturbation: Perturbation, white: f32, seed: u64) -> Vec<S> {
    let Frame { width, height, channels } = frame;
    let level = perturbation.level();
    let short_side = width.min(height) as f64;
    match perturbation.kind() {
        PerturbationKind::Light => point::light(samples, level as f32, white),
        PerturbationKind::Shading => point::shading(samples, (width, channels), height, level as f32, white, seed),
        PerturbationKind::Noise => point::noise(samples, level as f32, white, seed),
        PerturbationKind::Blur => blur::blur(samples, (width, height), channels, level * short_side, white),
        PerturbationKind::Shift => {
            warp::shift(samples, (width, height), channels, (level * short_side).round() as isize, seed)
        }
        PerturbationKind::Rotation => {
            let degrees = if seed.is_multiple_of(2) { level } else { -level };
            warp::sampled(samples, (width, height), channels, &warp::Map::rotation(degrees), white)
        }
        PerturbationKind::Scale => warp::sampled(samples, (width, height), channels, &warp::Map::scale(level), white),
        PerturbationKind::Jpeg => unreachable!("JPEG looks at the whole photo"),
    }
}

#[cfg(test)]
mod tests;
