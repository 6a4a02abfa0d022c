//! ONNX models that keep their weights in another file.

mod common;

use common::{Ran, Scratch, zktorch};

/// A length-delimited field in protobuf's wire format.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = match bytes.len() {
        short @ 0..128 => vec![short as u8],
        long => vec![(long & 127) as u8 | 128, (long >> 7) as u8],
    };
    [vec![number << 3 | 2], length, bytes.to_vec()].concat()
}

/// An integer field below 128.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

/// The model `y = x + w` on three floats, whose `w` lies in a file of this name.
fn model(location: &str) -> Vec<u8> {
    let shape = field(2, &field(1, &number(1, 3)));
    let port =
        |name: &str| [field(1, name.as_bytes()), field(2, &field(1, &[number(1, 1), shape.clone()].concat()))].concat();
    let node = [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(3, b"sum"), field(4, b"Add")].concat();
    let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
    let weight = [number(1, 3), number(2, 1), field(8, b"w"), field(13, &entry), number(14, 1)].concat();
    let graph = [field(1, &node), field(2, b"g"), field(5, &weight), field(11, &port("x")), field(12, &port("y"))].concat();
    [number(1, 8), field(7, &graph), field(8, &number(2, 13))].concat()
}

fn compile(scratch: &Scratch, location: &str) -> Ran {
    let model = scratch.file("model.onnx", model(location));
    zktorch(&["compile", &model, "-o", &scratch.text("out"), "--setup", "insecure:8"])
}

#[test]
fn weights_in_a_file_that_is_there_are_read() {
    let scratch = Scratch::new();
    scratch.file("model.weights", [1.0f32, -2.0, 0.5].map(f32::to_le_bytes).concat());
    let compiled = compile(&scratch, "model.weights");
    assert_eq!(compiled.code, 0, "{compiled:?}");
    let input = scratch.file("input.json", r#"{"input_data": [[0.25, 0.25, 0.25]]}"#);
    let outputs =
        &zktorch(&["run", &scratch.text("out"), "--input", &input, "--format", "json"]).json()["outputs"][0]["data"];
    let values: Vec<f64> = outputs.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert!(values.iter().zip([1.25, -1.75, 0.75]).all(|(v, w)| (v - w).abs() < 0.01), "{values:?}");
}

#[test]
fn weights_in_a_file_that_is_not_there_are_missed() {
    let scratch = Scratch::new();
    compile(&scratch, "model.weights").fails(2, &["model.onnx", "`w`", "model.weights"]);
    assert_eq!(scratch.names(), ["model.onnx"]);
}

#[test]
fn weights_in_a_file_that_cannot_hold_them_are_refused() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("folder")).unwrap();
    scratch.file("short.weights", [0u8; 11]);
    let cases = [
        ("folder", "not a file"),
        ("", "no file"),
        ("../model.weights", "the model's folder"),
        ("/dev/zero", "the model's folder"),
        ("short.weights", "11 bytes"),
    ];
    for (location, why) in cases {
        compile(&scratch, location).fails(2, &["model.onnx", "`w`", &format!("`{location}`"), why]);
        assert_eq!(scratch.names(), ["folder", "model.onnx", "short.weights"]);
    }
}
