//! Fuzz target: see `hostile::messages::offer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::hostile::messages::offer(data);
});
