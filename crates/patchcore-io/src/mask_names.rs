//! Which mask belongs to which photo, by their names: a mask has the photo's stem, alone or with one of [`SUFFIXES`].
//!
//! Names are compared as bytes, so that two names that are no text are never taken for one. A name in another case counts where
//! nothing has the very name. A mask never serves two photos: of `000.png` and `000.jpg` each has one that carries its whole name
//! (`000.png_mask.png`), or the extension of each photo, or neither has one.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// What a mask's name may have after the photo's stem, in any case.
pub(crate) const SUFFIXES: [&str; 3] = ["_mask", "_gt", "_label"];

/// Why a photo has no mask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoMask {
    Missing,
    Ambiguous(Vec<PathBuf>),
    /// The mask, and the other photo that it may be of.
    Shared(PathBuf, PathBuf),
}

/// What is known of a set of photos and a set of masks.
#[derive(Debug)]
pub(crate) struct Assigned {
    /// For each photo, its mask: a file or a folder of files.
    pub masks: Vec<Result<PathBuf, NoMask>>,
    /// Masks of no photo.
    pub orphans: Vec<PathBuf>,
}

/// The bytes of a name, in which nothing is lost.
fn bytes(name: Option<&std::ffi::OsStr>) -> Vec<u8> {
    name.unwrap_or_default().as_encoded_bytes().to_vec()
}

/// The part of a mask's name that names its photo, if it ends as a mask's does.
fn without_suffix(stem: &[u8]) -> Option<&[u8]> {
    SUFFIXES.iter().find_map(|suffix| {
        let (start, end) = stem.split_at_checked(stem.len().checked_sub(suffix.len())?)?;
        (end.eq_ignore_ascii_case(suffix.as_bytes()) && !start.is_empty()).then_some(start)
    })
}

/// A photo or a mask under the names that it may be known by.
type Index = HashMap<Vec<u8>, Vec<usize>>;

fn index(photos: &[PathBuf], key: impl Fn(&Path) -> Vec<u8>) -> Index {
    let mut index = Index::new();
    for (at, photo) in photos.iter().enumerate() {
        index.entry(key(photo)).or_default().push(at);
    }
    index
}

/// Finds the mask of each photo. `masks` are files, or folders that hold the masks of one photo.
pub(crate) fn assign(photos: &[PathBuf], masks: &[PathBuf]) -> Assigned {
    let whole = index(photos, |photo| bytes(photo.file_name()));
    let stems = index(photos, |photo| bytes(photo.file_stem()));
    let any_case = index(photos, |photo| bytes(photo.file_stem()).to_ascii_lowercase());
    // Masks of exactly one photo, and masks of several photos of one name.
    let mut own: Vec<Vec<&PathBuf>> = vec![Vec::new(); photos.len()];
    let mut shared: BTreeMap<&[usize], Vec<&PathBuf>> = BTreeMap::new();
    let mut orphans = Vec::new();
    for mask in masks {
        let stem = bytes(if mask.is_dir() { mask.file_name() } else { mask.file_stem() });
        let names: Vec<&[u8]> = std::iter::once(stem.as_slice()).chain(without_suffix(&stem)).collect();
        let lower: Vec<Vec<u8>> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let found = names
            .iter()
            .find_map(|name| whole.get(*name))
            .or_else(|| names.iter().find_map(|name| stems.get(*name)))
            .or_else(|| lower.iter().find_map(|name| any_case.get(name)));
        match found.map(Vec::as_slice) {
            None => orphans.push(mask.clone()),
            Some([photo]) => own.get_mut(*photo).into_iter().for_each(|own| own.push(mask)),
            Some(photos) => shared.entry(photos).or_default().push(mask),
        }
    }
    let mut faults: Vec<Option<NoMask>> = photos.iter().map(|_| None).collect();
    for (group, masks) in shared {
        let without: Vec<usize> = group.iter().copied().filter(|at| own.get(*at).is_some_and(Vec::is_empty)).collect();
        let named_alike = |at: usize| {
            let name = bytes(photos.get(at).and_then(|photo| photo.file_name()));
            masks.iter().copied().find(|mask| bytes(mask.file_name()) == name)
        };
        let pairs: Vec<(usize, &PathBuf)> = without.iter().filter_map(|at| Some((*at, named_alike(*at)?))).collect();
        match without.as_slice() {
            [] => orphans.extend(masks.into_iter().cloned()),
            [photo] => own.get_mut(*photo).into_iter().for_each(|own| own.extend(&masks)),
            _ if pairs.len() == without.len() && pairs.len() == masks.len() => {
                for (photo, mask) in pairs {
                    own.get_mut(photo).into_iter().for_each(|own| own.push(mask));
                }
            }
            several => {
                for photo in several {
                    let other = several.iter().find(|other| *other != photo).and_then(|other| photos.get(*other));
                    let (Some(mask), Some(other), Some(fault)) = (masks.first(), other, faults.get_mut(*photo)) else {
                        continue;
                    };
                    *fault = Some(NoMask::Shared((*mask).clone(), other.clone()));
                }
            }
        }
    }
    let masks = own.into_iter().zip(faults).map(|(own, fault)| match (own.as_slice(), fault) {
        ([], None) => Err(NoMask::Missing),
        ([], Some(fault)) => Err(fault),
        ([mask], _) => Ok((*mask).clone()),
        (several, _) => Err(NoMask::Ambiguous(several.iter().map(|mask| (*mask).clone()).collect())),
    });
    Assigned { masks: masks.collect(), orphans }
}

