//! Nothing wraps: what the verifier enforces keeps every tensor far below the field's size.

use super::net::Net;
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::Visibility::{Private, Public};
use zktorch_blocks::program::{Program, Visibility};
use zktorch_compiler::graph::Domain;
use zktorch_compiler::import::{ImportOptions, load_bytes, load_path};
use zktorch_compiler::ops::{AveragePool, Div, LogSoftmax, MaxPool, Op, Reduce, ReduceKind, Softmax, TopK, Unary, Window};
use zktorch_compiler::{Options, compile};
use zktorch_models::bundled;
use zktorch_models::zoo::Zoo;
use zktorch_tests::enforced::enforced;
use zktorch_tests::field_witness::tensor;

/// Bits of the largest magnitude of any tensor.
///
/// # Panics
/// If something is not enforced to be an integer of bounded size.
fn bits(program: &Program) -> u32 {
    let magnitude = |(tensor, known): (&zktorch_blocks::program::Tensor, &Option<(i128, i128)>)| {
        let (lo, hi) = known.unwrap_or_else(|| panic!("nothing bounds `{}`", tensor.name));
        128 - lo.unsigned_abs().max(hi.unsigned_abs()).leading_zeros()
    };
    program.tensors.iter().zip(&enforced(program)).map(magnitude).max().unwrap_or(0)
}

#[test]
fn every_lowering_bounds_every_tensor() {
    let tiling = Window { strides: vec![2, 2], ..Window::dense(&[2, 2]) };
    let padded = Window { strides: vec![2], pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[3]) };
    let square = |net: Net| net.then("square", Op::Unary(Unary::Square));
    let quotient = |net: Net| {
        let x = net.last();
        let net = net.then("e", Op::Unary(Unary::Exp));
        let divisor = net.last();
        net.from(x).join("q", Div, divisor)
    };
    let nets = [
        Net::new(&[1, 4]).dense("fc", 80).then("f", Op::Unary(Unary::Tanh)),
        Net::new(&[1, 4]).dense("fc", 3).then("f", Op::Unary(Unary::Relu)).dense("fd", 2),
        Net::new(&[1, 4]).dense("fc", 80).then("f", Op::Unary(Unary::Relu)).dense("fd", 2),
        square(Net::new(&[1, 1, 2, 4])).then("pool", Op::MaxPool(MaxPool(tiling.clone()))),
        square(Net::new(&[1, 1, 2, 4])).then("pool", Op::MaxPool(MaxPool(tiling))).then("f", Op::Unary(Unary::Tanh)),
        Net::new(&[1, 1, 5]).then("pool", Op::MaxPool(MaxPool(padded.clone()))),
        Net::new(&[1, 1, 5]).then("pool", Op::AveragePool(AveragePool { window: padded, count_include_pad: false })),
        Net::new(&[1, 5]).then("mean", Op::Reduce(Reduce { kind: ReduceKind::Mean, axes: vec![1] })),
        Net::new(&[1, 5]).then("max", Op::Reduce(Reduce { kind: ReduceKind::Max, axes: vec![1] })),
        Net::new(&[3, 3]).dense("fc", 3).then("p", Op::Softmax(Softmax { axes: vec![1] })).dense("fd", 2),
        Net::new(&[1, 3]).then("p", Op::Softmax(Softmax { axes: vec![1] })),
        Net::new(&[3, 3]).dense("fc", 3).then("p", Op::LogSoftmax(LogSoftmax { axes: vec![1] })),
        quotient(Net::new(&[3, 3]).dense("fc", 3)).dense("fd", 2),
        Net::new(&[3, 3]).dense("fc", 5).then("z", Op::TopK(TopK { top: 2, largest: true, last: false })),
        Net::of(Domain::Boolean, &[1, 4]).then("f", Op::Unary(Unary::ToReal)).dense("fc", 3),
    ];
    let clip = Op::Unary(Unary::Clip { lo: -0.0625, hi: 0.25 });
    let saturating = Net::new(&[1, 2]).dense("fc", 40).then("f", clip).dense("fd", 2).keys_within(0.0, Private, 3);
    assert_eq!(saturating.tables_of("f.excess"), ["sign"]);
    for s in nets.map(|net| net.keys(Private, 3)).into_iter().chain([saturating]) {
        assert!(bits(s.program()) <= 62, "{}", bits(s.program()));
        // Nor does anything need its output to be seen.
        let mut private = s.program().clone();
        s.program().outputs.iter().for_each(|&id| private.tensors[id].visibility = Visibility::Private);
        assert!(bits(&private) <= 62, "{}", bits(&private));
    }
}

#[test]
fn a_batch_product_is_no_sum() {
    // Of 4096 exponentials below 2^15: their sum times a quotient below 2^17, twice.
    let softmax = Net::new(&[1, 4096]).then("p", Op::Softmax(Softmax { axes: vec![1] })).program();
    assert!(bits(&softmax) <= 44, "{}", bits(&softmax));
}

#[test]
fn the_shipped_models_are_bounded() {
    let images = bundled::digits_calibration().expect("it is there").samples();
    for model in [bundled::DIGITS_CNN, bundled::DIGITS_MLP] {
        let graph = load_bytes(model.onnx, &ImportOptions::default()).expect("it imports");
        let shape = graph.shape(graph.inputs()[0]).to_vec();
        let shaped = |image: &Vec<f32>| {
            let values = image.iter().copied().map(f64::from).collect();
            vec![ArrayD::from_shape_vec(IxDyn(&shape), values).expect("an image")]
        };
        let samples: Vec<Vec<ArrayD<f64>>> = images.iter().map(shaped).collect();
        for (inputs, outputs) in [(Private, Private), (Private, Public), (Public, Public)] {
            let options = Options { inputs, outputs, ..Options::default() };
            let compiled = compile(&graph, &samples, &options).expect("it compiles");
            assert!(bits(&compiled.program) <= 62, "{}", bits(&compiled.program));
        }
    }
}

#[test]
fn models_of_the_zoo_are_bounded() {
    let Some(zoo) = Zoo::locate_or_skip("models_of_the_zoo_are_bounded") else { return };
    for name in ["mnist_cnn_ms", "resnet20_cifar10", "mlperf_tiny_kws_dscnn", "mlperf_tiny_vww_mobilenet"] {
        let model = zoo.model(name).expect("it is there");
        let graph = load_path(&model.onnx, &ImportOptions::default()).expect("it imports");
        let input = model.read_inputs().expect("a sample")[0].values.to_f64();
        let shape = graph.shape(graph.inputs()[0]).to_vec();
        let samples = vec![vec![ArrayD::from_shape_vec(IxDyn(&shape), input).expect("an input")]];
        let compiled = compile(&graph, &samples, &Options { inputs: Private, ..Options::default() }).expect("it compiles");
        assert!(bits(&compiled.program) <= 62, "{name}: {} bits", bits(&compiled.program));
    }
}

#[test]
fn a_missing_lookup_leaves_its_tensor_unbounded() {
    let window = Window { strides: vec![2, 2], ..Window::dense(&[2, 2]) };
    let net = Net::new(&[1, 1, 2, 4]).then("square", Op::Unary(Unary::Square)).then("pool", Op::MaxPool(MaxPool(window)));
    let s = net.then("f", Op::Unary(Unary::Tanh)).keys(Public, 3);
    let mut program = s.program().clone();
    let maximum = tensor(&program, "f.max");
    program.lookups.retain(|l| !l.columns.contains(&maximum));
    assert_eq!(enforced(&program)[maximum], None);
}
