//! Messages say the real cause, show no private value, and come as JSON where that was asked for.

mod common;

use common::{Scratch, compile_mlp, done, names, one_node, shared, zktorch};
use std::fs;
use zktorch_models::bundled;
use zktorch_prover::binding::Opening;

/// An input of the digits MLP with one number in it that nothing else has.
fn with(value: &str) -> String {
    let mut values = vec!["0.5"; 64];
    values[7] = value;
    format!(r#"{{"input_data": [[{}]]}}"#, values.join(", "))
}

#[test]
fn errors_show_no_private_value() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "mlp", &["--input", "private"]).code, 0);
    let [dir, proof, kept] = ["mlp", "proof", "kept"].map(|name| scratch.text(name));
    for text in ["73501.25", "7.350125e12", "-73501.25", "\"73501.25\"", "73501.25e300"] {
        let input = scratch.file("secret.json", with(text));
        for format in ["text", "json"] {
            for words in [
                vec!["run", &dir, "--input", &input],
                vec!["prove", &dir, "--input", &input, "-o", &proof],
                vec!["commit", &dir, "--input", &input, "-o", &kept],
            ] {
                let ran = zktorch(&[&words[..], &["--format", format]].concat());
                ran.fails(2, &["secret.json"]);
                let printed = ran.stdout + &ran.stderr;
                assert!(!printed.contains("7350") && !printed.contains("7.350"), "{printed}");
            }
        }
    }
    let ran = zktorch(&["run", &dir, "--input", &scratch.file("secret.json", with("73501.25"))]);
    ran.fails(2, &["entry 7 is outside ["]);
    // An opening with a value that the model does not take.
    done(&["commit", &dir, "--input", &shared().input(), "-o", &kept]);
    let path = scratch.path("kept.opening");
    let mut opening = Opening::from_bytes(&fs::read(&path).unwrap()).unwrap();
    opening.tensors[0].values[7] = 7_350_125;
    fs::write(&path, opening.to_bytes().unwrap()).unwrap();
    let ran = zktorch(&["prove", &dir, "--bind", &kept, "-o", &proof, "--format", "json"]);
    ran.fails(2, &["kept", "position 7 is outside ["]);
    assert!(!ran.stderr.contains("7350") && !ran.stdout.contains("7350"), "{ran:?}");
}

#[test]
fn entries_that_count_as_zero_are_told() {
    let scratch = Scratch::new();
    let run = |value: &str| done(&["run", &shared().dir(), "--input", &scratch.file("input.json", with(value))]).stderr;
    let said = run("1.25e-7");
    assert!(said.contains("warning: input") && said.contains("7") && said.contains("counts as 0"), "{said}");
    assert!(!said.contains("1.25"), "{said}");
    assert_eq!(run("0"), "");
}

