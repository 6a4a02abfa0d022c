//! Connectives of booleans, which are 0 and 1 at scale 0 (docs/lowerings.md, section 20).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::logic::{And, Or, Xor};

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// A connective of two tensors of booleans of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logic(pub Connective);

/// What two truths make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connective {
    /// Both hold.
    And,
    /// At least one holds.
    Or,
    /// One holds and the other does not.
    Xor,
}

impl Connective {
    /// 1 if it holds of two entries, of which all but 0 are true, else 0.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let (a, b) = (a != 0.0, b != 0.0);
        f64::from(u8::from(match self {
            Self::And => a && b,
            Self::Or => a || b,
            Self::Xor => a != b,
        }))
    }
}

fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let connective = match () {
        () if op.is::<And>() => Connective::And,
        () if op.is::<Or>() => Connective::Or,
        () if op.is::<Xor>() => Connective::Xor,
        () => return None,
    };
    Some(t.binary(site, Logic(connective), false))
}

impl Operator for Logic {
    fn name(&self) -> &'static str {
        match self.0 {
            Connective::And => "And",
            Connective::Or => "Or",
            Connective::Xor => "Xor",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| self.0.eval(a, b))
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// `a b`, `1 - (1 - a) (1 - b)`, and one of both without the other.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let (a, b) = (at.condition(a)?, at.condition(b)?);
        let name = at.name(id);
        let part = |suffix: &str| format!("{name}.{suffix}");
        match self.0 {
            Connective::And => at.product(&name, a, b),
            Connective::Or => at.either(&name, a, b),
            Connective::Xor => {
                let (not_a, not_b) = (at.negated(&part("not.first"), a)?, at.negated(&part("not.second"), b)?);
                let first = at.product(&part("only.first"), a, not_b)?;
                let second = at.product(&part("only.second"), b, not_a)?;
                at.either(&name, first, second)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::Visibility;

    use super::*;
    use crate::graph::Graph;
    use crate::ops::{Compare, Comparison, Select, Unary};
    use crate::{Compiled, Options, compile};

    fn array(values: &[f64]) -> ArrayD<f64> {
        ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).expect("of the shape")
    }

    /// Compiles, and requires the integers to be what the floats are.
    fn exact(graph: &Graph, inputs: &[ArrayD<f64>]) {
        for visibility in [Visibility::Public, Visibility::Private] {
            let options = Options { inputs: visibility, ..Options::default() };
            let Compiled { program, weights, inputs: ports, outputs, .. } =
                compile(graph, &[inputs.to_vec()], &options).unwrap_or_else(|e| panic!("{e}"));
            let integers: Vec<Vec<i64>> = ports
                .iter()
                .zip(inputs)
                .map(|(port, x)| port.quantise(x.as_slice().expect("row-major")).expect("in range"))
                .collect();
            let trace = execute(&program, &weights, &integers).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(check_satisfied(&program, &trace), []);
            let evaluation = graph.evaluate(inputs).expect("it runs");
            for ((port, &id), wanted) in outputs.iter().zip(&program.outputs).zip(evaluation.outputs()) {
                let given = port.dequantise(&trace.values(&program, id));
                assert_eq!(given, wanted.iter().copied().collect::<Vec<_>>(), "{}", program.tensors[id].name);
            }
        }
    }

    #[test]
    fn connectives_are_exact() {
        let mut graph = Graph::new();
        let [a, b] = ["a", "b"].map(|name| graph.add_input_of(Domain::Boolean, name, &[4]));
        let known = graph.add_constant_of(Domain::Boolean, "known", array(&[0.0, 0.0, 1.0, 1.0]));
        for connective in [Connective::And, Connective::Or, Connective::Xor] {
            for (name, other) in [("of two", b), ("with known", known)] {
                let node = graph.add_inferred(name, Logic(connective), &[a, other]).expect("shapes fit");
                let not = graph.add_inferred("not", Unary::Not, &[node]).expect("shapes fit");
                assert_eq!([node, not].map(|id| graph.domain(id)), [Domain::Boolean; 2]);
                graph.add_output("node", node);
                graph.add_output("not", not);
            }
        }
        exact(&graph, &[array(&[0.0, 1.0, 0.0, 1.0]), array(&[0.0, 0.0, 1.0, 1.0])]);
    }

    #[test]
    fn integers_are_compared_and_chosen_exactly() {
        let mut graph = Graph::new();
        let wide = Domain::Integer { lo: -1 << 40, hi: 1 << 40 };
        let [a, b] = ["a", "b"].map(|name| graph.add_input_of(wide, name, &[6]));
        let one = graph.add_constant("one", array(&[1.0]));
        let one = graph.add("one", crate::ops::Broadcast, &[one], &[6]);
        let several = graph.add_constant("several", array(&[5.0, 1.0, -3.0, 2.0, 70000.0, 0.0]));
        for comparison in [Comparison::Less, Comparison::LessEqual, Comparison::Equal] {
            for (x, y) in [(a, b), (a, one), (several, a)] {
                let holds = graph.add_inferred("holds", Compare(comparison), &[x, y]).expect("shapes fit");
                graph.add_output("holds", holds);
                for (x, y) in [(a, b), (b, several), (one, a), (one, several)] {
                    let chosen = graph.add_inferred("chosen", Select, &[holds, x, y]).expect("shapes fit");
                    graph.add_output("chosen", chosen);
                }
            }
        }
        let truth = graph.add_inferred("truth", Unary::NonZero, &[b]).expect("shapes fit");
        graph.add_output("truth", truth);
        exact(&graph, &[array(&[5.0, 1.0, -3.0, 1.0, 70001.0, -1.0]), array(&[5.0, 0.0, -2.0, 2.0, -70000.0, -1.0])]);
    }
}
