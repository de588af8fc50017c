//! What a fit on files takes, told from their headers before any of them is decoded.

use std::path::Path;

use patchcore_config::{Checked, Region, Size};
use patchcore_core::{BudgetPlan, Fitter};
use patchcore_io::{Geometry, Limits, PhotoHeader, path_text};

use crate::ahead::{BYTES_AHEAD, MOST_AHEAD};
use crate::error::Error;

/// How many photos and patches a fit has, and how much memory it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FitPlan {
    /// Photos whose headers can be read and whose size the settings take.
    pub photos: usize,
    /// The others, which the fit reports.
    pub unusable: usize,
    /// The photo with the largest input of the network.
    pub largest: Option<PhotoHeader>,
    /// How its input lies in it.
    pub largest_geometry: Option<Geometry>,
    /// Patches of all photos, at most.
    pub patches: usize,
    /// Bytes of the patches' embeddings, which a fit keeps to its end, unless a budget of memory holds fewer
    /// ([`Settings::memory`](crate::Settings::memory)).
    pub patch_bytes: u64,
    /// Peak bytes of photos that are decoded ahead while the network computes: no more than 64 MiB of prepared ones wait; one is in the
    /// network, and one is being decoded and prepared.
    pub ahead_bytes: u64,
    /// Peak bytes of the fit, within its budget if it has one: the sum stands at [`Fitter::memory_bytes`](patchcore_core::Fitter::memory_bytes).
    pub memory_bytes: u64,
}

impl FitPlan {
    /// Reads the headers of the files: each is opened once, and no more than some kilobytes of it are read. What cannot be read, or not
    /// be used as these settings ask, is left to the fit.
    pub fn of_files<P: AsRef<Path>>(config: &Checked, files: &[P], limits: &Limits) -> Self {
        let mut plan = Self {
            photos: 0,
            unusable: 0,
            largest: None,
            largest_geometry: None,
            patches: 0,
            patch_bytes: 0,
            ahead_bytes: 0,
            memory_bytes: 0,
        };
        // Pixels, bytes of a prepared photo, and bytes while it is prepared: each the most that any photo has.
        let (mut most_pixels, mut input_bytes, mut peak_bytes) = (0, 0, 0);
        let mut inside = None;
        for file in files {
            let Some((header, made)) = Self::look(config, file.as_ref(), limits) else {
                plan.unusable += 1;
                continue;
            };
            let geometry = made.geometry;
            plan.photos += 1;
            let of_photo = match &config.region {
                None => cells(config, geometry.input),
                // All photos have the region's size.
                Some(region) => *inside.get_or_insert_with(|| cells_inside(config, region, &geometry)),
            };
            plan.patches += of_photo * (1 + config.copies.count());
            input_bytes = made.input_bytes.max(input_bytes);
            peak_bytes = made.peak_bytes.max(peak_bytes);
            let pixels = u64::from(geometry.input.width) * u64::from(geometry.input.height);
            if pixels > most_pixels {
                (most_pixels, plan.largest, plan.largest_geometry) = (pixels, Some(header), Some(geometry));
            }
        }
        let waiting = plan.photos.saturating_sub(1).min(MOST_AHEAD) as u64 * input_bytes;
        // A copy is made beside its photo.
        let copy = if config.copies.is_none() { 0 } else { input_bytes };
        plan.ahead_bytes = input_bytes + copy + waiting.min(BYTES_AHEAD as u64) + peak_bytes;
        let values: usize = config.members.iter().map(|member| member.embedding_dim()).sum();
        plan.patch_bytes = (plan.patches * (values * size_of::<f32>() + 16)) as u64;
        let largest = plan.largest_geometry.map_or(Size { width: 0, height: 0 }, |geometry| geometry.input);
        plan.memory_bytes = Fitter::memory_bytes(plan.patches, largest, plan.ahead_bytes, config);
        plan
    }

    fn look(config: &Checked, file: &Path, limits: &Limits) -> Option<(PhotoHeader, patchcore_io::Preparation)> {
        let name = path_text(file);
        let header = PhotoHeader::open(file, limits).ok()?;
        let region = config.region.as_ref();
        let made = header.preparation(&name, &config.view, region.is_some()).ok()?;
        made.geometry.check_enlargement(&name).ok()?;
        let sides = config.input_sides();
        let fits = |size: Size| sides.contains(&(size.width as usize)) && sides.contains(&(size.height as usize));
        let is_usable = fits(made.geometry.input) && region.is_none_or(|region| region.size == header.size);
        is_usable.then_some((header, made))
    }

    /// How many patches of each member the fit holds at once within its budget of memory, and whether these are all; `None` without a
    /// budget. `config`: that of the plan.
    ///
    /// # Errors
    /// [`Error::Fit`] with [`FitError::BudgetTooSmall`](crate::error::FitError::BudgetTooSmall), which names the smallest budget that would
    /// do.
    pub fn budget(&self, config: &Checked) -> Result<Option<BudgetPlan>, Error> {
        Ok(Fitter::budget_plan(Some(self.patches as u64), config)?)
    }

