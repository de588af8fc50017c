//! The legend of the heat maps: which score has which colour, the same for every picture of a page.

use askama::Template;

use super::mark::{Anchor, Chart, Mark, WIDTH};
use crate::inferno::inferno;
use crate::number::number;
use crate::{ColorScale, ReportError};

const STRIPS: u16 = 80;
const LEFT: f64 = 16.0;
const TOP: f64 = 18.0;
const BAR: f64 = 16.0;

/// Draws the scale from left to right with five numbers, and the pixel threshold above it.
pub(crate) fn color_bar(id: &str, scale: &ColorScale, threshold: Option<f32>) -> Result<String, ReportError> {
    scale.check()?;
    let across = WIDTH - 2.0 * LEFT;
    let strip = across / f64::from(STRIPS);
    let mut marks = Vec::new();
    let score = |fraction: f32| scale.low + (scale.high - scale.low) * fraction;
    for index in 0..STRIPS {
        let fraction = (f32::from(index) + 0.5) / f32::from(STRIPS);
        let [red, green, blue] = inferno(fraction);
        let (x, fill) = (LEFT + f64::from(index) * strip, Some(format!("#{red:02x}{green:02x}{blue:02x}")));
        let title = format!("score {}", number(score(fraction)));
        // Half a unit of overlap: no seams between the strips.
        marks.push(Mark::Bar { class: "strip", x, y: TOP, width: strip + 0.5, height: BAR, fill, title });
    }
    for fraction in [0.0_f32, 0.25, 0.5, 0.75, 1.0] {
        let at = LEFT + across * f64::from(fraction);
        marks.push(Mark::line("axis", (at, TOP + BAR), (at, TOP + BAR + 4.0)));
        marks.push(Mark::text("tick", (at, TOP + BAR + 16.0), Anchor::Middle, number(score(fraction))));
    }
    if let Some(threshold) = threshold.filter(|threshold| threshold.is_finite()) {
        let fraction = scale.fraction(threshold);
        let at = LEFT + across * f64::from(fraction);
        marks.push(Mark::line("threshold", (at, TOP - 5.0), (at, TOP + BAR)));
        let (place, anchor) = match fraction {
            ..0.5 => (at + 5.0, Anchor::Start),
            _ => (at - 5.0, Anchor::End),
        };
        let place_of = match threshold {
            value if value < scale.low => ", below the scale",
            value if value > scale.high => ", above the scale",
            _ => "",
        };
        let words = format!("pixel threshold {}{place_of}", number(threshold));
        marks.push(Mark::text("key", (place, TOP - 5.0), anchor, words));
    }
    let description = format!(
        "Colours from black at a score of {} and below, over purple and orange, to pale yellow at {} and above.",
        number(scale.low),
        number(scale.high)
    );
    let chart = Chart { id, title: "Colours of the heat maps", description: &description, height: 54.0, marks: &marks };
    Ok(chart.render()?)
}
