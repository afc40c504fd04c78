//! Fuzz target: see `hostile::surfaces::inspect`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::surfaces::inspect(data);
});
