//! A stream of scores: photos are decoded ahead, results come in order.

use std::collections::VecDeque;
use std::fmt;

use patchcore_io::{Limits, NetworkInput, Photo};

use crate::ahead::Ahead;
use crate::batch_note::BatchNote;
use crate::error::Error;
use crate::into_photo::{IntoPhoto, Known, PhotoSource, input_bytes, photo_bytes};
use crate::model::Model;
use crate::prepared::{numbered, prepared};
use crate::score::Score;

/// One photo's score, or why it has none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scored {
    /// The photo's name; of a file its path, as [`path_text`](crate::path_text) writes it.
    pub name: String,
    /// [`Error::Image`] and [`Error::Score`], and what the source itself said.
    pub result: Result<Score, Error>,
    /// The photo, of [`Model::scores_and_photos`]; `None` of [`Model::scores`], of one that failed and of a prepared input.
    pub photo: Option<Photo>,
}

/// The scores of a source of photos, in its order: see [`Model::scores`]. Nothing begins before the first one is asked for;
/// dropping it ends its thread.
pub struct Scores<'m> {
    scored: Box<dyn Iterator<Item = (NameAndPhoto, Result<Score, Error>)> + 'm>,
}

/// A photo's name, and the photo where it is kept.
type NameAndPhoto = (String, Option<Photo>);

impl Iterator for Scores<'_> {
    type Item = Scored;

    fn next(&mut self) -> Option<Scored> {
        self.scored.next().map(|((name, photo), result)| Scored { name, result, photo })
    }
}

impl fmt::Debug for Scores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scores").finish_non_exhaustive()
    }
}

impl Model {
    /// Scores photos as they come: photos in memory, paths, pixel buffers, prepared inputs, or results of them. One that fails has
    /// its error in its place, and the others go on. To stop, stop asking.
    ///
    /// Files are decoded ahead on another thread while the network computes; no more than 64 MiB of prepared photos wait, and the
    /// one being made. On a GPU as many photos go together as its memory holds; those with a region of interest, padding or
    /// tiles go one by one everywhere. The source is pulled ahead, on the calling thread: frames of a live camera, each of
    /// which has to be waited for, are for [`Model::score`].
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{Model, photos_in};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// for photo in model.scores(photos_in("today".as_ref())?) {
    ///     match photo.result {
    ///         Ok(score) => println!("{}: {:.3} {:?}", photo.name, score.score, score.verdict),
    ///         Err(error) => println!("{}: {error}", photo.name),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scores<'m, S>(&'m self, photos: S) -> Scores<'m>
    where
        S: IntoIterator<Item: IntoPhoto>,
        S::IntoIter: 'm,
    {
        self.scores_within(photos, Limits::default())
    }

    /// [`Model::scores`] of files that may hold more, or less, than by default.
    pub fn scores_within<'m, S>(&'m self, photos: S, limits: Limits) -> Scores<'m>
    where
        S: IntoIterator<Item: IntoPhoto>,
        S::IntoIter: 'm,
    {
        let inputs = prepared(self.config(), limits, Known::PixelsAlone, photos.into_iter());
        let inputs = inputs.map(|(name, input)| ((name, None), input));
        Scores { scored: Box::new(InBatches::new(self, inputs)) }
    }

    /// [`Model::scores_within`], and each photo with its score, for who draws on it: a file is decoded once. 16-bit samples are on the
    /// scale that the model was fitted with. Photos that wait count for the 64 MiB, too.
    pub fn scores_and_photos<'m, S>(&'m self, photos: S, limits: Limits) -> Scores<'m>
    where
        S: IntoIterator<Item: IntoPhoto>,
        S::IntoIter: 'm,
    {
        let config = self.config().clone();
        let prepare = move |(name, source): (String, Result<PhotoSource, Error>)| {
            let made = source.and_then(|source| source.prepare_and_keep(&config, &limits));
            match made {
                Ok((input, photo)) => ((name, photo), Ok(input)),
                Err(error) => ((name, None), Err(error)),
            }
        };
        let inputs = Ahead::new(
            numbered(photos.into_iter()),
            |(_, source)| source.as_ref().map_or(0, PhotoSource::bytes),
            prepare,
            |((_, photo), input): &(NameAndPhoto, Result<NetworkInput, Error>)| {
                photo.as_ref().map_or(0, photo_bytes) + input.as_ref().map_or(0, input_bytes)
            },
        );
        Scores { scored: Box::new(InBatches::new(self, inputs)) }
    }
}

/// Scores of prepared photos, in order, on a GPU as many together as its memory holds; `T` goes with each photo.
pub(crate) struct InBatches<'m, I, T> {
    model: &'m Model,
    inputs: I,
    waiting: Vec<(T, NetworkInput)>,
    ready: VecDeque<(T, Result<Score, Error>)>,
    note: BatchNote,
}

impl<'m, T, I: Iterator<Item = (T, Result<NetworkInput, Error>)>> InBatches<'m, I, T> {
    pub(crate) fn new(model: &'m Model, inputs: I) -> Self {
        Self { model, inputs, waiting: Vec::new(), ready: VecDeque::new(), note: BatchNote::default() }
    }

    /// Whether what waits is as much as goes together.
    fn is_full(&self) -> bool {
        let core = self.model.core();
        let Some((_, first)) = self.waiting.first() else { return false };
        let alone = first.inside.is_some() || !core.config().tiling.is_whole();
        alone || self.waiting.len() >= core.batch_size(first.height, first.width)
    }

    /// Scores what waits, together; where that fails, one by one, so that each photo has its own error.
    fn score_waiting(&mut self) {
        let inputs: Vec<&NetworkInput> = self.waiting.iter().map(|(_, input)| input).collect();
        let together = if inputs.len() > 1 { self.model.score_together(&inputs).ok() } else { None };
        self.note.tell(self.model.reduced_batch());
        let mut together = together.into_iter().flatten();
        for (with, input) in self.waiting.drain(..) {
            let score = together.next().map_or_else(|| self.model.score_input(&input), Ok);
            self.ready.push_back((with, score));
        }
    }
}

impl<T, I: Iterator<Item = (T, Result<NetworkInput, Error>)>> Iterator for InBatches<'_, I, T> {
    type Item = (T, Result<Score, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.inputs.next() {
                Some((with, Ok(input))) => {
                    self.waiting.push((with, input));
                    if self.is_full() {
                        self.score_waiting();
                    }
                }
                Some((with, Err(error))) => {
                    self.score_waiting();
                    self.ready.push_back((with, Err(error)));
                }
                None if self.waiting.is_empty() => return None,
                None => self.score_waiting(),
            }
        }
        self.ready.pop_front()
    }
}
