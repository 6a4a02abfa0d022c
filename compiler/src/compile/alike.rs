//! One more program of a model that has been compiled, for texts of another length, on the weights that are committed for that one.

use ndarray::ArrayD;
use zktorch_blocks::program::{Program, Scale, Tensor, WORDS};

use super::ask::calibrate;
use super::attempt::Attempt;
use super::task::Task;
use super::trial::{Trial, ports};
use super::{Asked, CompileError, Earlier, Like, Options, Unlike, extend};
use crate::Goal;
use crate::graph::{Graph, NodeId};
use crate::lower::{Interface, lower_alike};
use crate::quantise::Settings;

impl Earlier {
    /// The options, with inputs that are like those of this program.
    ///
    /// # Errors
    /// If it takes others.
    pub(super) fn options(&self, graph: &Graph, options: &Options) -> Result<Options, Unlike> {
        let Self { program, .. } = self;
        if !program.columns.is_empty() {
            return Err(Unlike::Columns);
        }
        let own = Goal::claimed(program).own_inputs(program.inputs.len());
        let tensors = program.inputs.iter().take(own).filter_map(|&id| program.tensors.get(id));
        let like = |tensor: &Tensor| Like { scale: tensor.scale, interval: tensor.interval, columns: Vec::new() };
        let inputs_like: Vec<Like> = tensors.map(like).collect();
        let fits = |(like, &id): (&Like, &NodeId)| like.scale == Scale(0) || !graph.domain(id).is_exact();
        if inputs_like.len() != graph.inputs().len() || !inputs_like.iter().zip(graph.inputs()).all(fits) {
            return Err(Unlike::Inputs);
        }
        Ok(Options { inputs_like, ..options.clone() })
    }

    /// The model's program under the decisions of this one, run on samples; and what is proved, where that is not the outputs.
    pub(super) fn attempt(&self, task: &Task<'_>) -> Result<(Attempt, Option<Asked>), CompileError> {
        let Self { program: Program { annotations, .. }, weights } = self;
        let extended = extend(task.options.goal, &task.graph)?;
        let interface = Interface::of(task.options, &task.columns);
        let committed = weights.values().collect();
        let mut calibration = task.calibration.clone();
        calibrate(&extended, &mut calibration);
        let lowered = lower_alike(&extended, &calibration, annotations, interface, committed)?;
        let settings = annotations.first_chunk().and_then(|notes| Settings::of_notes(*notes));
        let settings = settings.ok_or(Unlike::Annotations)?;
        if task.options.goal == Goal::Outputs {
            return Ok((Attempt::of(task, settings, Trial::new(&task.graph, lowered))?, None));
        }
        let asked = Asked {
            ports: ports(&extended, &lowered.program),
            program: lowered.program.clone(),
            weights: lowered.weights.clone(),
        };
        let more = example(task.options.goal, &task.graph);
        Ok((Attempt::of(task, settings, Trial::asked(&task.graph, lowered, more))?, Some(asked)))
    }
}

/// What a program takes behind the model's own inputs: as many places of the text as it answers, and a seed, or all tokens that can count.
fn example(goal: Goal, graph: &Graph) -> Vec<ArrayD<f64>> {
    let text = graph.inputs().first().map_or(0, |&id| graph.node(id).len());
    let places = |tokens: usize| ArrayD::from_shape_fn(vec![tokens], |at| at[0].min(text.saturating_sub(2)) as f64);
    match goal {
        Goal::Outputs => Vec::new(),
        Goal::Generation { tokens } => vec![places(tokens)],
        Goal::Sample { tokens, .. } => vec![places(tokens), ArrayD::zeros(vec![WORDS])],
        Goal::Likelihood => vec![ArrayD::from_shape_fn(vec![text], |at| f64::from(u8::from(at[0] > 0)))],
    }
}
