//! The machine that measures, in words.

/// System, processor where the system says which, and threads.
pub fn machine() -> String {
    let threads = crate::threads::in_force();
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let model = model.map_or(String::new(), |name| format!(", {name}"));
    format!("{} {}{model}, {threads} threads", std::env::consts::OS, std::env::consts::ARCH)
}
