//! The files that are the ground truth of a photo, or why it has none.

use std::path::{Path, PathBuf};

use crate::listing::{Listing, file_name, relative};
use crate::mask_names::NoMask;
use crate::{DatasetError, MaskFault};

/// The files of the mask that was found for a photo, a folder's being all of it; else what is wrong. `expected`: where a mask that is
/// missing should lie.
pub(super) fn truth(
    root: &Path,
    photo: &Path,
    mask: Result<PathBuf, NoMask>,
    expected: String,
) -> Result<(Vec<PathBuf>, Option<MaskFault>), DatasetError> {
    let image = relative(root, photo);
    let fault = match mask {
        Ok(mask) if mask.is_dir() => {
            let files = Listing::read(&mask)?.images;
            if !files.is_empty() {
                return Ok((files, None));
            }
            MaskFault::Missing { image, expected: format!("{}/000.png", relative(root, &mask)) }
        }
        Ok(mask) => return Ok((vec![mask], None)),
        Err(NoMask::Missing) => MaskFault::Missing { image, expected },
        Err(NoMask::Ambiguous(candidates)) => MaskFault::Ambiguous { image, candidates },
        Err(NoMask::Shared(mask, other)) => {
            let expected = format!("{}_mask.png", file_name(photo));
            MaskFault::Shared { image, other: relative(root, &other), mask, expected }
        }
    };
    Ok((Vec::new(), Some(fault)))
}
