//! Integers that start on a cache line.

/// A fixed number of `i16`, zero at first, whose first one starts on a cache line: a vector load then never straddles
/// two of them.
pub(crate) struct Aligned {
    values: Vec<i16>,
    start: usize,
    len: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl Aligned {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let values = vec![0; len + LINE / size_of::<i16>()];
        let start = values.as_ptr().align_offset(LINE).min(LINE / size_of::<i16>());
        Self { values, start, len }
    }
}

impl std::ops::Deref for Aligned {
    type Target = [i16];

    fn deref(&self) -> &[i16] {
        self.values.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [i16] {
        self.values.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}
