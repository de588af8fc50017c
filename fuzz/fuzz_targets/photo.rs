//! See [`patchcore_fuzz::photo`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_fuzz::photo(bytes));
