//! Small pictures of training photos, for whoever has the model and not the photos.

use serde_json::{Map, Value};

use super::raw_section::Section;
use super::tensor::{Tensor, Tensors};
use crate::error::{ModelFileError, malformed};

/// A small picture of a training photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Index of the photo, as in [`PatchOrigin::image`](crate::memory_bank::PatchOrigin::image).
    pub image: u32,
    /// Columns and rows of the photo itself, upright.
    pub size: (u32, u32),
    /// The whole photo at a smaller size, as the bytes of a JPEG file.
    pub jpeg: Vec<u8>,
}

/// The section of these pictures.
pub(super) fn encode(thumbnails: &[Thumbnail]) -> Section {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for thumbnail in thumbnails {
        bytes.extend_from_slice(&thumbnail.jpeg);
        ends.push(bytes.len() as u64);
    }
    let photos = thumbnails.iter().flat_map(|thumbnail| [thumbnail.image, thumbnail.size.0, thumbnail.size.1]);
    let tensors = [
        ("jpeg", Tensor::of_bytes(bytes)),
        ("jpeg_ends", Tensor::of_u64(&ends)),
        ("photos", Tensor::of_u32(vec![thumbnails.len(), 3], photos)),
    ];
    let tensors: Tensors = tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
    Section { json: Value::Object(Map::new()), tensors }
}

/// The pictures of a section; that their bytes are pictures is not looked at.
pub(super) fn decode(section: &Section) -> Result<Vec<Thumbnail>, ModelFileError> {
    let photos = section.tensor("photos")?;
    let values = photos.u32_values("photos")?;
    let (photos, rest) = values.as_chunks::<3>();
    let ends = section.tensor("jpeg_ends")?.u64_values("jpeg_ends")?;
    if !rest.is_empty() || photos.len() != ends.len() {
        return Err(malformed(format!("{} pictures of {} photos", ends.len(), photos.len())));
    }
    let bytes = section.tensor("jpeg")?.u8_values("jpeg")?;
    let mut from = 0;
    let picture = |([image, width, height], end): (&[u32; 3], u64)| {
        let end = usize::try_from(end).ok();
        let jpeg = end.and_then(|end| bytes.get(from..end));
        from = end.unwrap_or(from);
        let jpeg = jpeg.ok_or_else(|| malformed("`jpeg_ends` point outside `jpeg`".to_owned()))?.to_vec();
        Ok(Thumbnail { image: *image, size: (*width, *height), jpeg })
    };
    photos.iter().zip(ends).map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_and_damaged_ones_are_refused() {
        let thumbnails = [
            Thumbnail { image: 3, size: (900, 800), jpeg: vec![1, 2, 3] },
            Thumbnail { image: 7, size: (1, 2), jpeg: vec![] },
        ];
        let section = encode(&thumbnails);
        assert_eq!(decode(&section).unwrap(), thumbnails);
        for (name, tensor) in [
            ("jpeg_ends", Tensor::of_u64(&[3, 4])),
            ("jpeg_ends", Tensor::of_u64(&[3, 2])),
            ("jpeg_ends", Tensor::of_u64(&[3])),
            ("photos", Tensor::of_u32(vec![4], [1, 2, 3, 4].into_iter())),
        ] {
            let mut damaged = section.clone();
            damaged.tensors.insert(name.to_owned(), tensor);
            assert!(matches!(decode(&damaged), Err(ModelFileError::Malformed { .. })), "{name}");
        }
    }
}
