//! What a Linux machine has of graphics drivers, as far as files tell: no driver is loaded here.

use std::fs;
use std::path::{Path, PathBuf};

use patchcore::path_text;

use super::found::Drivers;

/// Folders in which drivers leave manifests for the Vulkan loader.
const MANIFESTS: [&str; 4] =
    ["/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"];

/// Variables that name manifests, separated by colons; the loader then looks at no folder.
const VARIABLES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// Finds them.
pub fn find() -> Drivers {
    let named = VARIABLES.iter().find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let manifests: Vec<PathBuf> = match named {
        Some(named) => std::env::split_paths(&named).collect(),
        None => MANIFESTS.iter().flat_map(|folder| files_in(Path::new(folder), "json")).collect(),
    };
    let nvidia = fs::read_to_string("/proc/driver/nvidia/version").ok();
    let nvidia = nvidia.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
    let mut nodes = files_in(Path::new("/dev/dri"), "");
    nodes.extend(["/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg"].map(PathBuf::from));
    nodes.retain(|node| node.exists());
    let text = |paths: Vec<PathBuf>| paths.iter().map(|path| path_text(path)).collect();
    Drivers { vulkan_manifests: text(manifests), nvidia, nodes: text(nodes) }
}

/// What a folder has with this extension, in order; everything that is no folder, with none.
fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_of = |path: &PathBuf| extension.is_empty() || path.extension().is_some_and(|found| found == extension);
    let mut files: Vec<PathBuf> = entries.filter(|path| !path.is_dir() && is_of(path)).collect();
    files.sort();
    files
}
