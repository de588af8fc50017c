//! How a model is extended.

use std::ops::ControlFlow;

use patchcore_config::{BankSize, ConfigError};
use patchcore_io::Limits;

use crate::error::Error;
use crate::progress::{Progress, Teller};

/// Options of [`Model::extend`](crate::Model::extend). Start from [`ExtendOptions::default`].
///
/// Of [`ratio`](ExtendOptions::ratio), [`bank_rows`](ExtendOptions::bank_rows) and [`coverage`](ExtendOptions::coverage) at most one says how
/// many rows the banks gain. Default: until the radius of the fit is kept, where the fit was asked for one; else the share of the new
/// patches that the banks have of the old ones.
///
/// ```
/// use patchcore::ExtendOptions;
///
/// let options = ExtendOptions::default().ratio(0.05).date("2026-11-30");
/// # drop(options);
/// ```
#[derive(Debug, Default)]
pub struct ExtendOptions<'a> {
    pub(crate) limits: Limits,
    pub(crate) progress: Teller<'a>,
    pub(crate) threads: Option<usize>,
    pub(crate) date: Option<String>,
    bank_rows: Option<usize>,
    ratio: Option<f64>,
    coverage: Option<f64>,
}

impl<'a> ExtendOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo, and while rows are picked; [`ControlFlow::Break`] ends the extension with [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// Threads of the new model's own, for the extension too. Default: those of the model that is extended.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// When it is done, for the model's history, as the caller writes dates. Default: not said.
    #[must_use]
    pub fn date(mut self, date: impl Into<String>) -> Self {
        self.date = Some(date.into());
        self
    }

    /// Rows that each bank has in all afterwards; none are added where it has as many.
    #[must_use]
    pub fn bank_rows(mut self, rows: usize) -> Self {
        self.bank_rows = Some(rows);
        self
    }

    /// Share of the new patches that each bank gains, in `(0, 1]`.
    #[must_use]
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// Rows are added until no new patch is further than this from its nearest row: an L2 distance between embeddings.
    #[must_use]
    pub fn coverage(mut self, radius: f64) -> Self {
        self.coverage = Some(radius);
        self
    }

    /// What was asked for; `None` where nothing was.
    pub(crate) fn size(&self) -> Result<Option<BankSize>, Error> {
        let radius = self.coverage.map(BankSize::Coverage);
        one_size([self.ratio.map(BankSize::Ratio), self.bank_rows.map(BankSize::Rows), radius])
    }
}

/// The one size that was asked for, checked.
///
/// # Errors
/// [`Error::Config`].
pub(crate) fn one_size<const N: usize>(asked: [Option<BankSize>; N]) -> Result<Option<BankSize>, Error> {
    let mut asked = asked.into_iter().flatten();
    let Some(size) = asked.next() else { return Ok(None) };
    let name = |size: BankSize| match size {
        BankSize::Rows(_) => "bank_rows",
        BankSize::Coverage(_) => "coverage",
        _ => "ratio",
    };
    let (found, expected, is_right) = match size {
        BankSize::Rows(rows) => (rows.to_string(), "a number of rows, 1 or more", rows > 0),
        BankSize::Coverage(radius) => (
            radius.to_string(),
            "a radius above 0: an L2 distance between embeddings",
            radius.is_finite() && radius > 0.0,
        ),
        BankSize::Ratio(ratio) => {
            (ratio.to_string(), "a share in (0, 1], for example 0.1", ratio > 0.0 && ratio <= 1.0)
        }
        _ => return Ok(Some(size)),
    };
    let out_of_range = |found, expected| ConfigError::OutOfRange { parameter: name(size), found, expected };
    if let Some(other) = asked.next() {
        let found = format!("{found} beside {}", name(other));
        return Err(
            out_of_range(found, "one of ratio, bank_rows and coverage: each says how large the banks are").into()
        );
    }
    if is_right { Ok(Some(size)) } else { Err(out_of_range(found, expected).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_size_is_asked_for_and_it_is_possible() {
        let size = |options: ExtendOptions<'_>| options.size().map_err(|error| error.to_string());
        let new = ExtendOptions::default;
        assert_eq!(size(new()), Ok(None));
        assert_eq!(size(new().ratio(1.0)), Ok(Some(BankSize::Ratio(1.0))));
        assert_eq!(size(new().bank_rows(7)), Ok(Some(BankSize::Rows(7))));
        assert_eq!(size(new().coverage(0.5)), Ok(Some(BankSize::Coverage(0.5))));
        for (options, named) in [
            (new().ratio(0.0), "ratio is 0"),
            (new().ratio(1.5), "ratio is 1.5"),
            (new().bank_rows(0), "bank_rows is 0"),
            (new().coverage(f64::NAN), "coverage is NaN"),
            (new().bank_rows(3).coverage(0.5), "bank_rows is 3 beside coverage"),
        ] {
            let error = size(options).unwrap_err();
            assert!(error.starts_with(named), "{error}");
        }
    }
}
