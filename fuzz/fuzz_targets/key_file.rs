//! Fuzz target: see `hostile::files::key_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::files::key_file(data);
});
