//! What a backend's words say of a failure.
//!
//! Burn hands errors of a device on as text, and some as a panic. What follows stands in the sources of cubecl 0.11.3
//! (cubecl-runtime `server/base.rs`, cubecl-wgpu `compute/device_poison.rs`, cubecl-cuda `storage/gpu.rs`), of wgpu 30 and of the
//! drivers' own error codes.

/// Kinds of failures that a caller does something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The device had no memory left: less at once may fit.
    OutOfMemory,
    /// The device is gone; whatever is asked of it fails.
    Lost,
    /// Anything else.
    Other,
}

/// Words, in small letters, of a device that is gone.
const LOST: [&str; 9] = [
    "device is poisoned",
    "device was poisoned",
    "device lost",
    "device was lost",
    "device is lost",
    "device_lost",
    "cuda_error_illegal_address",
    "cuda_error_context_is_destroyed",
    "hiperrorillegaladdress",
];

/// Words, in small letters, of memory that is not there.
const OUT_OF_MEMORY: [&str; 8] = [
    "out of memory",
    "out-of-memory",
    "out of device memory",
    "out_of_memory",
    "out_of_device_memory",
    "outofmemory",
    "every page size the memory tracks still holds live allocations",
    "couldn't map storage for a deferred allocation",
];

impl Failure {
    /// The kind of failure that these words are of. A device that is gone says so first, whatever else failed by it.
    pub(super) fn of(message: &str) -> Self {
        let message = message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match () {
            () if says(&LOST) => Self::Lost,
            () if says(&OUT_OF_MEMORY) => Self::OutOfMemory,
            () => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words as the sources have them.
    #[test]
    fn the_backends_words_are_known() {
        for words in [
            "out of device memory allocating 1073741824 bytes\n<backtrace>",
            "An out-of-memory error happened during launch\nCaused by:\n  pool",
            "wgpu error: Out of Memory",
            "CUDA allocation error: DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            "ERROR_OUT_OF_DEVICE_MEMORY",
        ] {
            assert_eq!(Failure::of(words), Failure::OutOfMemory, "{words}");
        }
        for words in [
            "The device is poisoned: Destroyed: Device was destroyed",
            "The device was poisoned during launch\nCaused by:\n  out of memory",
            "ERROR_DEVICE_LOST",
            "wgpu error: Parent device is lost",
        ] {
            assert_eq!(Failure::of(words), Failure::Lost, "{words}");
        }
        for words in ["A compilation error happened during launch", "", "the memory of the model"] {
            assert_eq!(Failure::of(words), Failure::Other, "{words}");
        }
    }
}
