//! A graphics driver that ends every process that loads it: named, remembered, and no reason to stop working.

#![cfg(all(target_os = "linux", feature = "wgpu"))]

use std::fs;
use std::process::Command;

use crate::photos::good_folder;
use crate::program::{Run, Workplace, command, finish, small_fit};

/// A Vulkan driver whose only content is an abort on load.
const DRIVER: &str = r#"
#![no_std]
unsafe extern "C" { fn abort() -> !; }
extern "C" fn on_load() { unsafe { abort() } }
#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn() = on_load;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
"#;

#[test]
fn a_driver_that_ends_the_process_is_named_and_remembered() {
    let loader = Command::new("sh").args(["-c", "ldconfig -p | grep -q libvulkan.so.1"]).status().unwrap();
    if !loader.success() {
        println!("skipped: no libvulkan.so.1");
        return;
    }
    let place = Workplace::new();
    good_folder(&place.path("photos"), 3);
    fs::write(place.path("driver.rs"), DRIVER).unwrap();
    let library = place.text("libdriver.so");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o", &library]);
    assert!(rustc.arg(place.path("driver.rs")).status().unwrap().success());
    let icd = place.text("icd.json");
    let manifest =
        format!(r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"{library}","api_version":"1.3.0"}}}}"#);
    fs::write(&icd, manifest).unwrap();

    let run = |arguments: &[&str]| -> Run {
        let mut program = command();
        program.env("PATCHCORE_CACHE", place.path("cache")).env("VK_DRIVER_FILES", &icd).env("VK_ICD_FILENAMES", &icd);
        finish(program.args(arguments))
    };
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    let fit: Vec<&str> = fit.iter().map(String::as_str).collect();
    // The first time another process is ended; the second time nobody has to be.
    for _ in 0..2 {
        let refused = run(&[&fit[..], &["--device", "wgpu"]].concat());
        refused.ends(1, &["error: device `wgpu` cannot be trusted", "ended the process", "--device cpu"]);
    }
    assert!(!place.path("m.patchcore").exists());
    let fitted = run(&[&fit[..], &["--device", "auto"]].concat()).ends(0, &["passes over wgpu", "cannot be trusted"]);
    assert_eq!(fitted.stderr.matches("passes over").count(), 1, "{}", fitted.stderr);
    assert!(place.path("m.patchcore").exists());
    // What is there to find out about devices survives one.
    let listed = run(&["devices"]).done().stdout;
    assert!(listed.contains("ended the process that looked") && listed.contains("cpu        ready"), "{listed}");
    run(&["doctor", "--device", "wgpu"]).ends(1, &["cannot be trusted", "ended the process"]);
}
