//! Operators over space on ONNX's conformance cases: all of them as integers.

use rayon::prelude::*;
use zktorch_models::node_cases::{self, NodeCase, Tensors};
use zktorch_models::zoo::Zoo;
use zktorch_tests::conformance::{Fate, judge, prove, setup};

/// What names of cases begin with.
const FAMILIES: [&str; 26] = [
    "test_affine_grid_",
    "test_averagepool_",
    "test_basic_conv_",
    "test_blackmanwindow",
    "test_center_crop_pad_",
    "test_col2im",
    "test_conv_with_",
    "test_convtranspose",
    "test_dft",
    "test_edge_pad",
    "test_globalaveragepool",
    "test_gridsample",
    "test_hammingwindow",
    "test_hannwindow",
    "test_l1normalization_",
    "test_l2normalization_",
    "test_lpnormalization_",
    "test_lppool_",
    "test_lrn",
    "test_maxpool_",
    "test_melweightmatrix",
    "test_reflect_pad",
    "test_resize_",
    "test_stft",
    "test_upsample_",
    "test_wrap_pad",
];
/// One in so many is proved.
const PROVED: usize = 8;

#[test]
fn every_case_over_space_is_right() {
    let Some(zoo) = Zoo::locate_or_skip("every_case_over_space_is_right") else { return };
    let archive = node_cases::archive(&zoo);
    if !archive.exists() {
        eprintln!("SKIPPED every_case_over_space_is_right: no {}", archive.display());
        return;
    }
    let mut cases = node_cases::read(&archive).expect("an archive");
    cases.retain(|case| case.is_usual() && !case.is_expanded() && FAMILIES.iter().any(|name| case.name.starts_with(name)));
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let setup = setup();
    let off = |(at, case): (usize, &NodeCase)| match judge(case) {
        (Fate::Right(_), Some(right)) if at % PROVED == 0 => prove(&right, &setup).err(),
        (Fate::Right(_), _) => None,
        (other, _) => Some(format!("{}: {other:?}", case.name)),
    };
    let off: Vec<String> = cases.par_iter().enumerate().filter_map(off).collect();
    assert!(off.is_empty(), "{}", off.join("\n"));
}

#[test]
fn a_detector_with_a_resize_is_right() {
    let Some(zoo) = Zoo::locate_or_skip("a_detector_with_a_resize_is_right") else { return };
    let model = zoo.model("fastestdet_coco").expect("it is there");
    let (inputs, outputs) = (model.read_inputs().expect("a sample"), model.read_outputs().expect("its output"));
    let bytes = std::fs::read(&model.onnx).expect("a model");
    let case = NodeCase { name: model.name, model: bytes, tensors: Some(Tensors { inputs, outputs }) };
    let (fate, _) = judge(&case);
    assert!(matches!(fate, Fate::Right(error) if error <= 0.005), "{fate:?}");
}
