//! Recurrent models of the zoo, proved and verified, against onnxruntime's outputs.

use std::time::Instant;

use ndarray::{ArrayD, IxDyn};
use prost::Message;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as Extent};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};
use zktorch_accumulator::setup::Setup;
use zktorch_compiler::import::{ImportOptions, load_bytes, model_bytes, model_path, strip};
use zktorch_compiler::{Compiled, Options, Port, audit, compile_model};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

/// The output's error relative to its largest entry, on the sample of the zoo.
fn proved(zoo: &Zoo, name: &str) -> f64 {
    let model = zoo.model(name).expect("it is there");
    let samples = model.read_inputs().expect("a sample");
    let input_shapes = samples.iter().map(|sample| sample.shape.clone()).collect();
    let options = ImportOptions { input_shapes, ..ImportOptions::default() };
    let imported = model_path(&model.onnx, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let arrays = samples.iter().map(|tensor| ArrayD::from_shape_vec(IxDyn(&tensor.shape), tensor.values.to_f64()));
    let sample: Vec<ArrayD<f64>> = arrays.collect::<Result<_, _>>().expect("values of their shapes");
    let Compiled { program, weights, inputs, outputs, .. } =
        compile_model(&imported, std::slice::from_ref(&sample), &Options::default())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    let bytes = strip(&std::fs::read(&model.onnx).expect("it is there"), model.onnx.parent()).expect("a model").bytes;
    let stripped = load_bytes(&bytes, &ImportOptions { withheld: Some(1 << 24), ..options }).expect("it imports");
    assert_eq!(audit::audit(&stripped, &program).map(|_| ()), Ok(()), "{name}");
    let integers: Vec<Vec<i64>> = inputs
        .iter()
        .zip(&sample)
        .map(|(port, values)| port.quantise(values.as_slice().expect("row-major")).expect("in range"))
        .collect();
    let port = |p: &Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
    let ports = [inputs.iter().map(port).collect(), outputs.iter().map(port).collect()];
    let setup = Setup::insecure(12).expect("in range");
    let mut randomness = Randomness::from_os().expect("randomness");
    let (proving, verifying) = keygen(program, weights, &setup, 12, ports, &mut randomness).expect("keys");
    let proved = Prover::new(&proving, &verifying, randomness).prove(&integers).expect("a proof");
    assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted), "{name}");
    let expected = model.read_outputs().expect("its outputs");
    let mut worst = 0f64;
    for ((port, got), wanted) in outputs.iter().zip(&proved.outputs).zip(&expected) {
        let wanted = wanted.values.to_f64();
        let largest = wanted.iter().fold(0f64, |most, v| most.max(v.abs()));
        let far = port.dequantise(got).iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        worst = worst.max(far / largest);
    }
    println!("{name}: {worst}");
    worst
}

#[test]
fn the_bidirectional_lstm_of_the_zoo_is_proved() {
    let Some(zoo) = Zoo::locate_or_skip("the_bidirectional_lstm_of_the_zoo_is_proved") else { return };
    let error = proved(&zoo, "tract_byte_bilstm");
    assert!(error < 0.01, "{error}");
}

#[test]
fn a_denoiser_of_the_zoo_is_proved() {
    let Some(zoo) = Zoo::locate_or_skip("a_denoiser_of_the_zoo_is_proved") else { return };
    let error = proved(&zoo, "dtln_1");
    assert!(error < 0.01, "{error}");
}

/// An LSTM of 64 units over so many steps of 32 numbers, and a linear layer on its last state.
fn layer(steps: usize) -> Vec<u8> {
    let (inputs, size) = (32i64, 64i64);
    let mut state = 7u64;
    let mut noise = |name: &str, dims: &[i64]| {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) / 8.0
        };
        let float_data = (0..dims.iter().product()).map(|_| next()).collect();
        TensorProto { name: name.into(), dims: dims.to_vec(), data_type: 1, float_data, ..TensorProto::default() }
    };
    let initializer = vec![
        noise("w", &[1, 4 * size, inputs]),
        noise("r", &[1, 4 * size, size]),
        noise("b", &[1, 8 * size]),
        noise("head", &[size, 4]),
    ];
    let node = |op: &str, input: &[&str], output: &[&str], attribute: Vec<AttributeProto>| NodeProto {
        op_type: op.into(),
        input: input.iter().map(|&name| name.into()).collect(),
        output: output.iter().map(|&name| name.into()).collect(),
        attribute,
        ..NodeProto::default()
    };
    let hidden = AttributeProto { name: "hidden_size".into(), r#type: 2, i: size, ..AttributeProto::default() };
    let nodes = vec![
        node("LSTM", &["x", "w", "r", "b"], &["", "last"], vec![hidden]),
        node("MatMul", &["last", "head"], &["y"], Vec::new()),
    ];
    let port = |name: &str, dims: &[i64]| {
        let dim = dims.iter().map(|&extent| Dimension { value: Some(Extent::DimValue(extent)), ..Dimension::default() });
        let tensor = Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim: dim.collect() }) };
        let kind = TypeProto { value: Some(Value::TensorType(tensor)), ..TypeProto::default() };
        ValueInfoProto { name: name.into(), r#type: Some(kind), ..ValueInfoProto::default() }
    };
    let graph = GraphProto {
        node: nodes,
        initializer,
        input: vec![port("x", &[steps as i64, 1, inputs])],
        output: vec![port("y", &[1, 1, 4])],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
}

/// Bytes of a proof of the layer over so many steps.
fn bytes_of(steps: usize) -> usize {
    let imported = model_bytes(&layer(steps), &ImportOptions::default()).expect("it imports");
    let noise = |seed: usize| {
        ArrayD::from_shape_fn(IxDyn(&[steps, 1, 32]), |at| ((at[0] * 7 + at[2] * 3 + seed) % 19) as f64 / 9.5 - 1.0)
    };
    let samples: Vec<Vec<ArrayD<f64>>> = (0..4).map(|seed| vec![noise(seed)]).collect();
    let Compiled { program, weights, inputs, outputs, report, .. } =
        compile_model(&imported, &samples, &Options::default()).expect("it compiles");
    assert!(report.accuracy.expect("there were samples").tensor_error < 0.005);
    let input = inputs[0].quantise(noise(9).as_slice().expect("row-major")).expect("in range");
    let port = |p: &Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
    let ports = [inputs.iter().map(port).collect(), outputs.iter().map(port).collect()];
    let setup = Setup::insecure(12).expect("in range");
    let mut randomness = Randomness::from_os().expect("randomness");
    let (proving, verifying) = keygen(program, weights, &setup, 12, ports, &mut randomness).expect("keys");
    let prover = Prover::new(&proving, &verifying, randomness);
    let begun = Instant::now();
    let proved = prover.prove(&[input]).expect("a proof");
    println!("{steps} steps: proved in {:.2?}, {} bytes", begun.elapsed(), proved.proof.bytes.len());
    assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted));
    proved.proof.bytes.len()
}

#[test]
fn a_hundred_steps_have_the_messages_of_two() {
    let [two, hundred] = [2, 100].map(bytes_of);
    // Fifty times the values, six variables more.
    assert!(hundred < 2 * two, "{hundred} bytes for a hundred steps, {two} for two");
}
