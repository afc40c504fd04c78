//! Fuzz target: see `hostile::messages::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::header(data);
});
