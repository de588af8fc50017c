//! `cargo xtask demo-images`: the photos of the demo, drawn by us, so that they may ship with the program.
//!
//! A turned two-bolt flange lies on a dark belt under a line camera. Every photo has its own pose, lamp, exposure, blur,
//! noise and tool marks; defective ones have one of five kinds of defect, from plain to subtle, and an exact mask: the
//! same shot is exposed with and without the defect and compared before the sensor's noise is added.
//!
//! | file | holds |
//! |---|---|
//! | `part.rs` | the drawing of the flange as heights, and its surface |
//! | `defect.rs` | what goes wrong |
//! | `camera.rs` | lamp, lens and sensor |
//! | `mask.rs` | the exact truth |
//! | `noise.rs`, `random.rs` | grain and seeded choices |
//! | `portable.rs` | sines that are the same everywhere |
//!
//! The same seed gives the same bytes on every platform, given the encoders of `Cargo.lock`; a test draws some of what
//! ships again and compares. Each photo has its own random stream.

mod camera;
mod defect;
mod drawing;
mod mask;
mod noise;
mod part;
mod portable;
mod random;
mod surface;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, RgbImage};

use camera::Shot;
use defect::{Defect, KINDS};
use part::Part;
use random::Random;

/// The demo's name for its product: the folder below `assets/demo`.
pub(crate) const PRODUCT: &str = "flange";

const TRAIN_GOOD: usize = 24;
const TEST_GOOD: usize = 10;
const TEST_PER_KIND: usize = 5;
/// Keeps all photos together below two megabytes.
const JPEG_QUALITY: u8 = 92;

/// What to draw and where to put it.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoImages {
    /// Folder for `train`, `test` and `ground_truth`; what it holds of these is replaced.
    #[arg(long, default_value_os_t = default_folder())]
    out: PathBuf,
    /// Seed of every random choice; the photos that ship have seed 0.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl DemoImages {
    /// Draws and writes the whole data set in MVTec layout.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for part in ["train", "test", "ground_truth"] {
            let folder = self.out.join(part);
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
            }
        }
        let (mut files, mut bytes) = (0, 0);
        for (stream, (folder, number)) in plan().into_iter().enumerate() {
            for (name, content) in Picture::draw(&folder, number, self.seed, stream as u64).files(&folder, number)? {
                write(&self.out.join(name), &content)?;
                files += 1;
                bytes += content.len();
            }
        }
        println!("wrote {files} files, {} kB, to {}", bytes / 1000, self.out.display());
        Ok(())
    }
}

/// Folder and number of every photo.
fn plan() -> Vec<(String, usize)> {
    let mut folders = vec![("train/good".to_owned(), TRAIN_GOOD), ("test/good".to_owned(), TEST_GOOD)];
    folders.extend(KINDS.iter().map(|kind| (format!("test/{kind}"), TEST_PER_KIND)));
    folders.into_iter().flat_map(|(folder, count)| (0..count).map(move |number| (folder.clone(), number))).collect()
}

/// A photo and, for a defective part, its mask.
struct Picture {
    photo: RgbImage,
    mask: Option<GrayImage>,
}

impl Picture {
    fn draw(folder: &str, number: usize, seed: u64, stream: u64) -> Self {
        let mut random = Random::new(seed, stream);
        let shot = Shot::draw(&mut random);
        let good = Part::new(random.seed(), random.between(0.85, 1.15));
        let kind = folder.strip_prefix("test/").filter(|kind| *kind != "good");
        let Some(kind) = kind else {
            return Self { photo: shot.develop(&shot.expose(&good), &mut random), mask: None };
        };
        let mut defective = good.clone();
        defective.defects = Defect::draw(kind, number, &mut random);
        let light = shot.expose(&defective);
        let mask = mask::changed(&shot.expose(&good), &light);
        Self { photo: shot.develop(&light, &mut random), mask: Some(mask) }
    }
}

impl Picture {
    /// Encoded files with their places in the data set: the photo, and the mask of a defective part.
    fn files(&self, folder: &str, number: usize) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let mut files = vec![(format!("{folder}/{number:03}.jpg"), jpeg(&self.photo)?)];
        if let (Some(mask), Some(kind)) = (&self.mask, folder.strip_prefix("test/")) {
            files.push((format!("ground_truth/{kind}/{number:03}_mask.png"), png(mask)?));
        }
        Ok(files)
    }
}

fn jpeg(photo: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(photo).context("cannot encode a photo")?;
    Ok(bytes)
}

fn png(mask: &GrayImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    mask.write_to(&mut bytes, ImageFormat::Png).context("cannot encode a mask")?;
    Ok(bytes.into_inner())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// `assets/demo/<product>` of this checkout.
fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo").join(PRODUCT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_picture_and_another_seed_another() {
        let draw = |seed| Picture::draw("test/stain", 0, seed, 3);
        let (first, again, other) = (draw(0), draw(0), draw(1));
        assert_eq!(jpeg(&first.photo).unwrap(), jpeg(&again.photo).unwrap());
        assert_eq!(first.mask, again.mask);
        assert_ne!(first.photo, other.photo);
    }

    /// The first photo of every folder; `cargo xtask demo-images` followed by `git diff` checks the rest.
    #[test]
    fn what_ships_is_what_seed_0_draws() {
        for (stream, (folder, number)) in plan().into_iter().enumerate().filter(|(_, (_, number))| *number == 0) {
            for (name, bytes) in Picture::draw(&folder, number, 0, stream as u64).files(&folder, number).unwrap() {
                let shipped = fs::read(default_folder().join(&name)).unwrap();
                assert!(
                    shipped == bytes,
                    "{name} differs: the drawing or an encoder changed; run `cargo xtask demo-images` and look"
                );
            }
        }
    }
}
