//! How the scores of good and of defective images are spread, with the threshold between them.

use patchcore_metrics::MetricError;

use super::axis::{Axis, frame, round_ticks};
use super::bins::Bins;
use super::legend::{Sign, above_line, legend};
use super::mark::{Mark, draw};
use crate::ReportError;
use crate::number::number;

/// What is drawn: good images upwards, defective ones downwards, on one axis of scores.
#[derive(Debug)]
pub(crate) struct Histogram<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// Its name.
    pub(crate) title: &'a str,
    /// Scores of good images, all finite.
    pub(crate) good: &'a [f32],
    /// Scores of defective images, all finite.
    pub(crate) defective: &'a [f32],
    /// Where the line is drawn.
    pub(crate) threshold: Option<f32>,
}

/// Draws it.
pub(crate) fn histogram(histogram: &Histogram<'_>) -> Result<String, ReportError> {
    let all = || histogram.good.iter().chain(histogram.defective).chain(&histogram.threshold).copied();
    if let Some((index, value)) = all().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(MetricError::NonFiniteScore { map: None, index, value }.into());
    }
    let (low, high) = (all().fold(f32::INFINITY, f32::min), all().fold(f32::NEG_INFINITY, f32::max));
    let (low, high) = if low < high { (low, high) } else { (low.min(0.0), high.max(1.0)) };
    // No score and no threshold: an empty frame.
    let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
    let bins = Bins::new(low, high, histogram.threshold);
    let [good, defective] =
        [histogram.good, histogram.defective].map(|scores| bins.counts(scores, histogram.threshold));
    // An empty histogram has an axis too.
    let most = good.iter().chain(&defective).copied().fold(1, usize::max);

    let (low, high) = (bins.edge(0), bins.end());
    let x = Axis::horizontal(low, high);
    // Without any defective score there is nothing below.
    let least = if histogram.defective.is_empty() { 0.0 } else { -(most as f64) };
    let y = Axis::vertical(least, most as f64);
    let mut marks = x.marks("image score", &round_ticks(low, high, 6), |tick| number(tick as f32));
    let whole = |tick: &f64| tick.fract().abs() < 1e-9;
    let ticks: Vec<f64> = round_ticks(least, most as f64, 6).into_iter().filter(whole).collect();
    marks.extend(y.marks("images", &ticks, |tick| format!("{:.0}", tick.abs())));
    for (bin, (good, defective)) in good.iter().zip(&defective).enumerate() {
        let (from, to) = (bins.edge(bin), bins.edge(bin + 1));
        let range = format!("from {} to {}", number(from as f32), number(to as f32));
        let (left, right) = (x.at(from) + 0.5, x.at(to) - 0.5);
        let mut bar = |class, count: usize, top: f64, bottom: f64, what: &str| {
            if count > 0 {
                let title = format!("{count} {what}, score {range}");
                let (width, height) = (right - left, bottom - top);
                marks.push(Mark::Bar { class, x: left, y: top, width, height, fill: None, title });
            }
        };
        bar("bar good", *good, y.at(*good as f64), y.at(0.0), "good");
        bar("bar defective", *defective, y.at(0.0), y.at(-(*defective as f64)), "defective");
    }
    let (left, top, right, bottom) = frame();
    marks.push(Mark::line("axis", (left, y.at(0.0)), (right, y.at(0.0))));
    if let Some(threshold) = histogram.threshold {
        let at = x.at(f64::from(threshold));
        marks.push(Mark::line("threshold", (at, top), (at, bottom)));
        marks.push(above_line(at, format!("threshold {}", number(threshold))));
    }
    let good = (Sign::Bar("bar good"), format!("{} good (up)", histogram.good.len()));
    let defective = (Sign::Bar("bar defective"), format!("{} defective (down)", histogram.defective.len()));
    let (keys, height) = match histogram.defective.is_empty() {
        true => legend(&[(good.0, format!("{} good", histogram.good.len()))]),
        false => legend(&[good, defective]),
    };
    marks.extend(keys);
    draw(histogram.id, histogram.title, &describe(histogram), height, &marks)
}

/// The same in words.
fn describe(histogram: &Histogram<'_>) -> String {
    let spread = |scores: &[f32], what: &str| {
        let low = scores.iter().copied().fold(f32::INFINITY, f32::min);
        let high = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        match scores.len() {
            0 => format!("No {what} image."),
            count => format!("{count} {what} images score from {} to {}.", number(low), number(high)),
        }
    };
    let mut text = format!("{} {}", spread(histogram.good, "good"), spread(histogram.defective, "defective"));
    if let Some(threshold) = histogram.threshold {
        text.push_str(&format!(" The threshold is {}.", number(threshold)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_score_and_none_can_be_drawn() {
        for good in [&[][..], &[0.0], &[2.5, 2.5], &[-1e30, 1e30]] {
            let drawn = Histogram { id: "h", title: "t", good, defective: &[], threshold: None };
            let svg = histogram(&drawn).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
