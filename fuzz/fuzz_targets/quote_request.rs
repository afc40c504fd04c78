//! Fuzz target: see `hostile::messages::quote_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::quote_request(data);
});
