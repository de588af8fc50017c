//! Which devices the tests may open, and where what they learn of them is kept.

use std::ffi::{OsStr, OsString};

/// Names the devices to test, comma separated.
const DEVICES: &str = "PATCHCORE_TEST_DEVICE";
/// Where installed weights and verdicts on devices lie.
const CACHE: &str = "PATCHCORE_CACHE";

/// The devices that `PATCHCORE_TEST_DEVICE` names; `None` where it names none, for then no driver may be tried.
///
/// # Panics
/// If it names a GPU and `PATCHCORE_CACHE` is not set: a test that opens one leaves a verdict on it, which the installed
/// program of this user would believe.
#[expect(clippy::panic, reason = "a test must not write into the user's cache")]
#[track_caller]
pub fn test_devices() -> Option<Vec<String>> {
    match named(std::env::var_os(DEVICES), std::env::var_os(CACHE)) {
        Ok(names) => names,
        Err(refused) => panic!("{refused}"),
    }
}

fn named(devices: Option<OsString>, cache: Option<OsString>) -> Result<Option<Vec<String>>, String> {
    let Some(devices) = devices.filter(|names| !names.is_empty()) else { return Ok(None) };
    let names: Vec<String> = devices.to_string_lossy().split(',').map(|name| name.trim().to_owned()).collect();
    let is_cpu = |name: &String| name == "flex" || name == "flex:tensors";
    let has_cache = cache.as_deref().is_some_and(|cache| cache != OsStr::new(""));
    if has_cache || names.iter().all(is_cpu) {
        return Ok(Some(names));
    }
    Err(format!(
        "{DEVICES} names {}, whose verdict a test would leave in your own cache: set {CACHE} to a temporary folder too",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_tested_only_beside_a_cache_of_the_tests_own() {
        let text = |text: &str| Some(OsString::from(text));
        assert_eq!(named(None, None), Ok(None));
        assert_eq!(named(text(""), None), Ok(None));
        let cpu = vec!["flex".to_owned(), "flex:tensors".to_owned()];
        assert_eq!(named(text("flex, flex:tensors"), None), Ok(Some(cpu)));
        assert_eq!(named(text("wgpu"), text("cache")), Ok(Some(vec!["wgpu".to_owned()])));
        for cache in [None, text("")] {
            let refused = named(text("flex,wgpu"), cache).unwrap_err();
            assert!(refused.contains("wgpu") && refused.contains("PATCHCORE_CACHE"), "{refused}");
        }
    }
}
