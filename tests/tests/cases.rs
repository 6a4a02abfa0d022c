//! Small models with the structure of those that people reported as failing somewhere, against onnxruntime's outputs.
//!
//! The folder `cases` of the zoo has one a folder. What becomes of each is written down here: right within a bound, or refused for a
//! reason that names the true cause.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use rayon::prelude::*;
use serde_json::Value;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::inputs::{InputSpec, read};
use zktorch_compiler::{Compiled, Options, compile_model};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::random_models::reference::Reference;
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

/// What becomes of a case.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// At most this far off, in every column of every output, relative to the column's size.
    Right(f64),
    /// Refused, with this in the message.
    Refused(&'static str),
}

use Fate::{Refused, Right};

/// Off by so much is still right, where nothing finer is asked.
const USUAL: f64 = 0.03;
/// A column of one sample counts as no smaller than this share of its output: its range is not known.
const SMALLEST: f64 = 0.25;

const CASES: [(&str, Fate); 80] = [
    ("01_reduce_l1_axes_attribute_13", Right(USUAL)),
    ("02_reduce_mean_axes_input_18", Right(USUAL)),
    ("03_reduce_axes_at_run_time", Right(USUAL)),
    ("04_reduce_noop_with_empty_axes", Right(USUAL)),
    ("05_split_num_outputs_uneven", Right(USUAL)),
    ("06_split_no_attribute_13", Right(USUAL)),
    ("07_lstm_then_linear", Right(0.005)),
    ("08_lstm_input_forget_clip", Right(0.005)),
    ("10_dynamic_quantize_linear_matmul_integer", Right(0.005)),
    ("11_conv_integer_dynamic_quant", Right(0.005)),
    ("12_qdq_per_channel_weights", Right(0.005)),
    ("13_dequantize_weights_axis0_linear", Right(USUAL)),
    ("15_squeeze_unsqueeze_mul_13", Right(USUAL)),
    ("16_resize_linear_sizes_scales", Right(0.005)),
    ("17_resize_nearest_x2", Right(0.005)),
    ("18_dynamic_dims_batch", Right(USUAL)),
    ("19_prelu_elu", Right(USUAL)),
    ("20_vector_input_linear", Right(USUAL)),
    ("22_einsum_forms", Right(0.005)),
    ("23_hummingbird_tree_gemm", Right(0.005)),
    ("24_tree_ensemble_classifier", Right(0.005)),
    ("25_xgboost_regressor_base_values", Right(0.005)),
    ("27_pad_constant_empty_value_axes", Right(USUAL)),
    ("28_averagepool_ceil_count_include_pad", Right(USUAL)),
    ("29_averagepool_asymmetric_pads", Right(USUAL)),
    ("30_maxpool_ceil_dilations", Right(USUAL)),
    ("31_groupnorm_21_per_channel", Right(USUAL)),
    ("32_groupnorm_instance_reshape", Right(USUAL)),
    ("33_layernorm_17_no_bias_negative_axis", Right(USUAL)),
    ("34_layernorm_decomposed_gelu_mlp", Right(USUAL)),
    ("35_rmsnorm_23", Right(USUAL)),
    ("36_attention_23_causal_gqa", Right(USUAL)),
    ("37_convtranspose_same_upper", Right(0.005)),
    ("39_nodes_not_sorted", Right(USUAL)),
    ("40_batchnorm_spatial_7", Right(USUAL)),
    ("41_clip_missing_min", Right(USUAL)),
    ("42_local_functions", Right(USUAL)),
    ("43_external_data", Right(USUAL)),
    ("44_float16_model", Right(USUAL)),
    ("45_float16_weights_cast", Right(USUAL)),
    ("46_bfloat16_weights", Right(USUAL)),
    ("47_double_model", Right(USUAL)),
    ("49_embedding_int64_mean_pool", Right(USUAL)),
    ("50_grouped_conv_and_depthwise", Right(USUAL)),
    ("51_concat_shape_arithmetic", Right(USUAL)),
    ("52_simplified_layernorm_contrib", Right(USUAL)),
    ("54_softmax_11_flattening", Right(USUAL)),
    ("55_output_is_input", Right(USUAL)),
    ("56_duplicate_output_names", Right(USUAL)),
    ("57_output_used_inside", Right(USUAL)),
    ("58_slice_negative_steps", Right(USUAL)),
    ("59_gpt2_causal_attention", Right(USUAL)),
    ("60_attention_minus_infinity_mask", Right(USUAL)),
    ("61_rope_rotate_half", Right(USUAL)),
    ("62_gelu_20_tanh", Right(USUAL)),
    ("63_gelu_tanh_decomposed", Right(USUAL)),
    ("64_mobilenetv3_se_block", Right(USUAL)),
    ("65_gemm_alpha_beta", Right(USUAL)),
    ("66_prelu_scalar_and_full_slope", Right(USUAL)),
    ("68_argmax_head_of_classifier", Right(USUAL)),
    ("69_dropout_training_inputs", Right(USUAL)),
    ("70_normalize_l2", Right(USUAL)),
    ("72_global_pools_and_sum_mean", Right(USUAL)),
    ("73_cumsum_exclusive_reverse", Right(USUAL)),
    ("75_where_comparisons", Right(0.005)),
    ("76_scalers_div_sub_constants", Right(USUAL)),
    ("77_sentinel_large_scale_features", Right(0.005)),
    ("78_conv1d_and_conv3d", Right(0.005)),
    ("79_batch_of_four", Right(USUAL)),
    ("80_uint8_image_input", Right(USUAL)),
    ("81_int64_output_cast", Right(USUAL)),
    ("82_ir3_initialisers_are_inputs", Right(USUAL)),
    ("83_depthwise_weights_per_channel_ranges", Right(USUAL)),
    ("84_layernorm_outlier_channel", Right(USUAL)),
    ("85_softmax_confident_logits", Right(USUAL)),
    ("87_two_heads_of_different_size", Right(0.005)),
    ("88_exp_head", Right(USUAL)),
    ("90_constant_of_shape_default", Right(USUAL)),
    ("91_div_by_sqrt_rewritten", Right(USUAL)),
    ("92_swish_24_and_mish", Right(USUAL)),
];

