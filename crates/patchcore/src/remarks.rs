//! What is worth saying of photos that are taken all the same. Nothing here changes a number.

use std::collections::BTreeMap;

use patchcore_config::{InputSizes, PatchCoreConfig, Resize, Size};
use patchcore_core::model_file::{ColourSeen, InputsSeen};
use patchcore_io::{Exposure, Geometry, NetworkInput, PhotoKind};

/// What is odd about a photo that was taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Remark {
    /// Some of its pixels are transparent ([`Photo::has_transparency`](crate::Photo::has_transparency)): they are taken with the
    /// colours that lie under them, so that two photos that look the same may score differently.
    Transparent,
    /// It is scored, and no photo of the fit had a shape within a grid cell of its own: nothing like it was seen, or nothing at that size.
    OtherShape,
    /// It is scored, and no photo of the fit was of its kind: grey or colour, 8 bits, 16 or floats.
    OtherKind,
    /// It is in a fit, and its shape is more than a grid cell from that of the first photo.
    ManyShapes,
    /// It is in a fit, and it is of another kind than the first photo.
    ManyKinds,
    /// It shows, pixel for pixel, what an earlier photo shows. In a fit it makes the bank like any other; a promise counts it once.
    Duplicate,
    /// It is scored, and the model was fitted on it.
    TrainingPhoto,
    /// It is in a fit and has 16-bit or float samples, none of which reaches a quarter of white, and nobody said what is white.
    NearlyBlack,
    /// More than one of a hundred of its samples are above white, or below black, and were cut off there.
    Clipped,
    /// It is in a fit in int8, and came too late to be looked at for the ranges of the network's maps: photos in memory come once, and as
    /// many are held as are needed, or as memory is meant for.
    NotInRanges,
}

impl Remark {
    /// What is to be said of a photo that is in a fit, of which the first photo is known.
    pub(crate) fn in_a_fit(
        input: &NetworkInput,
        (first, kind): &(Geometry, PhotoKind),
        config: &PatchCoreConfig,
    ) -> Vec<Self> {
        let has_shape = is_near(input.geometry.original, first.original, config);
        let mut told = Self::told(input, (has_shape, Self::ManyShapes), (is_same(input.kind, *kind), Self::ManyKinds));
        if input.kind.exposure == Exposure::NearlyBlack {
            told.push(Self::NearlyBlack);
        }
        told
    }

    /// What is to be said of a photo that is scored. Where it is not known what the fit has seen, that is not compared.
    pub(crate) fn of_scored(input: &NetworkInput, config: &PatchCoreConfig, seen: Option<&InputsSeen>) -> Vec<Self> {
        let has_shape = match (&config.view.sizes, seen) {
            (InputSizes::WholeCells { of_the_fit, .. }, _) if config.view.follows_the_photo() => {
                of_the_fit.is_empty() || of_the_fit.contains(&input.geometry.input)
            }
            (_, None) => true,
            (_, Some(seen)) => seen
                .sizes
                .iter()
                .any(|seen| is_near(input.geometry.original, Size { width: seen.width, height: seen.height }, config)),
        };
        let of_kind = |seen: &ColourSeen| (seen.channels, seen.bits) == (input.kind.channels, input.kind.bits);
        let has_kind = seen.is_none_or(|seen| seen.colours.iter().any(of_kind));
        Self::told(input, (has_shape, Self::OtherShape), (has_kind, Self::OtherKind))
    }

    fn told(input: &NetworkInput, shape: (bool, Self), kind: (bool, Self)) -> Vec<Self> {
        let is_whole = input.kind.exposure != Exposure::Clipped;
        let known = [(!input.kind.has_transparency, Self::Transparent), shape, kind, (is_whole, Self::Clipped)];
        known.into_iter().filter(|(as_usual, _)| !as_usual).map(|(_, remark)| remark).collect()
    }

