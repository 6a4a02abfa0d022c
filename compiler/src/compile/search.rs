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

/// What there is to know of widths that were tried.
#[derive(Clone, Copy)]
struct Tried {
    settings: Settings,
    score: f64,
    error: f64,
}

/// Attempts, of which one is kept at a time: it has all weights, and the values of its runs.
struct Attempts<'t, 's> {
    task: &'t Task<'s>,
    last: Option<Attempt>,
}

impl Attempts<'_, '_> {
    fn try_out(&mut self, settings: Settings) -> Result<Tried, CompileError> {
        self.last = None;
        let attempt = Attempt::new(self.task, settings)?;
        let tried = Tried { settings, score: attempt.score, error: attempt.accuracy.error() };
        self.last = Some(attempt);
        Ok(tried)
    }

    /// The attempt under widths that were tried: made again where others were tried since.
    fn again(self, settings: Settings) -> Result<Attempt, CompileError> {
        match self.last.filter(|last| last.settings == settings) {
            Some(last) => Ok(last),
            None => Attempt::new(self.task, settings),
        }
    }

    /// The cheapest widths that are good enough, by what their programs cost: entries of a language model that are wider than activations take limbs,
    /// and what these cost depends on the widths.
    fn cheapest(&mut self, best: Settings, wanted: f64) -> Settings {
        self.last = None;
        let Settings { saturates, wide, .. } = best;
        let all = candidates(self.task.options.bits, activations(self.task)).into_iter();
        let all = all.filter(|s| s.shift == (s.bits + 2).min(16)).map(|s| Settings { saturates, wide, ..s });
        let mut priced: Vec<(f64, Settings)> =
            all.chain([best]).filter_map(|settings| Some((Attempt::price(self.task, settings).ok()?, settings))).collect();
        priced.sort_by(|a, b| a.0.total_cmp(&b.0));
        let good =
            |settings: &Settings| *settings == best || self.try_out(*settings).is_ok_and(|tried| tried.score <= wanted);
        priced.into_iter().map(|(_, settings)| settings).find(good).unwrap_or(best)
    }

    /// The finest widths of a kind, with limbs for all remainders only where they bring much.
    fn finest(&mut self, finest: [Settings; 2], wanted: f64) -> Result<Tried, CompileError> {
        let best = self.try_out(finest[0])?;
        if best.score <= wanted {
            return Ok(best);
        }
        Ok(self.try_out(finest[1]).ok().filter(|finer| finer.score < 0.5 * best.score).unwrap_or(best))
    }
}

/// The cheapest widths whose error is as small as wanted; where none is, the cheapest that come near the best; where the best are not
/// good, the best.
pub(super) fn search(task: &Task<'_>) -> Result<Attempt, CompileError> {
    let mut attempts = Attempts { task, last: None };
    let settings = chosen(&mut attempts)?;
    attempts.again(settings)
}

fn chosen(attempts: &mut Attempts<'_, '_>) -> Result<Settings, CompileError> {
    let (task, graph, options) = (attempts.task, &*attempts.task.graph, attempts.task.options);
    let activations = activations(task);
    let wanted = match () {
        () if task.language => options.target_kl,
        () if activations > LARGE => options.target_error.max(LARGE_ERROR),
        () => options.target_error,
    };
    let finest = finest(options.bits, activations);
    let of_kind = |saturates, wide| finest.map(|settings| Settings { saturates, wide, ..settings });
    let mut best = attempts.finest(of_kind(false, false), wanted)?;
    // Saturation too: it takes two more values and a lookup each time.
    if best.score > wanted
        && saturates(graph, finest[0])
        && let Ok(other) = attempts.finest(of_kind(true, false), wanted)
        && other.score < 0.5 * best.score
    {
        best = other;
    }
    // Wide products too: they take a limb more each.
    if best.score > wanted
        && (graph.gates_convolutions()
            || graph.nodes().any(|(id, _)| graph.multiplies(id))
            || !graph.before_steep().is_empty())
        && let Ok(other) = attempts.finest(of_kind(best.settings.saturates, true), wanted)
        && other.score < 0.5 * best.score
    {
        best = other;
    }
    let poor = best.score > wanted && (task.language || best.error > WARN_ERROR);
    if poor || (best.settings.shift > finest[0].shift && best.score > 0.5 * wanted) {
        return Ok(best.settings);
    }
    let wanted = wanted.max(NEAR * best.score);
    if task.language {
        return Ok(attempts.cheapest(best.settings, wanted));
    }
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
        if let Ok(tried) = attempts.try_out(settings) {
            if tried.score <= wanted {
                return Ok(settings);
            }
            failed.push((settings, tried.score / wanted));
        }
    }
    Ok(best.settings)
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
