//! What a stress test found, in one sentence that says no more than the counts carry.

use super::finding::{StressCount, StressFinding};
use super::outcome::StressOutcome;
use super::series::{StressLevel, StressSeries};

/// The sentence, for so many good and defective photos.
pub(super) fn of(unchanged: &StressOutcome, kinds: &[StressSeries], (good, defective): (usize, usize)) -> String {
    if good + defective == 0 {
        return "No photo could be scored.".to_owned();
    }
    if unchanged.false_alarms.is_none() && unchanged.misses.is_none() {
        return "There is no threshold: false alarms and misses are not counted before the model is calibrated."
            .to_owned();
    }
    let (mut held, mut rises, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for side in kinds.iter().flat_map(sides) {
        let finding = |level: &&StressLevel| level.outcome.finding();
        let last_held = side.iter().copied().take_while(|level| finding(level) == Some(StressFinding::Holds)).last();
        let first_rise = side.iter().copied().find(|level| finding(level) == Some(StressFinding::Rises));
        held.extend(last_held.map(|level| level.words.clone()));
        rises.extend(first_rise);
        if let (None, None, Some(nearest)) = (last_held, first_rise, side.first())
            && nearest.outcome.finding() == Some(StressFinding::Unclear)
        {
            unclear.push(nearest.words.clone());
        }
    }
    let mut parts = Vec::new();
    if !held.is_empty() {
        parts.push(format!("holds to {}", listed(&held)));
    }
    parts.extend(risen("false alarms", &rises, |outcome| outcome.false_alarms));
    parts.extend(risen("misses", &rises, |outcome| outcome.misses));
    if !unclear.is_empty() {
        parts.push(format!("unclear is {}", listed(&unclear)));
    }
    let enough = StressFinding::ENOUGH;
    if held.is_empty() && unclear.is_empty() {
        let there_are = match (good, defective) {
            (good, 0) => format!("{good} good and no defective"),
            (0, defective) => format!("no good and {defective} defective"),
            (good, defective) => format!("{good} good and {defective} defective"),
        };
        let few = [(unchanged.false_alarms, good), (unchanged.misses, defective)];
        if few.iter().all(|(wrong, count)| wrong.is_none() || *count < enough) {
            parts.insert(
                0,
                format!("too few photos to say what holds: {there_are}, where {enough} of a kind are needed"),
            );
            return sentence(&parts.join("; "));
        }
    }
    if parts.is_empty() {
        parts.push("no change was tried".to_owned());
    }
    sentence(&format!("{} ({}; as they are, {})", parts.join("; "), basis(good, defective), before(unchanged)))
}

/// Which photos the sentence is about.
fn basis(good: usize, defective: usize) -> String {
    let enough = StressFinding::ENOUGH;
    match (good, defective) {
        (good, 0) => format!("false alarms only, of {good} good photos: there is no defective one"),
        (0, defective) => format!("misses only, of {defective} defective photos: there is no good one"),
        (good, defective) if defective < enough => {
            format!("of {good} good photos; {defective} defective are too few to say that misses hold")
        }
        (good, defective) if good < enough => {
            format!("of {defective} defective photos; {good} good are too few to say that false alarms hold")
        }
        (good, defective) => format!("of {good} good and {defective} defective photos"),
    }
}

/// How many of the photos are wrong as they are: where most are missed, that misses do not rise says little.
fn before(unchanged: &StressOutcome) -> String {
    let counted = |wrong: Option<StressCount>, one: &str, many: &str| {
        wrong.map(|wrong| format!("{} {}", wrong.count, if wrong.count == 1 { one } else { many }))
    };
    let both =
        [counted(unchanged.false_alarms, "false alarm", "false alarms"), counted(unchanged.misses, "miss", "misses")];
    listed(&both.into_iter().flatten().collect::<Vec<String>>())
}

/// The levels below and above the photo as it is, each from the nearest to the farthest.
fn sides(series: &StressSeries) -> [Vec<&StressLevel>; 2] {
    let side = |is_above: bool| {
        let mut levels: Vec<&StressLevel> =
            series.levels.iter().filter(|level| (level.level > series.unchanged) == is_above).collect();
        let distance = |level: &StressLevel| (level.level - series.unchanged).abs();
        levels.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        levels
    };
    [side(false), side(true)]
}

/// What rises where: `false alarms rise from 1 of 40 to 9 with 30 % less light and 12 with a shift of 18 pixels`.
fn risen(what: &str, levels: &[&StressLevel], class: impl Fn(&StressOutcome) -> Option<StressCount>) -> Option<String> {
    let rising = levels.iter().filter_map(|level| Some((level, class(&level.outcome)?)));
    let rising = rising.filter(|(_, wrong)| wrong.finding == StressFinding::Rises);
    let (mut from, mut to) = (None, Vec::new());
    for (level, wrong) in rising {
        // The same photos as they are, for every level.
        from = Some(format!("{} of {}", wrong.before(), wrong.of));
        to.push(format!("{} with {}", wrong.count, level.words));
    }
    Some(format!("{what} rise from {} to {}", from?, listed(&to)))
}

/// `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => items.concat(),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` of `of` are wrong, all of which were right unchanged but for `before`.
    fn wrong(before: usize, count: usize, of: usize) -> Option<StressCount> {
        let first = |wrong: usize| (0..of).map(|at| at < wrong).collect::<Vec<bool>>();
        StressCount::new(&first(count), &first(before)).unwrap()
    }

    fn outcome(false_alarms: Option<StressCount>, misses: Option<StressCount>) -> StressOutcome {
        StressOutcome { false_alarms, misses, ..StressOutcome::default() }
    }

    fn series(unchanged: f64, levels: &[(f64, &str, StressOutcome)]) -> StressSeries {
        let level = |(level, words, outcome): &(f64, &str, StressOutcome)| StressLevel {
            level: *level,
            label: String::new(),
            words: (*words).to_owned(),
            outcome: *outcome,
        };
        let levels = levels.iter().map(level).collect();
        StressSeries { kind: String::new(), about: String::new(), unchanged, levels }
    }

    /// Light on both sides, and a shift: so many good and defective photos are wrong at each level; one of each is unchanged.
    fn light_and_shift(good: usize, defective: usize, counts: [(usize, usize); 6]) -> String {
        let at =
            |(alarms, misses)| outcome(wrong(1.min(good), alarms, good), wrong(1.min(defective), misses, defective));
        let [half, less, more, double, near, far] = counts.map(at);
        let light = [
            (0.5, "50 % less light", half),
            (0.85, "15 % less light", less),
            (1.15, "15 % more light", more),
            (1.5, "50 % more light", double),
        ];
        let shift = [(0.01, "a shift of 9 pixels", near), (0.02, "a shift of 18 pixels", far)];
        of(&at((1, 1)), &[series(1.0, &light), series(0.0, &shift)], (good, defective))
    }

    #[test]
    fn what_holds_and_what_rises_is_said_with_its_counts() {
        let said = light_and_shift(40, 40, [(9, 1), (1, 2), (1, 1), (2, 3), (1, 1), (12, 8)]);
        assert_eq!(
            said,
            "Holds to 15 % less light, 50 % more light and a shift of 9 pixels; false alarms rise from 1 of 40 to 9 with 50 % less light and \
             12 with a shift of 18 pixels; misses rise from 1 of 40 to 8 with a shift of 18 pixels (of 40 good and 40 defective photos; as they are, 1 false alarm and 1 \
             miss)."
        );
    }

    #[test]
    fn a_level_behind_one_that_is_unclear_is_not_said_to_hold() {
        // 4 more of 40 may be chance; the nearer shift too.
        let said = light_and_shift(40, 40, [(1, 1), (5, 1), (1, 1), (1, 1), (1, 5), (1, 1)]);
        assert_eq!(
            said,
            "Holds to 50 % more light; unclear is 15 % less light and a shift of 9 pixels (of 40 good and 40 defective photos; \
             as they are, 1 false alarm and 1 miss)."
        );
    }

    #[test]
    fn without_defective_photos_it_is_false_alarms_only() {
        let said = light_and_shift(20, 0, [(8, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0)]);
        assert_eq!(
            said,
            "Holds to 15 % less light, 50 % more light and a shift of 18 pixels; false alarms rise from 1 of 20 to 8 with 50 % less light \
             (false alarms only, of 20 good photos: there is no defective one; as they are, 1 false alarm)."
        );
        let said = light_and_shift(20, 3, [(1, 1); 6]);
        assert!(said.ends_with("(of 20 good photos; 3 defective are too few to say that misses hold; as they are, 1 false alarm and 1 miss)."), "{said}");
    }

    #[test]
    fn too_few_photos_hold_nothing_but_a_plain_rise_is_said() {
        let said = light_and_shift(6, 3, [(1, 1); 6]);
        assert_eq!(said, "Too few photos to say what holds: 6 good and 3 defective, where 14 of a kind are needed.");
        let said = light_and_shift(6, 0, [(6, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0)]);
        assert_eq!(
            said,
            "Too few photos to say what holds: 6 good and no defective, where 14 of a kind are needed; false alarms rise from 1 of 6 to 6 \
             with 50 % less light."
        );
    }

    #[test]
    fn without_threshold_or_photos_nothing_is_counted() {
        let none = StressOutcome::default();
        assert!(of(&none, &[], (9, 9)).starts_with("There is no threshold"));
        assert_eq!(of(&none, &[], (0, 0)), "No photo could be scored.");
        assert_eq!(of(&outcome(wrong(0, 0, 20), None), &[], (20, 0)).find("No change was tried"), Some(0));
    }
}
