//! The search for the cheapest widths that are good enough.

use super::CompileError;
use super::attempt::Attempt;
use super::options::WARN_ERROR;
use super::task::Task;
use crate::quantise::{Settings, candidates, finest, saturates};

/// Activations of a net in which every bit is felt, and the output error that is small enough there.
const LARGE: usize = 100_000;
const LARGE_ERROR: f64 = 0.002;
/// Widths whose error is within this factor of the finest ones' will do where no widths reach the target.
const NEAR: f64 = 1.3;

/// The cheapest widths whose error is as small as wanted; where none is, the cheapest that come near the best; where the best are not
/// good, the best.
pub(super) fn search(task: &Task<'_>) -> Result<Attempt, CompileError> {
    let (graph, options) = (&*task.graph, task.options);
    let activations = activations(task);
    let try_out = |settings: Settings| Attempt::new(task, settings);
    let error = |attempt: &Attempt| attempt.score;
    let wanted = if activations > LARGE { options.target_error.max(LARGE_ERROR) } else { options.target_error };
    let [finest, beyond] = finest(options.bits, activations);
    let reach = |saturates, wide| -> Result<Attempt, CompileError> {
        let best = try_out(Settings { saturates, wide, ..finest })?;
        if error(&best) <= wanted {
            return Ok(best);
        }
        // Limbs for all remainders: only where they bring much.
        let finer = try_out(Settings { saturates, wide, ..beyond }).ok().filter(|finer| error(finer) < 0.5 * error(&best));
        Ok(finer.unwrap_or(best))
    };
    let mut best = reach(false, false)?;
    // Saturation too: it takes two more values and a lookup each time.
    if error(&best) > wanted
        && saturates(graph, finest)
        && let Ok(other) = reach(true, false)
        && error(&other) < 0.5 * error(&best)
    {
        best = other;
    }
    // Wide products too: they take a limb more each.
    if error(&best) > wanted
        && graph.nodes().any(|(id, _)| graph.multiplies(id))
        && let Ok(other) = reach(best.settings.saturates, true)
        && error(&other) < 0.5 * error(&best)
    {
        best = other;
    }
    let poor = error(&best) > wanted && best.accuracy.error() > WARN_ERROR;
    if poor || (best.settings.shift > finest.shift && error(&best) > 0.5 * wanted) {
        return Ok(best);
    }
    let wanted = wanted.max(NEAR * error(&best));
    let mut failed: Vec<(Settings, f64)> = Vec::new();
    let Settings { saturates, wide, .. } = best.settings;
    for settings in candidates(options.bits, activations).into_iter().map(|s| Settings { saturates, wide, ..s }) {
        if settings == best.settings {
            break;
        }
        if failed.iter().any(|(tried, ratio)| hopeless(*tried, *ratio, settings)) {
            continue;
        }
        // Widths that cannot carry the samples are no error: wider ones do.
        if let Ok(tried) = try_out(settings) {
            if error(&tried) <= wanted {
                return Ok(tried);
            }
            failed.push((settings, error(&tried) / wanted));
        }
    }
    Ok(best)
}

/// Entries that are rounded.
fn activations(task: &Task<'_>) -> usize {
    task.graph.nodes().filter(|(_, n)| n.op.nature().rounds).map(|(_, n)| n.len()).sum()
}

/// The widest settings but those tried.
pub(super) fn wider(task: &Task<'_>, tried: Settings) -> Vec<Settings> {
    let Settings { saturates, wide, .. } = tried;
    let widest = finest(task.options.bits, activations(task)).map(|settings| Settings { saturates, wide, ..settings });
    widest.into_iter().filter(|&settings| settings != tried).collect()
}

/// Whether widths will not repair an error that others left: a bit halves it, or somewhat more where it had saturated.
fn hopeless(tried: Settings, ratio: f64, next: Settings) -> bool {
    let more = (next.bits as i32 - tried.bits as i32).max(next.shift as i32 - tried.shift as i32);
    f64::from(more) < (0.6 * ratio.log2()).floor()
}
