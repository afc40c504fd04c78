//! Fuzz target: see `hostile::messages::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::request(data);
});
