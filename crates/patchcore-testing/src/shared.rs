//! Looks a path up in the shared folder: found, absent, or absent although it is required.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the shared folder.
const FOLDER: &str = "PATCHCORE_SHARED";
/// `1` makes an absent folder or file a failure.
const REQUIRE: &str = "PATCHCORE_REQUIRE_SHARED";
/// The workspace's root, from this package.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// torchvision's ResNet-18 (IMAGENET1K_V1) up to layer3, as ONNX, in the shared folder.
pub const RESNET18: &str = "weights/resnet18-imagenet1k-v1-trunk.onnx";

/// Something of the shared folder is absent, and was required.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{REQUIRE} requires {}, which does not exist: put the shared folder beside the repository, name it in {FOLDER}, or unset {REQUIRE} to skip what needs it",
    path.display()
)]
pub struct SharedMissing {
    /// The file or folder that was looked for.
    pub path: PathBuf,
}

/// A path in the shared folder (the folder itself for `""`); `None` if it does not exist.
///
/// # Errors
/// [`SharedMissing`] if it does not exist and `PATCHCORE_REQUIRE_SHARED=1`.
pub fn find_shared(path: &str) -> Result<Option<PathBuf>, SharedMissing> {
    Environment::read().find(path)
}

/// A path in the shared folder for a test, which ends where there is `None`: `skipped: ...` has been printed.
///
/// # Panics
/// If the path does not exist and `PATCHCORE_REQUIRE_SHARED=1`.
#[track_caller]
pub fn shared(path: &str) -> Option<PathBuf> {
    or_skip(Environment::read().find(path), path)
}

/// [`RESNET18`] for a test, as [`shared`] finds it.
///
/// # Panics
/// As [`shared`].
#[track_caller]
pub fn resnet18() -> Option<PathBuf> {
    shared(RESNET18)
}

#[expect(clippy::panic, reason = "a test that cannot run must fail")]
#[track_caller]
fn or_skip(found: Result<Option<PathBuf>, SharedMissing>, path: &str) -> Option<PathBuf> {
    match found {
        Ok(None) => {
            println!("skipped: no ../shared/{path} (see {FOLDER})");
            None
        }
        Ok(found) => found,
        Err(missing) => panic!("{missing}"),
    }
}

/// What the environment says of the shared folder.
struct Environment {
    folder: Option<OsString>,
    require: Option<OsString>,
}

impl Environment {
    fn read() -> Self {
        let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self { folder: value(FOLDER), require: value(REQUIRE) }
    }

    fn find(&self, path: &str) -> Result<Option<PathBuf>, SharedMissing> {
        let folder = Path::new(ROOT).join(self.folder.as_deref().unwrap_or("../shared".as_ref()));
        let path = if path.is_empty() { folder } else { folder.join(path) };
        if path.exists() {
            return Ok(Some(path));
        }
        let required = self.require.as_deref().is_some_and(|value| value != "0");
        if required { Err(SharedMissing { path }) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(folder: &Path, require: Option<&str>) -> Environment {
        Environment { folder: Some(folder.into()), require: require.map(OsString::from) }
    }

    #[test]
    fn what_is_there_is_found_whether_required_or_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("golden")).unwrap();
        for require in [None, Some("1")] {
            let environment = environment(folder.path(), require);
            assert_eq!(environment.find("").unwrap().as_deref(), Some(folder.path()));
            assert_eq!(environment.find("golden").unwrap(), Some(folder.path().join("golden")));
        }
    }

    #[test]
    fn what_is_absent_is_skipped_unless_required() {
        let folder = tempfile::tempdir().unwrap();
        for (folder, path) in [(folder.path(), "golden/normal.safetensors"), (&folder.path().join("gone"), "")] {
            for require in [None, Some("0")] {
                let found = environment(folder, require).find(path);
                assert_eq!(or_skip(found, path), None);
            }
            let missing = environment(folder, Some("1")).find(path).unwrap_err();
            assert!(missing.path.starts_with(folder), "{missing}");
            for said in
                [missing.path.display().to_string(), "PATCHCORE_REQUIRE_SHARED".into(), "PATCHCORE_SHARED".into()]
            {
                assert!(missing.to_string().contains(&said), "{missing}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "normal.safetensors, which does not exist")]
    fn a_test_that_must_run_fails_where_its_file_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = "golden/normal.safetensors";
        or_skip(environment(folder.path(), Some("1")).find(path), path);
    }

    #[test]
    fn a_relative_folder_counts_from_the_workspaces_root() {
        let found = environment(Path::new("crates"), Some("1")).find("patchcore-testing/Cargo.toml").unwrap().unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(found.canonicalize().unwrap(), own.canonicalize().unwrap());
    }
}
