//! Archives `.tar.gz` whose bytes depend on nothing but the files' names and contents and the time that is given, and the file SHA256SUMS.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use patchcore_fetch::sha256_hex;
use tar::{Archive, Builder, EntryType, Header};

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub is_program: bool,
}

/// The files by their paths inside of the archive, with forward slashes.
pub type Files = BTreeMap<String, File>;

/// Packs `files` below one folder `top`, sorted, without owner, all of one time: seconds since 1970.
///
/// # Errors
/// A path that is too long for an archive.
pub fn pack(top: &str, files: &Files, time: u64) -> anyhow::Result<Vec<u8>> {
    // Neither a name nor a time nor a system in the head.
    let gzip = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    for (name, file) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(if file.is_program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        header.set_size(u64::try_from(file.bytes.len())?);
        archive.append_data(&mut header, format!("{top}/{name}"), file.bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// Unpacks an archive into `folder`.
///
/// # Errors
/// Bytes that are no such archive, or a folder that cannot be written.
pub fn unpack(archive: &[u8], folder: &Path) -> anyhow::Result<()> {
    Archive::new(GzDecoder::new(archive)).unpack(folder).context("this is no archive .tar.gz")
}

/// Writes beside `archive` the line of it into SHA256SUMS; lines of other archives that are still there stay.
///
/// # Errors
/// A file that cannot be read or written.
pub fn write_sum(archive: &Path) -> anyhow::Result<()> {
    let sums = archive.with_file_name("SHA256SUMS");
    let mut lines = if sums.exists() { parse_sums(&fs::read_to_string(&sums)?)? } else { BTreeMap::new() };
    lines.retain(|name, _| archive.with_file_name(name).exists());
    lines.insert(file_name(archive)?, sha256_hex(&fs::read(archive)?));
    let mut file = fs::File::create(&sums).with_context(|| format!("cannot write {}", sums.display()))?;
    for (name, digest) in lines {
        writeln!(file, "{digest}  {name}")?;
    }
    Ok(())
}

/// Compares `archive` with its line of SHA256SUMS beside it.
///
/// # Errors
/// No such file, no such line, or another digest.
pub fn check_sum(archive: &Path) -> anyhow::Result<()> {
    let sums = archive.with_file_name("SHA256SUMS");
    let text = fs::read_to_string(&sums).with_context(|| format!("cannot read {}", sums.display()))?;
    let name = file_name(archive)?;
    let stated =
        parse_sums(&text)?.remove(&name).with_context(|| format!("{} has no line for {name}", sums.display()))?;
    let found = sha256_hex(&fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?);
    ensure!(
        stated == found,
        "{name} has the SHA-256 {found}, expected {stated}: it is damaged or another one; get it again"
    );
    Ok(())
}

fn file_name(path: &Path) -> anyhow::Result<String> {
    Ok(path.file_name().with_context(|| format!("{} names no file", path.display()))?.to_string_lossy().into_owned())
}

/// Digests by name.
fn parse_sums(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let parse = |line: &str| {
        let (digest, name) = line.split_once("  ")?;
        (digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| (name.to_owned(), digest.to_owned()))
    };
    text.lines().map(|line| parse(line).with_context(|| format!("not a line of SHA256SUMS: `{line}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_files() -> Files {
        let file = |bytes: &[u8], is_program| File { bytes: bytes.to_vec(), is_program };
        Files::from([
            ("patchcore".to_owned(), file(b"\x7fELF", true)),
            ("man/patchcore.1".to_owned(), file(b".TH patchcore 1", false)),
        ])
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_back() {
        let packed = pack("patchcore-0.1.0", &some_files(), 1_700_000_000).unwrap();
        assert_eq!(packed, pack("patchcore-0.1.0", &some_files(), 1_700_000_000).unwrap());
        let folder = tempfile::tempdir().unwrap();
        unpack(&packed, folder.path()).unwrap();
        let top = folder.path().join("patchcore-0.1.0");
        for (name, file) in some_files() {
            assert_eq!(fs::read(top.join(&name)).unwrap(), file.bytes, "{name}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = fs::metadata(top.join(&name)).unwrap().permissions().mode();
                assert_eq!(mode & 0o111 != 0, file.is_program, "{name}");
            }
        }
    }

    #[test]
    fn a_changed_archive_does_not_pass_its_sum() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, gone] = ["one.tar.gz", "other.tar.gz", "gone.tar.gz"].map(|name| folder.path().join(name));
        for path in [&gone, &one, &other] {
            fs::write(path, path.to_string_lossy().as_bytes()).unwrap();
            write_sum(path).unwrap();
        }
        fs::remove_file(&gone).unwrap();
        write_sum(&one).unwrap();
        check_sum(&one).unwrap();
        check_sum(&other).unwrap();
        let sums = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
        assert!(sums.lines().count() == 2 && !sums.contains("gone"), "{sums}");
        fs::write(&other, b"another").unwrap();
        let error = check_sum(&other).unwrap_err().to_string();
        assert!(error.contains("other.tar.gz") && error.contains(&sha256_hex(b"another")), "{error}");
    }

    #[test]
    fn what_is_no_line_is_named() {
        assert!(parse_sums("abc  file\n").unwrap_err().to_string().contains("abc"));
    }
}
