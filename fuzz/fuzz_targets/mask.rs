//! See [`patchcore_fuzz::mask`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_fuzz::mask(bytes));
