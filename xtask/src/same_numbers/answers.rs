//! What a program answered to a case: named arrays, kept as one safetensors file.

use anyhow::{Context, bail};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// All that one fit answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// In the order of their names.
    pub arrays: Vec<Array>,
}

/// Numbers of four bytes each.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// What they are, with the photo after a colon where there is one array a photo: `map: good/000.png`.
    pub name: String,
    /// Sides, the last one the fastest.
    pub shape: Vec<usize>,
    /// Bits of the numbers.
    pub bits: Vec<u32>,
    /// Whether the bits are those of an `f32`; otherwise they count something.
    pub is_float: bool,
}

impl Answers {
    /// Adds floats.
    pub fn add_floats(&mut self, name: &str, shape: Vec<usize>, values: &[f32]) {
        let bits = values.iter().map(|value| value.to_bits()).collect();
        self.add(Array { name: name.to_owned(), shape, bits, is_float: true });
    }

    /// Adds counts.
    pub fn add_counts(&mut self, name: &str, shape: Vec<usize>, bits: Vec<u32>) {
        self.add(Array { name: name.to_owned(), shape, bits, is_float: false });
    }

    fn add(&mut self, array: Array) {
        let at = self.arrays.partition_point(|other| other.name < array.name);
        self.arrays.insert(at, array);
    }

    /// The file.
    ///
    /// # Errors
    /// A shape that is not that of its numbers.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let bytes = |array: &Array| array.bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<u8>>();
        let data: Vec<Vec<u8>> = self.arrays.iter().map(bytes).collect();
        let mut views = Vec::new();
        for (array, data) in self.arrays.iter().zip(&data) {
            let dtype = if array.is_float { Dtype::F32 } else { Dtype::U32 };
            let view = TensorView::new(dtype, array.shape.clone(), data).with_context(|| array.name.clone())?;
            views.push((array.name.clone(), view));
        }
        Ok(safetensors::serialize(views, None)?)
    }

    /// What [`Answers::to_bytes`] made.
    ///
    /// # Errors
    /// Other bytes.
    pub fn from_bytes(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut answers = Self::default();
        for (name, view) in SafeTensors::deserialize(bytes)?.tensors() {
            let is_float = match view.dtype() {
                Dtype::F32 => true,
                Dtype::U32 => false,
                other => bail!("{name} has the unexpected type {other:?}"),
            };
            let bits = view.data().as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
            answers.add(Array { name, shape: view.shape().to_vec(), bits, is_float });
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_back_every_bit() {
        let mut answers = Answers::default();
        answers.add_floats("map: good/000.png", vec![2, 2], &[0.0, -0.0, f32::NAN, 1.0e-45]);
        answers.add_floats("image scores", vec![1], &[3.5]);
        answers.add_counts("origins", vec![1, 3], vec![7, 0, 27]);
        let back = Answers::from_bytes(&answers.to_bytes().unwrap()).unwrap();
        assert_eq!(back, answers);
        assert_eq!(back.arrays[0].name, "image scores");
        assert!(Answers::from_bytes(b"half a file").is_err());
    }
}
