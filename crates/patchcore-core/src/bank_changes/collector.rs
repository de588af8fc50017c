//! Photos to rows for a model that is there: what a fit would make of them.

use patchcore_config::Size;

use crate::error::FitError;
use crate::extractor::Extractor;
use crate::fitted_patches::{PhotoEmbedder, SomeRows};
use crate::image_input::ImageInput;
use crate::memory_bank::PatchOrigin;
use crate::patchcore::PatchCore;

/// Embeds photos one by one for a model: rows of every member with their origins, copies, tiles and regions as in a fit, levels scaled by
/// the model's factors. It holds all of them: `patches x (dim x 4 + 8)` bytes of each member.
#[derive(Debug)]
pub struct PatchCollector {
    extractor: Extractor,
    embedder: PhotoEmbedder,
    /// The number of the next photo.
    next: u32,
    photos: usize,
    sizes: Vec<Size>,
    members: Vec<SomeRows>,
}

impl PatchCollector {
    /// For photos that are new to a model: their numbers follow those of its own.
    pub fn new(model: &PatchCore) -> Self {
        let extractor = model.extractor().clone();
        let members = vec![SomeRows::default(); extractor.members().len()];
        let next = u32::try_from(model.fitted_on().images).unwrap_or(u32::MAX);
        Self { extractor, embedder: PhotoEmbedder::default(), next, photos: 0, sizes: Vec::new(), members }
    }

    /// Adds a photo, of which the patches count that touch a pixel `inside`, `[height, width]`; all of them without it.
    ///
    /// # Errors
    /// [`FitError::Input`], [`FitError::Device`] and [`FitError::NotFinite`]; the collector is as it was before.
    pub fn add(&mut self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        self.add_as(self.next, image, inside)?;
        self.next += 1;
        Ok(())
    }

    /// [`PatchCollector::add`] for a photo that is in the model already, by its number ([`PatchOrigin::image`]).
    ///
    /// # Errors
    /// As [`PatchCollector::add`].
    pub fn add_as(&mut self, number: u32, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        let before: Vec<usize> = self.members.iter().map(|member| member.origins.len()).collect();
        let Self { extractor, embedder, members, .. } = self;
        let embedded = embedder.embed(extractor, number as usize, image, inside, &mut |member, rows, origins| {
            if let Some(member) = members.get_mut(member) {
                member.add(rows, origins);
            }
        });
        if let Err(error) = embedded {
            for ((member, before), shape) in self.members.iter_mut().zip(before).zip(self.extractor.members()) {
                member.origins.truncate(before);
                member.rows.truncate(before * shape.dim);
            }
            return Err(error);
        }
        self.photos += 1;
        let size = Size { width: image.width as u32, height: image.height as u32 };
        if !self.sizes.contains(&size) {
            self.sizes.push(size);
        }
        Ok(())
    }

    /// Forgets the rows so far, and goes on with the numbers: for who goes over more photos than can be held.
    pub fn clear(&mut self) {
        self.members.iter_mut().for_each(SomeRows::clear);
        self.photos = 0;
        self.sizes.clear();
    }

    /// Photos whose rows are here.
    pub fn photos(&self) -> usize {
        self.photos
    }

    /// Sizes of their inputs, each once.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    /// Patches of all members that are here.
    pub fn patches(&self) -> usize {
        self.members.iter().map(|member| member.origins.len()).sum()
    }

    /// A member's rows `[n, dim]` and their origins.
    pub fn rows(&self, member: usize) -> (&[f32], &[PatchOrigin]) {
        self.members.get(member).map_or((&[], &[]), |member| (&member.rows, &member.origins))
    }
}
