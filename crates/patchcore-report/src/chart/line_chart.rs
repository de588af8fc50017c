//! Curves in the unit square (ROC, precision-recall, per-region overlap), and over rates of several decades (per-image overlap).

use super::axis::{Axis, frame, round_ticks};
use super::legend::{Sign, above_line, legend};
use super::mark::{Mark, draw};
use crate::ReportError;

/// One curve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series<'a> {
    /// Its name in the key; with one series alone there is none.
    pub(crate) name: &'a str,
    /// Points `[x, y]` in drawing order: y in [0, 1]; x, too, or log10 of a rate where the chart has decades.
    pub(crate) points: &'a [[f64; 2]],
    /// Each y holds up to its own x from the x before (precision), instead of straight lines.
    pub(crate) steps: bool,
}

/// What is drawn.
#[derive(Debug)]
pub(crate) struct LineChart<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// Its name.
    pub(crate) title: &'a str,
    /// What it shows, in words.
    pub(crate) description: &'a str,
    /// Name of the horizontal axis.
    pub(crate) x_name: &'a str,
    /// Name of the vertical axis.
    pub(crate) y_name: &'a str,
    /// At most two curves: one solid, one dashed.
    pub(crate) series: &'a [Series<'a>],
    /// The line of a detector that guesses, from the left side to the right one.
    pub(crate) chance: Option<(f64, f64)>,
    /// The point of the threshold in use, and its tool tip.
    pub(crate) operating_point: Option<([f64; 2], String)>,
    /// A vertical line and its words.
    pub(crate) limit: Option<(f64, &'a str)>,
    /// Powers of ten from which and to which the horizontal axis goes; `None`: it goes from 0 to 1.
    pub(crate) decades: Option<(i32, i32)>,
}

const CLASSES: [&str; 2] = ["curve first", "curve second"];

/// Draws it.
pub(crate) fn line_chart(chart: &LineChart<'_>) -> Result<String, ReportError> {
    assert!(chart.series.len() <= CLASSES.len(), "there is no style for a third series");
    let y = Axis::vertical(0.0, 1.0);
    let ticks = round_ticks(0.0, 1.0, 5);
    let show = |tick: f64| format!("{tick:.1}");
    let (x, mut marks) = match chart.decades {
        None => {
            let x = Axis::horizontal(0.0, 1.0);
            (x, x.marks(chart.x_name, &ticks, show))
        }
        Some((low, high)) => {
            let x = Axis::horizontal(f64::from(low), f64::from(high));
            let powers: Vec<f64> = (low..=high).map(f64::from).collect();
            (x, x.marks(chart.x_name, &powers, |power| format!("1e{power:.0}")))
        }
    };
    marks.extend(y.marks(chart.y_name, &ticks, show));
    if let Some((left, right)) = chart.chance {
        marks.push(Mark::line("chance", (x.at(0.0), y.at(left)), (x.at(1.0), y.at(right))));
    }
    let (_, top, _, bottom) = frame();
    if let Some((limit, words)) = chart.limit {
        marks.push(Mark::line("threshold", (x.at(limit), top), (x.at(limit), bottom)));
        marks.push(above_line(x.at(limit), words.to_owned()));
    }
    for (series, class) in chart.series.iter().zip(CLASSES) {
        marks.push(Mark::Path { class, d: path(series, x, y) });
    }
    if let Some((point, title)) = &chart.operating_point {
        let [at_x, at_y] = *point;
        marks.push(Mark::Dot { class: "point", x: x.at(at_x), y: y.at(at_y), title: title.clone() });
    }
    let named = chart.series.iter().zip(CLASSES).filter(|_| chart.series.len() > 1);
    let named: Vec<(Sign, String)> = named.map(|(series, class)| (Sign::Line(class), series.name.to_owned())).collect();
    let (keys, height) = legend(&named);
    marks.extend(keys);
    draw(chart.id, chart.title, chart.description, height, &marks)
}

fn path(series: &Series<'_>, x: Axis, y: Axis) -> String {
    let mut d = String::new();
    let mut before: Option<f64> = None;
    for &[at_x, at_y] in series.points {
        let (px, py) = (x.at(at_x), y.at(at_y));
        match before {
            None if series.steps => d.push_str(&format!("M{:.1} {py:.1}L{px:.1} {py:.1}", x.at(0.0))),
            None => d.push_str(&format!("M{px:.1} {py:.1}")),
            Some(last) if series.steps => d.push_str(&format!("L{last:.1} {py:.1}L{px:.1} {py:.1}")),
            Some(_) => d.push_str(&format!("L{px:.1} {py:.1}")),
        }
        before = Some(px);
    }
    d
}
