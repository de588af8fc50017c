//! The values of a numpy array, read where they lie. The only `unsafe` of this package.

use std::ops::Deref;

use numpy::{Element, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use patchcore::SharedBytes;
use pyo3::prelude::*;

/// The values of a C-contiguous array, which it keeps alive, for threads that do not hold the interpreter.
///
/// Whoever calls the package must not write into the array until the call is over; its documentation says so, as numpy's own functions
/// expect it of arrays that other threads share.
pub struct SharedArray<T: Element> {
    /// Keeps the memory.
    _array: Py<PyArrayDyn<T>>,
    data: *const T,
    length: usize,
}

/// Types any bits of which are a value.
pub trait PlainValue: Element + Copy + Sync {}
impl PlainValue for u8 {}
impl PlainValue for f32 {}

impl<T: PlainValue> SharedArray<T> {
    /// `None` for an array that is not C-contiguous and aligned.
    pub fn new(array: &Bound<'_, PyArrayDyn<T>>) -> Option<Self> {
        if !array.is_c_contiguous() || !array.is_aligned() {
            return None;
        }
        Some(Self { _array: array.clone().unbind(), data: array.data(), length: array.len() })
    }
}

// SAFETY: the reference to the array is counted with the interpreter held, or later (`Py` is `Send` and `Sync`); the values are only read.
unsafe impl<T: PlainValue> Send for SharedArray<T> {}
// SAFETY: as above.
unsafe impl<T: PlainValue> Sync for SharedArray<T> {}

impl<T: PlainValue> Deref for SharedArray<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: numpy says that the array is aligned and C-contiguous, so that its `length` values lie one after the other from `data`,
        // in one allocation. The array is alive as long as `self`, and its memory with it: numpy moves the memory of no array that has more
        // than one reference. Any bits are a value of `T`. Nothing writes to them meanwhile, which is what the caller is told.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

impl AsRef<[u8]> for SharedArray<u8> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The bytes of a C-contiguous array, without a copy.
pub fn shared_bytes(array: &Bound<'_, PyArrayDyn<u8>>) -> Option<SharedBytes> {
    SharedArray::new(array).map(SharedBytes::from_owner)
}
