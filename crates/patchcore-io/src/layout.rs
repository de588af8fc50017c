//! The layouts of data sets that are understood.

use std::fmt;

/// How a data set is laid out on disk: as its makers ship it. `docs/reference/data-sets.md` has the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Photos of good parts directly in one folder.
    Folder,
    /// MVTec AD: `train/good`, `test/<kind>`, `ground_truth/<kind>/<name>_mask.png`.
    MvtecAd,
    /// MVTec AD 2: `train/good`, `validation/good`, `test_public/{good,bad,ground_truth/bad}`.
    MvtecAd2,
    /// MVTec LOCO AD: as MVTec AD, with a folder of masks for each photo.
    MvtecLoco,
    /// MVTec 3D-AD: as MVTec AD, with `rgb`, `xyz` and `gt` in each folder of a kind.
    Mvtec3d,
    /// `VisA`: `Data/Images/{Normal,Anomaly}`, `Data/Masks/Anomaly`, and `split_csv/1cls.csv` beside the objects.
    Visa,
    /// BTAD: `train/ok`, `test/{ok,ko}`, `ground_truth/ko`.
    Btad,
    /// KolektorSDD: a folder for each item, `Part0.jpg` and `Part0_label.bmp`.
    KolektorSdd,
    /// KolektorSDD2: `train` and `test` with `10000.png` and `10000_GT.png`.
    KolektorSdd2,
    /// A table of photos: CSV, one row for each.
    Manifest,
}

impl Layout {
    /// Its name: `MVTec AD`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Layout::Folder => "folder of photos",
            Layout::MvtecAd => "MVTec AD",
            Layout::MvtecAd2 => "MVTec AD 2",
            Layout::MvtecLoco => "MVTec LOCO AD",
            Layout::Mvtec3d => "MVTec 3D-AD",
            Layout::Visa => "VisA",
            Layout::Btad => "BTAD",
            Layout::KolektorSdd => "KolektorSDD",
            Layout::KolektorSdd2 => "KolektorSDD2",
            Layout::Manifest => "manifest",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
