//! Fuzz target: see `hostile::surfaces::quoted`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::surfaces::quoted(data);
});
