//! Ensembles of trees on whole data sets: every sample has the class that onnxruntime gives it.

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;
use zktorch_blocks::execute::execute;
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::{Options, Port, compile_model};
use zktorch_models::data::{self, Dataset};
use zktorch_models::zoo::Zoo;

/// Classes that onnxruntime gives, each with how many samples have it in a row.
type Runs = &'static [(usize, usize)];

/// Models, their data, and what onnxruntime says of all samples: the first of several scores that is largest, the label, or the
/// mean of labels, rounded.
const CLASSES: [(&str, Dataset, Runs); 5] = [
    ("ezkl_gbt_iris", Dataset::Iris, &[(0, 50), (1, 20), (2, 1), (1, 29), (2, 50)]),
    ("ezkl_random_forest_iris", Dataset::Iris, &[(0, 50), (1, 27), (2, 1), (1, 22), (2, 33), (1, 1), (2, 16)]),
    (
        "ezkl_lightgbm_iris",
        Dataset::Iris,
        &[(0, 50), (1, 20), (2, 1), (1, 6), (2, 1), (1, 5), (2, 1), (1, 16), (2, 6), (1, 1), (2, 12), (1, 1), (2, 30)],
    ),
    ("tract_lgbm_wine_tensor", Dataset::Wine, &[(0, 4), (1, 1), (0, 38), (1, 1), (0, 15), (1, 71), (2, 48)]),
    ("tract_xgb_wine_tree", Dataset::Wine, &[(0, 59), (1, 71), (2, 48)]),
];

/// A sample whose two best scores lie 0.016 % of the largest score apart, which is less than what rounding may move them by. Its leaves are those of
/// the float model, and its class may be either.
const NEAR: (&str, usize) = ("ezkl_gbt_iris", 83);

/// The class that an output says.
fn class(values: &[f64]) -> usize {
    match *values {
        [label] => label.round() as usize,
        _ => (0..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best }),
    }
}

/// Samples whose class is another.
fn others(zoo: &Zoo, name: &str, dataset: Dataset, runs: Runs) -> Vec<usize> {
    let model = zoo.model(name).expect("it is there");
    let data = data::load(zoo, dataset).expect("it is there");
    let wanted: Vec<usize> = runs.iter().flat_map(|&(class, count)| std::iter::repeat_n(class, count)).collect();
    assert_eq!(wanted.len(), data.len(), "{name}");
    let shape = vec![1, data.shape[0]];
    let wide = |sample: &[f32]| sample.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let array = |sample: &[f32]| ArrayD::from_shape_vec(IxDyn(&shape), wide(sample)).expect("values of the shape");
    let options = ImportOptions { input_shapes: vec![shape.clone()], ..ImportOptions::default() };
    let model = model_path(&model.onnx, &options).expect("it imports");
    let samples: Vec<Vec<ArrayD<f64>>> = data.iter().map(|(sample, _)| vec![array(sample)]).collect();
    let compiled = compile_model(&model, &samples, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let port = |ports: &[Port]| ports[0].clone();
    let (input, output) = (port(&compiled.inputs), port(&compiled.outputs));
    let got = |sample: &[f32]| {
        let integers = input.quantise(&wide(sample)).expect("in range");
        let trace = execute(&compiled.program, &compiled.weights, &[integers]).expect("it runs");
        class(&output.dequantise(&trace.values(&compiled.program, compiled.program.outputs[0])))
    };
    println!("{name}: {} bits, inputs of {} bits", compiled.report.bits, input.interval.bits());
    data.iter()
        .zip(wanted)
        .enumerate()
        .filter(|(_, ((sample, _), wanted))| got(sample) != *wanted)
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn every_sample_has_the_class_of_the_float_model() {
    let Some(zoo) = Zoo::locate_or_skip("every_sample_has_the_class_of_the_float_model") else { return };
    let wrong: Vec<String> = CLASSES
        .par_iter()
        .map(|&(name, dataset, runs)| (name, others(&zoo, name, dataset, runs)))
        .map(|(name, mut others)| {
            others.retain(|&sample| (name, sample) != NEAR);
            (name, others)
        })
        .filter(|(_, others)| !others.is_empty())
        .map(|(name, others)| format!("{name}: samples {others:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
