//! Builds the program for a target, so that it runs on as many machines as can be reached from here and names none of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use super::target::Target;
use crate::child::output_of;
use crate::release_build::{cargo, target as target_folder};
use crate::tidy::root;

/// The oldest glibc for which the standard library of Rust is built.
const OLDEST_GLIBC: &str = "2.17";

/// Debian's compiler, whose packages have the standard library's source for the targets that rustup's toolchain here lacks.
const OTHER_COMPILER: &str = "/usr/bin/rustc";

/// Mingw's compiler with threads as POSIX has them, which links programs for Windows.
const MINGW: &str = "x86_64-w64-mingw32-gcc-posix";

/// A program that was built.
pub struct Built {
    /// Its file.
    pub path: PathBuf,
    /// The compiler, as it names itself.
    pub compiler: String,
    /// Where the compiler keeps its files.
    pub sysroot: PathBuf,
}

/// Builds it.
///
/// # Errors
/// What a target needs is not installed, or the build fails.
pub fn build(target: Target, features: &str, profile: &str) -> anyhow::Result<Built> {
    let folder = target_folder().join("dist-build");
    let zig = has("zig", &["version"]) || has("python3", &["-m", "ziglang", "version"]);
    let zig = zig && has("cargo-zigbuild", &["--version"]);
    let mut cargo = cargo();
    match target {
        Target::LinuxGnu if zig => {
            cargo.args(["zigbuild", "--target", &format!("{}.{OLDEST_GLIBC}", target.triple())]);
        }
        Target::LinuxGnu => {
            println!("linked to the glibc of this machine; for an older one: pip install cargo-zigbuild ziglang");
            cargo.args(["build", "--target", target.triple()]);
        }
        Target::LinuxMusl => {
            ensure!(zig, "musl is linked by zig: pip install cargo-zigbuild ziglang");
            cargo.args(["zigbuild", "--target", target.triple(), "-Zbuild-std=std,panic_unwind"]);
        }
        Target::WindowsGnu => {
            ensure!(has(MINGW, &["--version"]), "no {MINGW}: `apt-get install gcc-mingw-w64-x86-64-posix`");
            cargo.args(["build", "--target", target.triple(), "-Zbuild-std=std,panic_unwind"]);
            cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", MINGW);
        }
    }
    let is_other = target != Target::LinuxGnu;
    let compiler = if is_other { OTHER_COMPILER } else { "rustc" };
    if is_other {
        ensure!(
            has(compiler, &["--version"]),
            "no {compiler}: `.ci/targets` installs it with the standard library's source"
        );
        cargo.env("RUSTC", compiler).env("RUSTC_BOOTSTRAP", "1");
    }
    let sysroot = PathBuf::from(output_of(Command::new(compiler).args(["--print", "sysroot"]))?.trim());

    cargo.args([
        "--locked",
        "--package",
        "patchcore-cli",
        "--profile",
        profile,
        "--no-default-features",
        "--features",
        features,
    ]);
    cargo.env("CARGO_TARGET_DIR", &folder).env("CARGO_INCREMENTAL", "0").current_dir(root());
    let mut flags = flags(&sysroot)?;
    if target == Target::LinuxMusl {
        // The compiler has no files of musl to begin and end a program with; zig has.
        flags.push("-Clink-self-contained=no".to_owned());
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env_remove("RUSTFLAGS");
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(status.success(), "{cargo:?} failed");

    // Cargo's own name for the folder of its profile `dev`.
    let of_profile = if profile == "dev" { "debug" } else { profile };
    let path = folder.join(target.triple()).join(of_profile).join(target.program());
    Ok(Built { path, compiler: output_of(Command::new(compiler).arg("--version"))?.trim().to_owned(), sysroot })
}

/// Whether a program is there and says so.
fn has(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Flags of the compiler by which a panic's place begins with a word instead of a folder of this machine.
fn flags(sysroot: &Path) -> anyhow::Result<Vec<String>> {
    let library = sysroot.join("lib/rustlib/src/rust");
    let mut folders = vec![(root(), "patchcore"), (registry()?, "crates"), (library.clone(), "rust")];
    folders.extend(library.canonicalize().ok().map(|library| (library, "rust")));
    Ok(folders.iter().map(|(folder, word)| format!("--remap-path-prefix={}={word}", folder.display())).collect())
}

/// Where cargo unpacks crates.
fn registry() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    Ok(home.context("no CARGO_HOME, and no home folder")?.join("registry/src"))
}

/// The first folder of this machine that stands in a program: a build's, cargo's or the user's own.
///
/// # Errors
/// There is one.
pub fn names_no_folder(program: &[u8]) -> anyhow::Result<()> {
    let folders = [Some(root()), registry().ok(), Some(target_folder()), std::env::home_dir()];
    for folder in folders.into_iter().flatten().filter(|folder| folder.components().count() > 1) {
        let text = folder.display().to_string() + "/";
        if let Some(found) = printable_around(program, text.as_bytes()) {
            bail!("a folder of this machine stands in the program: `{found}`");
        }
    }
    Ok(())
}

/// The first place of `text` in `program`, with the printable characters that follow it.
fn printable_around(program: &[u8], text: &[u8]) -> Option<String> {
    let start = program.windows(text.len()).position(|window| window == text)?;
    let printable = program.iter().skip(start).take(120).take_while(|byte| byte.is_ascii_graphic());
    Some(printable.map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_in_a_program_is_found_and_named() {
        names_no_folder(b"\x7fELF\0crates/clap-4.6.9/src/lib.rs\0").unwrap();
        let path = root().join("crates/patchcore/src/lib.rs").display().to_string();
        let error = names_no_folder(format!("\x7fELF\0{path}\0rest").as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&path) && !error.contains("rest"), "{error}");
    }

    #[test]
    fn every_folder_that_sources_lie_in_gets_a_word() {
        let flags = flags(Path::new("/no/sysroot")).unwrap();
        assert!(flags.iter().any(|flag| flag.ends_with("=patchcore")), "{flags:?}");
        assert!(flags.contains(&"--remap-path-prefix=/no/sysroot/lib/rustlib/src/rust=rust".to_owned()), "{flags:?}");
    }
}
