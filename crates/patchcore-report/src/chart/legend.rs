//! The key of a chart: below the frame, where it covers no value, in as many lines as it needs.

use super::axis::frame;
use super::mark::{Anchor, HEIGHT, Mark, WIDTH};

/// What stands for a class in the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A piece of a line of this class.
    Line(&'static str),
    /// A piece of a line with the ring of a good photo.
    LineWithDot(&'static str),
    /// A piece of a line with the cross of a defective photo.
    LineWithCross(&'static str),
    /// The ring of a good photo.
    Dot,
    /// The cross of a defective photo.
    Cross,
    /// A bar of this class.
    Bar(&'static str),
}

/// Height of a line of the key, in the chart's units.
const LINE: f64 = 22.0;
/// Length of a sign, and the room behind it and behind a text.
const SIGN: f64 = 22.0;
const GAP: f64 = 6.0;
const BETWEEN: f64 = 16.0;
/// About as wide is a letter of the key, 12 units high: rather more than less.
const LETTER: f64 = 7.0;

/// The marks of the key, and the height of a chart that has it below its frame.
pub(super) fn legend(entries: &[(Sign, String)]) -> (Vec<Mark>, f64) {
    let (left, ..) = frame();
    let (mut marks, mut at, mut lines) = (Vec::new(), left, 0_usize);
    for (sign, text) in entries {
        let width = SIGN + GAP + LETTER * text.chars().count() as f64;
        if lines == 0 || at + width > WIDTH {
            (at, lines) = (left, lines + 1);
        }
        let middle = HEIGHT + LINE * (lines as f64 - 0.5);
        let piece = |class| Mark::line(class, (at, middle), (at + SIGN, middle));
        let title = text.clone();
        let dot = Mark::Dot { class: "good", x: at + SIGN / 2.0, y: middle, title: title.clone() };
        let cross = Mark::Cross { class: "defective", x: at + SIGN / 2.0, y: middle, title: title.clone() };
        match *sign {
            Sign::Line(class) => marks.push(piece(class)),
            Sign::LineWithDot(class) => marks.extend([piece(class), dot]),
            Sign::LineWithCross(class) => marks.extend([piece(class), cross]),
            Sign::Dot => marks.push(dot),
            Sign::Cross => marks.push(cross),
            Sign::Bar(class) => {
                let (width, height) = (SIGN, 9.0);
                marks.push(Mark::Bar { class, x: at, y: middle - height / 2.0, width, height, fill: None, title });
            }
        }
        marks.push(Mark::text("key", (at + SIGN + GAP, middle + 4.0), Anchor::Start, text.clone()));
        at += width + BETWEEN;
    }
    (marks, HEIGHT + LINE * lines as f64)
}

/// The words of a vertical line, above the frame, on the side of the line where there is room.
pub(super) fn above_line(at: f64, words: String) -> Mark {
    let (left, top, right, _) = frame();
    let anchor = if at > (left + right) / 2.0 { Anchor::End } else { Anchor::Start };
    Mark::text("key", (at, top - 4.5), anchor, words)
}
