//! Models as files, for other runtimes.

use std::path::Path;

use ndarray::ArrayD;
use serde_json::{Value, json};

use super::plan::RandomModel;
use super::reference::Reference;
use super::samples::samples;

/// Samples that are written.
const COUNT: usize = 3;

/// Writes `SEED.onnx` and `SEED.json`: samples, and the outputs that tract gives for them (none where it gives none).
///
/// # Errors
/// If the folder cannot be written to.
pub fn write(model: &RandomModel, folder: &Path) -> std::io::Result<()> {
    let samples = samples(&model.feeds, model.seed, COUNT);
    let reference = Reference::new(&model.bytes);
    let outputs = |sample: &Vec<ArrayD<f64>>| reference.as_ref().map_err(Clone::clone)?.run(sample);
    let runs: Vec<Value> = samples
        .iter()
        .map(|sample| {
            let inputs: Vec<Value> = sample.iter().map(array).collect();
            match outputs(sample) {
                Ok(outputs) => json!({ "inputs": inputs, "outputs": outputs.iter().map(array).collect::<Vec<_>>() }),
                Err(reason) => json!({ "inputs": inputs, "refused": reason }),
            }
        })
        .collect();
    std::fs::write(folder.join(format!("{}.onnx", model.seed)), &model.bytes)?;
    let text = json!({ "jumps": model.jumps, "listing": model.listing, "runs": runs }).to_string();
    std::fs::write(folder.join(format!("{}.json", model.seed)), text)
}

/// Shape and entries; what is not finite is null.
fn array(array: &ArrayD<f64>) -> Value {
    let values: Vec<f64> = array.iter().copied().collect();
    json!({ "shape": array.shape(), "values": values })
}
