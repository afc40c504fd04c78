//! Fuzz target: see `hostile::messages::verified`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::verified(data);
});
