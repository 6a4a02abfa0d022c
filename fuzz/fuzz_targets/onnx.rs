#![no_main]

mod memory;

// The importer contains panics, its own too: libFuzzer's hook, which aborts at any, would take its parser's for findings.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| {
        let ours = panic.location().is_none_or(|l| l.file().contains("compiler/src") || l.file().contains("tests/src"));
        if ours {
            eprintln!("{panic}");
            std::process::abort();
        }
    })),
    |bytes: &[u8]| zktorch_tests::hostile::onnx(bytes)
);
