//! A matrix of which each row has one run of values that are not 0.

/// Rows of runs: what lies outside of a row's run is 0 and is not kept. The matrix that a map of 9504 columns grows by would have 11
/// million values, of which half a million are not 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Banded {
    columns: usize,
    /// Of each row the run's first column, and where it begins and ends among the values.
    runs: Vec<(usize, usize, usize)>,
    values: Vec<f32>,
}

impl Banded {
    /// A matrix of so many columns, so far without a row.
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds a row, whose values begin at column `first`.
    ///
    /// # Panics
    /// Where it would go beyond the last column.
    pub fn push(&mut self, first: usize, values: impl IntoIterator<Item = f32>) {
        let begin = self.values.len();
        self.values.extend(values);
        let end = self.values.len();
        assert!(first + (end - begin) <= self.columns, "a row of the matrix has {} columns", self.columns);
        self.runs.push((first, begin, end));
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.runs.len()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// A row's run: its first column and its values.
    #[expect(clippy::indexing_slicing, reason = "runs lie in the values, one after the other")]
    pub fn row(&self, row: usize) -> (usize, &[f32]) {
        let (first, begin, end) = self.runs[row];
        (first, &self.values[begin..end])
    }

    /// Rows become columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        // From the first row that has a column to the last one.
        let mut spans = vec![(usize::MAX, 0); self.columns];
        for (row, (first, begin, end)) in self.runs.iter().enumerate() {
            for (low, high) in spans.iter_mut().skip(*first).take(end - begin) {
                (*low, *high) = ((*low).min(row), row + 1);
            }
        }
        let mut transposed = Self::new(self.rows());
        for (column, (low, high)) in spans.into_iter().enumerate() {
            let low = low.min(high);
            transposed.push(low, (low..high).map(|row| self.at(row, column)));
        }
        transposed
    }

    fn at(&self, row: usize, column: usize) -> f32 {
        let (first, run) = self.row(row);
        column.checked_sub(first).and_then(|at| run.get(at)).copied().unwrap_or(0.0)
    }

    /// All values, `[rows, columns]`, row-major.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut dense = vec![0.0; self.rows() * self.columns];
        for (row, line) in dense.chunks_exact_mut(self.columns.max(1)).enumerate() {
            let (first, run) = self.row(row);
            line.iter_mut().skip(first).zip(run).for_each(|(to, value)| *to = *value);
        }
        dense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_its_runs_and_zeros() {
        let mut matrix = Banded::new(4);
        matrix.push(1, [1.0, 2.0]);
        matrix.push(0, []);
        matrix.push(2, [3.0, 4.0]);
        assert_eq!((matrix.rows(), matrix.columns(), matrix.row(2)), (3, 4, (2, &[3.0, 4.0][..])));
        assert_eq!(matrix.to_dense(), [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0]);
        let transposed = matrix.transposed();
        assert_eq!(transposed.to_dense(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0, 4.0]);
        assert_eq!(transposed.row(2), (0, &[2.0, 0.0, 3.0][..]));
        assert_eq!(transposed.transposed().to_dense(), matrix.to_dense());
    }

    #[test]
    #[should_panic(expected = "has 2 columns")]
    fn a_run_beyond_the_last_column_is_refused() {
        Banded::new(2).push(1, [1.0, 2.0]);
    }
}
