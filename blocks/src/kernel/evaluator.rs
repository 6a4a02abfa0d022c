//! The prover's answers to queries, and the tables of its waves.

use super::operand::{axis_shifts, bind, operand_table, scatter};
use super::{Axis, Values, contract};
use crate::claim_reduction::{Instance, WaveProver};
use crate::claims::{Polynomial, Query};
use crate::field::{Fr, eq_table};
use crate::matmul::Contraction;
use crate::permute::Reduction;
use crate::program::{Program, TensorId, index_bits};
use crate::sumcheck::kernel::{Batch, ProductTables};
use crate::sumcheck::{Degree, Rounds};
use rayon::prelude::*;

/// Evaluates queries and starts waves on a witness.
pub struct WaveEvaluator<'a> {
    program: &'a Program,
    values: &'a dyn Values,
}

impl<'a> WaveEvaluator<'a> {
    /// An evaluator for a program's witness.
    pub fn new(program: &'a Program, values: &'a dyn Values) -> Self {
        Self { program, values }
    }

    fn value(&self, polynomial: Polynomial, point: &[Fr]) -> Fr {
        let table = match polynomial {
            Polynomial::Tensor(id) => {
                let points: Vec<_> = self.program.tensors[id].shape.split(point).into_iter().map(Some).collect();
                bind(self.program, self.values, id, &points)
            }
            Polynomial::Multiplicity(_) | Polynomial::RowMultiplicity(_) => {
                let values = self.values.integers(polynomial);
                let (high, low) = point.split_at(point.len() / 2);
                let dims = [1 << high.len(), 1 << low.len()];
                contract(values.slice(), &dims, &[Axis::Bound(eq_table(high)), Axis::Bound(eq_table(low))])
            }
        };
        table[0]
    }

    fn einsum_tables(&self, [lhs, rhs]: [TensorId; 2], contraction: &Contraction) -> Vec<Vec<Fr>> {
        let mut factors = vec![
            operand_table(self.program, self.values, lhs, contraction, &contraction.lhs),
            operand_table(self.program, self.values, rhs, contraction, &contraction.rhs),
        ];
        if !contraction.batch_point.is_empty() {
            let repeat = 1 << (contraction.bits() - contraction.batch_point.len());
            let eq = eq_table(&contraction.batch_point);
            factors.push(eq.into_iter().flat_map(|e| std::iter::repeat_n(e, repeat)).collect());
        }
        factors
    }

    fn view_tables(&self, reduction: &Reduction) -> Vec<Vec<Fr>> {
        let shape = &self.program.tensors[reduction.source].shape;
        let points: Vec<Option<&[Fr]>> = reduction.passed.iter().map(Option::as_deref).collect();
        let kept: Vec<usize> = (0..shape.rank()).filter(|&a| points[a].is_none()).collect();
        let source = bind(self.program, self.values, reduction.source, &points);
        let source = scatter(source, &axis_shifts(shape, &kept), reduction.variables);
        // Where each kept axis sits in the padded index.
        let position = |axis: usize| {
            let behind: usize = kept.iter().filter(|&&a| a > axis).map(|&a| index_bits(shape.dims()[a])).sum();
            (behind, index_bits(shape.dims()[axis]))
        };
        let places: Vec<Vec<(usize, usize)>> =
            reduction.indicators.iter().map(|i| i.source_axes.iter().map(|&a| position(a)).collect()).collect();
        let weight = |index: usize| {
            let own = |(indicator, axes): (&crate::permute::Indicator, &Vec<(usize, usize)>)| {
                let at = axes.iter().fold(0, |at, &(shift, bits)| at << bits | (index >> shift & ((1 << bits) - 1)));
                indicator.table[at]
            };
            reduction.indicators.iter().zip(&places).map(own).fold(reduction.factor, |x, y| x * y)
        };
        let indicator = (0..1usize << reduction.variables).into_par_iter().with_min_len(1 << 10).map(weight).collect();
        vec![source, indicator]
    }
}

impl WaveProver for WaveEvaluator<'_> {
    fn evaluate(&mut self, queries: &[Query]) -> Vec<Fr> {
        // Points are shared within a thread only; hand the threads plain slices.
        let queries: Vec<(Polynomial, &[Fr])> = queries.iter().map(|q| (q.polynomial, &*q.point)).collect();
        let this = &*self;
        queries.par_iter().map(|&(polynomial, point)| this.value(polynomial, point)).collect()
    }

    fn wave(&mut self, instances: &[Instance], weights: &[Fr], variables: usize, degree: Degree) -> Box<dyn Rounds + '_> {
        let this = &*self;
        let tables = instances
            .par_iter()
            .zip(weights)
            .map(|(instance, &weight)| {
                let factors = match instance {
                    Instance::Einsum { operands, contraction } => this.einsum_tables(*operands, contraction),
                    Instance::View { reduction } => this.view_tables(reduction),
                };
                ProductTables { weight, factors }
            })
            .collect();
        Box::new(Batch::new(tables, variables, degree))
    }
}
