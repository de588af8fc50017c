//! What the numbers were measured on and with: one sentence under the table.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::tidy::root;

/// The packages whose versions matter.
const PACKAGES: &str = "onnxruntime openvino faiss-cpu torch anomalib";

const SCRIPT: &str = "
import importlib.metadata as m, platform, sys
def version(name):
    try: return name + ' ' + m.version(name)
    except m.PackageNotFoundError: return 'no ' + name
print(', '.join(['Python ' + platform.python_version()] + [version(name) for name in sys.argv[1:]]))
";

/// Versions of the compiler and the peers; none if that is no Python.
pub fn software(python: &Path) -> Option<String> {
    let peers = output(Command::new(python).arg("-c").arg(SCRIPT).args(PACKAGES.split(' ')))?;
    let rustc = output(Command::new("rustc").arg("--version")).unwrap_or_else(|| "rustc".to_owned());
    let rustc = rustc.split(" (").next().unwrap_or_default().to_owned();
    let gemm = locked_version("gemm").unwrap_or_default();
    Some(format!("{rustc}, gemm {gemm}, {peers}"))
}

/// Today, `YYYY-MM-DD`.
///
/// # Errors
/// No program `date`.
pub fn date() -> anyhow::Result<String> {
    output(Command::new("date").arg("+%Y-%m-%d")).context("there is no program `date`")
}

/// What tells this processor from others in a table: `AMD EPYC (Zen 4)`.
pub fn processor_name() -> String {
    name_in(&cpuinfo())
}

/// Its number of virtual processors, second-level cache and instruction sets.
pub fn processor_facts() -> String {
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let cache = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size").unwrap_or_default();
    let cache = cache.trim().trim_end_matches('K').parse::<usize>();
    let cache = cache.map_or_else(|_| String::new(), |kib| format!(", {kib} KiB of second-level cache each"));
    let sets = sets_in(&cpuinfo());
    let sets = if sets.is_empty() { String::new() } else { format!(", {sets}") };
    format!("{threads} virtual processors{cache}{sets}")
}

fn cpuinfo() -> String {
    std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default()
}

/// The value of the first line with this key.
fn value<'a>(cpuinfo: &'a str, key: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split_once(':').filter(|(name, _)| name.trim() == key);
    cpuinfo.lines().find_map(of).map(|(_, value)| value.trim())
}

/// The model's name without trademarks, clock and number of cores. AMD's servers, and all processors of a host that hides the model's
/// number, are called alike over generations of which one computes twice as fast as another: what the processor itself says of its
/// generation tells those apart. (The kept file of an "Intel Xeon" is older than this rule, so no run writes over it.)
fn name_in(cpuinfo: &str) -> String {
    let name = value(cpuinfo, "model name").unwrap_or(std::env::consts::ARCH).replace("(R)", "").replace("(TM)", "");
    let name = name.split('@').next().unwrap_or_default();
    let counts = |word: &str| word.ends_with("-Core") || matches!(word, "CPU" | "Processor");
    let name = name.split_whitespace().filter(|word| !counts(word)).collect::<Vec<_>>().join(" ");
    let number = |key: &str| value(cpuinfo, key).and_then(|number| number.parse::<u32>().ok());
    let Some(model) = number("cpu family").zip(number("model")) else { return name };
    let is_hidden = !name.contains(|c: char| c.is_ascii_digit());
    let generation = match value(cpuinfo, "vendor_id") {
        Some("AuthenticAMD") => zen(model),
        Some("GenuineIntel") if is_hidden => xeon(model, number("stepping").unwrap_or_default()),
        _ => None,
    };
    match generation {
        Some(generation) => format!("{name} ({generation})"),
        None if is_hidden => format!("{name} (family {} model {})", model.0, model.1),
        None => name,
    }
}

/// AMD's generation of a family and model, as Linux tells them apart (arch/x86/kernel/cpu/amd.c).
fn zen((family, model): (u32, u32)) -> Option<&'static str> {
    match (family, model) {
        (0x17, 0x30..=0x4f | 0x60..=0x7f | 0x90..=0x91 | 0xa0..=0xaf) => Some("Zen 2"),
        (0x17, _) => Some("Zen"),
        (0x19, 0x10..=0x1f | 0x60..=0xaf) => Some("Zen 4"),
        (0x19, _) => Some("Zen 3"),
        (0x1a, _) => Some("Zen 5"),
        _ => None,
    }
}

