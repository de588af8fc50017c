//! Holds the size in a picture's header against the limits, before anything is allocated.

use crate::{ImageError, Limits};

/// Refuses a picture whose header claims more than `limits`.
pub(crate) fn check_limits(
    name: &str,
    (width, height): (u32, u32),
    needed: u64,
    limits: &Limits,
) -> Result<(), ImageError> {
    let name = || name.to_owned();
    let Limits { max_width, max_height, max_alloc_bytes: limit } = *limits;
    if width > max_width || height > max_height {
        return Err(ImageError::TooLarge { name: name(), width, height, max_width, max_height });
    }
    if width == 0 || height == 0 {
        return Err(ImageError::NoPixels { name: name(), width, height });
    }
    if needed > limit {
        return Err(ImageError::TooMuchMemory { name: name(), needed, limit });
    }
    Ok(())
}