    /// Refuses a fit that may take more than `bytes` of memory.
    ///
    /// # Errors
    /// [`Error::TooMuchMemory`].
    pub fn check_within(&self, bytes: u64) -> Result<(), Error> {
        if self.memory_bytes <= bytes {
            return Ok(());
        }
        Err(Error::TooMuchMemory {
            needed: self.memory_bytes,
            allowed: bytes,
            photos: self.photos,
            patches: self.patches,
            patch_bytes: self.patch_bytes,
        })
    }
}

/// Patches of an input.
fn cells(config: &Checked, input: Size) -> usize {
    let (stride, _) = config.strides();
    input.width.div_ceil(stride) as usize * input.height.div_ceil(stride) as usize
}

/// Patches that touch a pixel of the region.
fn cells_inside(config: &Checked, region: &Region, geometry: &Geometry) -> usize {
    let (stride, _) = config.strides();
    let columns = geometry.input.width.div_ceil(stride) as usize;
    let mut touched = vec![false; cells(config, geometry.input)];
    let pixels = region.to_pixels();
    let Size { width, height } = geometry.input;
    let at = |position: f64, side: u32| {
        let pixel = position.round();
        (pixel >= 0.0 && pixel < f64::from(side)).then_some(pixel as usize)
    };
    for y in 0..height {
        let (_, row) = geometry.to_original(0.0, f64::from(y));
        let Some(row) = at(row, region.size.height) else { continue };
        for x in 0..width {
            let (column, _) = geometry.to_original(f64::from(x), f64::from(y));
            let pixel = at(column, region.size.width).map(|column| row * region.size.width as usize + column);
            if pixel.and_then(|pixel| pixels.get(pixel)) == Some(&true)
                && let Some(cell) = touched.get_mut((y / stride) as usize * columns + (x / stride) as usize)
            {
                *cell = true;
            }
        }
    }
    touched.into_iter().filter(|touched| *touched).count()
}

#[cfg(all(test, feature = "png"))]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{Settings, Tiling};

    #[expect(clippy::unwrap_used, reason = "a part of several tests")]
    fn saved(folder: &Path, name: &str, width: u32, height: u32) -> PathBuf {
        let path = folder.join(name);
        image::GrayImage::new(width, height).save(&path).unwrap();
        path
    }

    /// The largest photo decides, wherever it stands; what cannot be used is counted apart.
    #[test]
    fn the_largest_photo_decides_and_what_is_unusable_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            saved(folder.path(), "0.png", 320, 240),
            saved(folder.path(), "1.png", 16_384, 64),
            saved(folder.path(), "2.png", 160, 160),
            folder.path().join("not there.png"),
        ];
        let tiling = Tiling::Tiles { size: 256, overlap: 64 };
        let tiled = Settings { tiling, ..Settings::default() }.config().unwrap();
        let plan = FitPlan::of_files(&tiled, &files, &Limits::default());
        assert_eq!((plan.photos, plan.unusable), (3, 1));
        assert_eq!(plan.patches, (40 * 30) + (2048 * 8) + (20 * 20));
        assert_eq!(plan.largest.map(|header| header.size), Some(Size { width: 16_384, height: 64 }));
        // A prepared photo is one plane of floats, and a mark for each pixel.
        let largest = 16_384 * 64 * (4 + 1);
        assert!(plan.ahead_bytes > 4 * largest && plan.ahead_bytes < 6 * largest, "{}", plan.ahead_bytes);
        assert!(plan.memory_bytes > plan.ahead_bytes + plan.patch_bytes);
        assert!(plan.check_within(plan.memory_bytes).is_ok());
        let refused = plan.check_within(plan.memory_bytes - 1).unwrap_err().to_string();
        assert!(refused.contains("17984 patches of 3 photos"), "{refused}");
        // Not in tiles, the wide one is too wide.
        let whole = Settings { resize: Some(patchcore_config::Resize::Keep), ..Settings::default() }.config().unwrap();
        let plan = FitPlan::of_files(&whole, &files, &Limits::default());
        assert_eq!((plan.photos, plan.unusable), (2, 2));
    }

    /// Patches that a region hides are not counted.
    #[test]
    fn a_region_leaves_patches_out() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size { width: 256, height: 256 };
        let inside: Vec<bool> = (0..256 * 256).map(|at| at % 256 < 128).collect();
        let region = Some(Region::from_pixels(size, &inside).unwrap());
        let config = Settings { region, ..Settings::default() }.config().unwrap();
        let files = [saved(folder.path(), "0.png", 256, 256), saved(folder.path(), "1.png", 320, 256)];
        let plan = FitPlan::of_files(&config, &files, &Limits::default());
        assert_eq!((plan.photos, plan.unusable, plan.patches), (1, 1, 16 * 32));
    }
}
