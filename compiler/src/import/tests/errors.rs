//! Models that cannot be imported, and inputs without fixed shape.

use ndarray::{ArrayD, IxDyn};

use super::onnx::{Dim, Model};
use crate::import::{ImportError, ImportOptions, load_bytes, load_path};

fn import(model: Model) -> Result<crate::graph::Graph, ImportError> {
    load_bytes(&model.encode(), &ImportOptions::default())
}

fn with_shapes(input_shapes: &[&[usize]]) -> ImportOptions {
    ImportOptions { input_shapes: input_shapes.iter().map(|s| s.to_vec()).collect(), ..ImportOptions::default() }
}

fn relu(shape: &[Dim]) -> Model {
    Model::default().input("x", shape).node("Relu", "r", &["x"], "y").output("y")
}

#[test]
fn a_tiny_model_imports_under_its_names() {
    let graph = import(relu(&[Dim::Fixed(2), Dim::Fixed(3)])).unwrap();
    let node = graph.node(graph.outputs()[0]);
    assert_eq!((node.name.as_str(), node.op.name(), node.shape.as_slice()), ("r", "Relu", &[2, 3][..]));
    assert_eq!(graph.output_names(), ["y"]);
    assert_eq!(graph.node(graph.inputs()[0]).name, "x");
    let x = ArrayD::from_shape_vec(IxDyn(&[2, 3]), vec![-1.0, 2.0, -3.0, 4.0, -5.0, 6.0]).unwrap();
    let y = graph.evaluate(&[x]).unwrap();
    assert_eq!(y.outputs()[0].iter().sum::<f64>(), 12.0);
}

#[test]
fn a_symbolic_batch_becomes_one_and_other_symbols_need_a_shape() {
    let batch = || relu(&[Dim::Symbol("batch"), Dim::Fixed(3)]);
    assert_eq!(import(batch()).unwrap().shape(import(batch()).unwrap().inputs()[0]), [1, 3]);
    let sequence = || relu(&[Dim::Fixed(1), Dim::Symbol("length")]);
    let error = import(sequence()).unwrap_err();
    assert!(matches!(&error, ImportError::OpenAxis { name, axis: 1, .. } if name == "x"), "{error}");
    let given = load_bytes(&sequence().encode(), &with_shapes(&[&[1, 7]])).unwrap();
    assert_eq!(given.shape(given.inputs()[0]), [1, 7]);
    let contradicts = load_bytes(&batch().encode(), &with_shapes(&[&[1, 4]])).unwrap_err();
    assert!(matches!(contradicts, ImportError::InputShape { .. }), "{contradicts}");
    let fixed = || relu(&[Dim::Fixed(4), Dim::Fixed(3)]);
    let contradicts = load_bytes(&fixed().encode(), &with_shapes(&[&[1, 3]])).unwrap_err();
    assert!(matches!(contradicts, ImportError::InputShape { .. }), "a fixed batch is no other one: {contradicts}");
    let batched = |model: Model| crate::import::model_bytes(&model.encode(), &ImportOptions::default()).unwrap().batched;
    assert_eq!((batched(batch()), batched(fixed())), (vec!["x".to_owned()], Vec::new()));
    let count = load_bytes(&batch().encode(), &with_shapes(&[&[1, 3], &[1]])).unwrap_err();
    assert!(matches!(count, ImportError::InputShapeCount { expected: 1, got: 2 }));
}

#[test]
fn all_unsupported_nodes_are_reported_at_once() {
    let three = [Dim::Fixed(3)];
    let unknown = Model::default().input("x", &three).node("Frobnicate", "a", &["x"], "t");
    let unknown = unknown.node("Relu", "b", &["t"], "u").node("Frobnicate", "c", &["u"], "y").output("y");
    let error = import(unknown).unwrap_err();
    let ImportError::Unsupported(nodes) = &error else { panic!("{error}") };
    let got: Vec<_> = nodes.iter().map(|n| (n.name.as_str(), n.op.as_str())).collect();
    assert_eq!(got, [("a", "Frobnicate"), ("c", "Frobnicate")]);
    assert!(error.to_string().contains("`a`") && error.to_string().contains("`c`"), "{error}");
}

#[test]
fn damaged_models_are_errors() {
    let weighted = Model::default().input("x", &[Dim::Fixed(2)]).weight("w", &[2], &[1.0, 2.0]);
    let good = weighted.node("Add", "n", &["x", "w"], "y").output("y").encode();
    load_bytes(&good, &ImportOptions::default()).unwrap();
    assert!(load_bytes(b"", &ImportOptions::default()).is_err());
    assert!(load_bytes(b"not a model", &ImportOptions::default()).is_err());
    for cut in 0..good.len() {
        let _ = load_bytes(&good[..cut], &ImportOptions::default());
    }
    let short = Model::default().input("x", &[Dim::Fixed(2)]).weight("w", &[3], &[1.0]);
    assert!(import(short.node("Add", "n", &["x", "w"], "y").output("y")).is_err());
    let dangling = Model::default().input("x", &[Dim::Fixed(2)]).node("Relu", "r", &["x"], "y").output("z");
    assert!(matches!(import(dangling), Err(ImportError::Invalid { .. })));
    let unfed = Model::default().input("x", &[Dim::Fixed(2)]).node("Add", "n", &["x", "gone"], "y").output("y");
    assert!(matches!(import(unfed), Err(ImportError::Invalid { .. })));
}

#[test]
fn missing_files_are_named() {
    let model = || {
        let model = Model::default().input("x", &[Dim::Fixed(2)]).external_weight("w", &[2], "weights.bin");
        model.node("Add", "n", &["x", "w"], "y").output("y")
    };
    let external = |e: &ImportError| matches!(e, ImportError::ExternalData { tensor, .. } if tensor == "w");
    let bytes = import(model()).unwrap_err();
    assert!(external(&bytes), "{bytes}");
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model().encode()).unwrap();
    let missing = load_path(&path, &ImportOptions::default()).unwrap_err();
    assert!(external(&missing) && missing.to_string().contains("weights.bin"), "{missing}");
    let weights: Vec<u8> = [1f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(folder.path().join("weights.bin"), weights).unwrap();
    load_path(&path, &ImportOptions::default()).unwrap();
    let nowhere = load_path(&folder.path().join("none.onnx"), &ImportOptions::default()).unwrap_err();
    assert!(matches!(nowhere, ImportError::Read { .. }));
}
