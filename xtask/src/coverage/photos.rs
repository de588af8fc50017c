//! Photos made of published ones: shifted, a little brighter or darker, with noise, so that no two are alike.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use image::imageops::FilterType;
use image::{Rgb, RgbImage};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The most that a photo is shifted, in pixels of its 256.
const SHIFT: u32 = 6;

/// Makes `count` photos of `sides` (width, height) in `folder` out of those in `from`: the same bytes in every run. Photos that are there
/// stay.
pub fn make(from: &Path, folder: &Path, count: usize, sides: (u32, u32)) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let files = files_in(from)?;
    let margin = SHIFT * sides.0.min(sides.1) / 256;
    // Those of one original come one after the other, so that it is read once.
    for (number, file) in files.iter().enumerate() {
        let wanted: Vec<usize> = (number..count).step_by(files.len()).collect();
        let path = |photo: usize| folder.join(format!("{photo:06}.jpg"));
        if wanted.iter().all(|photo| path(*photo).exists()) {
            continue;
        }
        let original = image::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        let size = (sides.0 + 2 * margin, sides.1 + 2 * margin);
        let original = original.resize_exact(size.0, size.1, FilterType::Triangle).to_rgb8();
        for photo in wanted {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92);
            jittered(&original, sides, margin, photo as u64).write_with_encoder(encoder)?;
            std::fs::write(path(photo), bytes.into_inner())?;
        }
    }
    Ok(())
}

/// Copies nine tenths of the photos in `from` to `folder`, drawn by the seed, whose names there are in an order that it draws too.
pub fn draw(from: &Path, folder: &Path, seed: u64) -> anyhow::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut left = files_in(from)?;
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    for place in 0..left.len() * 9 / 10 {
        let file = left.swap_remove((random.next_u64() % left.len() as u64) as usize);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        std::fs::copy(&file, folder.join(format!("{place:04}-{name}")))?;
    }
    Ok(())
}

fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    ensure!(!files.is_empty(), "no photos in {}", folder.display());
    Ok(files)
}

fn jittered(original: &RgbImage, sides: (u32, u32), margin: u32, seed: u64) -> RgbImage {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut below = |count: u32| (random.next_u64() % u64::from(count)) as u32;
    let (left, top) = (below(2 * margin + 1), below(2 * margin + 1));
    let light = 0.96 + 0.08 * f64::from(below(1000)) / 1000.0;
    RgbImage::from_fn(sides.0, sides.1, |x, y| {
        let noise = f64::from(below(7)) - 3.0;
        let Rgb(pixel) = original.get_pixel(x + left, y + top);
        Rgb(pixel.map(|value| (f64::from(value) * light + noise).round().clamp(0.0, 255.0) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_differ_and_are_the_same_in_every_run() {
        let (from, one, other) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["a.png", "b.png"] {
            RgbImage::from_fn(40, 40, |x, y| Rgb([(x * 5) as u8, (y * 5) as u8, 90]))
                .save(from.path().join(name))
                .unwrap();
        }
        make(from.path(), one.path(), 5, (32, 32)).unwrap();
        make(from.path(), other.path(), 5, (32, 32)).unwrap();
        let read = |folder: &Path, photo: usize| std::fs::read(folder.join(format!("{photo:06}.jpg"))).unwrap();
        for photo in 0..5 {
            assert_eq!(read(one.path(), photo), read(other.path(), photo));
            assert!((0..photo).all(|before| read(one.path(), before) != read(one.path(), photo)));
        }
    }

    #[test]
    fn another_seed_draws_other_photos_in_another_order() {
        let from = tempfile::tempdir().unwrap();
        for number in 0..20 {
            std::fs::write(from.path().join(format!("{number}.png")), []).unwrap();
        }
        let drawn = |seed: u64| {
            let work = tempfile::tempdir().unwrap();
            let folder = work.path().join("drawn");
            draw(from.path(), &folder, seed).unwrap();
            draw(from.path(), &folder, seed).unwrap();
            let name = |file: PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
            files_in(&folder).unwrap().into_iter().map(name).collect::<Vec<String>>()
        };
        assert_eq!((drawn(0), drawn(0).len()), (drawn(0), 18));
        assert_ne!(drawn(0), drawn(1));
    }
}
