//! What a fit does before the first photo is fitted: a network of int8 needs the ranges of its maps.

use std::iter::Chain;
use std::vec::IntoIter;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::{BackboneWeights, Checked};
use patchcore_core::error::FitError;
use patchcore_core::{ComputeDevice, MOST_SURVEYED, RangeSurvey};
use patchcore_io::{Limits, NetworkInput};

use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::into_photo::{Known, PhotoSource};
use crate::prepared::{NamedSource, prepared};
use crate::progress::{Stage, Teller};
use crate::threads::Threads;

/// Bytes of photos in memory that are held for the first pass: they come once, and the fit wants them too.
const HELD_BYTES: usize = 256 << 20;

/// The first pass over the photos of a fit.
pub(crate) struct FirstPass<'a> {
    pub(crate) config: &'a Checked,
    pub(crate) weights: &'a BackboneWeights,
    pub(crate) device: &'a ComputeDevice,
    pub(crate) threads: &'a Threads,
    pub(crate) limits: Limits,
    /// Whether a photo that cannot be used ends the fit.
    pub(crate) ends: bool,
}

/// What was held, and what is still to come.
type All<I> = Chain<IntoIter<NamedSource>, I>;

impl FirstPass<'_> {
    /// The activation ranges of the networks of int8, and all photos again; without such a network no photo is looked at.
    ///
    /// Names and paths of all photos are held. Those with pixels in memory are held up to [`MOST_SURVEYED`] or [`HELD_BYTES`], and the
    /// first pass sees nothing of what comes after them.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what is no single photo's fault; where none can be used, as a fit.
    pub(crate) fn ranges<I>(
        &self,
        mut photos: I,
        progress: &mut Teller<'_>,
    ) -> Result<(Vec<ActivationRanges>, All<I>), Error>
    where
        I: Iterator<Item = NamedSource>,
    {
        let mut held: Vec<NamedSource> = Vec::new();
        if !self.config.members.iter().any(|member| member.network_precision.has_ranges()) {
            return Ok((Vec::new(), held.into_iter().chain(photos)));
        }
        let (config, weights, device) = (self.config, self.weights, self.device);
        let mut survey = self.threads.run(|| RangeSurvey::new(config.clone(), weights, device))?;
        hold(&mut photos, &mut held);
        let (chosen, others) = spread(&held, MOST_SURVEYED);
        let total = chosen.len();
        let sources = chosen.iter().filter_map(|at| copy_of(held.get(*at)?));
        for (index, (_, input)) in prepared(config, self.limits, Known::PixelsAlone, sources).enumerate() {
            if let Ok(input) = input {
                self.look_at(&mut survey, &input)?;
            }
            if progress.tell(Stage::Ranges, index + 1, total).is_break() {
                return Err(Error::Cancelled { what: "fit" });
            }
        }
        // One photo that can be used is enough, wherever it stands.
        let mut others = others.into_iter();
        while survey.photos() == 0 {
            let at = others.next().unwrap_or(held.len());
            if at == held.len() {
                let Some(next) = photos.next() else { return Err(self.none_usable(&mut survey, held)) };
                held.push(next);
            }
            if let Some((_, source)) = held.get(at).and_then(copy_of)
                && let Ok(input) = source.prepare(config, &self.limits, Known::PixelsAlone)
            {
                self.look_at(&mut survey, &input)?;
            }
            if progress.tell(Stage::Ranges, total, total).is_break() {
                return Err(Error::Cancelled { what: "fit" });
            }
        }
        Ok((survey.finish()?, held.into_iter().chain(photos)))
    }

    /// Looks at a photo; one that cannot be used is left to the fit, which says so.
    fn look_at(&self, survey: &mut RangeSurvey, input: &NetworkInput) -> Result<(), Error> {
        match self.threads.run(|| survey.add_within(core_input(input), input.inside.as_deref())) {
            Err(error @ (FitError::Device(_) | FitError::Backbone(_))) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The error of a fit none of whose photos can be used: the first one's.
    fn none_usable(&self, survey: &mut RangeSurvey, mut held: Vec<NamedSource>) -> Error {
        let count = held.len();
        if held.is_empty() {
            return FitError::NoImages.into();
        }
        let (name, source) = held.swap_remove(0);
        let prepared = source.and_then(|source| source.prepare(self.config, &self.limits, Known::PixelsAlone));
        let added = prepared.and_then(|input| {
            let inside = input.inside.as_deref();
            Ok(self.threads.run(|| survey.add_within(core_input(&input), inside))?)
        });
        match added {
            Err(first) if self.ends => first,
            Err(first) => Error::NoUsablePhoto { count, name, first: Box::new(first) },
            // It was tried before.
            Ok(()) => FitError::NoImages.into(),
        }
    }
}

/// Pulls photos as long as they take little memory.
fn hold(photos: &mut impl Iterator<Item = NamedSource>, held: &mut Vec<NamedSource>) {
    let (mut in_memory, mut bytes) = (0, 0);
    while in_memory < MOST_SURVEYED && bytes < HELD_BYTES {
        let Some(photo) = photos.next() else { break };
        let own = photo.1.as_ref().map_or(0, PhotoSource::bytes);
        in_memory += usize::from(own > 0);
        bytes += own;
        held.push(photo);
    }
}

/// Places of at most so many photos, evenly spread over those that have a source, and the places of the others.
fn spread(photos: &[NamedSource], most: usize) -> (Vec<usize>, Vec<usize>) {
    let usable: Vec<usize> = (0..).zip(photos).filter(|(_, photo)| photo.1.is_ok()).map(|(at, _)| at).collect();
    let count = usable.len().min(most);
    let begin = |part: usize| usable.get(part * usable.len() / count).copied();
    let chosen: Vec<usize> = (0..count).filter_map(begin).collect();
    let others = usable.iter().copied().filter(|at| chosen.binary_search(at).is_err()).collect();
    (chosen, others)
}

/// A photo that has a source, to be used twice.
fn copy_of((name, source): &NamedSource) -> Option<(String, PhotoSource)> {
    Some((name.clone(), source.as_ref().ok()?.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::into_photo::IntoPhoto;
    use patchcore_io::{Photo, PixelBuffer, PixelFormat};

    fn photo() -> Photo {
        Photo::from_buffer(&PixelBuffer { data: &[7; 64], width: 8, height: 8, stride: 8, format: PixelFormat::Gray8 })
            .unwrap()
    }

    fn sources(count: usize) -> Vec<NamedSource> {
        (0..count).map(|at| (at.to_string(), Ok(photo().into_photo().source.unwrap()))).collect()
    }

    #[test]
    fn photos_are_spread_over_the_set_and_those_without_a_source_passed_over() {
        let mut photos = sources(10);
        assert_eq!(spread(&photos, 4), (vec![0, 2, 5, 7], vec![1, 3, 4, 6, 8, 9]));
        assert_eq!(spread(&photos, 64), ((0..10).collect(), vec![]));
        assert_eq!(spread(&[], 64), (vec![], vec![]));
        photos[0].1 = Err(FitError::NoImages.into());
        photos[5].1 = Err(FitError::NoImages.into());
        assert_eq!(spread(&photos, 4).0, [1, 3, 6, 8]);
    }

    #[test]
    fn photos_in_memory_are_held_up_to_a_number() {
        let mut photos = sources(100).into_iter();
        let mut held = Vec::new();
        hold(&mut photos, &mut held);
        assert_eq!((held.len(), photos.len()), (MOST_SURVEYED, 100 - MOST_SURVEYED));
        let paths = (0..100).map(|at| (at.to_string(), Ok(PhotoSource::Path(at.to_string().into()))));
        let mut held = Vec::new();
        hold(&mut paths.into_iter(), &mut held);
        assert_eq!(held.len(), 100);
    }
}