/// A case's files, read.
struct Case {
    folder: PathBuf,
    input: Vec<ArrayD<f64>>,
    compiled: Compiled,
    /// Per output its values and the sizes of its columns.
    expected: Vec<(Vec<f64>, Vec<f64>)>,
}

/// The compiled case, or why it is refused.
fn read_case(folder: &Path) -> Result<Case, String> {
    let model = model_path(&folder.join("model.onnx"), &ImportOptions::default()).map_err(|e| e.to_string())?;
    let specs = InputSpec::of(&model.graph);
    let input = read(&folder.join("input.json"), &specs).map_err(|e| e.to_string())?.remove(0);
    let calibration = match folder.join("calib.npy") {
        file if file.exists() => read(&file, &specs).map_err(|e| e.to_string())?,
        _ => vec![input.clone()],
    };
    let compiled = compile_model(&model, &calibration, &Options::default()).map_err(|e| e.to_string())?;
    let expected = expected(folder, &calibration);
    Ok(Case { folder: folder.to_owned(), input, compiled, expected })
}

/// Onnxruntime's outputs, and the size of every column: over all samples where there are several.
fn expected(folder: &Path, calibration: &[Vec<ArrayD<f64>>]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let text = std::fs::read(folder.join("expected.json")).expect("it is there");
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let lists = |name: &str| json[name].as_array().expect("a list").clone();
    let numbers = |list: &Value| list.as_array().expect("a list").iter().map(number).collect::<Vec<f64>>();
    let outputs: Vec<Vec<f64>> = lists("output_data").iter().map(numbers).collect();
    let shapes: Vec<Vec<f64>> = lists("shapes").iter().map(numbers).collect();
    let mut runs = vec![outputs.clone()];
    if calibration.len() > 1 {
        let reference = Reference::new(&std::fs::read(folder.join("model.onnx")).expect("it is there")).expect("it runs");
        let run = |sample: &Vec<ArrayD<f64>>| reference.run(sample).expect("it runs");
        let flat = |run: Vec<ArrayD<f64>>| run.into_iter().map(|o| o.into_iter().collect()).collect();
        runs.extend(calibration.iter().map(run).map(flat));
    }
    let columns = |index: usize| {
        let extent = shapes[index].last().map_or(1, |&extent| extent as usize).max(1);
        let mut sizes = vec![0f64; extent];
        for run in &runs {
            run[index].iter().enumerate().for_each(|(at, v)| sizes[at % extent] = sizes[at % extent].max(v.abs()));
        }
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        let floor = if runs.len() > 1 { 0.0 } else { SMALLEST * largest };
        sizes.into_iter().map(|size| size.max(floor)).collect()
    };
    outputs.into_iter().enumerate().map(|(index, values)| (values, columns(index))).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_bool().map(|b| f64::from(u8::from(b)))).expect("a number")
}

