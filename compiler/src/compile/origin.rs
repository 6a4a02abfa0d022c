//! Which tensor an error comes from.

use super::attempt::Attempt;
use super::task::Task;
use crate::graph::Evaluation;
use crate::lower::Value;
use crate::quantise::to_real;
use crate::report::Measure;

/// Says where the error of an attempt arises: in the import, or at the first tensor that is off by half as much as is accepted.
pub(super) fn describe(task: &Task<'_>, attempt: &Attempt) -> String {
    let accepted = task.options.max_error;
    let mut float = Measure::new(&attempt.trial.outputs, &task.bounds);
    for sample in &task.search {
        let outputs: Vec<Vec<f64>> = sample.own.iter().map(|o| o.iter().copied().collect()).collect();
        float.take(&outputs, &sample.wanted);
    }
    let imported = float.finish(task.search.len()).error();
    if imported > accepted / 2.0 {
        let percent = 100.0 * imported;
        return format!(
            "in floats of 64 bits too the imported model is {percent:.3} % off what its file gives in its own: its arithmetic leaves no digits \
             there, or the import is wrong, which we would like to hear of"
        );
    }
    let Attempt { trial, traces, .. } = attempt;
    let lowered = &trial.lowered;
    let floats: Vec<Evaluation> = task.evaluations(traces.len());
    let mut worst: Option<(f64, String)> = None;
    for id in task.graph.order() {
        let Some(&Value { tensor, scale, .. }) = lowered.nodes.get(&id) else { continue };
        let (mut difference, mut size) = (0f64, f64::MIN_POSITIVE);
        for (trace, evaluation) in traces.iter().zip(&floats) {
            let Some(float) = evaluation.value(id) else { continue };
            for (&value, &float) in trace.values(&lowered.program, tensor).iter().zip(float) {
                difference = difference.max((to_real(value, scale) - float).abs());
                size = size.max(float.abs());
            }
        }
        let (error, node) = (difference / size, task.graph.node(id));
        if worst.as_ref().is_none_or(|(most, _)| error > *most) {
            let step = to_real(1, scale);
            let at = format!("`{}` ({}), whose values reach {size:.3e} in steps of {step:.1e}", node.name, node.op.name());
            worst = Some((error, at));
            if error > accepted / 2.0 {
                break;
            }
        }
    }
    match worst {
        Some((error, at)) => format!("it arises at {at}: {:.3} % there", 100.0 * error),
        None => "no tensor of the program shows it".to_owned(),
    }
}