/// Divides the images of one folder into photos and masks that lie beside them: `10000.png` and `10000_GT.png`.
pub(crate) fn beside(images: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let stems: std::collections::HashSet<Vec<u8>> = images.iter().map(|image| bytes(image.file_stem())).collect();
    let (masks, photos) = images
        .into_iter()
        .partition(|image| without_suffix(&bytes(image.file_stem())).is_some_and(|photo| stems.contains(photo)));
    (photos, masks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    /// The mask of each photo, or what is wrong, and the orphans.
    fn found(photos: &[&str], masks: &[&str]) -> (Vec<String>, Vec<String>) {
        let assigned = assign(&paths(photos), &paths(masks));
        let text = |path: &PathBuf| path.display().to_string();
        let masks = assigned.masks.iter().map(|mask| match mask {
            Ok(mask) => text(mask),
            Err(NoMask::Missing) => "-".to_owned(),
            Err(NoMask::Ambiguous(several)) => several.iter().map(text).collect::<Vec<_>>().join("|"),
            Err(NoMask::Shared(mask, other)) => format!("{} or {}", text(mask), text(other)),
        });
        (masks.collect(), assigned.orphans.iter().map(text).collect())
    }

    #[track_caller]
    fn check(photos: &[&str], masks: &[&str], expected: &[&str], orphans: &[&str]) {
        let (found, left) = found(photos, masks);
        assert_eq!(
            (found, left),
            (expected.iter().map(|s| s.to_string()).collect(), orphans.iter().map(|s| s.to_string()).collect())
        );
    }

    #[test]
    fn a_mask_has_the_photos_stem_alone_or_with_a_suffix() {
        for mask in [
            "a.png",
            "a_mask.png",
            "a_MASK.PNG",
            "a_GT.bmp",
            "a_gt.tif",
            "a_Mask.webp",
            "a_label.bmp",
            "A_mask.png",
            "a.jpg_mask.png",
        ] {
            check(&["a.jpg", "b.jpg"], &[mask], &[mask, "-"], &[]);
        }
        for mask in ["a_masks.png", "mask_a.png", "_mask.png", "aa.png", "a.jpeg_mask.png"] {
            check(&["a.jpg"], &[mask], &["-"], &[mask]);
        }
    }

    #[test]
    fn two_candidates_are_told_and_none_is_taken() {
        check(&["0.png"], &["0_mask.bmp", "0_mask.png"], &["0_mask.bmp|0_mask.png"], &[]);
        check(&["0.png"], &["0.png", "0_mask.png"], &["0.png|0_mask.png"], &[]);
        check(&["0.png"], &["0_GT.png", "0_mask.png", "0.bmp"], &["0_GT.png|0_mask.png|0.bmp"], &[]);
    }

    #[test]
    fn two_photos_of_one_stem_never_share_a_mask() {
        check(&["0.jpg", "0.png"], &["0_mask.png"], &["0_mask.png or 0.png", "0_mask.png or 0.jpg"], &[]);
        // A mask of the name `0.png` is no word on whose it is: masks mostly are PNG files.
        check(&["0.jpg", "0.png"], &["0.png"], &["0.png or 0.png", "0.png or 0.jpg"], &[]);
        // Whole names decide, and then the other photo is the only one left for a stem alone.
        check(&["0.jpg", "0.png"], &["0.jpg_mask.png", "0.png_mask.png"], &["0.jpg_mask.png", "0.png_mask.png"], &[]);
        check(&["0.jpg", "0.png"], &["0.png_GT.png", "0_mask.png"], &["0_mask.png", "0.png_GT.png"], &[]);
        check(&["0.bmp", "0.png"], &["0.bmp", "0.png"], &["0.bmp", "0.png"], &[]);
        let whole = ["0.jpg_mask.png", "0.png_mask.png", "0_mask.png"];
        check(&["0.jpg", "0.png"], &whole, &["0.jpg_mask.png", "0.png_mask.png"], &["0_mask.png"]);
    }

    #[test]
    fn the_very_name_comes_first() {
        check(&["A.png", "a.png"], &["a_mask.png"], &["-", "a_mask.png"], &[]);
        check(&["Ab.png", "aB.png"], &["ab_mask.png"], &["ab_mask.png or aB.png", "ab_mask.png or Ab.png"], &[]);
        // The photo `a_gt` has a mask of its own stem, which is not that of `a`.
        check(&["a.png", "a_gt.png"], &["a_gt.png"], &["-", "a_gt.png"], &[]);
    }

    #[test]
    fn masks_beside_photos_are_told_from_them() {
        let (photos, masks) = beside(paths(&["1.png", "1_GT.png", "2.png", "3_mask.png", "_mask.png"]));
        assert_eq!((photos, masks), (paths(&["1.png", "2.png", "3_mask.png", "_mask.png"]), paths(&["1_GT.png"])));
    }

    proptest! {
        /// Of names in which everything above is frequent: every photo has an answer, and no mask is given twice or lost.
        #[test]
        fn no_mask_serves_two_photos(
            photos in prop::collection::btree_set("[aA0]{1,2}(_gt)?\\.(png|jpg)", 0..8),
            masks in prop::collection::btree_set("[aA0]{1,2}(\\.png)?(_GT|_mask)?\\.(png|bmp)", 0..8),
        ) {
            let (photos, masks): (Vec<PathBuf>, Vec<PathBuf>) =
                (photos.iter().map(PathBuf::from).collect(), masks.iter().map(PathBuf::from).collect());
            let assigned = assign(&photos, &masks);
            prop_assert_eq!(assigned.masks.len(), photos.len());
            let mut given: Vec<&PathBuf> = assigned.orphans.iter().collect();
            given.extend(assigned.masks.iter().flatten());
            given.sort();
            let count = given.len();
            given.dedup();
            prop_assert_eq!(given.len(), count);
            prop_assert!(given.iter().all(|mask| masks.contains(mask)));
        }
    }
}
