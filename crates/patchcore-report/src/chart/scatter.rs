//! The scores of the same images by two models, against each other.

use super::axis::{Axis, frame, round_ticks};
use super::legend::{Sign, legend};
use super::mark::{Mark, draw};
use crate::ReportError;
use crate::number::number;

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Scatter<'a> {
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
    /// Score by the first, score by the second, whether it is defective, name; all scores finite.
    pub(crate) points: &'a [(f32, f32, bool, &'a str)],
    /// The thresholds of the two.
    pub(crate) thresholds: (Option<f32>, Option<f32>),
}

/// Draws it: rings for good images, crosses for defective ones.
pub(crate) fn scatter(scatter: &Scatter<'_>) -> Result<String, ReportError> {
    let extent = |values: &mut dyn Iterator<Item = f32>| {
        let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low <= high { (f64::from(low), f64::from(high)) } else { (0.0, 1.0) }
    };
    let (x_low, x_high) = extent(&mut scatter.points.iter().map(|point| point.0).chain(scatter.thresholds.0));
    let (y_low, y_high) = extent(&mut scatter.points.iter().map(|point| point.1).chain(scatter.thresholds.1));
    let (x, y) = (Axis::horizontal(x_low, x_high), Axis::vertical(y_low, y_high));
    let show = |tick: f64| number(tick as f32);
    let mut marks = x.marks(scatter.x_name, &round_ticks(x_low, x_high, 6), show);
    marks.extend(y.marks(scatter.y_name, &round_ticks(y_low, y_high, 6), show));
    let (left, top, right, bottom) = frame();
    if let Some(threshold) = scatter.thresholds.0 {
        let at = x.at(f64::from(threshold));
        marks.push(Mark::line("threshold", (at, top), (at, bottom)));
    }
    if let Some(threshold) = scatter.thresholds.1 {
        let at = y.at(f64::from(threshold));
        marks.push(Mark::line("threshold", (left, at), (right, at)));
    }
    for &(a, b, defective, name) in scatter.points {
        let (at_x, at_y) = (x.at(f64::from(a)), y.at(f64::from(b)));
        let title = format!("{name}: {} and {}", number(a), number(b));
        marks.push(if defective {
            Mark::Cross { class: "defective", x: at_x, y: at_y, title }
        } else {
            Mark::Dot { class: "good", x: at_x, y: at_y, title }
        });
    }
    let (keys, height) = legend(&[(Sign::Dot, "good".to_owned()), (Sign::Cross, "defective".to_owned())]);
    marks.extend(keys);
    draw(scatter.id, scatter.title, scatter.description, height, &marks)
}
