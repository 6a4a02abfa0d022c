//! One more program of a model that has been compiled, for texts of another length, on the weights that are committed for that one.

use std::fmt;

use ndarray::ArrayD;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{Program, Tensor, TensorId, Visibility};

use super::attempt::Attempt;
use super::task::Task;
use super::trial::{Trial, ports};
use super::{Asked, CompileError, Like, Options, extend};
use crate::Goal;
use crate::graph::Graph;
use crate::lower::{Interface, lower_alike};
use crate::quantise::Settings;

/// A compiled program of the model. It holds weights, so that its debug output says nothing of them.
#[derive(Clone)]
pub struct Earlier {
    /// The program.
    pub program: Program,
    /// Its weights.
    pub weights: Weights,
}

impl fmt::Debug for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a program of {} tensors", self.program.tensors.len())
    }
}

/// Why a program does not share the weights of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Another question.
    #[error("they show different things (--task)")]
    Goal,
    /// Another number of inputs or outputs.
    #[error("they have different inputs or outputs")]
    Ports,
    /// No annotations.
    #[error("it was not compiled from a model")]
    Annotations,
    /// Scales for columns, which are of one length.
    #[error("its inputs or outputs have scales for their columns")]
    Columns,
    /// Inputs or outputs that others know.
    #[error("they show different inputs or outputs (--input, --output)")]
    Visibility,
}

impl Earlier {
    /// The options as this program has them.
    ///
    /// # Errors
    /// If they ask for something else.
    pub(super) fn options(&self, graph: &Graph, options: &Options) -> Result<Options, Unlike> {
        let Self { program, .. } = self;
        let (goal, all) = (Goal::claimed(program), program.inputs.len());
        if std::mem::discriminant(&goal) != std::mem::discriminant(&options.goal) {
            return Err(Unlike::Goal);
        }
        if !program.columns.is_empty() {
            return Err(Unlike::Columns);
        }
        let own = goal.own_inputs(all);
        let known = |ids: &[TensorId]| ids.first().and_then(|&id| program.tensors.get(id)).map(|tensor| tensor.visibility);
        let inputs: Vec<&Tensor> = program.inputs.iter().take(own).filter_map(|&id| program.tensors.get(id)).collect();
        if inputs.len() != graph.inputs().len() || (goal == Goal::Outputs && program.outputs.len() != graph.outputs().len()) {
            return Err(Unlike::Ports);
        }
        let same = |ids: &[TensorId], visibility: Visibility| known(ids).is_none_or(|known| known == visibility);
        if !same(&program.inputs, options.inputs) || !same(&program.outputs, options.outputs) {
            return Err(Unlike::Visibility);
        }
        let like = |tensor: &&Tensor| Like { scale: tensor.scale, interval: tensor.interval, columns: Vec::new() };
        Ok(Options { inputs_like: inputs.iter().map(like).collect(), ..options.clone() })
    }

    /// The model's program under the decisions of this one, run on samples; and what is proved, where that is not the outputs.
    pub(super) fn attempt(&self, task: &Task<'_>) -> Result<(Attempt, Option<Asked>), CompileError> {
        let Self { program: Program { annotations, .. }, weights } = self;
        let extended = extend(task.options.goal, &task.graph)?;
        let interface = Interface::of(task.options, &task.columns);
        let committed = weights.values().map(|values| &**values).collect();
        let lowered = lower_alike(&extended, annotations, interface, committed)?;
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

/// What a program takes behind the model's own inputs: as many places of the text as it answers, or all tokens that can count.
fn example(goal: Goal, graph: &Graph) -> Vec<ArrayD<f64>> {
    let text = graph.inputs().first().map_or(0, |&id| graph.node(id).len());
    match goal {
        Goal::Outputs => Vec::new(),
        Goal::Generation { tokens } => {
            vec![ArrayD::from_shape_fn(vec![tokens], |at| at[0].min(text.saturating_sub(2)) as f64)]
        }
        Goal::Likelihood => vec![ArrayD::from_shape_fn(vec![text], |at| f64::from(u8::from(at[0] > 0)))],
    }
}
