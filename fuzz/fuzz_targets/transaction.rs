//! Fuzz target: see `hostile::values::transaction`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::transaction(data);
});
