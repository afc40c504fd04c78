//! Fuzz target: see `hostile::files::vault_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::files::vault_file(data);
});
