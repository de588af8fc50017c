//! A counted share with its exact interval, as it stands in metrics.json.

use serde::{Deserialize, Serialize};

use super::{Interval, MetricError};

/// Of the intervals.
const CONFIDENCE: f64 = 0.95;

/// So many of so many photos.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of so many, at least one.
    pub of: usize,
    /// Their share at 95 % confidence ([`Interval::binomial`]).
    pub interval: Interval,
}

impl Share {
    /// `count` of `of`; `None` of none.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] where more were counted than there are.
    ///
    /// # Examples
    /// ```
    /// let found = patchcore_metrics::Share::new(46, 60)?;
    /// assert_eq!(found.map(|share| share.to_string()).as_deref(), Some("46 of 60"));
    /// assert_eq!(found.map(|share| share.in_percent()).as_deref(), Some("77 %, 64 to 87 %"));
    /// # Ok::<(), patchcore_metrics::MetricError>(())
    /// ```
    pub fn new(count: usize, of: usize) -> Result<Option<Self>, MetricError> {
        if count > of {
            return Err(MetricError::LengthMismatch { what: "a share".to_owned(), expected: of, found: count });
        }
        if of == 0 {
            return Ok(None);
        }
        Ok(Some(Self { count, of, interval: Interval::binomial(count, of, CONFIDENCE)? }))
    }

    /// How many of these are so; `None` of none.
    pub fn counted(these: impl IntoIterator<Item = bool>) -> Option<Self> {
        let (mut count, mut of) = (0, 0);
        for is_so in these {
            count += usize::from(is_so);
            of += 1;
        }
        // At most as many as there are, at a confidence that is one.
        Self::new(count, of).unwrap_or_default()
    }

    /// In [0, 1].
    pub fn value(&self) -> f64 {
        self.count as f64 / self.of as f64
    }

    /// The share and its interval: `77 %, 64 to 87 %`. What is not all is never rounded to 100 %, nor what is some to 0 %.
    pub fn in_percent(&self) -> String {
        let [low, high] = [self.interval.low, self.interval.high].map(percent);
        format!("{} %, {low} to {high} %", percent(self.value()))
    }
}

impl std::fmt::Display for Share {
    /// `46 of 60`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.count, self.of)
    }
}

/// Whole percent, but for what would be rounded to nothing or to all.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let (is_some, is_part) = (share > 0.0, share < 1.0);
    match format!("{percent:.0}").as_str() {
        "0" if is_some && percent < 0.05 => "under 0.1".to_owned(),
        "100" if is_part && percent >= 99.95 => "over 99.9".to_owned(),
        "0" if is_some => format!("{percent:.1}"),
        "100" if is_part => format!("{percent:.1}"),
        whole => whole.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_with_their_intervals() {
        let said = |count, of| Share::new(count, of).unwrap().unwrap().in_percent();
        assert_eq!(said(9, 40), "22 %, 11 to 38 %");
        assert_eq!(said(0, 20), "0 %, 0 to 17 %");
        assert_eq!(said(20, 20), "100 %, 83 to 100 %");
        // Neither all nor nothing, and so not called so.
        assert_eq!(said(999, 1000), "99.9 %, 99 to over 99.9 %");
        assert_eq!(said(1, 1000), "0.1 %, under 0.1 to 1 %");
        assert_eq!(said(0, 1000), "0 %, 0 to 0.4 %");
    }

    #[test]
    fn there_is_no_share_of_nothing_and_none_above_all() {
        assert_eq!(Share::new(0, 0), Ok(None));
        assert_eq!(Share::counted([]), None);
        assert_eq!(Share::counted([true, false, true]), Share::new(2, 3).unwrap());
        assert!(matches!(Share::new(3, 2), Err(MetricError::LengthMismatch { expected: 2, found: 3, .. })));
    }

    #[test]
    fn what_is_written_comes_back() {
        let share = Share::new(3, 40).unwrap().unwrap();
        let json = serde_json::to_string(&share).unwrap();
        assert!(json.starts_with("{\"count\":3,\"of\":40,\"interval\":[0.0157"), "{json}");
        assert_eq!(serde_json::from_str::<Share>(&json).unwrap(), share);
    }
}
