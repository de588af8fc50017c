//! Charts as inline SVG: a list of marks in a frame with labelled axes, put into words for screen readers.
//!
//! A chart is drawn at 360 x 270 units, so that its letters are readable at the width of a phone, and takes its colours
//! from the page's style sheet, in light and in dark. What two classes are is never told by colour alone. Words stand
//! outside the frame, where no value is: the key below it, the words of a line above.

mod axis;
mod bins;
mod color_bar;
mod histogram;
mod legend;
mod level_chart;
mod line_chart;
mod mark;
mod scatter;

#[cfg(test)]
mod boxes;

pub(crate) use color_bar::color_bar;
pub(crate) use histogram::{Histogram, histogram};
pub(crate) use level_chart::{Level, LevelChart, level_chart};
pub(crate) use line_chart::{LineChart, Series, line_chart};
pub(crate) use scatter::{Scatter, scatter};
