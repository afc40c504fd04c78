//! Fuzz target: see `hostile::values::amount`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::amount(data);
});
