//! How much a thread's own cache holds, which decides how large the pieces are that work is cut into.
//!
//! The size is read, not assumed: processors of today have between 256 KiB and 3 MiB of second-level cache a core. No
//! result depends on it; the tests of what is cut by it force several sizes and compare bit for bit.

use std::path::Path;
use std::sync::OnceLock;

use gemm_common::cache::CACHE_INFO;

/// Least size that is believed: no processor that is fast enough for this program has less.
const LEAST: usize = 256 * 1024;
/// Largest size that is used: beyond it, it is most likely a cache that several cores share.
const MOST: usize = 4 * 1024 * 1024;

/// What is assumed where the caches cannot be read.
const ASSUMED: usize = 512 * 1024;

/// Whether the crate `gemm` can read the caches of this machine. It stops the program where the kernel of Linux lists a fourth level
/// (Intel's processors with a memory chip beside them, of 2013 to 2018), or a cache that belongs to no processor.
pub(crate) fn are_read_by_gemm() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| !cfg!(target_os = "linux") || have_three_levels(Path::new("/sys/devices/system/cpu")))
}

/// Whether the caches that are listed in that folder are what `gemm` expects; of what cannot be read it asks elsewhere.
fn have_three_levels(processors: &Path) -> bool {
    let folders = |folder: &Path, name: &'static str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(move |entry| entry.file_name().to_string_lossy().starts_with(name)).map(|entry| entry.path())
    };
    folders(processors, "cpu").flat_map(|processor| folders(&processor.join("cache"), "index")).all(|cache| {
        let said = |name: &str| std::fs::read_to_string(cache.join(name)).ok();
        let level = said("level").and_then(|level| level.trim().parse::<usize>().ok()).unwrap_or(0);
        level <= 3 && (level == 0 || said("shared_cpu_list").is_some())
    })
}

/// Bytes of second-level cache for one thread: where threads share a cache, their part of it.
///
/// The answer is that of the crate `gemm`, which cuts its matrices by it: what Linux, macOS or the processor itself says, or, where
/// nothing is known, 256 KiB (x86-64) and 512 KiB (others). A container sees its host's caches. It is asked for once a
/// process.
pub(crate) fn second_level_bytes() -> usize {
    if !are_read_by_gemm() {
        return ASSUMED;
    }
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

    #[test]
    #[cfg(target_os = "linux")]
    fn a_fourth_level_is_seen_before_gemm_looks() {
        let folder = std::env::temp_dir().join(format!("patchcore-caches-{}", std::process::id()));
        let cache = |cpu: usize, index: usize, level: &str, shared: Option<&str>| {
            let folder = folder.join(format!("cpu{cpu}/cache/index{index}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("level"), level).unwrap();
            if let Some(shared) = shared {
                std::fs::write(folder.join("shared_cpu_list"), shared).unwrap();
            }
        };
        assert!(have_three_levels(&folder), "nothing is listed: it is asked for elsewhere");
        (0..3).for_each(|level| cache(0, level, &format!("{}\n", level + 1), Some("0-1\n")));
        assert!(have_three_levels(&folder));
        cache(1, 0, "1\n", None);
        assert!(!have_three_levels(&folder), "of no processor: its bytes would be divided by nothing");
        cache(1, 0, "1\n", Some("1\n"));
        assert!(have_three_levels(&folder));
        cache(1, 4, "4\n", Some("0-1\n"));
        assert!(!have_three_levels(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
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
