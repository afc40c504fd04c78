//! Fuzz target: see `hostile::values::address`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::address(data);
});
