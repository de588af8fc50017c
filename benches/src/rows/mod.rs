//! The measurements, by the name that the report gives them.

mod ceiling;
mod coreset;
mod fit;
mod line;
mod metrics;
mod reduced;
mod score;
mod search;
mod trunk;

use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use patchcore::Mode;

use crate::protocol::Measure;
use crate::work::Work;

/// Why a row cannot be measured on this machine, in one line.
#[derive(Debug)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// Sets a row up; what it returns is one measurement of it.
///
/// # Errors
/// An unknown row, an input that is not there, or [`Skip`].
pub fn set_up(row: &str, shared: &Path, work: &Work, threads: usize) -> anyhow::Result<Measure> {
    let parts: Vec<&str> = row.split('/').collect();
    let number = |text: &str| text.parse::<usize>().with_context(|| format!("`{text}` in {row} is no number"));
    match parts.as_slice() {
        ["ceiling"] => Ok(ceiling::set_up(threads)),
        ["trunk", backbone, batch] => trunk::set_up(backbone, number(batch)?, work),
        ["reduced", backbone, set, precision] => reduced::set_up(backbone, set, precision, work),
        ["line", backbone, precision] => line::set_up(backbone, precision, work),
        ["search", data, dim, bank, k] => search::set_up(data, number(dim)?, number(bank)?, number(k)?, work),
        ["coreset", rows, picks] => coreset::set_up(number(rows)?, number(picks)?, work),
        ["score", mode] => score::set_up(Mode::from_name(mode)?, work),
        ["stages", mode] => score::set_up_stages(Mode::from_name(mode)?, work),
        ["metrics", what] => metrics::set_up(what),
        ["fit", mode] => fit::set_up(Mode::from_name(mode)?, shared, work),
        _ => bail!("unknown row `{row}`"),
    }
}
