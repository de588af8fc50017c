//! What kind of photo a network's input was made of, as far as it costs nothing to know.

use crate::photo::Samples;
use crate::{ImageError, Photo};

/// The kind of a photo, before any resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PhotoKind {
    /// 1 (grey) or 3 (RGB). Of a network's input 1, too, where all three planes are equal: some formats have no grey.
    pub channels: usize,
    /// Bits per sample: 8, 16, or 32 of floats.
    pub bits: u32,
    /// [`Photo::has_transparency`].
    pub has_transparency: bool,
    /// Of a network's input, how its samples lie between black and white; [`Photo::kind`] does not look at them.
    pub exposure: Exposure,
}

/// How the samples of a photo of 16 bits, or of floats, lie between black and white; photos of 8 bits are as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Exposure {
    /// Neither of the others.
    #[default]
    Usual,
    /// Nobody said what is white, and no sample reaches a quarter of it.
    NearlyBlack,
    /// More than one sample in a hundred is above white, or below black, and was cut off there.
    Clipped,
}

impl Exposure {
    /// `cut_off` of a number of samples are above white or below black.
    fn of_clipped(cut_off: usize, samples: usize) -> Self {
        if cut_off * 100 > samples { Self::Clipped } else { Self::Usual }
    }
}

impl Photo {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> PhotoKind {
        let (channels, bits) = (self.channels(), self.bits_per_sample());
        PhotoKind { channels, bits, has_transparency: self.has_transparency(), exposure: Exposure::default() }
    }

    /// How its samples lie between black and white. `white`: the sample that is white, where somebody has said it.
    ///
    /// # Errors
    /// [`ImageError::NotFinite`] for floats that are no numbers, [`ImageError::FloatRange`] for floats outside of 0 and 1 of which
    /// nobody has said what is white.
    pub(crate) fn exposure(&self, white: Option<u16>) -> Result<Exposure, ImageError> {
        let nearly_black = |is_so: bool| if is_so { Exposure::NearlyBlack } else { Exposure::Usual };
        Ok(match (self.samples(), white) {
            (Samples::Eight(_), _) => Exposure::Usual,
            (Samples::Sixteen(_), None) => nearly_black(self.brightest_sample() < 1 << 14),
            (Samples::Sixteen(samples), Some(white)) => {
                Exposure::of_clipped(samples.iter().filter(|sample| **sample > white).count(), samples.len())
            }
            (Samples::Float(samples), white) => {
                let name = || self.name().to_owned();
                let not_finite = samples.iter().filter(|sample| !sample.is_finite()).count();
                if not_finite > 0 {
                    return Err(ImageError::NotFinite { name: name(), not_finite });
                }
                let (lowest, highest) =
                    samples.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), sample| {
                        (low.min(*sample), high.max(*sample))
                    });
                let Some(white) = white.map(f32::from) else {
                    if lowest < 0.0 || highest > 1.0 {
                        return Err(ImageError::FloatRange { name: name(), lowest, highest });
                    }
                    return Ok(nearly_black(highest < 0.25));
                };
                let cut_off = samples.iter().filter(|sample| **sample < 0.0 || **sample > white).count();
                Exposure::of_clipped(cut_off, samples.len())
            }
        })
    }
}
