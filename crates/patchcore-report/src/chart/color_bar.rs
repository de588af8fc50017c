//! The legend of the heat maps: which score has which colour, the same for every picture of a page.

use askama::Template;

use super::mark::{Anchor, Chart, Mark, WIDTH};
use crate::number::number;
use crate::{ColorScale, ReportError};

const STRIPS: u16 = 80;
const LEFT: f64 = 16.0;
const TOP: f64 = 18.0;
const BAR: f64 = 16.0;

/// Draws the scale from left to right with five numbers, and what they mean above it.
pub(crate) fn color_bar(id: &str, scale: &ColorScale) -> Result<String, ReportError> {
    scale.check()?;
    let across = WIDTH - 2.0 * LEFT;
    let strip = across / f64::from(STRIPS);
    let mut marks = Vec::new();
    for index in 0..STRIPS {
        let fraction = (f32::from(index) + 0.5) / f32::from(STRIPS);
        let [red, green, blue] = ColorScale::color(fraction);
        let (x, fill) = (LEFT + f64::from(index) * strip, Some(format!("#{red:02x}{green:02x}{blue:02x}")));
        let title = format!("score {}", number(scale.score(fraction)));
        // Half a unit of overlap: no seams between the strips.
        marks.push(Mark::Bar { class: "strip", x, y: TOP, width: strip + 0.5, height: BAR, fill, title });
    }
    for fraction in [0.0_f32, 0.25, 0.5, 0.75, 1.0] {
        let at = LEFT + across * f64::from(fraction);
        marks.push(Mark::line("axis", (at, TOP + BAR), (at, TOP + BAR + 4.0)));
        marks.push(Mark::text("tick", (at, TOP + BAR + 16.0), Anchor::Middle, number(scale.score(fraction))));
    }
    let middle = LEFT + across / 2.0;
    marks.push(Mark::line("threshold", (middle, TOP), (middle, TOP + BAR)));
    // Of a threshold that is not positive there is no multiple.
    let times = match scale.threshold > 0.0 {
        true => format!("{:.0} x", scale.high / scale.threshold),
        false => "strongest".to_owned(),
    };
    for (at, anchor, words) in [
        (LEFT, Anchor::Start, "good parts".to_owned()),
        (middle, Anchor::Middle, "pixel threshold".to_owned()),
        (LEFT + across, Anchor::End, times),
    ] {
        marks.push(Mark::text("key", (at, TOP - 6.0), anchor, words));
    }
    let description = format!(
        "Good parts, at a score of {} and below, are dark blue; the pixel threshold, {}, is pink; {} and above is yellow.",
        number(scale.low),
        number(scale.threshold),
        number(scale.high)
    );
    let chart = Chart { id, title: "Colours of the heat maps", description: &description, height: 54.0, marks: &marks };
    Ok(chart.render()?)
}
