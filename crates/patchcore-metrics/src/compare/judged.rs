//! Verdicts of two models on the same photos, counted.

use super::operating_point::{OperatingBasis, OperatingPoint};
use super::paired_count::PairedCount;
use crate::threshold::Threshold;
use crate::{Bootstrap, Interval, MetricError};

/// A photo that both models have scored.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedPhoto {
    /// Its path in the test set.
    pub path: String,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// Whether it is defective.
    pub is_anomalous: bool,
    /// Score of the first, finite.
    pub first: f32,
    /// Score of the second, finite.
    pub second: f32,
}

/// What two models call the same photos.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// At which thresholds; `None` where there are none to compare at.
    pub operating_point: Option<OperatingPoint>,
    /// Good photos called defective; `None` without good photos.
    pub false_alarms: Option<PairedCount>,
    /// Defective photos called defective; `None` without defective photos.
    pub found: Option<PairedCount>,
}

impl Judged {
    /// Judges photos at the thresholds to compare at ([`OperatingPoint::choose`]); `stored` are those that the models carry.
    ///
    /// # Errors
    /// [`MetricError::NonFiniteScore`].
    pub fn new(
        photos: &[ComparedPhoto],
        stored: [Option<Threshold>; 2],
        bootstrap: &Bootstrap,
    ) -> Result<Self, MetricError> {
        let finite = |(index, photo): (usize, &ComparedPhoto)| {
            let wrong = [photo.first, photo.second].into_iter().find(|score| !score.is_finite())?;
            Some(MetricError::NonFiniteScore { map: None, index, value: wrong })
        };
        if let Some(error) = photos.iter().enumerate().find_map(finite) {
            return Err(error);
        }
        let (first, second) = of_good(photos, &[]);
        let Some(point) = OperatingPoint::choose(stored, &first, &second) else {
            return Ok(Self { operating_point: None, false_alarms: None, found: None });
        };
        let count = |wanted: bool| {
            let called = |score: fn(&ComparedPhoto) -> f32, threshold: f32| -> Vec<bool> {
                let photos = photos.iter().filter(|photo| photo.is_anomalous == wanted);
                photos.map(|photo| score(photo) > threshold).collect()
            };
            let (first, second) =
                (called(|photo| photo.first, point.first), called(|photo| photo.second, point.second));
            PairedCount::new(&first, &second)
        };
        let found = count(true)?.map(|found| match point.basis {
            OperatingBasis::EqualFalseAlarms => match resampled(photos, point.rate, bootstrap) {
                Some(interval) => found.widened(interval),
                None => found,
            },
            OperatingBasis::CalibratedAlike => found,
        });
        Ok(Self { operating_point: Some(point), false_alarms: count(false)?, found })
    }
}

/// Scores of the good photos by both, each as often as its weight says; once without weights.
fn of_good(photos: &[ComparedPhoto], weights: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let good = photos.iter().enumerate().filter(|(_, photo)| !photo.is_anomalous);
    let times = |index: usize| weights.get(index).copied().unwrap_or(u32::from(weights.is_empty())) as usize;
    good.flat_map(|(index, photo)| std::iter::repeat_n((photo.first, photo.second), times(index))).unzip()
}

