//! Why a defective photo may show no defective pixel.

use std::fmt;

use patchcore_config::Size;

/// Why no defective pixel of a mask counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HiddenDefect {
    /// The mask has none: it is black everywhere. A fault of the data.
    NoDefectivePixel,
    /// They vanish where the photo becomes smaller.
    Resize {
        /// Defective pixels of the photo.
        pixels: usize,
        /// The size that the photo is resized to.
        resized: Size,
    },
    /// They lie in what the crop cuts off.
    Crop {
        /// Defective pixels of the photo.
        pixels: usize,
    },
    /// They lie outside the region of interest.
    Region {
        /// Defective pixels of the photo.
        pixels: usize,
    },
}

impl HiddenDefect {
    /// The cause in one word, as results name it: `no_defective_pixel`, `resize`, `crop`, `region`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoDefectivePixel => "no_defective_pixel",
            Self::Resize { .. } => "resize",
            Self::Crop { .. } => "crop",
            Self::Region { .. } => "region",
        }
    }
}

impl fmt::Display for HiddenDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = |pixels: &usize, one: &str, several: &str| match pixels {
            1 => format!("its 1 defective pixel {one}"),
            more => format!("its {more} defective pixels {several}"),
        };
        match self {
            Self::NoDefectivePixel => f.write_str("its mask has no defective pixel"),
            Self::Resize { pixels, resized: Size { width, height } } => {
                write!(f, "{} at {width}x{height}", subject(pixels, "vanishes", "vanish"))
            }
            Self::Crop { pixels } => write!(f, "{} in what the crop cuts off", subject(pixels, "lies", "lie")),
            Self::Region { pixels } => write!(f, "{} outside the region of interest", subject(pixels, "lies", "lie")),
        }
    }
}
