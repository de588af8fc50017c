//! Growable, cache-line aligned memory.

#![allow(clippy::indexing_slicing, reason = "`zeroed` alone sets start and length, and makes memory for both")]

/// Bytes of a cache line: no vector of 64 bytes that starts at a multiple of it straddles two.
const LINE: usize = 64;

/// A buffer of numbers whose first one lies at a multiple of 64 bytes. It only ever grows.
///
/// New memory comes zeroed from the allocator, which for large sizes means pages that are not touched before use:
/// packing weights on several threads then also takes the page faults on several threads.
#[derive(Default)]
pub(crate) struct AlignedBuffer<T> {
    memory: Vec<T>,
    /// Index of the first aligned number.
    start: usize,
    length: usize,
}

impl<T: Copy + Default> AlignedBuffer<T> {
    /// Room for `length` numbers. Growing loses what was there.
    pub(crate) fn reserve(&mut self, length: usize) {
        if length > self.length {
            *self = Self::zeroed(length);
        }
    }

    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        let spare = LINE / size_of::<T>();
        let memory = vec![T::default(); length + spare];
        // The offset to the next line is below `spare`; a platform that cannot say gets no alignment.
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        Self { memory, start, length }
    }
}

impl<T> AlignedBuffer<T> {
    /// Numbers that there is room for.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The first number.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.memory.as_ptr().wrapping_add(self.start)
    }

    /// The first number.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.memory.as_mut_ptr().wrapping_add(self.start)
    }
}

impl<T> std::ops::Deref for AlignedBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl<T> std::ops::DerefMut for AlignedBuffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::AlignedBuffer;

    fn check<T: Copy + Default + PartialEq + std::fmt::Debug>() {
        for length in [0, 1, 15, 16, 1000] {
            let mut buffer = AlignedBuffer::<T>::zeroed(length);
            assert_eq!(buffer.as_ptr().addr() % 64, 0);
            assert_eq!((buffer.len(), &buffer[..]), (length, &vec![T::default(); length][..]));
            assert_eq!(buffer.as_mut_ptr().cast_const(), (*buffer).as_ptr());
            buffer.reserve(length / 2);
            assert_eq!(buffer.len(), length);
            buffer.reserve(length + 1);
            assert_eq!((buffer.len(), buffer.as_ptr().addr() % 64), (length + 1, 0));
        }
    }

    #[test]
    fn buffers_start_on_a_line_and_only_grow() {
        check::<f32>();
        check::<i16>();
    }
}
