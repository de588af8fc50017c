//! Memory in use on the machine's graphics cards, where the system or NVIDIA's own program says so.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long `nvidia-smi` may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes in use on all cards together; `None` where nobody says.
pub fn used() -> Option<u64> {
    match (of_amd(), of_nvidia()) {
        (None, None) => None,
        (amd, nvidia) => Some(amd.unwrap_or(0) + nvidia.unwrap_or(0)),
    }
}

/// What AMD's kernel driver tells in /sys.
fn of_amd() -> Option<u64> {
    let cards = fs::read_dir("/sys/class/drm").ok()?.flatten();
    let used = cards.filter_map(|card| fs::read_to_string(card.path().join("device/mem_info_vram_used")).ok());
    let used: Vec<u64> = used.filter_map(|text| text.trim().parse().ok()).collect();
    (!used.is_empty()).then(|| used.iter().sum())
}

/// What `nvidia-smi` tells, which comes with the driver.
fn of_nvidia() -> Option<u64> {
    if !std::path::Path::new("/proc/driver/nvidia/version").exists() {
        return None;
    }
    let mut program = Command::new("nvidia-smi");
    program.args(["--query-gpu=memory.used", "--format=csv,noheader,nounits"]);
    let mut child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    // With a card that has fallen off the bus it may never answer.
    let started = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    mebibytes(&String::from_utf8_lossy(&child.wait_with_output().ok()?.stdout))
}

/// The sum of lines of MiB.
fn mebibytes(text: &str) -> Option<u64> {
    let lines: Option<Vec<u64>> = text.lines().map(|line| line.trim().parse().ok()).collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.iter().sum::<u64>() << 20)
}

/// The most memory that this process has had, in bytes, where the system says so.
pub fn most_of_this_process() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_added_up_and_other_words_are_nothing() {
        assert_eq!(mebibytes("512\n1024\n"), Some(1536 << 20));
        assert_eq!(mebibytes("[N/A]\n"), None);
        assert_eq!(mebibytes(""), None);
        #[cfg(target_os = "linux")]
        assert!(most_of_this_process().is_some_and(|bytes| bytes > 1 << 20));
    }
}
