//! What is known of a device's hardware and driver.

use serde::{Deserialize, Serialize};

/// A device as it describes itself. What a driver does not tell is empty or `None`, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceProperties {
    /// The hardware's own name (`NVIDIA RTX A4000`).
    pub hardware: String,
    /// Name and version of the driver, as far as the graphics API tells.
    pub driver: String,
    /// Bytes that the device may be asked to hold.
    pub memory_bytes: Option<u64>,
    /// Bytes of the largest single allocation.
    pub largest_allocation: Option<u64>,
    /// A CPU that poses as a GPU (SwiftShader, lavapipe, WARP).
    pub is_software: bool,
}

impl DeviceProperties {
    /// Bytes that one batch may use: half of the device's memory, and no tensor above its largest allocation. A device
    /// that tells nothing gets 1 GiB.
    pub fn batch_budget(&self) -> u64 {
        let half = self.memory_bytes.map_or(1 << 30, |bytes| bytes / 2);
        self.largest_allocation.map_or(half, |bytes| half.min(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_in_memory_and_in_one_allocation() {
        let of = |memory_bytes, largest_allocation| {
            DeviceProperties { memory_bytes, largest_allocation, ..DeviceProperties::default() }.batch_budget()
        };
        assert_eq!(of(None, None), 1 << 30);
        assert_eq!(of(Some(8 << 30), Some(1 << 30)), 1 << 30);
        assert_eq!(of(Some(1 << 30), Some(4 << 30)), 1 << 29);
    }
}
