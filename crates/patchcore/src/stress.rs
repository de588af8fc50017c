//! How a model's verdicts hold when light, focus or place change: photos whose truth is known are changed step by step and scored again.
//!
//! Each photo is decoded once and changed in its own pixels, as a camera would have taken it ([`PerturbationKind`] has the formulas);
//! the region of interest stays where it is, as it does on a line. Nothing hangs on a clock or a machine: the same model, photos and
//! options give the same results.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use patchcore_config::Size;
use patchcore_io::{Limits, NetworkInput, Perturbation, PerturbationKind, Photo};
use patchcore_metrics::threshold::Threshold;
use patchcore_metrics::{StressLevel, StressOutcome, StressResults, StressSeries};

use crate::ahead::Ahead;
use crate::error::Error;
use crate::into_photo::{IntoPhoto, PhotoSource, input_bytes, prepare_photo};
use crate::model::Model;
use crate::progress::{Progress, Stage, Teller};
use crate::scores::InBatches;

/// Photos of each class that are taken where nobody asks for another number.
const PHOTOS: usize = 40;

/// Options of [`Model::stress`]. Start from [`StressOptions::default`].
#[derive(Debug)]
pub struct StressOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
    perturbations: Vec<Perturbation>,
    photos: usize,
    threshold: Option<Threshold>,
}

impl Default for StressOptions<'_> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            progress: Teller::default(),
            perturbations: Perturbation::usual(),
            photos: PHOTOS,
            threshold: None,
        }
    }
}

impl<'a> StressOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every score; [`ControlFlow::Break`] ends the test with [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// The changes, in any order; those that change nothing and those that come twice count once. Default: [`Perturbation::usual`].
    #[must_use]
    pub fn perturbations(mut self, perturbations: impl IntoIterator<Item = Perturbation>) -> Self {
        self.perturbations = perturbations.into_iter().collect();
        self
    }

    /// Photos of each class that are taken, at most, evenly chosen in their order. Default: 40.
    #[must_use]
    pub fn photos(mut self, photos: usize) -> Self {
        self.photos = photos;
        self
    }

    /// The image threshold that false alarms and misses are counted at. Default: the model's own; without one, that of the
    /// unchanged photos ([`Threshold::of_test_set`]), which is chosen on what it is judged by.
    #[must_use]
    pub fn threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// How often each photo is scored: once at every level, and once unchanged.
    pub fn scores_per_photo(&self) -> usize {
        1 + by_kind(&self.perturbations).iter().map(|(_, levels)| levels.len()).sum::<usize>()
    }

    /// How many of so many photos of a class are taken.
    pub fn taken(&self, of: usize) -> usize {
        of.min(self.photos)
    }
}

/// The result of a stress test.
#[derive(Debug)]
#[non_exhaustive]
pub struct StressTest {
    /// The counts at every level, and the sentence; stress.json.
    pub results: StressResults,
    /// Photos that could not be read, changed or scored, with the first reason. They are in no count.
    pub rejected: Vec<(String, Error)>,
}

/// The numbers of a photo and of a change, and the one under the other.
type Changed = ((usize, usize), Result<NetworkInput, Error>);

/// A photo that is tested.
struct Tested {
    /// Its name, until it has failed.
    name: Option<String>,
    is_defective: bool,
    size: Option<Size>,
    /// Unchanged and at every level; `None` as long as there is none.
    scores: Vec<Option<f32>>,
}

