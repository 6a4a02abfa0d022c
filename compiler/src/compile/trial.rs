//! A lowering that is run on samples.

use ndarray::ArrayD;
use zktorch_blocks::execute::{ExecuteError, Trace, execute};
use zktorch_blocks::program::{Element, Program, Scale, TensorId};

use crate::Port;
use crate::graph::{Graph, NodeId};
use crate::lower::Lowered;
use crate::quantise::to_integer;
use crate::report;

/// A lowering, which of its tensors hold the model's outputs, and what it takes behind the model's own inputs.
pub(super) struct Trial {
    pub lowered: Lowered,
    pub outputs: Vec<Port>,
    tensors: Vec<TensorId>,
    more: Vec<ArrayD<f64>>,
}

impl Trial {
    /// Of a program that shows the model's outputs.
    pub fn new(graph: &Graph, lowered: Lowered) -> Self {
        let [_, outputs] = ports(graph, &lowered.program);
        let tensors = lowered.program.outputs.clone();
        Self { lowered, outputs, tensors, more: Vec::new() }
    }

    /// Of a program that shows something else of the model `graph`, and takes `more` inputs for that.
    pub fn asked(graph: &Graph, mut lowered: Lowered, more: Vec<ArrayD<f64>>) -> Self {
        lowered.nodes.retain(|&id, _| graph.contains(id));
        let of = |(&node, name): (&NodeId, &String)| {
            let value = lowered.nodes.get(&node)?;
            Some((Port { scale: value.scale, ..port(graph, name, node, &lowered.program, value.tensor) }, value.tensor))
        };
        let (outputs, tensors) = graph.outputs().iter().zip(graph.output_names()).filter_map(of).unzip();
        Self { lowered, outputs, tensors, more }
    }

    /// Runs the program on the model's inputs.
    pub fn run(&self, inputs: &[ArrayD<f64>]) -> Result<Trace, ExecuteError> {
        let Lowered { program, weights, .. } = &self.lowered;
        let one = |(&id, array): (&TensorId, &ArrayD<f64>)| {
            let scale = program.tensors[id].scale;
            array.iter().map(|&v| to_integer(v, scale) as i64).collect()
        };
        let integers: Vec<Vec<i64>> = program.inputs.iter().zip(inputs.iter().chain(&self.more)).map(one).collect();
        execute(program, weights, &integers)
    }

    /// The real numbers of the model's outputs in a run.
    pub fn outputs_of(&self, trace: &Trace) -> Vec<Vec<f64>> {
        let values = self.tensors.iter().map(|&id| trace.values(&self.lowered.program, id));
        self.outputs.iter().zip(values).map(|(port, values)| port.dequantise(&values)).collect()
    }

    /// Multiplications of one run.
    pub fn work(&self) -> u64 {
        report::totals(&self.lowered.program).multiplications.max(1)
    }
}

/// A tensor of a program as an input or output that stands for a node.
fn port(graph: &Graph, name: &str, node: NodeId, program: &Program, id: TensorId) -> Port {
    let tensor = &program.tensors[id];
    // A boolean that is a constant is held to its width alone, as all weights are.
    let admitted = |element: &Element| element.admits(tensor.scale, tensor.interval.lo, tensor.interval.hi);
    let element = Some(graph.element(node)).filter(admitted).unwrap_or(match tensor.scale {
        Scale(0) => Element::Integer,
        _ => Element::Real,
    });
    let shape = tensor.shape.dims().to_vec();
    let columns = program.column_exponents(id).to_vec();
    Port { name: name.to_owned(), shape, element, scale: tensor.scale, columns, interval: tensor.interval }
}

/// Inputs and outputs of a program, the lowering of a graph.
pub(super) fn ports(graph: &Graph, program: &Program) -> [Vec<Port>; 2] {
    let inputs = graph.inputs().iter().zip(&program.inputs);
    let inputs = inputs.map(|(&node, &id)| port(graph, &graph.node(node).name, node, program, id));
    let outputs = graph.outputs().iter().zip(graph.output_names()).zip(&program.outputs);
    let outputs = outputs.map(|((&node, name), &id)| port(graph, name, node, program, id));
    [inputs.collect(), outputs.collect()]
}
