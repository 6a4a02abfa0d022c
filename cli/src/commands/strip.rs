//! `strip`: an ONNX model without its weights, for auditors.

use crate::args::Strip;
use crate::failure::Failure;
use crate::files::{self, Pending};
use crate::outcome::Outcome;
use crate::pipeline::import_failure;
use crate::place;
use serde_json::{Value, json};
use zktorch_compiler::import::strip;
use zktorch_verdict::show;

/// Tensors that are named for people.
const NAMED: usize = 8;

pub fn command(args: &Strip) -> Result<Outcome, Failure> {
    place::Files::default().input("the model", &args.model).output("-o", &args.output).force(args.force).check()?;
    let pending = Pending::new(&args.output)?;
    let bytes = files::read(&args.model)?;
    not_its_weights(args, &bytes)?;
    let folder = args.model.parent();
    let stripped = strip(&bytes, folder).map_err(|e| import_failure(&args.model, &e))?;
    pending.write(&stripped.bytes)?;
    let describe = |list: &[(String, Vec<i64>)]| {
        // Shapes are whatever the file says.
        let volume = |dims: &[i64]| dims.iter().fold(1usize, |n, &d| n.saturating_mul(d.try_into().unwrap_or(0)));
        let numbers = list.iter().fold(0usize, |sum, (_, dims)| sum.saturating_add(volume(dims)));
        format!("{} in {}", show::things(numbers, "number"), show::things(list.len(), "tensor"))
    };
    let names: Vec<&str> = stripped.kept.iter().map(|(name, _)| name.as_str()).take(NAMED).collect();
    let more = if stripped.kept.len() > NAMED { ", ..." } else { "" };
    let kept = match names.join(", ") {
        names if names.is_empty() => "no number of a tensor of floats".to_owned(),
        names => format!("{}, single or all equal: {names}{more}", describe(&stripped.kept)),
    };
    let structure = match stripped.structure.len() {
        0 => "no tensor".to_owned(),
        _ => format!("{}: shapes, axes, indices, masks", describe(&stripped.structure)),
    };
    let lines = [
        ("withheld", describe(&stripped.withheld)),
        ("kept", kept),
        ("structure", structure),
        ("written", format!("{} ({})", args.output.display(), show::bytes(stripped.bytes.len()))),
    ];
    let list = |list: &[(String, Vec<i64>)]| -> Vec<Value> {
        list.iter().map(|(name, shape)| json!({ "name": name, "shape": shape })).collect()
    };
    let json = json!({
        "withheld": list(&stripped.withheld),
        "kept": list(&stripped.kept),
        "structure": list(&stripped.structure),
        "bytes": stripped.bytes.len(),
    });
    Ok(Outcome::done(show::lines(&lines), json))
}

/// Refuses to overwrite a file that the model names: its weights may lie there.
fn not_its_weights(args: &Strip, model: &[u8]) -> Result<(), Failure> {
    let name = args.output.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    let named = !name.is_empty() && model.windows(name.len()).any(|bytes| bytes == name);
    if named && args.output.exists() {
        let why = format!("`{}` names this file: its weights may lie there", args.model.display());
        return Err(Failure::file("write -o", &args.output, why).hint("name another file"));
    }
    Ok(())
}
