//! Golden vectors: arrays that a published implementation computed, one safetensors file per case.

#![expect(clippy::panic, reason = "a test whose golden file is not what it expects must fail")]

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::shared;

/// The arrays of one file of the shared folder's `golden/`.
pub struct Golden {
    name: String,
    bytes: Vec<u8>,
}

impl Golden {
    /// Reads `golden/NAME.safetensors`; `None`, with a printed `skipped: ...`, where it is absent.
    ///
    /// # Panics
    /// As [`shared`]; if the file cannot be read.
    #[track_caller]
    pub fn open(name: &str) -> Option<Self> {
        Some(Self::read_file(&shared(&format!("golden/{name}.safetensors"))?))
    }

    /// Reads a file of the repository, or one that a script has just written.
    ///
    /// # Panics
    /// If it cannot be read.
    #[track_caller]
    pub fn read_file(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        Self { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), bytes }
    }

    /// The lengths of an array's axes.
    ///
    /// # Panics
    /// If there is no such array.
    #[track_caller]
    pub fn shape(&self, array: &str) -> Vec<usize> {
        self.read(array, None).0
    }

    /// The values of an array of bytes.
    ///
    /// # Panics
    /// If there is no such array, or it holds values of another type.
    #[track_caller]
    pub fn u8(&self, array: &str) -> Vec<u8> {
        self.read(array, Some(Dtype::U8)).1
    }

    /// The values of an array of `f32`.
    ///
    /// # Panics
    /// If there is no such array, or it holds values of another type.
    #[track_caller]
    pub fn f32(&self, array: &str) -> Vec<f32> {
        let (_, bytes) = self.read(array, Some(Dtype::F32));
        bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
    }

    /// The values of an array of `f64`.
    ///
    /// # Panics
    /// If there is no such array, or it holds values of another type.
    #[track_caller]
    pub fn f64(&self, array: &str) -> Vec<f64> {
        let (_, bytes) = self.read(array, Some(Dtype::F64));
        bytes.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value)).collect()
    }

    /// The values of an array of `i64`, which are indices.
    ///
    /// # Panics
    /// If there is no such array, it holds values of another type, or one of them is negative.
    #[track_caller]
    pub fn indices(&self, array: &str) -> Vec<usize> {
        let (_, bytes) = self.read(array, Some(Dtype::I64));
        let index = |value: &[u8; 8]| {
            let value = i64::from_le_bytes(*value);
            usize::try_from(value).unwrap_or_else(|_| panic!("{}: {array} holds {value}, expected indices", self.name))
        };
        bytes.as_chunks().0.iter().map(index).collect()
    }

    #[track_caller]
    fn read(&self, array: &str, expected: Option<Dtype>) -> (Vec<usize>, Vec<u8>) {
        let read = SafeTensors::deserialize(&self.bytes).and_then(|file| {
            let view = file.tensor(array)?;
            Ok((view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        });
        let (found, shape, data) = read.unwrap_or_else(|error| panic!("{}: {array}: {error}", self.name));
        if let Some(expected) = expected {
            assert_eq!(found, expected, "{}: {array}", self.name);
        }
        (shape, data)
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    fn golden() -> Golden {
        let floats: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let doubles = 0.25f64.to_le_bytes();
        let indices: Vec<u8> = [7i64, 0, 3].iter().flat_map(|value| value.to_le_bytes()).collect();
        let arrays = [
            ("floats", TensorView::new(Dtype::F32, vec![1, 2], &floats).unwrap()),
            ("doubles", TensorView::new(Dtype::F64, vec![1], &doubles).unwrap()),
            ("indices", TensorView::new(Dtype::I64, vec![3], &indices).unwrap()),
            ("bytes", TensorView::new(Dtype::U8, vec![2], &[9, 0]).unwrap()),
        ];
        Golden { name: "made up".to_owned(), bytes: safetensors::serialize(arrays, None).unwrap() }
    }

    #[test]
    fn each_type_is_read_as_it_was_written() {
        let golden = golden();
        assert_eq!((golden.f32("floats"), golden.shape("floats")), (vec![1.5, -2.0], vec![1, 2]));
        assert_eq!((golden.f64("doubles"), golden.indices("indices")), (vec![0.25], vec![7, 0, 3]));
        assert_eq!(golden.u8("bytes"), [9, 0]);
    }

    #[test]
    #[should_panic(expected = "made up: doubles")]
    fn another_type_is_a_failure() {
        golden().f32("doubles");
    }

    #[test]
    #[should_panic(expected = "made up: gone")]
    fn an_array_that_is_not_there_is_a_failure() {
        golden().u8("gone");
    }
}
