//! Metrics as people read them, each in its own unit.

use patchcore_metrics::{Interval, Metric};

/// A value with two digits and a space that does not break, or a dash.
pub(super) fn value(metric: &Metric, value: Option<f64>) -> String {
    let unit = metric.unit;
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}\u{a0}{}", value * unit.scale(), unit.symbol()))
}

/// The interval of a value, rounded outwards, so that no value lies outside of what is printed. `None` where it has no width: resampling
/// images without an error finds none, which says nothing of other images.
pub(super) fn interval(metric: &Metric, interval: Interval) -> Option<String> {
    let scale = metric.unit.scale();
    let [low, high] = [interval.low, interval.high].map(|end| end * scale * 10.0);
    // What differs by less is the same number, summed in another order.
    let same = 1e-6;
    (high - low > same).then(|| format!("{:.1} to {:.1}", (low + same).floor() / 10.0, (high - same).ceil() / 10.0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_inside_its_printed_interval() {
        let said = |low, high| interval(&Metric::AUPIMO, Interval { low, high });
        assert_eq!(said(0.0007, 0.0009).as_deref(), Some("0.0 to 0.1"));
        assert_eq!(said(0.8, 0.95).as_deref(), Some("80.0 to 95.0"));
        assert_eq!(said(0.12345, 1.0).as_deref(), Some("12.3 to 100.0"));
    }

    #[test]
    fn an_interval_without_width_is_none() {
        for end in [0.0, 1.0, 0.3] {
            assert_eq!(interval(&Metric::IMAGE_AUROC, Interval { low: end, high: end }), None);
        }
    }
}
