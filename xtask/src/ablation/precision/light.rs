//! Test sets in other light, written once: what `evaluate --stress` does to a photo, as files that any command can take.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use image::DynamicImage;
use patchcore_io::{Limits, Perturbation, PerturbationKind, Photo};
use patchcore_testing::files;

/// A light in which the test photos are judged.
pub struct Light {
    /// Its name in the table and the CSV.
    pub name: &'static str,
    /// By what every sample is multiplied; white stays white.
    pub factor: f64,
}

/// As the photos are, then darker and brighter than any photo of the fit.
pub const LIGHTS: [Light; 3] = [
    Light { name: "as it is", factor: 1.0 },
    Light { name: "30 % less light", factor: 0.7 },
    Light { name: "30 % more light", factor: 1.3 },
];

/// The folder of a data set whose test photos are in this light: the set itself, or a copy below `work`.
///
/// # Errors
/// A photo that cannot be read, a file that cannot be written.
pub fn in_light(data: &Path, set: &str, light: &Light, work: &Path) -> anyhow::Result<PathBuf> {
    let perturbation = Perturbation::new(PerturbationKind::Light, light.factor)?;
    if perturbation.is_unchanged() {
        return Ok(data.to_owned());
    }
    let name = light.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let folder = work.join("light").join(name).join(set);
    let done = folder.join("done");
    if done.exists() {
        return Ok(folder);
    }
    copy(&data.join("ground_truth"), &folder.join("ground_truth"))?;
    for kind in files(&data.join("test"))? {
        let into = folder.join("test").join(kind.file_name().context("a kind without a name")?);
        fs::create_dir_all(&into)?;
        for path in files(&kind)? {
            let photo = Photo::open(&path, &Limits::default())?;
            ensure!(photo.bits_per_sample() == 8, "{} has more than 8 bits", path.display());
            let colours = DynamicImage::ImageRgb8(photo.perturbed(perturbation, None, 0)?.to_rgb8());
            // A photo of one channel stays one.
            let changed = if photo.channels() == 1 { DynamicImage::ImageLuma8(colours.to_luma8()) } else { colours };
            let stem = path.file_stem().context("a photo without a name")?;
            changed.save(into.join(stem).with_extension("png"))?;
        }
    }
    fs::write(done, "")?;
    Ok(folder)
}

/// A folder with all that is in it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for path in files(from)? {
        let target = to.join(path.file_name().context("a file without a name")?);
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_get_brighter_and_masks_stay() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for kind in ["test/bad", "ground_truth/bad"] {
            fs::create_dir_all(data.join(kind)).unwrap();
        }
        let grey = |value: u8| DynamicImage::ImageLuma8(image::GrayImage::from_pixel(4, 4, image::Luma([value])));
        grey(100).save(data.join("test/bad/one.jpg")).unwrap();
        grey(255).save(data.join("ground_truth/bad/one_mask.png")).unwrap();
        let brighter = &LIGHTS[2];
        let changed = in_light(&data, "set", brighter, folder.path()).unwrap();
        let photo = image::open(changed.join("test/bad/one.png")).unwrap();
        assert_eq!((photo.color(), photo.to_luma8().get_pixel(1, 1).0), (image::ColorType::L8, [130]));
        assert!(changed.join("ground_truth/bad/one_mask.png").exists());
        assert_eq!(in_light(&data, "set", &LIGHTS[0], folder.path()).unwrap(), data);
    }
}