impl Model {
    /// Scores photos, each with whether it is defective, unchanged and under changed conditions, and counts false alarms and misses. With
    /// good photos alone there are false alarms only.
    ///
    /// Cost: [`StressOptions::scores_per_photo`] scores for each photo that is taken, and as many changes, which are made ahead on another
    /// thread. Memory: one photo, a changed copy of it, and prepared inputs of 64 MiB that wait.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the progress callback breaks. A photo that fails is reported and left out of all counts; a prepared
    /// [`NetworkInput`] is no photo any more, and fails.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{DataSet, Model, StressOptions};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let data = DataSet::open("part".as_ref())?;
    /// let photos = data.test.iter().map(|image| (&image.path, image.is_anomalous));
    /// let stress = model.stress(photos, StressOptions::default())?;
    /// println!("{}", stress.results.sentence); // Holds to 15 % less light, ...
    /// # Ok(())
    /// # }
    /// ```
    pub fn stress<S, P>(&self, photos: S, options: StressOptions<'_>) -> Result<StressTest, Error>
    where
        S: IntoIterator<Item = (P, bool)>,
        P: IntoPhoto,
    {
        let kinds = by_kind(&options.perturbations);
        let StressOptions { limits, mut progress, photos: most, threshold, .. } = options;
        let changes: Vec<Option<Perturbation>> =
            std::iter::once(None).chain(kinds.iter().flat_map(|(_, levels)| levels).copied().map(Some)).collect();
        let (mut tested, mut sources, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        let of_class = choose(photos, most, |name, seed, is_defective, source| match source {
            Ok(source) => {
                sources.push((name.clone(), seed, source));
                tested.push(Tested { name: Some(name), is_defective, size: None, scores: vec![None; changes.len()] });
            }
            Err(error) => rejected.push((name, error)),
        });
        let total = tested.len() * changes.len();
        let inputs = self.changed(sources, changes.clone(), limits);
        for ((photo, change), scored) in InBatches::new(self, inputs) {
            let done = photo * changes.len() + change + 1;
            if let Some(photo) = tested.get_mut(photo) {
                match scored {
                    Ok(score) => {
                        photo.size = Some(score.geometry.original);
                        photo.scores.iter_mut().skip(change).take(1).for_each(|place| *place = Some(score.score));
                    }
                    // Its first error is enough.
                    Err(error) => rejected.extend(photo.name.take().map(|name| (name, error))),
                }
            }
            if progress.tell(Stage::Stress, done, total).is_break() {
                return Err(Error::Cancelled { what: "stress test" });
            }
        }
        let n_failed = rejected.len();
        let results = self.stress_results(&tested, &kinds, threshold, of_class, n_failed)?;
        Ok(StressTest { results, rejected })
    }

    /// Every photo, with its name and seed, under every change, photo by photo, made ahead on another thread. Of a photo that cannot be read there is one error, of
    /// its first change.
    fn changed(
        &self,
        sources: Vec<(String, u64, PhotoSource)>,
        changes: Vec<Option<Perturbation>>,
        limits: Limits,
    ) -> impl Iterator<Item = Changed> + use<> {
        let config = self.config().clone();
        let jobs: Vec<(usize, usize)> =
            (0..sources.len()).flat_map(|photo| (0..changes.len()).map(move |change| (photo, change))).collect();
        // The photo at work, or that it cannot be read.
        let decoded: Mutex<Option<(usize, Option<Arc<Photo>>)>> = Mutex::new(None);
        let make = move |(photo, change): (usize, usize)| {
            let (Some((name, seed, source)), Some(change_of)) = (sources.get(photo), changes.get(change)) else {
                unreachable!("jobs are numbers of photos and changes");
            };
            let mut at_work = decoded.lock().unwrap_or_else(PoisonError::into_inner);
            let original = match &*at_work {
                Some((number, original)) if *number == photo => original.clone()?,
                _ => {
                    *at_work = Some((photo, None));
                    match source.clone().open(name, &limits) {
                        Ok(original) => {
                            let original = Arc::new(original);
                            *at_work = Some((photo, Some(Arc::clone(&original))));
                            original
                        }
                        Err(error) => return Some(((photo, change), Err(error))),
                    }
                }
            };
            drop(at_work);
            let made = match change_of {
                None => prepare_photo(&original, &config),
                Some(perturbation) => original
                    .perturbed(*perturbation, config.full_scale, *seed)
                    .map_err(Error::Image)
                    .and_then(|photo| prepare_photo(&photo, &config)),
            };
            Some(((photo, change), made))
        };
        let bytes = |made: &Option<Changed>| match made {
            Some((_, Ok(input))) => input_bytes(input),
            _ => 0,
        };
        Ahead::new(jobs.into_iter(), |_| 0, make, bytes).flatten()
    }

    fn stress_results(
        &self,
        tested: &[Tested],
        kinds: &[(PerturbationKind, Vec<Perturbation>)],
        threshold: Option<Threshold>,
        (of_normal, of_anomalous): (usize, usize),
        n_failed: usize,
    ) -> Result<StressResults, Error> {
        let whole: Vec<&Tested> =
            tested.iter().filter(|photo| photo.name.is_some() && photo.scores.iter().all(Option::is_some)).collect();
        let labels: Vec<bool> = whole.iter().map(|photo| photo.is_defective).collect();
        let n_anomalous = labels.iter().filter(|label| **label).count();
        let n_normal = labels.len() - n_anomalous;
        let at = |change: usize| -> Vec<f32> {
            whole.iter().filter_map(|photo| photo.scores.get(change).copied().flatten()).collect()
        };
        let unchanged = at(0);
        let own = threshold.or(self.thresholds().image);
        let threshold = own.or_else(|| Threshold::of_test_set(&unchanged, &labels));
        let outcome = |change| StressOutcome::new(&at(change), &unchanged, &labels, threshold.as_ref());
        let mut short_sides = whole.iter().filter_map(|photo| photo.size).map(|size| size.width.min(size.height));
        let first = short_sides.next();
        let short_side = first.filter(|first| short_sides.all(|side| side == *first));
        let (mut series, mut change) = (Vec::new(), 0);
        for (kind, perturbations) in kinds {
            let mut levels = Vec::new();
            for perturbation in perturbations {
                change += 1;
                levels.push(StressLevel {
                    level: perturbation.level(),
                    label: perturbation.label(short_side),
                    words: perturbation.words(short_side),
                    outcome: outcome(change)?,
                });
            }
            let (name, about) = (kind.name().to_owned(), kind.about().to_owned());
            series.push(StressSeries { kind: name, about, unchanged: kind.unchanged(), levels });
        }
        let mut results = StressResults {
            version: StressResults::VERSION,
            sentence: String::new(),
            n_normal,
            n_anomalous,
            of_normal,
            of_anomalous,
            n_failed,
            threshold,
            unchanged: outcome(0)?,
            kinds: series,
            model: self.evaluated(),
            seconds: BTreeMap::new(),
            run: None,
        };
        results.sentence = results.in_words();
        Ok(results)
    }
}

/// Chooses photos of each class evenly in their order: of n photos and m that are taken, numbers 0, n / m, 2 n / m, ... rounded down. Gives
/// each with its number among the chosen ones and its class, in the order of the source, and says how many there were of each class, good
/// ones first.
fn choose<P: IntoPhoto>(
    photos: impl IntoIterator<Item = (P, bool)>,
    most: usize,
    mut take: impl FnMut(String, u64, bool, Result<PhotoSource, Error>),
) -> (usize, usize) {
    let photos: Vec<(P, bool)> = photos.into_iter().collect();
    let anomalous = photos.iter().filter(|(_, is_defective)| *is_defective).count();
    let of_class = (photos.len() - anomalous, anomalous);
    let (mut seen, mut taken) = ([0_usize; 2], [0_usize; 2]);
    for (number, (photo, is_defective)) in photos.into_iter().enumerate() {
        let of = if is_defective { of_class.1 } else { of_class.0 };
        let most = of.min(most);
        let ([good, defective], [good_taken, defective_taken]) = (&mut seen, &mut taken);
        let (seen, taken) = if is_defective { (defective, defective_taken) } else { (good, good_taken) };
        // The next one that is wanted is number `taken * of / most`.
        if *taken < most && *seen == *taken * of / most {
            let photo = photo.into_photo();
            let name = photo.name.unwrap_or_else(|| format!("photo {number}"));
            take(name, *taken as u64, is_defective, photo.source);
            *taken += 1;
        }
        *seen += 1;
    }
    of_class
}

/// The kinds in the order of every table, each with its levels rising; without what changes nothing, and without copies.
fn by_kind(perturbations: &[Perturbation]) -> Vec<(PerturbationKind, Vec<Perturbation>)> {
    let levels = |kind: PerturbationKind| {
        let of_kind = |perturbation: &&Perturbation| perturbation.kind() == kind && !perturbation.is_unchanged();
        let mut levels: Vec<Perturbation> = perturbations.iter().filter(of_kind).copied().collect();
        levels.sort_by(|a, b| a.level().total_cmp(&b.level()));
        levels.dedup();
        (kind, levels)
    };
    PerturbationKind::ALL.into_iter().map(levels).filter(|(_, levels)| !levels.is_empty()).collect()
}

#[cfg(all(test, feature = "cpu", feature = "embed-efficientnet-lite0"))]
mod tests;
