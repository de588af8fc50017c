//! What a chart is made of, and the template that writes it as SVG.

use askama::Template;

use crate::ReportError;

/// The drawing's size, in its own units.
pub(super) const WIDTH: f64 = 360.0;
/// See [`WIDTH`].
pub(super) const HEIGHT: f64 = 270.0;

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The place is where the text begins.
    Start,
    /// The place is its middle.
    Middle,
    /// The place is where it ends.
    End,
}

impl Anchor {
    /// SVG's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// One thing that is drawn, styled by its class.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// A straight line.
    Line { class: &'static str, from: (f64, f64), to: (f64, f64) },
    /// A path of absolute commands.
    Path { class: &'static str, d: String },
    /// A rectangle with a tool tip; a fill of its own where the class gives none.
    Bar { class: &'static str, x: f64, y: f64, width: f64, height: f64, fill: Option<String>, title: String },
    /// A circle with a tool tip.
    Dot { class: &'static str, x: f64, y: f64, title: String },
    /// A diagonal cross with a tool tip.
    Cross { class: &'static str, x: f64, y: f64, title: String },
    /// A text.
    Text { class: &'static str, x: f64, y: f64, anchor: Anchor, text: String },
    /// A text that runs upwards.
    Turned { x: f64, y: f64, text: String },
}

impl Mark {
    pub(super) fn line(class: &'static str, from: (f64, f64), to: (f64, f64)) -> Self {
        Mark::Line { class, from, to }
    }

    pub(super) fn text(class: &'static str, (x, y): (f64, f64), anchor: Anchor, text: String) -> Self {
        Mark::Text { class, x, y, anchor, text }
    }
}

/// A chart as the template wants it.
#[derive(Debug, Template)]
#[template(path = "chart.svg")]
pub(super) struct Chart<'a> {
    /// Unique in the page: letters, digits and hyphens.
    pub(super) id: &'a str,
    /// Its name.
    pub(super) title: &'a str,
    /// What it shows, in words, for who does not see it.
    pub(super) description: &'a str,
    /// Its height; all charts are equally wide.
    pub(super) height: f64,
    /// What is drawn, the first at the bottom.
    pub(super) marks: &'a [Mark],
}

impl Chart<'_> {
    /// Units across.
    fn width(&self) -> f64 {
        WIDTH
    }
}

/// Writes a chart, [`HEIGHT`] high and what its key takes below that.
pub(super) fn draw(
    id: &str,
    title: &str,
    description: &str,
    height: f64,
    marks: &[Mark],
) -> Result<String, ReportError> {
    Ok(Chart { id, title, description, height, marks }.render()?)
}
