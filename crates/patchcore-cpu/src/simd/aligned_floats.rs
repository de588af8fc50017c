//! Growable, cache-line aligned `f32` memory.

/// Bytes of a cache line: no vector of sixteen floats that starts at a multiple of it straddles two.
const LINE: usize = 64;

/// A buffer whose first float lies at a multiple of 64 bytes. It only ever grows.
///
/// New memory comes zeroed from the allocator, which for large sizes means pages that are not touched before use:
/// packing weights on several threads then also takes the page faults on several threads.
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    memory: Vec<f32>,
    /// Index of the first aligned float.
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// Room for `floats` floats. Growing loses what was there.
    pub(crate) fn reserve(&mut self, floats: usize) {
        if floats > self.length {
            *self = Self::zeroed(floats);
        }
    }

    /// A zeroed buffer.
    pub(crate) fn zeroed(floats: usize) -> Self {
        let spare = LINE / size_of::<f32>();
        let memory = vec![0.0f32; floats + spare];
        // The offset of a `Vec<f32>` to the next line is below `spare`; a platform that cannot say gets no alignment.
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        Self { memory, start, length: floats }
    }

    /// Number of floats.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// First float.
    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.memory.as_ptr().wrapping_add(self.start)
    }

    /// First float.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.memory.as_mut_ptr().wrapping_add(self.start)
    }

    /// All floats.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        self.memory.get_mut(self.start..self.start + self.length).unwrap_or_default()
    }
}