impl Case {
    fn integers(&self) -> Result<Vec<Vec<i64>>, String> {
        let ports = self.compiled.inputs.iter().zip(&self.input);
        let quantise = |(port, values): (&zktorch_compiler::Port, &ArrayD<f64>)| {
            port.quantise(&values.iter().copied().collect::<Vec<_>>()).map_err(|e| e.to_string())
        };
        ports.map(quantise).collect()
    }

    /// How far the worst entry is off, relative to its column.
    fn error(&self) -> Result<f64, String> {
        let Compiled { program, weights, outputs, .. } = &self.compiled;
        let trace = execute(program, weights, &self.integers()?).map_err(|e| e.to_string())?;
        let got = outputs.iter().zip(&program.outputs).map(|(port, &id)| port.dequantise(&trace.values(program, id)));
        Ok(self.compare(got.collect()))
    }

    fn compare(&self, got: Vec<Vec<f64>>) -> f64 {
        assert_eq!(got.len(), self.expected.len(), "{}", self.folder.display());
        let mut worst = 0f64;
        for ((expected, sizes), got) in self.expected.iter().zip(got) {
            assert_eq!(got.len(), expected.len(), "{}", self.folder.display());
            for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
                worst = worst.max((expected - got).abs() / sizes[at % sizes.len()].max(f64::MIN_POSITIVE));
            }
        }
        worst
    }
}

#[test]
fn every_case_is_right_or_refused_as_it_is_written_down() {
    let Some(folder) = cases("every_case_is_right_or_refused_as_it_is_written_down") else { return };
    let one = |&(name, fate): &(&str, Fate)| {
        let found = read_case(&folder.join(name)).and_then(|case| case.error());
        let holds = match (&found, fate) {
            (Ok(error), Right(bound)) => *error <= bound,
            (Err(reason), Refused(cause)) => reason.contains(cause),
            _ => false,
        };
        let text = match found {
            Ok(error) => format!("{:.3} %", 100.0 * error),
            Err(reason) => format!("refused: {}", reason.replace('\n', " ")),
        };
        println!("| {name} | {text} |");
        (!holds).then(|| format!("{name}: {text}; expected {fate:?}"))
    };
    let wrong: Vec<String> = CASES.par_iter().filter_map(one).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, CASES.iter().map(|(name, _)| (*name).to_owned()).collect(), "the table is not the folder's");
}

#[test]
fn some_cases_are_proved_and_verified() {
    let Some(folder) = cases("some_cases_are_proved_and_verified") else { return };
    let setup = Setup::insecure(12).expect("in range");
    for name in ["05_split_num_outputs_uneven", "28_averagepool_ceil_count_include_pad", "65_gemm_alpha_beta"] {
        let case = read_case(&folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let integers = case.integers().expect("in range");
        let Compiled { program, weights, inputs, outputs, .. } = case.compiled.clone();
        let ports = |ports: &[zktorch_compiler::Port]| {
            ports
                .iter()
                .map(|p| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element })
                .collect::<Vec<_>>()
        };
        let mut randomness = Randomness::from_os().expect("randomness");
        let ports = [ports(&inputs), ports(&outputs)];
        let (proving, verifying) = keygen(program, weights, &setup, 12, ports, &mut randomness).expect("keys");
        let proved = Prover::new(&proving, &verifying, randomness).prove(&integers).expect("a proof");
        assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted), "{name}");
        let got = outputs.iter().zip(&proved.outputs).map(|(port, values)| port.dequantise(values)).collect();
        let error = case.compare(got);
        assert!(error <= USUAL, "{name}: {error}");
    }
}

fn cases(test: &str) -> Option<PathBuf> {
    let folder = Zoo::locate_or_skip(test)?.root().join("cases");
    if !folder.is_dir() {
        eprintln!("SKIPPED {test}: no {}", folder.display());
        return None;
    }
    Some(folder)
}
