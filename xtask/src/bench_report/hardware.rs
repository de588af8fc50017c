//! What the numbers were measured on and with: one sentence under the table.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::tidy::root;

/// The packages whose versions matter.
const PACKAGES: &str = "onnxruntime faiss-cpu torch anomalib";

const SCRIPT: &str = "
import importlib.metadata as m, platform, sys
def version(name):
    try: return name + ' ' + m.version(name)
    except m.PackageNotFoundError: return 'no ' + name
print(', '.join(['Python ' + platform.python_version()] + [version(name) for name in sys.argv[1:]]))
";

/// Machine, versions and date; none if that is no Python.
pub fn versions(python: &Path) -> Option<String> {
    let peers = output(Command::new(python).arg("-c").arg(SCRIPT).args(PACKAGES.split(' ')))?;
    let rustc = output(Command::new("rustc").arg("--version")).unwrap_or_else(|| "rustc".to_owned());
    let rustc = rustc.split(" (").next().unwrap_or_default().to_owned();
    let date = output(Command::new("date").arg("+%Y-%m-%d")).unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    Some(format!("{}, {threads} virtual processors; {rustc}, {peers}; {date}.", machine()))
}

/// The processor, and whose choice of instructions has no switch: what belongs beside every time.
pub fn machine() -> String {
    let gemm = locked_version("gemm").unwrap_or_default();
    format!("{}; the search's matrix products (gemm {gemm}) take the instructions that they find", processor())
}

/// The processor's name and widest vectors.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = value("flags").unwrap_or_default();
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

    #[test]
    fn the_lock_tells_versions() {
        assert_eq!(locked_version("xtask").unwrap(), env!("CARGO_PKG_VERSION"));
        assert!(locked_version("no-such-package").unwrap_err().to_string().contains("no-such-package"));
    }
}
