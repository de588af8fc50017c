//! What an evaluation comes to, in counts: the first thing that a report, the program and metrics.json say.

use std::collections::BTreeMap;

use super::threshold::{Threshold, ThresholdOrigin};
use super::{SetResults, Share};

/// The sentences, of all images, of those of each kind, and of the threshold that they are counted at.
pub(super) fn of(overall: &SetResults, kinds: &BTreeMap<String, SetResults>, threshold: Option<Threshold>) -> String {
    let (good, defective) = (overall.n_normal, overall.n_anomalous);
    if good + defective == 0 {
        return "No photo could be scored.".to_owned();
    }
    let Some(threshold) = threshold else {
        return "The model has no threshold, and there is no score of a good photo to take one from: nothing is known of misses and false \
                alarms."
            .to_owned();
    };
    let (found, alarms) = (overall.found, overall.false_alarms);
    let counted = |what: &str, share: Share, parts: &str| format!("{what} {share} {parts} ({})", share.in_percent());
    let mut said: Vec<String> = Vec::new();
    match threshold.origin {
        ThresholdOrigin::MiddleOfGap { .. } => {
            // Both counts follow from the choice, so neither has an interval.
            said.extend(found.zip(alarms).map(|(found, alarms)| {
                format!(
                    "Found {found} defective parts and rejected {alarms} good ones, at the middle of the gap between their scores."
                )
            }));
        }
        ThresholdOrigin::HighestGood { .. } => said.extend(found.zip(alarms).map(|(found, alarms)| {
            format!(
                "{} and rejected {alarms} good ones, at the highest of the good scores.",
                counted("Found", found, "defective parts")
            )
        })),
        ThresholdOrigin::Calibrated(_) | ThresholdOrigin::F1Max { .. } | ThresholdOrigin::Manual => {
            said.extend(found.map(|share| counted("Found", share, "defective parts") + "."));
            let parts = if found.is_some() { "good ones" } else { "good parts" };
            said.extend(alarms.map(|share| counted("Rejected", share, parts) + "."));
        }
    }
    said.extend(overall.look_again.map(|counts| counts.to_string()));
    said.extend(weakest(kinds).map(|(kind, share)| format!("Weakest kind: {kind}, {share}.")));
    if defective == 0 {
        said.push("No defective photo was scored: nothing is known of misses.".to_owned());
    }
    if good == 0 {
        said.push("No good photo was scored: nothing is known of false alarms.".to_owned());
    }
    said.extend(caveat(threshold.origin).map(ToOwned::to_owned));
    said.join(" ")
}

/// What a reader must know before taking the counts for those of new parts.
fn caveat(origin: ThresholdOrigin) -> Option<&'static str> {
    match origin {
        ThresholdOrigin::MiddleOfGap { .. } | ThresholdOrigin::HighestGood { .. } => Some(
            "The model has no threshold, so this one was chosen on these very photos: how many new good parts are rejected is not known \
             before it is calibrated.",
        ),
        ThresholdOrigin::F1Max { .. } => {
            Some("The threshold was chosen on a test set: if it was this one, the counts flatter.")
        }
        ThresholdOrigin::Calibrated(_) | ThresholdOrigin::Manual => None,
    }
}

