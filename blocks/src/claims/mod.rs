//! The add block: linear expressions. At a point both sides are linear in evaluations, so there is nothing to send: a
//! claim on a linear tensor *is* a combination of claims on its terms. See `README.md` beside this file.
//!
//! [`Expansion`] follows linear expressions and free views down to the tensors that need a claim of their own.

use crate::field::{Fr, from_i64};
use crate::permute::{Reduction, is_free_view};
use crate::program::{Program, Role, Shape, Source, TableId, Tensor, TensorId};
use crate::transcript::{HiddenAffine, Reject};
use crate::work::{self, Work};
use ark_ff::{AdditiveGroup, Field};
use std::collections::HashMap;
use std::rc::Rc;

/// A polynomial that claims are made about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Polynomial {
    /// The MLE of a tensor.
    Tensor(TensorId),
    /// The multiplicities of a table.
    Multiplicity(TableId),
    /// How often each row of a tensor is looked up.
    RowMultiplicity(TensorId),
}

/// A point, shared by the claims made there.
pub type EvaluationPoint = Rc<[Fr]>;

/// An evaluation that is sent (hidden): a committed tensor, an einsum or a view that is not free, at a point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// What is evaluated.
    pub polynomial: Polynomial,
    /// Where.
    pub point: EvaluationPoint,
}

/// An affine expression in queries: a constant, and coefficients of queries by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    constant: Fr,
    terms: Vec<(Fr, usize)>,
}

impl Expansion {
    /// The form, given those of the queries.
    pub fn form(&self, queries: &[HiddenAffine]) -> HiddenAffine {
        let mut form = HiddenAffine::combine(self.terms.iter().filter_map(|&(c, i)| Some((c, queries.get(i)?))));
        form.constant += self.constant;
        form
    }

    /// The query, if the expression is one query and nothing else.
    pub fn as_query(&self) -> Option<usize> {
        match self.terms.as_slice() {
            [(c, i)] if *c == Fr::ONE && self.constant == Fr::ZERO => Some(*i),
            _ => None,
        }
    }
}

/// Rewrites evaluations in terms of queries, each made once.
pub struct Expander<'p> {
    program: &'p Program,
    statement: &'p dyn Fn(TensorId) -> Option<&'p [i64]>,
    queries: Vec<Query>,
    index: HashMap<Query, usize>,
    cache: HashMap<(TensorId, EvaluationPoint), Expansion>,
    work: Work,
}

impl<'p> Expander<'p> {
    /// `statement` gives the values of public tensors, row-major.
    pub fn new(program: &'p Program, statement: &'p dyn Fn(TensorId) -> Option<&'p [i64]>) -> Self {
        Self { program, statement, queries: Vec::new(), index: HashMap::new(), cache: HashMap::new(), work: Work::default() }
    }

    /// All queries made, in order.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// The evaluation of a committed polynomial.
    pub fn query(&mut self, polynomial: Polynomial, point: EvaluationPoint) -> Expansion {
        let query = Query { polynomial, point };
        let next = self.queries.len();
        let index = *self.index.entry(query.clone()).or_insert_with(|| {
            self.queries.push(query);
            next
        });
        Expansion { constant: Fr::ZERO, terms: vec![(Fr::ONE, index)] }
    }

