//! The machines that an archive is made for, and what each is built with.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

/// For which machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Linux with glibc
    #[value(name = "x86_64-unknown-linux-gnu")]
    LinuxGnu,
    /// Linux, without any library of the system
    #[value(name = "x86_64-unknown-linux-musl")]
    LinuxMusl,
    /// Windows
    #[value(name = "x86_64-pc-windows-gnu")]
    WindowsGnu,
}

/// Photo formats and the CPU's own kernels, on which nothing of Burn is needed.
const WITHOUT_BURN: &str = "bmp,cpu,jpeg,png,tiff,webp";

impl Target {
    /// As the compiler calls it.
    pub fn triple(self) -> &'static str {
        match self {
            Self::LinuxGnu => "x86_64-unknown-linux-gnu",
            Self::LinuxMusl => "x86_64-unknown-linux-musl",
            Self::WindowsGnu => "x86_64-pc-windows-gnu",
        }
    }

    /// The program's cargo features, separated by commas.
    pub fn features(self) -> String {
        match self {
            Self::LinuxGnu => format!("{WITHOUT_BURN},fetch,flex,wgpu"),
            Self::LinuxMusl | Self::WindowsGnu => WITHOUT_BURN.to_owned(),
        }
    }

    /// The program's file.
    pub fn program(self) -> &'static str {
        match self {
            Self::LinuxGnu | Self::LinuxMusl => "patchcore",
            Self::WindowsGnu => "patchcore.exe",
        }
    }

    /// Files with the licences of what the compiler links in that is no crate, by their name in the archive: Rust's standard library,
    /// and the library of C where the program has it in itself.
    pub fn licences_beside(self, sysroot: &Path) -> Vec<(&'static str, PathBuf)> {
        let debians = |package: &str| Path::new("/usr/share/doc").join(package).join("copyright");
        match self {
            Self::LinuxGnu => vec![("rust-library.html", sysroot.join("share/doc/rust/COPYRIGHT-library.html"))],
            Self::LinuxMusl => {
                vec![("rust-library.txt", debians("libstd-rust-web-dev")), ("musl.txt", debians("musl-tools"))]
            }
            Self::WindowsGnu => vec![
                ("rust-library.txt", debians("libstd-rust-web-dev")),
                ("mingw-w64.txt", debians("mingw-w64-x86-64-dev")),
                ("gcc.txt", debians("gcc-mingw-w64-x86-64-posix-runtime")),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_chosen_by_the_compilers_name() {
        for target in Target::value_variants() {
            assert_eq!(Target::from_str(target.triple(), false), Ok(*target));
        }
    }
}
