//! What a program wants of the machine that it runs on, read from the program itself: the newest version of glibc that one of its
//! symbols asks for, or the DLLs of Windows.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, bail, ensure};
use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, FileKind, Object as _};
use serde::{Deserialize, Serialize};

/// What a program wants of its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Linux with glibc of this version or a later one.
    Glibc(String),
    /// Linux, whatever its libraries are.
    NoLibrary,
    /// Windows with these DLLs.
    Dlls(BTreeSet<String>),
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glibc(version) => write!(f, "Linux with glibc {version} or later"),
            Self::NoLibrary => write!(f, "Linux, no library of it"),
            Self::Dlls(names) => write!(f, "Windows with {}", names.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}

/// DLLs of the compiler, which no Windows has.
const COMPILERS: [&str; 4] = ["libgcc", "libstdc++", "libwinpthread", "libunwind"];

/// Reads what `program` needs.
///
/// # Errors
/// A file that is no program for 64 bits, or one for Windows that needs a DLL of the compiler.
pub fn needs(program: &[u8]) -> anyhow::Result<Needs> {
    match FileKind::parse(program).context("this is no program")? {
        FileKind::Elf64 => needs_of_elf(program),
        FileKind::Pe64 => {
            let file = object::File::parse(program)?;
            let names = file.imports()?.map(|import| Ok(String::from_utf8_lossy(import?.library()).to_lowercase()));
            let names: BTreeSet<String> = names.collect::<anyhow::Result<_>>()?;
            let missing = names.iter().find(|name| COMPILERS.iter().any(|compilers| name.starts_with(compilers)));
            ensure!(missing.is_none(), "the program needs {missing:?}, which no Windows has: link it in");
            Ok(Needs::Dlls(names))
        }
        other => bail!("expected a program for Linux or Windows with 64 bits, found {other:?}"),
    }
}

fn needs_of_elf(program: &[u8]) -> anyhow::Result<Needs> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    if !header.program_headers(endian, program)?.iter().any(|part| part.p_type(endian) == PT_INTERP) {
        return Ok(Needs::NoLibrary);
    }
    let file = ElfFile64::<Endianness>::parse(program)?;
    let sections = file.elf_section_table();
    let mut newest: Option<String> = None;
    if let Some((mut libraries, strings)) = sections.gnu_verneed(endian, program)? {
        let strings = sections.strings(endian, program, strings)?;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
                let Some(version) = name.strip_prefix("GLIBC_") else { continue };
                if newest.as_deref().is_none_or(|newest| by_number(version, newest) == Ordering::Greater) {
                    newest = Some(version.to_owned());
                }
            }
        }
    }
    Ok(Needs::Glibc(
        newest.context("the program is linked to libraries, and none of its symbols has a version of glibc")?,
    ))
}

/// 2.9 before 2.17.
fn by_number(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| version.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(by_number("2.9", "2.17"), Ordering::Less);
        assert_eq!(by_number("2.17", "2.17"), Ordering::Equal);
        assert_eq!(by_number("2.2.5", "2.2"), Ordering::Greater);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn this_very_test_needs_a_glibc() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let Needs::Glibc(version) = needs(&program).unwrap() else { panic!("no glibc") };
        assert_ne!(by_number(&version, "2.2"), Ordering::Less, "{version}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(needs(b"#!/bin/sh\n").unwrap_err().to_string().contains("no program"));
    }
}
