//! What so many photos that went wrong say of a change.

use serde::{Deserialize, Serialize};

use crate::threshold::lower_tail;
use crate::{Interval, MetricError};

/// The share of photos by which errors may rise before a change is not held.
const TOLERANCE: f64 = 0.05;
/// How often chance alone is taken for a rise, at most.
const SIGNIFICANCE: f64 = 0.05;
/// With fewer photos nothing is said to hold: even if none of 13 goes wrong, one in five may (0.8^13 is 5.5 %).
const ENOUGH: usize = 14;
/// Of the intervals.
const CONFIDENCE: f64 = 0.95;

/// What the photos of one class say of a change, against the same photos unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StressFinding {
    /// The errors rise by at most 5 % of the photos, of which there are 14 at least.
    Holds,
    /// They rise by more, and more photos go wrong than are put right by more than chance has it: with as many of both kinds expected, at
    /// most one in twenty such numbers would be as uneven (the exact sign test; five photos at least).
    Rises,
    /// They rise by more than 5 % of the photos, which may be chance.
    Unclear,
    /// There are fewer than 14 photos, and no rise beyond chance.
    TooFew,
}

impl StressFinding {
    /// The fewest photos of a class of which anything is said to hold.
    pub const ENOUGH: usize = ENOUGH;

    /// A word for a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Rises => "rises",
            Self::Unclear => "unclear",
            Self::TooFew => "too few",
        }
    }
}

/// Photos of one class on the wrong side of the threshold: false alarms among good ones, misses among defective ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StressCount {
    /// How many are wrong.
    pub count: usize,
    /// Of so many.
    pub of: usize,
    /// Their share at 95 % confidence ([`Interval::binomial`]).
    pub interval: Interval,
    /// StressCount ones that were right unchanged.
    pub appeared: usize,
    /// Right ones that were wrong unchanged.
    pub disappeared: usize,
    /// What that says.
    pub finding: StressFinding,
}

impl StressCount {
    /// Which photos are wrong now, and which of the same photos were unchanged; `None` without photos.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] where they are not the same photos.
    pub fn new(now: &[bool], unchanged: &[bool]) -> Result<Option<Self>, MetricError> {
        if now.len() != unchanged.len() {
            let (what, expected, found) = ("unchanged photos".to_owned(), now.len(), unchanged.len());
            return Err(MetricError::LengthMismatch { what, expected, found });
        }
        let count_of = |wanted: (bool, bool)| now.iter().zip(unchanged).filter(|(n, u)| (**n, **u) == wanted).count();
        let (appeared, disappeared) = (count_of((true, false)), count_of((false, true)));
        let (count, of) = (now.iter().filter(|wrong| **wrong).count(), now.len());
        if of == 0 {
            return Ok(None);
        }
        let interval = Interval::binomial(count, of, CONFIDENCE)?;
        Ok(Some(Self { count, of, interval, appeared, disappeared, finding: finding(appeared, disappeared, of) }))
    }

    /// Their share, in [0, 1].
    pub fn share(&self) -> f64 {
        self.count as f64 / self.of as f64
    }

    /// How many were wrong unchanged.
    pub fn before(&self) -> usize {
        self.count + self.disappeared - self.appeared
    }
}

fn finding(appeared: usize, disappeared: usize, of: usize) -> StressFinding {
    // In whole numbers: 2 of 40 are 5 %.
    let rises = appeared as f64 > disappeared as f64 + TOLERANCE * of as f64 + 1e-9;
    let changed = appeared + disappeared;
    // P[Bin(changed, 1/2) >= appeared], which is P[.. <= disappeared].
    let is_beyond_chance = rises && lower_tail(changed, disappeared, 0.5) <= SIGNIFICANCE;
    match (is_beyond_chance, of < ENOUGH, rises) {
        (true, ..) => StressFinding::Rises,
        (false, true, _) => StressFinding::TooFew,
        (false, false, true) => StressFinding::Unclear,
        (false, false, false) => StressFinding::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_say() {
        for (appeared, disappeared, of, expected) in [
            (0, 0, 40, StressFinding::Holds),
            // 2 of 40 are 5 %, 3 are more.
            (2, 0, 40, StressFinding::Holds),
            (3, 0, 40, StressFinding::Unclear),
            (4, 0, 40, StressFinding::Unclear),
            // 1/32 is below 5 %; 1/16 is not.
            (5, 0, 40, StressFinding::Rises),
            // Of 6: 7/64 as uneven; of 8: 9/256.
            (5, 1, 40, StressFinding::Unclear),
            (7, 1, 40, StressFinding::Rises),
            // As many put right as went wrong.
            (6, 6, 40, StressFinding::Holds),
            (0, 9, 40, StressFinding::Holds),
            // Beyond chance, but less than 5 % of the photos.
            (9, 0, 200, StressFinding::Holds),
            (11, 0, 200, StressFinding::Rises),
            (0, 0, 13, StressFinding::TooFew),
            (0, 0, 14, StressFinding::Holds),
            (1, 0, 14, StressFinding::Unclear),
            (4, 0, 6, StressFinding::TooFew),
            (5, 0, 6, StressFinding::Rises),
        ] {
            assert_eq!(finding(appeared, disappeared, of), expected, "{appeared} {disappeared} {of}");
        }
        assert!(0.8_f64.powi(ENOUGH as i32) <= 0.05 && 0.8_f64.powi(ENOUGH as i32 - 1) > 0.05);
    }

    #[test]
    fn photos_are_compared_one_by_one() {
        let now = [true, true, false, false, true];
        let unchanged = [false, true, true, false, false];
        let wrong = StressCount::new(&now, &unchanged).unwrap().unwrap();
        assert_eq!((wrong.count, wrong.of, wrong.appeared, wrong.disappeared, wrong.before()), (3, 5, 2, 1, 2));
        assert_eq!(wrong.share(), 0.6);
        assert_eq!(wrong.interval, Interval::binomial(3, 5, 0.95).unwrap());
        assert_eq!(StressCount::new(&[], &[]), Ok(None));
        assert!(StressCount::new(&now, &unchanged[1..]).is_err());
    }
}