/// The interval of how many more the second finds, with thresholds for equal false alarms set anew in every resample.
fn resampled(photos: &[ComparedPhoto], rate: f64, bootstrap: &Bootstrap) -> Option<Interval> {
    let strata: Vec<bool> = photos.iter().map(|photo| photo.is_anomalous).collect();
    let more = |resample: usize| {
        let weights = bootstrap.draw(resample, &strata);
        let (first, second) = of_good(photos, &weights);
        let (_, [at_first, at_second]) = OperatingPoint::equal_false_alarms(&first, &second, rate)?;
        let defective = photos.iter().zip(&weights).filter(|(photo, _)| photo.is_anomalous);
        let change = |photo: &ComparedPhoto| i64::from(photo.second > at_second) - i64::from(photo.first > at_first);
        Some(defective.map(|(photo, weight)| change(photo) * i64::from(*weight)).sum::<i64>() as f64)
    };
    let mut differences = (0..bootstrap.resamples).map(more).collect::<Option<Vec<f64>>>()?;
    differences.sort_by(f64::total_cmp);
    Interval::percentile(&differences, bootstrap.confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::OperatingBasis;

    fn photo(is_anomalous: bool, first: f32, second: f32) -> ComparedPhoto {
        ComparedPhoto { path: String::new(), kind: String::new(), is_anomalous, first, second }
    }

    /// Twenty good photos and twenty defective ones, of which the second finds ten more at equal false alarms.
    fn photos() -> Vec<ComparedPhoto> {
        let good = (0..20).map(|at| photo(false, at as f32, at as f32 * 2.0));
        let defective = (0..20).map(|at| photo(true, if at < 10 { 5.0 } else { 30.0 }, 50.0));
        good.chain(defective).collect()
    }

    #[test]
    fn thresholds_that_were_chosen_differently_do_not_decide() {
        let bootstrap = Bootstrap::default();
        // The first's own threshold finds everything, at fifteen false alarms.
        let stored = [Some(Threshold::manual(4.5)), Some(Threshold::manual(49.0))];
        let judged = Judged::new(&photos(), stored, &bootstrap).unwrap();
        let point = judged.operating_point.unwrap();
        assert_eq!((point.basis, point.first, point.second), (OperatingBasis::EqualFalseAlarms, 18.0, 36.0));
        let alarms = judged.false_alarms.unwrap();
        assert_eq!((alarms.first, alarms.second, alarms.gained, alarms.lost), (1, 1, 0, 0));
        let found = judged.found.unwrap();
        assert_eq!((found.first, found.second, found.of, found.sign()), (10, 20, 20, 1));
        assert!(found.interval.contains(10.0) && found.interval.low > 3.0 && found.interval.high < 16.0, "{found:?}");
    }

    #[test]
    fn few_good_photos_widen_the_interval() {
        // One good photo decides the first's threshold: without it, the first finds all.
        let mut photos: Vec<ComparedPhoto> = (0..20).map(|at| photo(false, at as f32 / 10.0, at as f32)).collect();
        photos.push(photo(false, 9.0, 20.0));
        photos.extend((0..20).map(|_| photo(true, 8.0, 30.0)));
        let rare = [Some(Threshold::manual(1.0)); 2];
        let of = |photos: &[ComparedPhoto]| Judged::new(photos, rare, &Bootstrap::default()).unwrap();
        let point = of(&photos).operating_point.unwrap();
        // 5 % of 21 are one photo: both thresholds lie below the highest good score.
        assert_eq!((point.first, point.second), (1.9, 19.0));
        assert_eq!(of(&photos).found.unwrap().sign(), 0);
        photos.remove(0);
        photos.remove(0);
        // Of 19 none may be called defective: the odd one decides, and in a third of all resamples it is not drawn.
        let found = of(&photos).found.unwrap();
        assert_eq!((found.first, found.second), (0, 20));
        assert!(found.interval.low <= 0.0 && found.sign() == 0, "{found:?}");
    }

    #[test]
    fn what_is_missing_is_not_counted() {
        let none = Judged::new(&[], [None, None], &Bootstrap::default()).unwrap();
        assert_eq!(none, Judged { operating_point: None, false_alarms: None, found: None });
        // Defective photos alone give no threshold to count them at.
        assert_eq!(Judged::new(&[photo(true, 1.0, 2.0)], [None, None], &Bootstrap::default()).unwrap(), none);
        let good = [photo(false, 1.0, 2.0)];
        let judged = Judged::new(&good, [None, None], &Bootstrap::default()).unwrap();
        assert!(judged.found.is_none() && judged.false_alarms.is_some());
        assert!(Judged::new(&[photo(true, f32::NAN, 0.0)], [None, None], &Bootstrap::default()).is_err());
    }
}
