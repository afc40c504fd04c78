//! Fuzz target: see `hostile::messages::requirements`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::requirements(data);
});
