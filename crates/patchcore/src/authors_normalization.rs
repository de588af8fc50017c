//! The members of a model joined as the authors of PatchCore join theirs: scaled by the test set. For comparison alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use patchcore_core::{ImageScore, MemberScore};
use patchcore_io::{Limits, NetworkInput};
use patchcore_metrics::threshold::Thresholds;
use patchcore_metrics::{AuthorsNormalization, SetResults};

use crate::error::Error;
use crate::evaluated_image::EvaluatedImage;
use crate::evaluation::Evaluation;
use crate::evaluation_metrics::metrics_of;
use crate::fit_in_progress::core_input;
use crate::into_photo::{Known, PhotoSource};
use crate::model::Model;
use crate::prepared::{NamedSource, prepared};
use crate::progress::{Progress, Stage, Teller};

/// Smallest and largest of what has been seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    low: f32,
    high: f32,
}

impl Range {
    const NOTHING: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY };

    fn with(self, value: f32) -> Self {
        Self { low: self.low.min(value), high: self.high.max(value) }
    }

    /// `(value - low) / (high - low)`; 0 where all that has been seen is equal, which the authors' code divides by.
    fn scaled(self, value: f32) -> f32 {
        let extent = self.high - self.low;
        if extent > 0.0 { (value - self.low) / extent } else { 0.0 }
    }
}

/// What one member says of all test images.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranges {
    scores: Range,
    pixels: Range,
}

/// The ranges of every member over the test images.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TestSetRanges {
    members: Vec<Ranges>,
}

impl TestSetRanges {
    /// Takes what the members say of one more image, of which pixels `inside` count.
    pub(crate) fn add(&mut self, members: &[MemberScore], inside: Option<&[bool]>) {
        self.members.resize(members.len(), Ranges { scores: Range::NOTHING, pixels: Range::NOTHING });
        for (ranges, member) in self.members.iter_mut().zip(members) {
            ranges.scores = ranges.scores.with(member.score);
            ranges.pixels = counted(&member.map.scores, inside).fold(ranges.pixels, Range::with);
        }
    }

    /// Score and map of one image: the means of the members', each scaled by its range; 0 where a pixel does not count.
    pub(crate) fn joined(&self, members: &[MemberScore], inside: Option<&[bool]>) -> (f32, Vec<f32>) {
        let share = 1.0 / members.len().max(1) as f32;
        let of_members = || self.members.iter().zip(members);
        let score = of_members().map(|(ranges, member)| share * ranges.scores.scaled(member.score)).sum();
        let mut map = vec![0.0; members.first().map_or(0, |member| member.map.scores.len())];
        for (ranges, member) in of_members() {
            for (joint, value) in map.iter_mut().zip(&member.map.scores) {
                *joint += share * ranges.pixels.scaled(*value);
            }
        }
        if let Some(inside) = inside {
            map.iter_mut().zip(inside).filter(|(_, inside)| !**inside).for_each(|(joint, _)| *joint = 0.0);
        }
        (score, map)
    }
}

fn counted<'a>(values: &'a [f32], inside: Option<&'a [bool]>) -> impl Iterator<Item = f32> + 'a {
    let counts = move |pixel: usize| inside.is_none_or(|inside| inside.get(pixel) == Some(&true));
    values.iter().enumerate().filter(move |(pixel, _)| counts(*pixel)).map(|(_, value)| *value)
}

/// What is done with an image's row, its input and what the members say of it.
type UseMembers<'a> = &'a mut dyn FnMut(&EvaluatedImage, &NetworkInput, &[MemberScore]) -> Result<(), Error>;

