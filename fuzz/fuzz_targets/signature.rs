//! Fuzz target: see `hostile::values::signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::signature(data);
});
