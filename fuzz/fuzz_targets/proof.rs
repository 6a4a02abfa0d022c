#![no_main]

mod memory;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zktorch_tests::hostile::proof(bytes));
