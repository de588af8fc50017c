//! What a fit that may not hold all patches keeps of them, to measure good photos by in the end: an even sample of patches, a few whole
//! photos, and the first ones.

use crate::fitted_patches::SomeRows;
use crate::good_quantiles::{FittedPhoto, PHOTOS};
use crate::memory_bank::PatchOrigin;

/// Patches that are kept at most: at least half as many are there in the end.
const MOST_PATCHES: usize = 2 * crate::fit_measures::GOOD_SAMPLE;

/// Every so-many-th patch of a member: the step doubles where they become too many.
#[derive(Debug)]
pub(crate) struct EvenSample {
    dim: usize,
    step: usize,
    /// Patches to pass over before the next one.
    skip: usize,
    pub some: SomeRows,
}

impl EvenSample {
    pub fn new(dim: usize) -> Self {
        Self { dim, step: 1, skip: 0, some: SomeRows::default() }
    }

    /// Those that are kept.
    pub fn all(&self) -> Vec<(&[f32], &PatchOrigin)> {
        self.some.rows.chunks_exact(self.dim).zip(&self.some.origins).collect()
    }

    /// Looks at the next patches.
    pub fn add(&mut self, rows: &[f32], origins: &[PatchOrigin]) {
        for (row, origin) in rows.chunks_exact(self.dim).zip(origins) {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.some.rows.extend_from_slice(row);
            self.some.origins.push(*origin);
            self.skip = self.step - 1;
            if self.some.origins.len() > MOST_PATCHES {
                let SomeRows { rows, origins } = std::mem::take(&mut self.some);
                let even = rows.chunks_exact(self.dim).step_by(2).flatten().copied().collect();
                self.some = SomeRows { rows: even, origins: origins.into_iter().step_by(2).collect() };
                self.step *= 2;
                // An odd number of patches stayed: the last of them is the newest.
                self.skip = self.step - 1;
            }
        }
    }
}

/// A photo of the fit with its own rows, without its copies'.
#[derive(Debug)]
pub(crate) struct WholePhoto {
    pub image: usize,
    pub photo: FittedPhoto,
    /// One for each member.
    pub members: Vec<SomeRows>,
}

/// Every so-many-th photo: the step doubles where they become too many, or take too much memory.
#[derive(Debug)]
pub(crate) struct WholePhotos {
    step: usize,
    most_bytes: u64,
    pub photos: Vec<WholePhoto>,
}

impl WholePhotos {
    pub fn new(most_bytes: u64) -> Self {
        Self { step: 1, most_bytes, photos: Vec::new() }
    }

    /// Looks at the next photo, of whose members `own` gives the own rows.
    pub fn add(&mut self, image: usize, photo: &FittedPhoto, own: impl FnOnce() -> Vec<SomeRows>) {
        if !image.is_multiple_of(self.step) {
            return;
        }
        self.photos.push(WholePhoto { image, photo: photo.clone(), members: own() });
        while self.photos.len() > PHOTOS || self.bytes() > self.most_bytes {
            match self.step.checked_mul(2).filter(|_| self.photos.len() > 1) {
                Some(step) => {
                    self.step = step;
                    self.photos.retain(|photo| photo.image.is_multiple_of(step));
                }
                // One alone is too large: then there is none, now or later.
                None => {
                    self.step = usize::MAX;
                    self.photos.clear();
                    self.most_bytes = 0;
                }
            }
        }
    }

    /// A photo's rows of a member, where it is one of those that are kept.
    pub fn of_image(&self, member: usize, image: usize) -> (&[f32], &[PatchOrigin]) {
        let photo = self.photos.iter().find(|photo| photo.image == image);
        let some = photo.and_then(|photo| photo.members.get(member));
        some.map_or((&[], &[]), |some| (some.rows.as_slice(), some.origins.as_slice()))
    }

    fn bytes(&self) -> u64 {
        let members = self.photos.iter().flat_map(|photo| &photo.members);
        members.map(|some| (some.rows.len() * 4 + some.origins.len() * size_of::<PatchOrigin>()) as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(image: usize) -> PatchOrigin {
        PatchOrigin { image: image as u32, row: 0, column: 0 }
    }

    #[test]
    fn the_sample_is_even_however_many_patches_come() {
        for count in [1, 511, 512, 513, 514, 1023, 1025, 5000, 100_000] {
            let mut sample = EvenSample::new(1);
            for patch in 0..count {
                sample.add(&[patch as f32], &[origin(patch)]);
            }
            let found: Vec<usize> = sample.some.origins.iter().map(|origin| origin.image as usize).collect();
            let step = sample.step;
            let expected: Vec<usize> = (0..count).step_by(step).collect();
            assert_eq!(found, expected, "{count}");
            assert!(found.len() <= MOST_PATCHES && (step == 1 || found.len() >= MOST_PATCHES / 2), "{}", found.len());
            assert_eq!(sample.some.rows.len(), found.len());
        }
    }

    #[test]
    fn whole_photos_are_even_and_within_their_bytes() {
        let photo = FittedPhoto { size: (1, 1), inside: None };
        let own = || vec![SomeRows { rows: vec![0.0; 4], origins: vec![origin(0); 2] }];
        for (most_bytes, count, expected) in [
            (1000, 16, (0..16).collect::<Vec<usize>>()),
            (1000, 17, (0..17).step_by(2).collect()),
            (1000, 100, (0..100).step_by(8).collect()),
            // Two rows take 32 bytes.
            (64, 100, vec![0, 64]),
            (32, 100, vec![0]),
            (31, 100, vec![]),
        ] {
            let mut whole = WholePhotos::new(most_bytes);
            (0..count).for_each(|image| whole.add(image, &photo, own));
            let found: Vec<usize> = whole.photos.iter().map(|photo| photo.image).collect();
            assert_eq!(found, expected, "{most_bytes} {count}");
        }
    }
}