/// The generation of Intel's servers (Linux, arch/x86/include/asm/intel-family.h); three of them differ in the stepping alone.
fn xeon((family, model): (u32, u32), stepping: u32) -> Option<&'static str> {
    match (family, model, stepping) {
        (6, 0x3f, _) => Some("Haswell"),
        (6, 0x4f, _) => Some("Broadwell"),
        (6, 0x55, 0..=4) => Some("Skylake"),
        (6, 0x55, 5..=7) => Some("Cascade Lake"),
        (6, 0x55, _) => Some("Cooper Lake"),
        (6, 0x6a | 0x6c, _) => Some("Ice Lake"),
        (6, 0x8f, _) => Some("Sapphire Rapids"),
        (6, 0xcf, _) => Some("Emerald Rapids"),
        (6, 0xad | 0xae, _) => Some("Granite Rapids"),
        _ => None,
    }
}

/// The instruction sets that make a difference here, as the system calls them.
fn sets_in(cpuinfo: &str) -> String {
    const SETS: &str = "avx2 avx_vnni avx512f avx512_vnni avx512_bf16 amx_tile asimd asimddp sve";
    let flags = value(cpuinfo, "flags").or_else(|| value(cpuinfo, "Features")).unwrap_or_default();
    SETS.split(' ').filter(|set| flags.split(' ').any(|flag| flag == *set)).collect::<Vec<_>>().join(" ")
}

/// The processor, and what has no switch for its instructions: what belongs beside every time.
pub fn machine() -> String {
    let gemm = locked_version("gemm").unwrap_or_default();
    let products = "the products that find a search index's axes and project a fit's patches";
    format!("{}; {products} (gemm {gemm}) take the instructions that they find", processor())
}

/// The processor's name and widest vectors.
pub fn processor() -> String {
    let text = cpuinfo();
    let name = value(&text, "model name").unwrap_or(std::env::consts::ARCH).to_owned();
    let flags = value(&text, "flags").unwrap_or_default();
    let vectors = ["avx512f", "avx2"].into_iter().find(|wanted| flags.split(' ').any(|flag| flag == *wanted));
    vectors.map_or(name.clone(), |vectors| format!("{name} ({vectors})"))
}

/// The version of a package in Cargo.lock, which our own builds use.
///
/// # Errors
/// A lock that cannot be read, or that does not name the package.
pub fn locked_version(package: &str) -> anyhow::Result<String> {
    let path = root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = lock.split_once(&entry).and_then(|(_, rest)| rest.split_once('"'));
    Ok(version.with_context(|| format!("{} does not name {package}", path.display()))?.0.to_owned())
}

/// What a program prints, if it ends well.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vendor: &str, family: u32, model: u32, name: &str) -> String {
        name_in(&format!("vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {name}\n"))
    }

    #[test]
    fn processors_that_compute_differently_have_different_names() {
        assert_eq!(of("AuthenticAMD", 25, 17, "AMD EPYC"), "AMD EPYC (Zen 4)");
        assert_eq!(of("AuthenticAMD", 26, 2, "AMD EPYC"), "AMD EPYC (Zen 5)");
        assert_eq!(of("AuthenticAMD", 25, 1, "AMD EPYC 7763 64-Core Processor"), "AMD EPYC 7763 (Zen 3)");
        assert_eq!(of("AuthenticAMD", 23, 49, "AMD EPYC 7R32"), "AMD EPYC 7R32 (Zen 2)");
        let xeon = |model| of("GenuineIntel", 6, model, "Intel(R) Xeon(R) Processor @ 2.70GHz");
        let generations = [85, 106, 143, 207].map(xeon);
        let expected = ["Skylake", "Ice Lake", "Sapphire Rapids", "Emerald Rapids"];
        assert_eq!(generations, expected.map(|generation| format!("Intel Xeon ({generation})")));
        assert_eq!(xeon(250), "Intel Xeon (family 6 model 250)");
        assert_eq!(of("AuthenticAMD", 99, 1, "AMD EPYC"), "AMD EPYC (family 99 model 1)");
        let cascade =
            "vendor_id : GenuineIntel\ncpu family : 6\nmodel : 85\nmodel name : Intel(R) Xeon(R) CPU\nstepping : 7\n";
        assert_eq!(name_in(cascade), "Intel Xeon (Cascade Lake)");
        assert_eq!(of("GenuineIntel", 6, 79, "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz"), "Intel Xeon E5-2686 v4");
        assert_eq!(of("GenuineIntel", 6, 158, "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz"), "Intel Core i7-8700");
    }

    #[test]
    fn instruction_sets_are_whole_words_of_the_flags() {
        assert_eq!(sets_in("flags\t\t: fpu avx avx2 avx512_vnni avx512f\n"), "avx2 avx512f avx512_vnni");
        assert_eq!(sets_in("Features\t: fp asimd crc32\n"), "asimd");
        assert_eq!(sets_in(""), "");
    }

    #[test]
    fn the_lock_tells_versions() {
        assert_eq!(locked_version("xtask").unwrap(), env!("CARGO_PKG_VERSION"));
        assert!(locked_version("no-such-package").unwrap_err().to_string().contains("no-such-package"));
    }
}
