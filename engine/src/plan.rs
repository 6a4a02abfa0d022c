//! How long a compilation takes, by the model's size, before the work begins; and how much of it is done.

use zktorch_compiler::graph::Graph;

/// A part of a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The search for widths, with all runs on samples.
    Quantise,
    /// Commitments to the weights.
    Commit,
    /// The proof about the weights.
    Prove,
}

/// What each part is predicted to take, in seconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    shares: [f64; 3],
}

/// Seconds of one core: of every compilation, of a weight and of a value between layers, for each part. Fitted to four models of six thousand to
/// half a million weights, within a factor of two: what a search tries is not known before.
const RATES: [[f64; 3]; 3] = [[0.1, 0.4e-6, 1.0e-6], [0.35, 1.2e-6, 0.0], [0.2, 1.4e-6, 0.0]];
/// Runs of integers in a usual search.
const SEARCHED: usize = 48;

impl Plan {
    /// What a model will take.
    pub fn of(graph: &Graph) -> Self {
        let (mut weights, mut values) = (0.0, 0.0);
        for (id, node) in graph.nodes() {
            match graph.constant(id) {
                Some(_) => weights += node.len() as f64,
                None => values += node.len() as f64,
            }
        }
        Self { shares: RATES.map(|[all, weight, value]| all + weight * weights + value * values) }
    }

    /// Seconds of all of it, on as many cores as there are.
    pub fn seconds(&self) -> f64 {
        self.shares.iter().sum::<f64>() / rayon::current_num_threads().max(1) as f64
    }

    /// Steps that the search is expected to tell of.
    pub fn steps(&self, samples: usize) -> usize {
        SEARCHED + samples
    }

    /// How much of all is done, where so much of a part is.
    pub fn done(&self, part: Part, within: f64) -> f64 {
        let place = part as usize;
        let before: f64 = self.shares[..place].iter().sum();
        (before + within.clamp(0.0, 1.0) * self.shares[place]) / self.shares.iter().sum::<f64>()
    }
}

/// How much is done after some steps of about so many: it comes nearer to all of it and never arrives, as more may follow.
pub(crate) fn approached(steps: usize, expected: usize) -> f64 {
    1.0 - (-2.0 * steps as f64 / expected.max(1) as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_one_another() {
        let mut graph = Graph::new();
        graph.add_input("x", &[1000]);
        let plan = Plan::of(&graph);
        let order =
            [(Part::Quantise, 0.0), (Part::Quantise, 0.9), (Part::Commit, 0.0), (Part::Prove, 0.0), (Part::Prove, 0.5)];
        let done = order.map(|(part, within)| plan.done(part, within));
        assert!(done.is_sorted() && done[0] == 0.0 && done[4] < 1.0, "{done:?}");
        assert_eq!((plan.done(Part::Prove, 1.0), plan.done(Part::Commit, 7.0)), (1.0, plan.done(Part::Prove, 0.0)));
        graph.add_input("y", &[1_000_000]);
        assert!(Plan::of(&graph).seconds() > plan.seconds());
        let steps: Vec<f64> = [0, 10, 50, 500].map(|n| approached(n, 50)).to_vec();
        assert!(steps.is_sorted() && steps[0] == 0.0 && steps[3] <= 1.0, "{steps:?}");
    }
}
