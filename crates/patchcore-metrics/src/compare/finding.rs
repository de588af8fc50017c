//! What two counts and an AUROC say of which model is better.

use serde::{Deserialize, Serialize};

use super::operating_point::OperatingBasis;
use super::paired_count::PairedCount;
use crate::Interval;

/// One of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that was named first.
    First,
    /// The other one.
    Second,
}

/// What the common photos say of two models, at 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "says", content = "leader")]
#[non_exhaustive]
pub enum ComparisonFinding {
    /// It makes fewer errors at the thresholds of the comparison, beyond chance.
    Better(Side),
    /// At those thresholds that cannot be said; over all thresholds its image AUROC is higher, beyond chance.
    RanksBetter(Side),
    /// It finds more defective parts and calls more good ones defective, one of both beyond chance.
    FindsMoreAtMoreFalseAlarms(Side),
    /// It makes fewer errors at the thresholds, and its image AUROC is lower, both beyond chance.
    Disagree(Side),
    /// The photos do not suffice.
    Unclear,
    /// There is nothing to compare: good parts or defective ones are missing.
    Undefined,
}

impl ComparisonFinding {
    /// From the counts and the interval of the AUROC's difference, second minus first.
    pub(crate) fn new(
        basis: OperatingBasis,
        false_alarms: Option<PairedCount>,
        found: Option<PairedCount>,
        auroc: Option<Interval>,
    ) -> Self {
        let (Some(alarms), Some(found)) = (false_alarms, found) else { return Self::Undefined };
        let side = |sign: i8| if sign > 0 { Side::Second } else { Side::First };
        let ranks = auroc.map_or(0, |interval| i8::from(interval.low > 0.0) - i8::from(interval.high < 0.0));
        // For equal false alarms there is nothing to weigh.
        let (fewer, alarms_change) = match basis {
            OperatingBasis::EqualFalseAlarms => (0, 0),
            OperatingBasis::CalibratedAlike => (-alarms.sign(), alarms.difference()),
        };
        let more = found.sign();
        if (more != 0 || fewer != 0) && found.difference().signum() * alarms_change.signum() > 0 {
            return Self::FindsMoreAtMoreFalseAlarms(side(found.difference().signum() as i8));
        }
        match (if more != 0 { more } else { fewer }, ranks) {
            (0, 0) => Self::Unclear,
            (0, ranks) => Self::RanksBetter(side(ranks)),
            (errors, ranks) if errors == -ranks => Self::Disagree(side(errors)),
            (errors, _) => Self::Better(side(errors)),
        }
    }

    /// The model that it speaks of.
    pub fn leader(self) -> Option<Side> {
        match self {
            Self::Better(side)
            | Self::RanksBetter(side)
            | Self::FindsMoreAtMoreFalseAlarms(side)
            | Self::Disagree(side) => Some(side),
            Self::Unclear | Self::Undefined => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many more of 40 by the second, with an interval around it.
    fn more(difference: i64, half: f64) -> Option<PairedCount> {
        let interval = Interval { low: difference as f64 - half, high: difference as f64 + half };
        let (gained, lost) = (difference.max(0) as usize, (-difference).max(0) as usize);
        Some(PairedCount { of: 40, first: 10 + lost, second: 10 + gained, gained, lost, interval })
    }

    #[test]
    fn what_counts_say() {
        let (equal, own) = (OperatingBasis::EqualFalseAlarms, OperatingBasis::CalibratedAlike);
        let (up, down, none) = ((0.01, 0.02), (-0.02, -0.01), (-0.01, 0.02));
        let (second, first) = (Side::Second, Side::First);
        for (basis, alarms, found, auroc, expected) in [
            (equal, more(0, 2.0), more(9, 4.0), none, ComparisonFinding::Better(second)),
            (equal, more(0, 2.0), more(9, 4.0), up, ComparisonFinding::Better(second)),
            (equal, more(0, 2.0), more(-9, 4.0), none, ComparisonFinding::Better(first)),
            (equal, more(0, 2.0), more(9, 4.0), down, ComparisonFinding::Disagree(second)),
            (equal, more(0, 2.0), more(3, 4.0), up, ComparisonFinding::RanksBetter(second)),
            (equal, more(0, 2.0), more(3, 4.0), none, ComparisonFinding::Unclear),
            (own, more(0, 2.0), more(9, 4.0), none, ComparisonFinding::Better(second)),
            (own, more(-1, 2.0), more(9, 4.0), none, ComparisonFinding::Better(second)),
            // Fewer false alarms, and as many found.
            (own, more(-9, 4.0), more(0, 4.0), none, ComparisonFinding::Better(second)),
            (own, more(9, 4.0), more(0, 4.0), none, ComparisonFinding::Better(first)),
            // What is gained is paid for.
            (own, more(1, 2.0), more(9, 4.0), none, ComparisonFinding::FindsMoreAtMoreFalseAlarms(second)),
            (own, more(9, 4.0), more(1, 4.0), none, ComparisonFinding::FindsMoreAtMoreFalseAlarms(second)),
            (own, more(-9, 4.0), more(-1, 4.0), none, ComparisonFinding::FindsMoreAtMoreFalseAlarms(first)),
            (own, more(1, 4.0), more(1, 4.0), none, ComparisonFinding::Unclear),
            (own, None, more(9, 4.0), none, ComparisonFinding::Undefined),
            (own, more(9, 4.0), None, none, ComparisonFinding::Undefined),
        ] {
            let auroc = Some(Interval { low: auroc.0, high: auroc.1 });
            assert_eq!(ComparisonFinding::new(basis, alarms, found, auroc), expected, "{alarms:?} {found:?} {auroc:?}");
        }
        let json = serde_json::to_string(&ComparisonFinding::Better(second)).unwrap();
        assert_eq!(json, "{\"says\":\"better\",\"leader\":\"second\"}");
        assert_eq!(serde_json::to_string(&ComparisonFinding::Unclear).unwrap(), "{\"says\":\"unclear\"}");
    }
}
