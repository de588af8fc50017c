//! A value for each metric of the table, where there is one.

use std::fmt;

use super::{METRICS, Metric};

/// Values by metric, such as those of a test set or their confidence intervals.
#[derive(Clone, Copy, PartialEq)]
pub struct PerMetric<T> {
    values: [Option<T>; METRICS.len()],
}

impl<T: Copy> PerMetric<T> {
    /// The value of a metric; `None` where it has none.
    pub fn get(&self, metric: &Metric) -> Option<T> {
        self.iter().find(|(own, _)| *own == metric).map(|(_, value)| value)
    }

    /// What there is, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Metric, T)> {
        METRICS.iter().zip(self.values).filter_map(|(metric, value)| Some((metric, value?)))
    }
}

impl<T> Default for PerMetric<T> {
    fn default() -> Self {
        Self { values: [const { None }; METRICS.len()] }
    }
}

/// The last value of a metric counts. Every metric is one of the table: nobody else can make one.
impl<'a, T> Extend<(&'a Metric, T)> for PerMetric<T> {
    fn extend<I: IntoIterator<Item = (&'a Metric, T)>>(&mut self, values: I) {
        for (metric, value) in values {
            match METRICS.iter().zip(&mut self.values).find(|(own, _)| *own == metric) {
                Some((_, place)) => *place = Some(value),
                None => unreachable!("{} is not in the table of metrics", metric.key),
            }
        }
    }
}

impl<'a, T> FromIterator<(&'a Metric, T)> for PerMetric<T> {
    fn from_iter<I: IntoIterator<Item = (&'a Metric, T)>>(values: I) -> Self {
        let mut all = Self::default();
        all.extend(values);
        all
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for PerMetric<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(metric, value)| (metric.key, value))).finish()
    }
}