/// The kind of which the smallest share is found, where there are several and any is missed; among equals that with the most misses,
/// then the first by its name.
fn weakest(kinds: &BTreeMap<String, SetResults>) -> Option<(&str, Share)> {
    let kinds: Vec<(&str, Share)> = kinds.iter().filter_map(|(kind, set)| Some((kind.as_str(), set.found?))).collect();
    let missed = |share: &Share| share.of - share.count;
    let weaker = |a: &(&str, Share), b: &(&str, Share)| {
        a.1.value().total_cmp(&b.1.value()).then(missed(&b.1).cmp(&missed(&a.1))).then(a.0.cmp(b.0))
    };
    let several = kinds.len() > 1;
    kinds.into_iter().min_by(weaker).filter(|(_, share)| several && missed(share) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LookAgain;

    fn set(found: [usize; 2], alarms: [usize; 2]) -> SetResults {
        let share = |[count, of]: [usize; 2]| Share::new(count, of).unwrap();
        let (found_share, false_alarms) = (share(found), share(alarms));
        SetResults { found: found_share, false_alarms, ..SetResults::new(alarms[1], found[1], None, None) }
    }

    fn of_kinds(kinds: &[(&str, [usize; 2])]) -> BTreeMap<String, SetResults> {
        kinds.iter().map(|(kind, found)| ((*kind).to_owned(), set(*found, [0, 40]))).collect()
    }

    fn said(origin: Option<ThresholdOrigin>, found: [usize; 2], alarms: [usize; 2]) -> String {
        let threshold = origin.map(|origin| Threshold { value: 2.0, origin });
        of(&set(found, alarms), &BTreeMap::new(), threshold)
    }

    #[test]
    fn counts_and_the_weakest_kind_are_said() {
        let kinds = of_kinds(&[("blowhole", [9, 12]), ("break", [12, 12]), ("uneven", [4, 12])]);
        let overall = set([46, 60], [9, 40]);
        let threshold = Some(Threshold::manual(2.0));
        assert_eq!(
            of(&overall, &kinds, threshold),
            "Found 46 of 60 defective parts (77 %, 64 to 87 %). Rejected 9 of 40 good ones (22 %, 11 to 38 %). Weakest kind: uneven, 4 of \
             12."
        );
        let overall = SetResults { look_again: Some(LookAgain { good: 6, defective: 5 }), ..overall };
        let said = of(&overall, &kinds, threshold);
        assert!(said.contains(" To look at again: 5 defective, 6 good. Weakest kind"), "{said}");
    }

    #[test]
    fn the_weakest_is_named_where_there_is_a_choice_and_a_miss() {
        let weakest = |kinds: &[(&str, [usize; 2])]| {
            super::weakest(&of_kinds(kinds)).map(|(kind, share)| format!("{kind} {share}"))
        };
        assert_eq!(weakest(&[("a", [1, 4])]), None);
        assert_eq!(weakest(&[("a", [4, 4]), ("b", [2, 2])]), None);
        // Equal shares: more misses, then the name.
        assert_eq!(weakest(&[("a", [1, 2]), ("b", [2, 4]), ("c", [3, 4])]).as_deref(), Some("b 2 of 4"));
        assert_eq!(weakest(&[("b", [1, 2]), ("a", [1, 2])]).as_deref(), Some("a 1 of 2"));
    }

    #[test]
    fn a_threshold_that_these_photos_chose_is_said_to_be_no_promise() {
        let gap = ThresholdOrigin::MiddleOfGap { n_normal: 20, n_anomalous: 63 };
        assert_eq!(
            said(Some(gap), [63, 63], [0, 20]),
            "Found 63 of 63 defective parts and rejected 0 of 20 good ones, at the middle of the gap between their scores. The model has \
             no threshold, so this one was chosen on these very photos: how many new good parts are rejected is not known before it is \
             calibrated."
        );
        let highest = said(Some(ThresholdOrigin::HighestGood { n_normal: 40 }), [46, 60], [0, 40]);
        let begin =
            "Found 46 of 60 defective parts (77 %, 64 to 87 %) and rejected 0 of 40 good ones, at the highest of the";
        assert!(highest.starts_with(begin) && highest.contains("chosen on these very photos"), "{highest}");
        let best = said(Some(ThresholdOrigin::F1Max { n_normal: 40, n_anomalous: 60 }), [46, 60], [9, 40]);
        assert!(best.ends_with("if it was this one, the counts flatter."), "{best}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let manual = Some(ThresholdOrigin::Manual);
        assert_eq!(
            said(manual, [0, 0], [1, 20]),
            "Rejected 1 of 20 good parts (5 %, 0.1 to 25 %). No defective photo was scored: nothing is known of misses."
        );
        assert_eq!(
            said(manual, [2, 2], [0, 0]),
            "Found 2 of 2 defective parts (100 %, 16 to 100 %). No good photo was scored: nothing is known of false alarms."
        );
        // Above the highest of them is none of them.
        let of_good = said(Some(ThresholdOrigin::HighestGood { n_normal: 20 }), [0, 0], [0, 20]);
        assert!(of_good.starts_with("No defective photo") && !of_good.contains("0 of 20"), "{of_good}");
        assert!(said(None, [0, 3], [0, 0]).starts_with("The model has no threshold"));
        assert_eq!(said(manual, [0, 0], [0, 0]), "No photo could be scored.");
    }
}
