//! See [`patchcore_fuzz::onnx`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| patchcore_fuzz::onnx(bytes));
