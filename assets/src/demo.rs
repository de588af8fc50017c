//! The demo's photos, inside the program: 24 good flanges to learn from, 10 good and 25 defective ones to judge, and
//! the exact masks of the defects. Drawn by `cargo xtask demo-images`; they show no real product.

/// One file of the demo's data set, which has the layout of an MVTec AD category.
#[derive(Debug, Clone, Copy)]
pub struct DemoFile {
    /// Place in the data set, such as `test/scratch/003.jpg`, with forward slashes.
    pub path: &'static str,
    /// The file as it is: a JPEG of 320 x 256 pixels, or for `ground_truth` a grey PNG with 255 on the defect.
    pub bytes: &'static [u8],
}

/// All files of the demo, about one megabyte: `train/good`, then `test/<kind>`, then `ground_truth/<kind>`.
pub fn demo_files() -> &'static [DemoFile] {
    FILES
}

/// Embeds the files of these names.
macro_rules! embedded {
    ($($path:literal)*) => {
        &[$(DemoFile { path: $path, bytes: include_bytes!(concat!("../demo/flange/", $path)) }),*]
    };
}

const FILES: &[DemoFile] = embedded! {
    "train/good/000.jpg"
    "train/good/001.jpg"
    "train/good/002.jpg"
    "train/good/003.jpg"
    "train/good/004.jpg"
    "train/good/005.jpg"
    "train/good/006.jpg"
    "train/good/007.jpg"
    "train/good/008.jpg"
    "train/good/009.jpg"
    "train/good/010.jpg"
    "train/good/011.jpg"
    "train/good/012.jpg"
    "train/good/013.jpg"
    "train/good/014.jpg"
    "train/good/015.jpg"
    "train/good/016.jpg"
    "train/good/017.jpg"
    "train/good/018.jpg"
    "train/good/019.jpg"
    "train/good/020.jpg"
    "train/good/021.jpg"
    "train/good/022.jpg"
    "train/good/023.jpg"
    "test/chip/000.jpg"
    "test/chip/001.jpg"
    "test/chip/002.jpg"
    "test/chip/003.jpg"
    "test/chip/004.jpg"
    "test/dent/000.jpg"
    "test/dent/001.jpg"
    "test/dent/002.jpg"
    "test/dent/003.jpg"
    "test/dent/004.jpg"
    "test/good/000.jpg"
    "test/good/001.jpg"
    "test/good/002.jpg"
    "test/good/003.jpg"
    "test/good/004.jpg"
    "test/good/005.jpg"
    "test/good/006.jpg"
    "test/good/007.jpg"
    "test/good/008.jpg"
    "test/good/009.jpg"
    "test/missing_hole/000.jpg"
    "test/missing_hole/001.jpg"
    "test/missing_hole/002.jpg"
    "test/missing_hole/003.jpg"
    "test/missing_hole/004.jpg"
    "test/scratch/000.jpg"
    "test/scratch/001.jpg"
    "test/scratch/002.jpg"
    "test/scratch/003.jpg"
    "test/scratch/004.jpg"
    "test/stain/000.jpg"
    "test/stain/001.jpg"
    "test/stain/002.jpg"
    "test/stain/003.jpg"
    "test/stain/004.jpg"
    "ground_truth/chip/000_mask.png"
    "ground_truth/chip/001_mask.png"
    "ground_truth/chip/002_mask.png"
    "ground_truth/chip/003_mask.png"
    "ground_truth/chip/004_mask.png"
    "ground_truth/dent/000_mask.png"
    "ground_truth/dent/001_mask.png"
    "ground_truth/dent/002_mask.png"
    "ground_truth/dent/003_mask.png"
    "ground_truth/dent/004_mask.png"
    "ground_truth/missing_hole/000_mask.png"
    "ground_truth/missing_hole/001_mask.png"
    "ground_truth/missing_hole/002_mask.png"
    "ground_truth/missing_hole/003_mask.png"
    "ground_truth/missing_hole/004_mask.png"
    "ground_truth/scratch/000_mask.png"
    "ground_truth/scratch/001_mask.png"
    "ground_truth/scratch/002_mask.png"
    "ground_truth/scratch/003_mask.png"
    "ground_truth/scratch/004_mask.png"
    "ground_truth/stain/000_mask.png"
    "ground_truth/stain/001_mask.png"
    "ground_truth/stain/002_mask.png"
    "ground_truth/stain/003_mask.png"
    "ground_truth/stain/004_mask.png"
};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_in_the_folder_is_embedded_once() {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/flange");
        assert_eq!(demo_files().len(), count(&folder));
        let mut paths: Vec<_> = demo_files().iter().map(|file| file.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), demo_files().len());
    }

    #[test]
    fn every_defective_photo_has_its_mask_and_all_is_small() {
        let has = |path: &str| demo_files().iter().any(|file| file.path == path);
        for file in demo_files() {
            if let Some(name) = file.path.strip_prefix("test/").filter(|name| !name.starts_with("good/")) {
                assert!(has(&format!("ground_truth/{}_mask.png", name.trim_end_matches(".jpg"))), "{name}");
            }
        }
        assert!(demo_files().iter().map(|file| file.bytes.len()).sum::<usize>() <= 2_000_000);
    }
}
