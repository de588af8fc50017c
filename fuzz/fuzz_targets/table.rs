//! See [`patchcore_fuzz::table`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_fuzz::table(bytes));
