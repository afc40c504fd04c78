//! Fuzz target: see `hostile::messages::supported`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::supported(data);
});
