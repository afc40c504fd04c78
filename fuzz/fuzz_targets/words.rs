//! Fuzz target: see `hostile::values::words`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::words(data);
});
