//! Fuzz target: see `hostile::files::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::files::config(data);
});
