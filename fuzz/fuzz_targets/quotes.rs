//! Fuzz target: see `hostile::messages::quotes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::quotes(data);
});
