//! Fuzz target: see `hostile::messages::settlement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::settlement(data);
});
