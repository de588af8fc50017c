//! The memory that a process may still take here, where the system says so.

use std::path::Path;

use patchcore::{Error, FitPlan};

/// Refuses a fit that may need more than `--max-memory` MiB; without that option, more than is free, where the system says so.
///
/// # Errors
/// [`Error::TooMuchMemory`].
pub fn check_memory(plan: &FitPlan, max_memory: Option<u64>) -> Result<(), Error> {
    let allowed = max_memory.map(|mib| mib.saturating_mul(1 << 20)).or_else(free_memory);
    allowed.map_or(Ok(()), |allowed| plan.check_within(allowed))
}

/// Bytes that are free, or that caches of files would make free; under Linux the least of what the machine and each control group
/// above this process have. `None` where that is not known.
fn free_memory() -> Option<u64> {
    let machine = of_machine(&read("/proc/meminfo")?)?;
    let groups = read("/proc/self/cgroup").and_then(|groups| of_groups(&groups, Path::new("/sys/fs/cgroup")));
    Some(groups.map_or(machine, |group| group.min(machine)))
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// `MemAvailable` of `/proc/meminfo`.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control groups (version 2) of a process leave it, from its own up; `None` without a limit.
fn of_groups(groups: &str, mount: &Path) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = mount.join(own);
    let number = |folder: &Path, file: &str| read(folder.join(file))?.trim().parse::<u64>().ok();
    let left = |folder: &Path| {
        let limit = number(folder, "memory.max")?;
        let stat = read(folder.join("memory.stat")).unwrap_or_default();
        let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
        let cached: u64 = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
        let used = number(folder, "memory.current")?.saturating_sub(cached);
        Some(limit.saturating_sub(used))
    };
    folder.ancestors().take_while(|folder| folder.starts_with(mount)).filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_is_available() {
        assert_eq!(of_machine("MemTotal:  9 kB\nMemAvailable:   123 kB\nCached: 7 kB\n"), Some(123 * 1024));
        assert_eq!(of_machine("MemTotal:  9 kB\n"), None);
    }

    #[test]
    fn the_narrowest_group_counts_and_its_cache_does_not() {
        let mount = tempfile::tempdir().unwrap();
        let inner = mount.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        assert_eq!(of_groups("0::/a/b\n", mount.path()), None);
        let write = |folder: &Path, file: &str, text: &str| std::fs::write(folder.join(file), text).unwrap();
        write(&mount.path().join("a"), "memory.max", "1000\n");
        write(&mount.path().join("a"), "memory.current", "400\n");
        write(&mount.path().join("a"), "memory.stat", "anon 1\ninactive_file 100\n");
        assert_eq!(of_groups("0::/a/b\n", mount.path()), Some(700));
        write(&inner, "memory.max", "max\n");
        write(&inner, "memory.current", "5\n");
        assert_eq!(of_groups("0::/a/b\n", mount.path()), Some(700));
        write(&inner, "memory.max", "600\n");
        assert_eq!(of_groups("4:cpu:/\n0::/a/b\n", mount.path()), Some(595));
    }
}