    /// Said of one photo, or of several.
    fn said_of(self, one: bool) -> &'static str {
        match (self, one) {
            (Self::Transparent, true) => "has transparent pixels, which are taken with the colours that lie under them",
            (Self::Transparent, false) => {
                "have transparent pixels, which are taken with the colours that lie under them"
            }
            (Self::OtherShape, true) => {
                "has a shape that no photo of the fit has: its score may say more of that than of the part"
            }
            (Self::OtherShape, false) => {
                "have a shape that no photo of the fit has: their scores may say more of that than of the parts"
            }
            (Self::OtherKind, true) => {
                "is of a kind (grey or colour, 8 bits, 16 or floats) that no photo of the fit is: its score may say more of that than of the part"
            }
            (Self::OtherKind, false) => {
                "are of a kind (grey or colour, 8 bits, 16 or floats) that no photo of the fit is: their scores may say more of that than of the parts"
            }
            (Self::ManyShapes, true) => "has another shape than the first photo",
            (Self::ManyShapes, false) => "have another shape than the first photo",
            (Self::Duplicate, true) => "is a copy of an earlier photo: the two count as one for every promise",
            (Self::Duplicate, false) => {
                "are copies of earlier photos: a photo and its copies count as one for every promise"
            }
            (Self::TrainingPhoto, true) => {
                "is a photo that the model was fitted on: its score says nothing about new parts"
            }
            (Self::TrainingPhoto, false) => {
                "are photos that the model was fitted on: their scores say nothing about new parts"
            }
            (Self::NearlyBlack, true) => {
                "is nearly black: none of its 16-bit or float samples reaches a quarter of white, and nobody said what is white"
            }
            (Self::NearlyBlack, false) => {
                "are nearly black: none of their 16-bit or float samples reaches a quarter of white, and nobody said what is white"
            }
            (Self::Clipped, true) => "is clipped: more than 1 % of its samples are above white or below black",
            (Self::Clipped, false) => {
                "are clipped: more than 1 % of the samples of each are above white or below black"
            }
            (Self::NotInRanges, true) => {
                "was not looked at for the ranges of the int8 network: photos in memory come once, and the first ones decide"
            }
            (Self::NotInRanges, false) => {
                "were not looked at for the ranges of the int8 network: photos in memory come once, and the first ones decide"
            }
            (Self::ManyKinds, true) => "is of another kind (grey or colour, 8 bits, 16 or floats) than the first photo",
            (Self::ManyKinds, false) => {
                "are of another kind (grey or colour, 8 bits, 16 or floats) than the first photo"
            }
        }
    }
}

/// Whether what a view makes of two photos differs by less than a cell of the deepest level on both axes, before any crop. A view that
/// gives both sides squeezes: its photos are compared by their aspect ratio.
fn is_near(one: Size, other: Size, config: &PatchCoreConfig) -> bool {
    let shape = |size: Size| {
        let short = match config.view.resize {
            Resize::Keep => return (f64::from(size.width), f64::from(size.height)),
            Resize::Short(short) => short,
            Resize::Exact(exact) => exact.width.min(exact.height),
        };
        let scale = f64::from(short) / f64::from(size.width.min(size.height));
        (f64::from(size.width) * scale, f64::from(size.height) * scale)
    };
    let (one, other, stride) = (shape(one), shape(other), f64::from(config.strides().1));
    (one.0 - other.0).abs() < stride && (one.1 - other.1).abs() < stride
}

/// Whether two photos are both grey or both in colour, with samples of as many bits.
fn is_same(one: PhotoKind, other: PhotoKind) -> bool {
    (one.channels, one.bits) == (other.channels, other.bits)
}

/// The remarks on many photos: each kind once, with a count and the first photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    noted: BTreeMap<Remark, (usize, String)>,
}

impl Remarks {
    /// Notes what is to be said of one more photo.
    pub fn note(&mut self, photo: &str, remarks: &[Remark]) {
        for remark in remarks {
            self.noted.entry(*remark).or_insert_with(|| (0, photo.to_owned())).0 += 1;
        }
    }

    /// Adds what was said of other photos.
    pub(crate) fn join(&mut self, others: Self) {
        for (remark, (photos, first)) in others.noted {
            self.noted.entry(remark).or_insert_with(|| (0, first)).0 += photos;
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Each kind of remark with the number of photos that it was made on, and the name of the first one.
    pub fn iter(&self) -> impl Iterator<Item = (Remark, usize, &str)> {
        self.noted.iter().map(|(remark, (photos, first))| (*remark, *photos, first.as_str()))
    }

    /// A line for each kind of remark.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.iter().map(|(remark, photos, first)| match photos {
            1 => format!("{first} {}", remark.said_of(true)),
            _ => format!("{photos} photos {} (the first: {first})", remark.said_of(false)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_said_once_with_a_count_and_the_first_photo() {
        let mut remarks = Remarks::default();
        remarks.note("opaque.png", &[]);
        assert!(remarks.is_empty());
        remarks.note("b.png", &[Remark::Transparent]);
        let lines = |remarks: &Remarks| remarks.lines().collect::<Vec<String>>();
        let said = "transparent pixels, which are taken with the colours that lie under them";
        assert_eq!(lines(&remarks), [format!("b.png has {said}")]);
        remarks.note("a.png", &[Remark::Transparent]);
        assert_eq!(lines(&remarks), [format!("2 photos have {said} (the first: b.png)")]);
        assert_eq!(remarks.iter().collect::<Vec<_>>(), [(Remark::Transparent, 2, "b.png")]);
    }
}
