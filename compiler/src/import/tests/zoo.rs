//! The zoo's models, against the outputs that come with them.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use zktorch_models::zoo::{Zoo, ZooModel};

use crate::graph::Graph;
use crate::import::{ImportError, ImportOptions, load_path};

/// What has to import and to evaluate, and the largest difference to the expected outputs, relative to the largest.
const SUPPORTED: &[(&str, f64)] = &[
    ("mnist_cnn_ms", 1e-5),
    ("mnist_mlp_onnxmlir", 1e-5),
    ("resnet20_cifar10", 1e-5),
    ("mlperf_tiny_ad_autoencoder", 1e-5),
    ("mlperf_tiny_kws_dscnn", 1e-5),
    ("mlperf_tiny_resnet8_cifar10", 1e-5),
    ("mlperf_tiny_vww_mobilenet", 1e-5),
    ("squeezenet11_imagenet", 1e-5),
    ("mobilenet_v1_025_128_imagenet", 1e-5),
    ("mobilenet_v2_imagenet", 1e-5),
    ("acasxu_1_1", 1e-5),
    ("loan_credit", 1e-5),
];

/// How often each operator occurs.
fn operators(graph: &Graph) -> BTreeMap<&'static str, usize> {
    graph.nodes().fold(BTreeMap::new(), |mut counts, (_, node)| {
        *counts.entry(node.op.name()).or_default() += 1;
        counts
    })
}

/// The model's graph and its largest error on the sample that comes with it.
fn error(model: &ZooModel, raw: bool) -> Result<(Graph, f64), Box<dyn std::error::Error>> {
    let tensors = model.read_inputs()?;
    let inputs: Vec<ArrayD<f64>> =
        tensors.iter().map(|t| ArrayD::from_shape_vec(IxDyn(&t.shape), t.values.to_f64())).collect::<Result<_, _>>()?;
    let input_shapes = inputs.iter().map(|i| i.shape().to_vec()).collect();
    let graph = load_path(&model.onnx, &ImportOptions { input_shapes, raw, ..ImportOptions::default() })?;
    let evaluation = graph.evaluate(&inputs)?;
    let mut worst = 0f64;
    for (got, expected) in evaluation.outputs().into_iter().zip(model.read_outputs()?) {
        let expected = expected.values.to_f64();
        assert_eq!(got.len(), expected.len(), "{}", model.name);
        let scale = expected.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let error = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        worst = worst.max(error / scale);
    }
    Ok((graph, worst))
}

#[test]
fn classifiers_match_their_expected_outputs() {
    let Some(zoo) = Zoo::locate_or_skip("classifiers_match_their_expected_outputs") else { return };
    for &(name, tolerance) in SUPPORTED {
        for raw in [true, false] {
            let model = zoo.model(name).unwrap();
            let (graph, error) = error(&model, raw).unwrap_or_else(|e| panic!("{name}: {e}"));
            println!("{name}: {} nodes, error {error:.1e}, {:?}", graph.len(), operators(&graph));
            assert!(error <= tolerance, "{name}: error {error}");
        }
    }
}

#[test]
fn other_models_match_or_name_what_is_unsupported() {
    let Some(zoo) = Zoo::locate_or_skip("other_models_match_or_name_what_is_unsupported") else { return };
    for model in zoo.models().unwrap() {
        if SUPPORTED.iter().any(|(name, _)| *name == model.name) {
            continue;
        }
        match error(&model, false) {
            Ok((graph, error)) => {
                println!("{}: {} nodes, error {error:.1e}, {:?}", model.name, graph.len(), operators(&graph));
                assert!(error < 1e-3, "{}: error {error}", model.name);
            }
            Err(reason) => {
                let named = reason.downcast_ref::<ImportError>();
                let Some(ImportError::Unsupported(nodes)) = named else { panic!("{}: {reason}", model.name) };
                let mut kinds: Vec<String> = nodes.iter().map(|n| format!("{}: {}", n.op, n.hint)).collect();
                kinds.sort();
                kinds.dedup();
                println!("{}: {} unsupported: {kinds:?}", model.name, nodes.len());
            }
        }
    }
}