impl Model {
    /// The metrics that the members have when they are joined as in the authors' code (`run_patchcore.py`, lines 100 to 130): each member's
    /// image scores (its largest patch score) scaled to `[0, 1]` over the images of the test set, and its maps over all their pixels;
    /// then their means. That is no way to run a line: it has seen the test set. `evaluation` is this model's on the same test set, in
    /// the geometry of the network's input.
    ///
    /// Every image is scored twice more, so that no more than one image's maps are held beside the joint maps: 5 bytes per input pixel of
    /// all images, as the evaluation itself.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the progress callback breaks, and [`Error::Score`].
    pub fn authors_normalization(
        &self,
        evaluation: &Evaluation,
        limits: Limits,
        progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<AuthorsNormalization, Error> {
        let mut progress = Teller::new(progress);
        let total = 2 * evaluation.images.len();
        let mut done = 0;
        let mut ranges = TestSetRanges::default();
        self.each_members(evaluation, limits, &mut |_, input, members| {
            ranges.add(members, input.inside.as_deref());
            done += 1;
            tell(&mut progress, done, total)
        })?;
        let mut images = Vec::new();
        self.each_members(evaluation, limits, &mut |row, input, members| {
            let inside = input.inside.as_deref();
            let (score, scores) = ranges.joined(members, inside);
            let map = members.first().map(|member| {
                let (width, height) = (member.map.width, member.map.height);
                patchcore_core::scoring::AnomalyMap { width, height, scores }
            });
            images.push(EvaluatedImage {
                image: row.image.clone(),
                score: Ok(score),
                // What is not in the pixel metrics of the one is not in those of the other.
                map: map.filter(|_| row.mask_error.is_none()),
                mask_error: None,
                hidden: row.hidden,
                worst: None,
                truth: row.truth.clone(),
                inside: row.inside.clone(),
                verdict: None,
                regions: Vec::new(),
                remarks: Vec::new(),
            });
            done += 1;
            tell(&mut progress, done, total)
        })?;
        let of = |kind: Option<&str>| -> Result<SetResults, Error> {
            Ok(metrics_of(&images, kind, &Thresholds::default(), None)?.results())
        };
        let kinds = evaluation.kinds.keys().map(|kind| Ok((kind.clone(), of(Some(kind))?)));
        Ok(AuthorsNormalization { overall: of(None)?, kinds: kinds.collect::<Result<BTreeMap<_, _>, Error>>()? })
    }

    /// Scores the images that the evaluation has scored, in order, member by member.
    fn each_members(&self, evaluation: &Evaluation, limits: Limits, use_members: UseMembers<'_>) -> Result<(), Error> {
        let rows = || evaluation.images.iter().filter(|row| row.score.is_ok());
        let sources: Vec<NamedSource> =
            rows().map(|row| (row.image.relative.clone(), Ok(PhotoSource::Path(row.image.path.clone())))).collect();
        for (row, (_, input)) in rows().zip(prepared(self.config(), limits, Known::PixelsAlone, sources.into_iter())) {
            let input = input?;
            let scored: (ImageScore, Vec<MemberScore>) =
                self.threads.run(|| self.core.score_members(core_input(&input), input.inside.as_deref()))?;
            use_members(row, &input, &scored.1)?;
        }
        Ok(())
    }
}

fn tell(progress: &mut Teller<'_>, done: usize, total: usize) -> Result<(), Error> {
    match progress.tell(Stage::Scoring, done, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled { what: "evaluation" }),
    }
}

#[cfg(test)]
mod tests {
    use patchcore_core::scoring::AnomalyMap;

    use super::*;

    fn member(score: f32, scores: [f32; 4]) -> MemberScore {
        MemberScore { score, map: AnomalyMap { width: 2, height: 2, scores: scores.to_vec() } }
    }

    /// As `run_patchcore.py` has it, by hand: members of two images, one in other units than the other.
    #[test]
    fn members_are_scaled_by_all_images_and_then_averaged() {
        let images = [
            [member(2.0, [0.0, 1.0, 2.0, 4.0]), member(100.0, [100.0, 100.0, 200.0, 300.0])],
            [member(6.0, [8.0, 6.0, 4.0, 2.0]), member(500.0, [500.0, 400.0, 300.0, 200.0])],
        ];
        let mut ranges = TestSetRanges::default();
        images.iter().for_each(|members| ranges.add(members, None));
        assert_eq!(ranges.joined(&images[0], None), (0.0, vec![0.0, 0.0625, 0.25, 0.5]));
        assert_eq!(ranges.joined(&images[1], None), (1.0, vec![1.0, 0.75, 0.5, 0.25]));
        // Only what counts decides, and the rest is 0.
        let inside = [true, false, true, true];
        let mut ranges = TestSetRanges::default();
        images.iter().for_each(|members| ranges.add(members, Some(&inside)));
        assert_eq!(ranges.joined(&images[1], Some(&inside)).1[1], 0.0);
        // Equal scores have no extent.
        let mut equal = TestSetRanges::default();
        equal.add(&images[0], None);
        assert_eq!(equal.joined(&images[0], None).0, 0.0);
    }
}
