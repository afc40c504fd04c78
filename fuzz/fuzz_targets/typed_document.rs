//! Fuzz target: see `hostile::values::typed_document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::typed_document(data);
});