    /// The values of a public tensor.
    pub fn public(&self, id: TensorId) -> Option<&'p [i64]> {
        (self.statement)(id)
    }

    /// The work that is left to the program.
    pub fn work(&mut self) -> &mut Work {
        &mut self.work
    }

    /// The evaluation of a tensor at a point with one coordinate for each of its bits.
    ///
    /// # Errors
    /// [`Reject::Work`] only.
    pub fn evaluate(&mut self, id: TensorId, point: &EvaluationPoint) -> Result<Expansion, Reject> {
        let key = (id, Rc::clone(point));
        let expansion = match self.cache.get(&key) {
            Some(known) => known.clone(),
            None => {
                self.work.spend(1, work::QUERY)?;
                let expansion = self.expand(id, point)?;
                self.cache.insert(key, expansion.clone());
                expansion
            }
        };
        self.work.spend(1 + expansion.terms.len(), work::TERM)?;
        Ok(expansion)
    }

    fn expand(&mut self, id: TensorId, point: &EvaluationPoint) -> Result<Expansion, Reject> {
        let program = self.program;
        let Some(tensor) = program.tensors.get(id) else { return Ok(Expansion::default()) };
        let constant = |constant| Ok(Expansion { constant, terms: Vec::new() });
        match (&tensor.source, tensor.role()) {
            (Source::Fill(value), _) => constant(from_i64(*value) * tensor.shape.valid(point)),
            (Source::Constant(values), _) => constant(self.known(&tensor.shape, values, point)?),
            (_, Role::Public) => {
                let values = self.public(id).unwrap_or_default();
                constant(self.known(&tensor.shape, values, point)?)
            }
            (Source::Linear { terms, constant }, _) => {
                let mut sum = Expansion::default();
                if *constant != 0 {
                    sum.constant = from_i64(*constant) * tensor.shape.valid(point);
                }
                for &(coefficient, term) in terms {
                    let term = self.evaluate(term, point)?;
                    // Equal queries are looked for one by one.
                    self.work.spend(term.terms.len(), sum.terms.len())?;
                    sum.add_scaled(from_i64(coefficient), &term);
                }
                Ok(sum)
            }
            (Source::Marks(marks), _) => {
                let Some(indices) = program.tensors.get(marks.indices) else { return Ok(Expansion::default()) };
                // As much without a statement.
                self.work.spend(indices.shape.len(), 1 + tensor.shape.axis_bits().last().unwrap_or(0))?;
                let indices: &[i64] = match &indices.source {
                    Source::Constant(values) => values,
                    _ => self.public(marks.indices).unwrap_or_default(),
                };
                constant(marks.evaluate(&tensor.shape, indices, point))
            }
            (Source::Draws(draws), _) => {
                let extent = |id| program.tensors.get(id).map_or(0, |tensor: &Tensor| tensor.shape.len());
                self.work.spend(extent(draws.text), work::TOKEN)?;
                self.work.spend(extent(draws.places), work::HASH)?;
                let entries = draws.entries(|id| self.public(id).unwrap_or_default().to_vec());
                constant(self.known(&tensor.shape, &entries, point)?)
            }
            (Source::View(view), _) => {
                let Some(source) = program.tensors.get(view.source) else { return Ok(Expansion::default()) };
                if !is_free_view(view, &tensor.shape, &source.shape) {
                    return Ok(self.query(Polynomial::Tensor(id), Rc::clone(point)));
                }
                let reduction = Reduction::new(view, &tensor.shape, &source.shape, point);
                let at: EvaluationPoint = reduction.source_point(&source.shape, &[]).into();
                let mut scaled = Expansion::default();
                scaled.add_scaled(reduction.factor, &self.evaluate(view.source, &at)?);
                Ok(scaled)
            }
            _ => Ok(self.query(Polynomial::Tensor(id), Rc::clone(point))),
        }
    }

    /// MLE of values that both sides hold.
    fn known(&mut self, shape: &Shape, values: &[i64], point: &EvaluationPoint) -> Result<Fr, Reject> {
        self.work.spend(shape.len(), 1)?;
        Ok(shape.evaluate(values, point))
    }
}

impl Expansion {
    /// Adds `scale * other`, merging equal queries.
    fn add_scaled(&mut self, scale: Fr, other: &Self) {
        self.constant += scale * other.constant;
        for &(coefficient, query) in &other.terms {
            let coefficient = scale * coefficient;
            match self.terms.iter_mut().find(|(_, q)| *q == query) {
                Some((c, _)) => *c += coefficient,
                None => self.terms.push((coefficient, query)),
            }
        }
    }
}
