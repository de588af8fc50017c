//! How much a thread's own cache holds, which decides how large the pieces are that work is cut into.
//!
//! The size is read, not assumed: processors of today have between 256 KiB and 3 MiB of second-level cache a core. No
//! result depends on it; the tests of what is cut by it force several sizes and compare bit for bit.

use gemm_common::cache::CACHE_INFO;

/// Least size that is believed: no processor that is fast enough for this program has less.
const LEAST: usize = 256 * 1024;
/// Largest size that is used: beyond it, it is most likely a cache that several cores share.
const MOST: usize = 4 * 1024 * 1024;

/// Bytes of second-level cache for one thread: where threads share a cache, their part of it.
///
/// The answer is that of the crate `gemm`, which cuts its matrices by it: what Linux, macOS or the processor itself says, or, where
/// nothing is known, 256 KiB (x86-64) and 512 KiB (others). A container sees its host's caches. It is asked for once a
/// process.
pub(crate) fn second_level_bytes() -> usize {
    let [_, second, _] = &*CACHE_INFO;
    second.cache_bytes.clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_between_the_bounds_and_always_the_same() {
        let size = second_level_bytes();
        assert!((LEAST..=MOST).contains(&size), "{size}");
        assert_eq!(size, second_level_bytes());
    }

    /// The kernel says it in words of its own: `1024K`, for the processors of `shared_cpu_list`.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_size_is_that_of_the_kernel_where_it_says_one() {
        let read = |name: &str| std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index2/{name}"));
        let (Ok(level), Ok(size), Ok(shared)) = (read("level"), read("size"), read("shared_cpu_list")) else { return };
        // Hybrid processors have several sizes, and caches that many cores share: those are left to the bounds.
        let (Some(kilobytes), Ok(_)) = (size.trim().strip_suffix('K'), shared.trim().parse::<usize>()) else { return };
        if level.trim() == "2" && is_uniform(&size) {
            let expected = kilobytes.parse::<usize>().unwrap() * 1024;
            assert_eq!(second_level_bytes(), expected.clamp(LEAST, MOST));
        }
    }

    #[cfg(target_os = "linux")]
    fn is_uniform(size: &str) -> bool {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..processors).all(|cpu| {
            let path = format!("/sys/devices/system/cpu/cpu{cpu}/cache/index2/size");
            std::fs::read_to_string(path).is_ok_and(|other| other == size)
        })
    }
}
