//! Fuzz target: see `hostile::values::contract_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::values::contract_answer(data);
});
