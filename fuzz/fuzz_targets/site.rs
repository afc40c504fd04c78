//! Fuzz target: see `hostile::surfaces::site`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::surfaces::site(data);
});
