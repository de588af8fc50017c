//! How results are printed and written.

use clap::ValueEnum;

/// How scores are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    // A text of each would spread the help of every option over several lines.
    Table,
    Json,
    Jsonl,
    Csv,
}

/// How maps are written: NumPy's own format, or a TIFF of one float32 channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    Npy,
    Tiff,
}

/// Whose pixels a map has: the photo's as it came, or those that the network saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapGeometry {
    Original,
    Input,
}

/// How one thing is printed: for people, or as one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    Table,
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}
