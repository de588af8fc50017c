//! See [`patchcore_fuzz::results`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_fuzz::results(bytes));
