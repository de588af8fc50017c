//! Where values lie in a chart's frame, and at which round numbers the frame is ticked.

use super::mark::{Anchor, HEIGHT, Mark, WIDTH};

const LEFT: f64 = 46.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;
/// About as wide is a digit of a tick.
const DIGIT: f64 = 6.6;

/// A linear axis: values from `low` to `high`, `low < high`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    horizontal: bool,
}

impl Axis {
    /// Along the bottom.
    pub(super) fn horizontal(low: f64, high: f64) -> Self {
        Self { low, high: above(low, high), horizontal: true }
    }

    /// Along the left side, growing upwards.
    pub(super) fn vertical(low: f64, high: f64) -> Self {
        Self { low, high: above(low, high), horizontal: false }
    }

    /// The coordinate of a value; values outside lie on the frame.
    pub(super) fn at(&self, value: f64) -> f64 {
        let fraction = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        if self.horizontal {
            LEFT + fraction * (WIDTH - LEFT - RIGHT)
        } else {
            HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM)
        }
    }

    /// Grid lines, numbers and the axis' name. `name` says what the values are, with their unit.
    pub(super) fn marks(&self, name: &str, ticks: &[f64], show: impl Fn(f64) -> String) -> Vec<Mark> {
        let mut marks = Vec::new();
        for &tick in ticks {
            let at = self.at(tick);
            let label = show(tick);
            if self.horizontal {
                marks.push(Mark::line("grid", (at, TOP), (at, HEIGHT - BOTTOM)));
                // A number at the end of the axis stays in the picture.
                let half = DIGIT * label.chars().count() as f64 / 2.0;
                let place = (at.min(WIDTH - half), HEIGHT - BOTTOM + 15.0);
                marks.push(Mark::text("tick", place, Anchor::Middle, label));
            } else {
                marks.push(Mark::line("grid", (LEFT, at), (WIDTH - RIGHT, at)));
                marks.push(Mark::text("tick", (LEFT - 6.0, at + 4.0), Anchor::End, label));
            }
        }
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        marks.push(if self.horizontal {
            Mark::text("name", ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 7.0), Anchor::Middle, name.to_owned())
        } else {
            Mark::Turned { x: 9.5, y: middle, text: name.to_owned() }
        });
        marks
    }
}

/// Left, top, right and bottom of the frame.
pub(super) fn frame() -> (f64, f64, f64, f64) {
    (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
}

/// At most `most` round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten.
pub(super) fn round_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let high = above(low, high);
    let rough = (high - low) / most.max(2) as f64;
    let power = 10.0_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * 0.999);
    // Rounding of the logarithm may leave none.
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    (0..=most).map(|n| (first + n as f64) * step).filter(|tick| *tick <= high + step * 1e-9).collect()
}

/// `high`, or something above `low` where the two do not span anything.
fn above(low: f64, high: f64) -> f64 {
    if high > low { high } else { low + low.abs().max(1.0) * 1e-3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let near = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        };
        near(round_ticks(0.0, 1.0, 5), &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        near(round_ticks(1.3, 7.9, 5), &[2.0, 4.0, 6.0]);
        near(round_ticks(-3.0, 3.0, 3), &[-2.0, 0.0, 2.0]);
        assert!(!round_ticks(5.0, 5.0, 5).is_empty());
    }

    #[test]
    fn values_outside_lie_on_the_frame() {
        let axis = Axis::vertical(0.0, 2.0);
        assert_eq!((axis.at(-1.0), axis.at(5.0)), (HEIGHT - BOTTOM, TOP));
    }
}
