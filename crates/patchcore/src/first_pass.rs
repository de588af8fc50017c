//! What a fit does before the first photo is fitted: a network of int8 needs the ranges of its maps.

use std::iter::Chain;
use std::sync::Arc;
use std::vec::IntoIter;

use patchcore_config::Checked;
use patchcore_config::backbone::ActivationRanges;
use patchcore_core::backbone::Backbone;
use patchcore_core::error::FitError;
use patchcore_core::{ComputeDevice, MOST_SURVEYED, RangeSurvey};
use patchcore_io::{Limits, NetworkInput};

use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::into_photo::{Known, PhotoSource};
use crate::prepared::{NamedSource, is_length_known, prepared};
use crate::progress::{Stage, Teller};
use crate::threads::Threads;

/// Bytes of photos in memory that are held for the first pass: they come once, and the fit wants them too.
const HELD_BYTES: usize = 256 << 20;

/// The first pass over the photos of a fit.
pub(crate) struct FirstPass<'a> {
    pub(crate) config: &'a Checked,
    /// One for each member.
    pub(crate) backbones: &'a [Arc<dyn Backbone>],
    pub(crate) device: &'a ComputeDevice,
    pub(crate) threads: &'a Threads,
    pub(crate) limits: Limits,
    /// Whether a photo that cannot be used ends the fit.
    pub(crate) ends: bool,
}

/// What was held, and what is still to come.
type All<I> = Chain<IntoIter<NamedSource>, I>;

/// What the first pass has found, and all photos again.
pub(crate) struct Surveyed<I> {
    /// Of every network of int8, in the order of their first members; empty without such a network.
    pub(crate) ranges: Vec<ActivationRanges>,
    pub(crate) photos: All<I>,
    /// The first photos, among which the pass has chosen: it has seen none that came later. `None` without a pass.
    pub(crate) held: Option<usize>,
}

impl FirstPass<'_> {
    /// The activation ranges of the networks of int8, and all photos again; without such a network no photo is looked at.
    ///
    /// Names and paths of all photos are held. Those with pixels in memory are held up to [`HELD_BYTES`], and up to [`MOST_SURVEYED`] where
    /// it is not known how many come; the first pass sees nothing of what comes after them.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what is no single photo's fault; where none can be used, as a fit.
    pub(crate) fn ranges<I>(&self, mut photos: I, progress: &mut Teller<'_>) -> Result<Surveyed<I>, Error>
    where
        I: Iterator<Item = NamedSource>,
    {
        let mut held: Vec<NamedSource> = Vec::new();
        if !self.config.members.iter().any(|member| member.network_precision.has_ranges()) {
            return Ok(Surveyed { ranges: Vec::new(), photos: held.into_iter().chain(photos), held: None });
        }
        let (config, device) = (self.config, self.device);
        let mut survey = self.threads.run(|| RangeSurvey::with_backbones(config.clone(), self.backbones, device))?;
        hold(&mut photos, &mut held);
        let mut waiting: Vec<usize> =
            (0..).zip(&held).filter(|(_, photo)| photo.1.is_ok()).map(|(place, _)| place).collect();
        let mut done = 0;
        // Others take the places of those that cannot be used.
        while survey.photos() < MOST_SURVEYED && !waiting.is_empty() {
            let chosen = take_spread(&mut waiting, MOST_SURVEYED - survey.photos());
            let total = done + chosen.len();
            let sources = chosen.iter().filter_map(|place| copy_of(held.get(*place)?));
            for (_, input) in prepared(config, self.limits, Known::PixelsAlone, sources) {
                if let Ok(input) = input {
                    self.look_at(&mut survey, &input)?;
                }
                done += 1;
                if progress.tell(Stage::Ranges, done, total).is_break() {
                    return Err(Error::Cancelled { what: "fit" });
                }
            }
        }
        // One photo that can be used is enough, wherever it stands.
        while survey.photos() == 0 {
            let Some(next) = photos.next() else { return Err(self.none_usable(&mut survey, held)) };
            if let Some((_, source)) = copy_of(&next)
                && let Ok(input) = source.prepare(config, &self.limits, Known::PixelsAlone)
            {
                self.look_at(&mut survey, &input)?;
            }
            held.push(next);
            done += 1;
            if progress.tell(Stage::Ranges, done, done).is_break() {
                return Err(Error::Cancelled { what: "fit" });
            }
        }
        let count = held.len();
        Ok(Surveyed { ranges: survey.finish()?, photos: held.into_iter().chain(photos), held: Some(count) })
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

/// Pulls photos as long as they take little memory; of unknown many, as many as are looked at.
fn hold(photos: &mut impl Iterator<Item = NamedSource>, held: &mut Vec<NamedSource>) {
    let most = if is_length_known(photos) { usize::MAX } else { MOST_SURVEYED };
    let (mut in_memory, mut bytes) = (0, 0);
    while in_memory < most && bytes < HELD_BYTES {
        let Some(photo) = photos.next() else { break };
        let own = photo.1.as_ref().map_or(0, PhotoSource::bytes);
        in_memory += usize::from(own > 0);
        bytes += own;
        held.push(photo);
    }
}

/// Takes at most so many of these places, evenly spread over them, and leaves the others.
fn take_spread(waiting: &mut Vec<usize>, most: usize) -> Vec<usize> {
    let count = waiting.len().min(most);
    let begin = |part: usize| waiting.get(part * waiting.len() / count).copied();
    let chosen: Vec<usize> = (0..count).filter_map(begin).collect();
    waiting.retain(|place| chosen.binary_search(place).is_err());
    chosen
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
    fn photos_are_spread_over_the_set_and_the_others_are_left() {
        let spread = |mut waiting: Vec<usize>, most: usize| (take_spread(&mut waiting, most), waiting);
        assert_eq!(spread((0..10).collect(), 4), (vec![0, 2, 5, 7], vec![1, 3, 4, 6, 8, 9]));
        assert_eq!(spread(vec![1, 3, 4, 6, 8, 9], 2), (vec![1, 6], vec![3, 4, 8, 9]));
        assert_eq!(spread((0..10).collect(), 64), ((0..10).collect(), vec![]));
        assert_eq!(spread(vec![], 64), (vec![], vec![]));
    }

    #[test]
    fn photos_in_memory_are_held_where_their_number_is_known_and_else_up_to_a_number() {
        let held = |photos: &mut dyn Iterator<Item = NamedSource>| {
            let mut held = Vec::new();
            hold(&mut &mut *photos, &mut held);
            (held.len(), photos.count())
        };
        assert_eq!(held(&mut sources(100).into_iter()), (100, 0));
        assert_eq!(held(&mut sources(100).into_iter().filter(|_| true)), (MOST_SURVEYED, 100 - MOST_SURVEYED));
        let paths = (0..100).map(|at| (at.to_string(), Ok(PhotoSource::Path(at.to_string().into()))));
        assert_eq!(held(&mut paths.filter(|_| true)), (100, 0));
        // 64 MiB each.
        let side = 1 << 13;
        let buffer = PixelBuffer {
            data: &vec![7; side * side],
            width: side as u32,
            height: side as u32,
            stride: side,
            format: PixelFormat::Gray8,
        };
        let large = Photo::from_buffer(&buffer).unwrap();
        let large = (0..6).map(|at: usize| (at.to_string(), Ok(PhotoSource::Photo(large.clone()))));
        assert_eq!(held(&mut large.collect::<Vec<_>>().into_iter()), (4, 2));
    }
}