#[test]
fn a_compilation_says_what_its_samples_leave_open() {
    let scratch = Scratch::new();
    let model = scratch.file("sub.onnx", common::one_node_of("Sub", &["a", "b"], &[2]));
    let sample = |x: [f64; 2]| serde_json::json!({ "input_data": [x, [0.5, 0.25]] }).to_string();
    let one = scratch.file("one.json", sample([1.0, 0.0]));
    let dir = scratch.text("sub");
    let compile = |more: &[&str]| {
        let words = ["compile", &model, "-o", &dir, "--force", "--setup", "insecure:8", "--format", "json"];
        done(&[&words[..], more].concat()).json()
    };
    let said = compile(&["--calibrate", &one]);
    let warnings: Vec<&str> = said["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert!(warnings.iter().any(|w| w.contains("1 calibration sample")), "{warnings:?}");
    assert!(warnings.iter().any(|w| w.contains("input `a` column 1: it is 0 in all samples")), "{warnings:?}");
    let said = compile(&[]);
    assert!(said["warnings"].to_string().contains("assumed range only: `a` from -"), "{said}");
}

#[test]
fn files_that_are_no_models_are_named() {
    let scratch = Scratch::new();
    let out = scratch.text("out");
    for (name, bytes, what) in [
        ("model.pt", &b"PK\x03\x04\0\0archive/data.pkl"[..], "torch.onnx.export"),
        ("old.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j", "PyTorch checkpoint"),
        ("model.tflite", b"\x1c\0\0\0TFL3\0\0", "TensorFlow Lite"),
        ("model.safetensors", b"\x40\0\0\0\0\0\0\0{\"w\":{}}", "safetensors"),
    ] {
        let model = scratch.file(name, bytes);
        zktorch(&["compile", &model, "-o", &out]).fails(2, &[name, "not a valid ONNX model", what]);
        zktorch(&["strip", &model, "-o", &out]).fails(2, &[name, what]);
        zktorch(&["audit", &model, &shared().key()]).fails(2, &[name, what]);
    }
}

#[test]
fn an_export_in_training_mode_is_told_so() {
    let scratch = Scratch::new();
    let statistics: Vec<(&str, &[u8])> = ["s", "b", "m", "v"].iter().map(|name| (*name, [2].as_slice())).collect();
    let inputs = [vec![("x", [1, 2, 3, 3].as_slice())], statistics].concat();
    let normalisation = common::node("BatchNormalization", &inputs, &["y", "mean", "variance"], &[1, 2, 3, 3]);
    let model = scratch.file("training.onnx", normalisation);
    let ran = zktorch(&["compile", &model, "-o", &scratch.text("out")]);
    assert!(ran.code > 0 && ran.stderr.contains("training.onnx") && ran.stderr.contains("model.eval()"), "{ran:?}");
}

#[test]
fn inspect_tells_files_apart() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "mlp", &[]).code, 0);
    let [dir, report] = ["mlp", "mlp/report.json"].map(|name| scratch.text(name));
    let json = done(&["inspect", &report, "--format", "json"]).json();
    assert_eq!(json["kind"], "report of a compilation");
    assert!(json["key_digest"].is_string() && json["output_error"].is_f64(), "{json}");
    zktorch(&["inspect", &scratch.file("other.json", "{}")]).fails(2, &["not a zktorch file"]);

    fs::rename(scratch.path("mlp/model.proof"), scratch.path("model.proof")).unwrap();
    let json = done(&["inspect", &dir, "--format", "json"]).json();
    assert_eq!(json["files"]["model.proof"], serde_json::Value::Null);
    assert!(done(&["inspect", &dir]).stdout.contains("model.proof ABSENT"));
    for (name, what) in [("proving.key", "a key of another model"), ("model.proof", "of another model")] {
        let own = fs::read(scratch.path(&format!("mlp/{name}"))).ok();
        fs::copy(format!("{}/{name}", shared().dir()), scratch.path(&format!("mlp/{name}"))).unwrap();
        zktorch(&["inspect", &dir]).fails(2, &[name, what]);
        match own {
            Some(own) => fs::write(scratch.path(&format!("mlp/{name}")), own).unwrap(),
            None => fs::remove_file(scratch.path(&format!("mlp/{name}"))).unwrap(),
        }
    }
    done(&["inspect", &dir]);
    let mut damaged = fs::read(scratch.path("mlp/proving.key")).unwrap();
    damaged[1000] ^= 1;
    fs::write(scratch.path("mlp/proving.key"), damaged).unwrap();
    zktorch(&["inspect", &dir]).fails(2, &["proving.key", "corrupt"]);
}

#[test]
fn half_precision_inputs_are_read() {
    let scratch = Scratch::new();
    let json: serde_json::Value = serde_json::from_str(bundled::DIGITS_MLP.input_json).unwrap();
    // Pixels are sixteenths: exact in sixteen bits.
    let half = |v: &serde_json::Value| {
        let bits = (v.as_f64().unwrap() as f32).to_bits();
        let (exponent, mantissa) = ((bits >> 23) as i32 - 127 + 15, bits & 0x7f_ffff);
        if bits == 0 { 0u16 } else { (exponent as u16) << 10 | (mantissa >> 13) as u16 }
    };
    let mut npy = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
    npy.extend(format!("{:<69}\n", "{'descr': '<f2', 'fortran_order': False, 'shape': (64,), }").bytes());
    npy.extend(json["input_data"][0].as_array().unwrap().iter().flat_map(|v| half(v).to_le_bytes()));
    let input = scratch.file("half.npy", npy);
    let outputs =
        |input: &str| done(&["run", &shared().dir(), "--input", input, "--format", "json"]).json()["outputs"].clone();
    assert_eq!(outputs(&input), outputs(&shared().input()));
}

