//! Fuzz target: see `hostile::messages::payment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::payment(data);
});
