//! What is known of a device, kept in a file of the cache folder.

use std::path::{Path, PathBuf};

use patchcore_core::ComputeDevice;
use patchcore_core::device::{DeviceProperties, Precision, burn_build};
use sha2::{Digest, Sha256};

use super::verdict::Verdict;
use crate::write_file::write_beside_and_rename;

/// Characters of a record's file name that can be read: no file system takes more than 255 in all.
const READABLE: usize = 180;

/// A file that holds a verdict.
pub(super) struct Record(PathBuf);

impl Record {
    /// By everything that can change a result.
    pub(super) fn of_device(device: &ComputeDevice) -> Option<Self> {
        let DeviceProperties { hardware, driver, .. } = device.properties();
        Self::named(&device.name(), device.precision(), &format!("{hardware} {driver}"))
    }

    /// By everything that can change a result of a network of that name.
    pub(super) fn of_network(device: &ComputeDevice, network: &str) -> Option<Self> {
        let DeviceProperties { hardware, driver, .. } = device.properties();
        Self::named(&device.name(), device.precision(), &format!("{hardware} {driver} {network}"))
    }

    /// By name alone.
    pub(super) fn of_name(name: &str, precision: Precision) -> Option<Self> {
        Self::named(name, precision, "proved")
    }

    fn named(device: &str, precision: Precision, what: &str) -> Option<Self> {
        let (version, burn, build, precision) = (env!("CARGO_PKG_VERSION"), burn_build(), build(), precision.name());
        let name = format!("{device} {precision} {what} patchcore {version} burn {burn} {build}");
        let folder = patchcore_weights::weights_dir()?.join("devices");
        Some(Self(folder.join(Self::file_name(&name))))
    }

    /// What a file may be called everywhere: the beginning of the name, to be read, and a digest of the whole, which
    /// tells names apart whose difference lies further back or in characters that no file name has.
    fn file_name(name: &str) -> String {
        let digest: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digest}.json", Self::readable(name))
    }

    fn readable(name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
        name.chars().map(plain).take(READABLE).collect()
    }

    pub(super) fn read(&self) -> Option<Verdict> {
        // What cannot be read or understood counts as never checked.
        serde_json::from_slice(&std::fs::read(&self.0).ok()?).ok()
    }

    pub(super) fn write(&self, verdict: &Verdict) {
        // A verdict that cannot be kept is computed again.
        let folder = self.0.parent().map(std::fs::create_dir_all);
        if let (Some(Ok(())), Ok(json)) = (folder, serde_json::to_vec_pretty(verdict)) {
            let _ = write_beside_and_rename(&self.0, &json);
        }
    }

    /// Removes what is known.
    pub(super) fn remove(&self) {
        let _ = std::fs::remove_file(&self.0);
    }

    /// Removes every verdict on a device in a precision.
    pub(super) fn remove_all(name: &str, precision: Precision) {
        let by_name = Record::of_name(name, precision);
        let folder = by_name.as_ref().and_then(|record| record.0.parent()).map(Path::to_owned);
        let prefix = Record::readable(&format!("{name} {} ", precision.name()));
        for entry in folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether a process of that number runs; assumed where the system does not tell.
pub(super) fn is_running(process: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

/// The features that change how a device computes.
fn build() -> &'static str {
    match (cfg!(feature = "fusion"), cfg!(feature = "autotune")) {
        (false, false) => "plain",
        (true, false) => "fusion",
        (false, true) => "autotune",
        (true, true) => "fusion_autotune",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_other_builds_precisions_and_drivers_are_other_files() {
        let path = |device: &str, precision, what: &str| Record::named(device, precision, what).map(|record| record.0);
        let one = path("vulkan", Precision::F32, "GPU driver 1");
        assert_ne!(one, path("vulkan", Precision::F16, "GPU driver 1"));
        assert_ne!(one, path("vulkan", Precision::F32, "GPU driver 2"));
        assert_ne!(one, path("vulkan:1", Precision::F32, "GPU driver 1"));
    }

    #[test]
    fn long_names_and_odd_characters_do_not_fall_together() {
        let long = "GPU of a very long name ".repeat(20);
        let names = [long.clone(), format!("{long}1"), format!("{long}2"), "GPU (a)".into(), "GPU [a]".into()];
        let mut files: Vec<String> = names.iter().map(|name| Record::file_name(name)).collect();
        files.iter().for_each(|file| assert!(file.len() <= 255 && file.is_ascii(), "{file}"));
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        // What is forgotten is found by the beginning.
        assert!(Record::file_name("vulkan f32 GPU").starts_with(&Record::readable("vulkan f32 ")));
    }
}