#[test]
fn archives_whose_names_are_not_the_inputs_are_refused() {
    let scratch = Scratch::new();
    let model = scratch.file("sub.onnx", common::one_node_of("Sub", &["a", "b"], &[1]));
    let dir = scratch.text("sub");
    done(&["compile", &model, "-o", &dir, "--setup", "insecure:8"]);
    let archive = |names: [&str; 2]| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = zip::ZipWriter::new(&mut bytes);
        for (name, value) in names.into_iter().zip([0.25f32, -0.5]) {
            writer.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            let header = format!("{:<69}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }");
            let npy = [b"\x93NUMPY\x01\x00\x46\x00".as_slice(), header.as_bytes(), &value.to_le_bytes()].concat();
            std::io::Write::write_all(&mut writer, &npy).unwrap();
        }
        writer.finish().unwrap();
        scratch.file("inputs.npz", bytes.into_inner())
    };
    let run = |names| zktorch(&["run", &dir, "--input", &archive(names), "--format", "json"]);
    assert_eq!(run(["a", "b"]).json()["outputs"][0]["data"][0], 0.75);
    assert_eq!(run(["b", "a"]).json()["outputs"][0]["data"][0], -0.75);
    run(["u", "xx"]).fails(2, &["inputs.npz", "`a`, `b`", "`u`, `xx`"]);
}

#[test]
fn usage_errors_are_json_where_that_is_asked_for() {
    for words in [
        &["prove", "--format", "json"][..],
        &["--format=json", "frobnicate"],
        &["compile", "m.onnx", "-o", "out", "--bits", "7", "--format", "json"],
    ] {
        let ran = zktorch(words);
        assert_eq!((ran.code, &ran.json()["error"]["exit_code"]), (2, &2.into()), "{ran:?}");
        assert!(!ran.stderr.is_empty() && !ran.json()["error"]["what"].as_str().unwrap().is_empty());
    }
    let help = zktorch(&["prove", "--help", "--format", "json"]);
    assert!(help.code == 0 && help.stdout.starts_with("Run the compiled model"), "{help:?}");
    assert_eq!(zktorch(&["prove"]).stdout, "");
}

#[test]
fn nothing_is_kept_of_a_public_model() {
    let scratch = Scratch::new();
    let [proof, kept] = ["proof", "kept"].map(|name| scratch.text(name));
    let ran = zktorch(&["prove", &shared().dir(), "--input", &shared().input(), "-o", &proof, "--keep", &kept]);
    ran.fails(2, &["no input or output of the model is private", "--input private"]);
    assert!(scratch.names().is_empty(), "{:?}", scratch.names());
}

/// Every command on every kind of file that it does not want: an answer, and no panic.
#[test]
fn no_file_makes_a_command_panic() {
    let scratch = Scratch::new();
    let dir = shared().dir();
    let model = scratch.file("relu.onnx", one_node("Relu", &[1, 4]));
    let mut files =
        vec![model, scratch.file("empty", ""), scratch.file("noise", [0xa5u8; 999]), scratch.text("absent"), dir.clone()];
    files.extend(names(dir.as_ref()).iter().map(|name| format!("{dir}/{name}")));
    files.push(shared().proof());
    // Our own headers with nothing, and with noise, behind them.
    for kind in *b"ckvpmbo" {
        let head = [b"zktrch".as_slice(), &[kind, 1, 0]].concat();
        files.push(scratch.file(&format!("head-{kind}"), &head));
        files.push(scratch.file(&format!("tail-{kind}"), [head, vec![0xff; 99]].concat()));
    }
    for (n, name) in ["x.json", "x.npy", "x.npz", "x.pb"].into_iter().enumerate() {
        files.push(scratch.file(name, ["[[[", "\u{93}NUMPY", "PK", "\u{8}"][n]));
    }
    let out = scratch.text("never/there");
    for file in &files {
        for words in [
            vec!["verify", "--key", file, file],
            vec!["verify", "--key", &shared().key(), &shared().proof(), "--bind", file],
            vec!["verify", "--key", &shared().key(), &shared().proof(), "--input", file],
            vec!["inspect", file],
            vec!["run", file, "--input", file],
            vec!["run", &dir, "--input", file],
            vec!["audit", file, file],
            vec!["audit", file, &shared().key()],
        ] {
            let ran = zktorch(&words);
            let wrong = ran.stderr.contains("panicked") || ran.stderr.contains("internal error") || ran.code > 2;
            assert!(!wrong, "{words:?}: {ran:?}");
        }
        for words in [vec!["prove", &dir, "--input", file, "-o", &out], vec!["strip", file, "-o", &out]] {
            assert_eq!(zktorch(&words).code, 2, "{words:?}");
        }
    }
}
