//! Metrics as people read them, each in its own unit.

use patchcore_metrics::{Interval, Metric};

/// A value with two digits and a space that does not break, or a dash.
pub(super) fn value(metric: &Metric, value: Option<f64>) -> String {
    let unit = metric.unit;
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}\u{a0}{}", value * unit.scale(), unit.symbol()))
}

/// The interval of a value.
pub(super) fn interval(metric: &Metric, interval: Interval) -> String {
    let scale = metric.unit.scale();
    format!("{:.1} to {:.1}", interval.low * scale, interval.high * scale)
}

/// A difference of two values, or a dash.
pub(super) fn difference(metric: &Metric, difference: Option<f64>) -> String {
    let unit = metric.unit;
    difference.map_or_else(|| "–".to_owned(), |value| format!("{:+.2} {}", value * unit.scale(), unit.of_differences()))
}

/// The interval of a difference, or a dash.
pub(super) fn interval_of_difference(metric: &Metric, interval: Option<Interval>) -> String {
    let scale = metric.unit.scale();
    interval.map_or_else(
        || "–".to_owned(),
        |interval| format!("{:+.2} to {:+.2}", interval.low * scale, interval.high * scale),
    )
}
