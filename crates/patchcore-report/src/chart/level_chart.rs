//! What becomes of errors as one condition changes: a share at each level, with how far it may be off.

use patchcore_metrics::Interval;

use super::axis::{Axis, round_ticks};
use super::legend::{Sign, legend};
use super::mark::{Mark, draw};
use crate::ReportError;

/// How far the points of the two counted series lie apart, so that their intervals do not cover each other.
const APART: f64 = 2.5;

/// One level.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    /// The level, short: it stands below the frame.
    pub(crate) label: String,
    /// False alarms: their share, its interval, and both in words.
    pub(crate) false_alarms: Option<(f64, Interval, String)>,
    /// Misses, in the same way.
    pub(crate) misses: Option<(f64, Interval, String)>,
    /// Image AUROC, in [0, 1].
    pub(crate) auroc: Option<f64>,
}

/// What is drawn.
#[derive(Debug)]
pub(crate) struct LevelChart<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// Its name.
    pub(crate) title: &'a str,
    /// What it shows, in words.
    pub(crate) description: &'a str,
    /// Name of the horizontal axis.
    pub(crate) x_name: &'a str,
    /// By rising level, equally far apart.
    pub(crate) levels: &'a [Level],
}

/// One of the two counted series.
struct Counted {
    name: &'static str,
    curve: &'static str,
    whisker: &'static str,
    shift: f64,
    is_dot: bool,
}

const COUNTED: [Counted; 2] = [
    Counted { name: "false alarms", curve: "curve first", whisker: "whisker first", shift: -APART, is_dot: true },
    Counted { name: "misses", curve: "curve second", whisker: "whisker second", shift: APART, is_dot: false },
];

/// Draws it: rings on a solid line for false alarms, crosses on a dashed one for misses, a dotted line for the AUROC.
pub(crate) fn level_chart(chart: &LevelChart<'_>) -> Result<String, ReportError> {
    let count = chart.levels.len();
    let (x, y) = (Axis::horizontal(0.0, count as f64), Axis::vertical(0.0, 1.0));
    let middle = |number: usize| number as f64 + 0.5;
    let places: Vec<f64> = (0..count).map(middle).collect();
    let label = |place: f64| chart.levels.get(place as usize).map_or_else(String::new, |level| level.label.clone());
    let mut marks = x.marks(chart.x_name, &places, label);
    marks.extend(y.marks("%", &round_ticks(0.0, 1.0, 5), |tick| format!("{:.0}", tick * 100.0)));
    let auroc =
        chart.levels.iter().enumerate().filter_map(|(number, level)| Some((x.at(middle(number)), level.auroc?)));
    let auroc: Vec<(f64, f64)> = auroc.map(|(at, value)| (at, y.at(value))).collect();
    let mut keys = Vec::new();
    if !auroc.is_empty() {
        marks.push(Mark::Path { class: "curve third", d: path(&auroc) });
    }
    for counted in &COUNTED {
        let of = |level: &Level| if counted.is_dot { level.false_alarms.clone() } else { level.misses.clone() };
        let values = chart.levels.iter().enumerate().filter_map(|(number, level)| Some((number, of(level)?)));
        let values: Vec<(f64, (f64, Interval, String))> =
            values.map(|(number, value)| (x.at(middle(number)) + counted.shift, value)).collect();
        if values.is_empty() {
            continue;
        }
        let sign = if counted.is_dot { Sign::LineWithDot } else { Sign::LineWithCross };
        keys.push((sign(counted.curve), counted.name.to_owned()));
        for (at, (_, interval, _)) in &values {
            marks.push(Mark::line(counted.whisker, (*at, y.at(interval.low)), (*at, y.at(interval.high))));
        }
        let points: Vec<(f64, f64)> = values.iter().map(|(at, (share, ..))| (*at, y.at(*share))).collect();
        marks.push(Mark::Path { class: counted.curve, d: path(&points) });
        for ((x, y), (_, (.., title))) in points.into_iter().zip(values) {
            marks.push(match counted.is_dot {
                true => Mark::Dot { class: "good", x, y, title },
                false => Mark::Cross { class: "defective", x, y, title },
            });
        }
    }
    if !auroc.is_empty() {
        keys.push((Sign::Line("curve third"), "AUROC".to_owned()));
    }
    let (keys, height) = legend(&keys);
    marks.extend(keys);
    let LevelChart { id, title, description, .. } = *chart;
    draw(id, title, description, height, &marks)
}

/// Straight lines from point to point.
fn path(points: &[(f64, f64)]) -> String {
    let command = |number| if number == 0 { 'M' } else { 'L' };
    points.iter().enumerate().map(|(number, (x, y))| format!("{}{x:.1} {y:.1}", command(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::mark::HEIGHT;

    fn level(label: &str, share: f64) -> Level {
        let interval = Interval { low: share / 2.0, high: (share + 1.0) / 2.0 };
        let counted = |what: &str| Some((share, interval, format!("{label}: {what}")));
        let (false_alarms, misses) = (counted("false alarms"), counted("misses"));
        Level { label: label.to_owned(), false_alarms, misses, auroc: Some(1.0 - share) }
    }

    fn drawn(levels: &[Level]) -> String {
        level_chart(&LevelChart { id: "c", title: "t", description: "d", x_name: "light", levels }).unwrap()
    }

    #[test]
    fn every_level_has_its_marks_and_the_key_lies_below_the_frame() {
        let levels = [level("x0.5", 0.5), level("as is", 0.0), level("x1.5", 1.0)];
        let svg = drawn(&levels);
        // Three levels and the key.
        assert_eq!((svg.matches("<circle").count(), svg.matches("class=\"defective\"").count()), (4, 4), "{svg}");
        assert_eq!((svg.matches("whisker first").count(), svg.matches("whisker second").count()), (3, 3));
        assert!(svg.contains("viewBox=\"0 0 360 292\"") && svg.contains("x0.5: false alarms"), "{svg}");
        // The frame is 302 wide from 46, 216 high from 14: the first level in the middle of its third, 50 % half way up.
        assert!(svg.contains("<circle class=\"good\" cx=\"93.8\" cy=\"122.0\""), "{svg}");
        let keys = svg.split("<text class=\"key\"").skip(1);
        let heights: Vec<f64> = keys.map(|text| text.split('"').nth(3).and_then(|y| y.parse().ok()).unwrap()).collect();
        assert!(heights.len() == 3 && heights.iter().all(|y| *y > HEIGHT), "{heights:?}");
    }

    #[test]
    fn what_is_not_counted_is_not_drawn() {
        let bare = Level { misses: None, auroc: None, ..level("x0.5", 0.5) };
        let svg = drawn(&[bare]);
        assert!(svg.contains("false alarms") && !svg.contains("misses") && !svg.contains("AUROC"), "{svg}");
        let none = Level { false_alarms: None, misses: None, auroc: None, label: String::new() };
        assert!(!drawn(&[none]).contains("curve") && !drawn(&[]).contains("NaN"));
    }
}
