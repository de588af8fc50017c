//! Which model is better, by how much, and whether the photos suffice to say so, in one sentence.

use super::finding::{ComparisonFinding, Side};
use super::judged::Judged;
use super::operating_point::OperatingBasis;
use super::paired_count::PairedCount;
use crate::Interval;

/// The sentence. `n_photos`: how many both have scored; `auroc`: the second's image AUROC minus the first's, and its interval.
pub(super) fn of(
    finding: ComparisonFinding,
    judged: &Judged,
    n_photos: usize,
    auroc: Option<(f64, Option<Interval>)>,
) -> String {
    let (Some(alarms), Some(found), Some(point)) = (judged.false_alarms, judged.found, judged.operating_point) else {
        // Without good parts there is no threshold to count at, so the defective ones are not counted either.
        let missing = match judged.false_alarms {
            _ if n_photos == 0 => "photos",
            None => "good parts",
            Some(_) => "defective parts",
        };
        return format!("Which is better cannot be said: there are no {missing} that both have scored.");
    };
    // From the view of the one that is ahead; without one, of the one that finds more, or ranks better.
    let ahead = |difference: f64| if difference < 0.0 { Side::First } else { Side::Second };
    let side = finding.leader().unwrap_or_else(|| match found.difference() {
        0 => ahead(auroc.map_or(0.0, |(difference, _)| difference)),
        difference => ahead(difference as f64),
    });
    let name = match side {
        Side::First => "the first",
        Side::Second => "the second",
    };
    let finds = finds(name, &found, side);
    let alike = format!("both are calibrated for {} % false alarms, each at its own threshold", percent(point.rate));
    let at = match point.basis {
        OperatingBasis::EqualFalseAlarms => {
            format!("at the same false alarms, {} of {} good parts", alarms.first, alarms.of)
        }
        OperatingBasis::CalibratedAlike => match seen(alarms.difference(), side) {
            0 => format!("at as many false alarms, {} of {} good parts ({alike})", alarms.first, alarms.of),
            difference => format!(
                "with {} {} false {} on {} good parts ({}; {alike})",
                difference.abs(),
                if difference < 0 { "fewer" } else { "more" },
                if difference.abs() == 1 { "alarm" } else { "alarms" },
                alarms.of,
                range(alarms.interval, side)
            ),
        },
    };
    let counts = format!("{finds} {at}");
    let ranks = auroc.map(|(difference, interval)| {
        let sign = if side == Side::First { -1.0 } else { 1.0 };
        let ends = interval.map(|interval| {
            let Interval { low, high } = turned(interval, side);
            format!(" (95 %: {} to {})", points(low), points(high))
        });
        format!("image AUROC {} points{}", points(sign * difference), ends.unwrap_or_default())
    });
    let and_ranks = ranks.as_ref().map(|ranks| format!("; {ranks}")).unwrap_or_default();
    let text = match finding {
        ComparisonFinding::Better(_) => format!("{name} is better: {counts}{and_ranks}"),
        ComparisonFinding::RanksBetter(_) => format!(
            "{name} ranks the photos better: {}; whether it also finds more the photos do not suffice to say: {counts}",
            ranks.unwrap_or_default()
        ),
        ComparisonFinding::FindsMoreAtMoreFalseAlarms(_) => format!("neither is better: {counts}{and_ranks}"),
        ComparisonFinding::Disagree(_) => {
            format!("thresholds and ranking disagree: {counts}, and yet {}", ranks.unwrap_or_default())
        }
        ComparisonFinding::Unclear | ComparisonFinding::Undefined => {
            format!("the photos do not suffice to say which is better: {counts}{and_ranks}")
        }
    };
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// `the second finds 12 more of 60 defective parts (95 %: 4 to 19)`.
fn finds(name: &str, found: &PairedCount, side: Side) -> String {
    let ends = range(found.interval, side);
    match seen(found.difference(), side) {
        0 => format!("both find {} of {} defective parts ({ends})", found.first, found.of),
        difference => format!(
            "{name} finds {} {} of {} defective parts ({ends})",
            difference.abs(),
            if difference < 0 { "fewer" } else { "more" },
            found.of
        ),
    }
}

/// A difference as the one that is ahead sees it.
fn seen(difference: i64, side: Side) -> i64 {
    if side == Side::First { -difference } else { difference }
}

fn turned(interval: Interval, side: Side) -> Interval {
    match side {
        Side::First => Interval { low: -interval.high, high: -interval.low },
        Side::Second => interval,
    }
}

/// Ends in whole photos, outwards where they are no whole numbers: what lies between 3.4 and 19.2 lies between 3 and 20.
fn range(interval: Interval, side: Side) -> String {
    let Interval { low, high } = turned(interval, side);
    format!("95 %: {} to {}", whole(low.floor()), whole(high.ceil()))
}

/// Without the sign of a zero.
fn whole(value: f64) -> i64 {
    value as i64
}

/// Percentage points with one digit and a sign; the nearest to zero is not `-0.0`.
fn points(share: f64) -> String {
    let tenths = (share * 1e3).round() as i64;
    format!("{:+.1}", tenths as f64 / 10.0)
}

/// In percent, as people write it.
fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::OperatingPoint;

    fn count(of: usize, both: usize, gained: usize, lost: usize, interval: (f64, f64)) -> Option<PairedCount> {
        let interval = Interval { low: interval.0, high: interval.1 };
        Some(PairedCount { of, first: both + lost, second: both + gained, gained, lost, interval })
    }

    fn said(
        basis: OperatingBasis,
        false_alarms: Option<PairedCount>,
        found: Option<PairedCount>,
        auroc: (f64, f64, f64),
    ) -> String {
        let operating_point = Some(OperatingPoint { basis, first: 1.0, second: 2.0, rate: 0.05 });
        let judged = Judged { operating_point, false_alarms, found };
        let interval = Interval { low: auroc.1, high: auroc.2 };
        let finding = ComparisonFinding::new(basis, false_alarms, found, Some(interval));
        of(finding, &judged, 100, Some((auroc.0, Some(interval))))
    }

    const EQUAL: OperatingBasis = OperatingBasis::EqualFalseAlarms;
    const OWN: OperatingBasis = OperatingBasis::CalibratedAlike;

    #[test]
    fn the_better_one_is_named_with_its_lead() {
        let alarms = count(40, 1, 1, 1, (-2.0, 2.0));
        let found = count(60, 30, 14, 2, (4.2, 18.6));
        assert_eq!(
            said(EQUAL, alarms, found, (0.012, 0.001, 0.024)),
            "The second is better: the second finds 12 more of 60 defective parts (95 %: 4 to 19) at the same false alarms, 2 of 40 good parts; \
             image AUROC +1.2 points (95 %: +0.1 to +2.4)."
        );
        let found = count(60, 30, 2, 14, (-18.6, -4.2));
        assert_eq!(
            said(EQUAL, alarms, found, (0.012, -0.001, 0.024)),
            "The first is better: the first finds 12 more of 60 defective parts (95 %: 4 to 19) at the same false alarms, 2 of 40 good parts; \
             image AUROC -1.2 points (95 %: -2.4 to +0.1)."
        );
        assert_eq!(
            said(OWN, count(40, 0, 0, 9, (-15.2, -3.1)), count(60, 30, 1, 1, (-4.0, 4.0)), (0.0, -0.01, 0.01)),
            "The second is better: both find 31 of 60 defective parts (95 %: -4 to 4) with 9 fewer false alarms on 40 good parts \
             (95 %: -16 to -3; both are calibrated for 5 % false alarms, each at its own threshold); image AUROC +0.0 points (95 %: -1.0 to +1.0)."
        );
    }

    #[test]
    fn what_the_photos_do_not_carry_is_not_said() {
        let alarms = count(40, 1, 1, 1, (-2.0, 2.0));
        let few = count(60, 30, 2, 0, (-1.5, 5.0));
        let unclear = said(EQUAL, alarms, few, (0.004, -0.005, 0.013));
        assert_eq!(
            unclear,
            "The photos do not suffice to say which is better: the second finds 2 more of 60 defective parts (95 %: -2 to 5) at the same false \
             alarms, 2 of 40 good parts; image AUROC +0.4 points (95 %: -0.5 to +1.3)."
        );
        let ranks = said(EQUAL, alarms, few, (0.012, 0.001, 0.024));
        assert!(ranks.starts_with("The second ranks the photos better: image AUROC +1.2 points (95 %: +0.1 to +2.4); whether it also finds more the photos do not suffice"), "{ranks}");
        let paid = said(OWN, count(40, 1, 1, 0, (-1.0, 3.0)), count(60, 30, 12, 0, (6.0, 19.0)), (0.0, -0.01, 0.01));
        assert!(paid.starts_with("Neither is better: the second finds 12 more of 60 defective parts (95 %: 6 to 19) with 1 more false alarm on 40 good parts"), "{paid}");
        let disagree = said(EQUAL, alarms, count(60, 30, 12, 0, (6.0, 19.0)), (-0.02, -0.03, -0.01));
        assert!(
            disagree.starts_with("Thresholds and ranking disagree: the second finds 12 more")
                && disagree.contains("and yet image AUROC -2.0 points"),
            "{disagree}"
        );
    }

    #[test]
    fn without_a_class_there_is_nothing_to_say() {
        let alarms = count(40, 1, 1, 1, (-2.0, 2.0));
        for (alarms, found, missing) in
            [(alarms, None, "defective parts"), (None, alarms, "good parts"), (None, None, "good parts")]
        {
            let said = said(EQUAL, alarms, found, (0.0, 0.0, 0.0));
            assert_eq!(said, format!("Which is better cannot be said: there are no {missing} that both have scored."));
        }
        let judged = Judged { operating_point: None, false_alarms: None, found: None };
        let said = of(ComparisonFinding::Undefined, &judged, 0, None);
        assert_eq!(said, "Which is better cannot be said: there are no photos that both have scored.");
    }
}
