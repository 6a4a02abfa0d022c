//! Waves: claims on virtual tensors travel from the outputs towards committed tensors.
//!
//! A wave batches the claims on einsums and views that the wave before left into one sumcheck, suffix-aligned: an instance
//! of `k` variables uses the last `k` challenges and is constant in the variables before. It ends in claims on operands and
//! sources, of which the virtual ones make the next wave.

use crate::claims::{EvaluationPoint, Expander, Expansion, Polynomial, Query};
use crate::field::{Fr, powers};
use crate::matmul::Contraction;
use crate::permute::{Reduction, table_sizes};
use crate::program::{Program, Role, Source, TensorId};
use crate::sumcheck::{Degree, Rounds, Span, Sumcheck, sumcheck};
use crate::transcript::{Equation, HiddenAffine, Message, Product, Reject, Transcript};
use crate::work;
use ark_ff::Field;

/// A claim on a virtual tensor, ready for the sumcheck.
#[derive(Clone, Debug)]
pub enum Instance {
    /// On an einsum.
    Einsum {
        /// Left and right operand.
        operands: [TensorId; 2],
        /// Its reduction.
        contraction: Contraction,
    },
    /// On a view that is not free.
    View {
        /// Its reduction.
        reduction: Reduction,
    },
}

/// A claim on a committed polynomial: `polynomial~(point) = value`.
#[derive(Clone, Debug)]
pub struct OpeningClaim {
    /// What is evaluated.
    pub polynomial: Polynomial,
    /// Where.
    pub point: EvaluationPoint,
    /// The value.
    pub value: HiddenAffine,
}

/// The prover's side of queries and waves.
pub trait WaveProver {
    /// The values of queries.
    fn evaluate(&mut self, queries: &[Query]) -> Vec<Fr>;

    /// The tables of a wave: `sum_i weights[i] * instance_i`, padded to `variables` variables.
    fn wave(&mut self, instances: &[Instance], weights: &[Fr], variables: usize, degree: Degree) -> Box<dyn Rounds + '_>;
}

impl Instance {
    /// The reduction of a query on a virtual tensor; `None` if its polynomial is committed.
    pub fn new(program: &Program, expander: &Expander<'_>, query: &Query) -> Option<Self> {
        let Polynomial::Tensor(id) = query.polynomial else { return None };
        let tensor = program.tensors.get(id)?;
        if tensor.role() != Role::Virtual {
            return None;
        }
        match &tensor.source {
            Source::Einsum(einsum) => {
                let lhs = &program.tensors.get(einsum.lhs)?.shape;
                let contraction = Contraction::new(einsum, &tensor.shape, lhs, &query.point);
                Some(Self::Einsum { operands: [einsum.lhs, einsum.rhs], contraction })
            }
            Source::View(view) => {
                let source = &program.tensors.get(view.source)?.shape;
                let view = view.with_lists(|id| expander.public(id));
                Some(Self::View { reduction: Reduction::new(&view, &tensor.shape, source, &query.point) })
            }
            _ => None,
        }
    }

    /// Number of the sumcheck's variables.
    pub fn variables(&self) -> usize {
        match self {
            Self::Einsum { contraction, .. } => contraction.bits(),
            Self::View { reduction } => reduction.variables,
        }
    }

    /// Degree of the summand in each variable.
    pub fn degree(&self) -> Degree {
        match self {
            Self::Einsum { contraction, .. } => contraction.degree(),
            Self::View { .. } => Degree::Two,
        }
    }
}

/// The summand of an instance at the end of its sumcheck.
enum End {
    Product(Fr, Expansion, Expansion),
    Linear(Fr, Expansion),
}

impl Instance {
    /// The summand at the challenges, in terms of new queries.
    fn end(&self, program: &Program, expander: &mut Expander<'_>, challenges: &[Fr]) -> Result<Option<End>, Reject> {
        Ok(match self {
            Self::Einsum { operands: [lhs, rhs], contraction } => {
                let a = expander.evaluate(*lhs, &contraction.operand_point(&contraction.lhs, challenges).into())?;
                let b = expander.evaluate(*rhs, &contraction.operand_point(&contraction.rhs, challenges).into())?;
                Some(End::Product(contraction.batch_factor(challenges), a, b))
            }
            Self::View { reduction } => {
                let Some(source) = program.tensors.get(reduction.source) else { return Ok(None) };
                let point: EvaluationPoint = reduction.source_point(&source.shape, challenges).into();
                let indicator = reduction.indicator_at(&source.shape, &point);
                Some(End::Linear(indicator, expander.evaluate(reduction.source, &point)?))
            }
        })
    }
}

/// Hides the values of all queries that have no form yet.
///
/// # Transcript
/// One hidden message, none if there is no new query.
///
/// # Errors
/// On malformed bytes only.
pub fn answer<'e>(
    t: &mut Transcript<'_>,
    label: Message,
    expander: &Expander<'_>,
    forms: &mut Vec<HiddenAffine>,
    prover: Option<&mut (dyn WaveProver + 'e)>,
) -> Result<(), Reject> {
    let new = expander.queries().get(forms.len()..).unwrap_or_default();
    let values = prover.map(|p| p.evaluate(new));
    forms.extend(t.hide(label, new.len(), values)?);
    Ok(())
}

/// Reduces all claims on virtual tensors to claims on committed ones, which it returns in the order of the queries.
///
/// # Transcript
/// A wave draws `xi`, runs a sumcheck and hides the values of the queries it makes. The caller has hidden the values of the
/// queries so far (`forms`).
///
/// # Soundness
/// A wave: `(instances + degree * variables) / |F|`. The caller owes the openings of the claims returned.
///
/// # Errors
/// On malformed bytes, and where a program asks for too much [`crate::work`].
pub fn reduce<'e>(
    t: &mut Transcript<'_>,
    program: &Program,
    expander: &mut Expander<'_>,
    mut forms: Vec<HiddenAffine>,
    mut prover: Option<&mut (dyn WaveProver + 'e)>,
) -> Result<Vec<OpeningClaim>, Reject> {
    let mut claims = Vec::new();
    let mut seen = 0;
    loop {
        let mut instances = Vec::new();
        let mut values = Vec::new();
        let tables =
            expander.queries().iter().skip(seen).map(|query| table_entries(program, query)).fold(0, usize::saturating_add);
        expander.work().spend(tables, work::ENTRY)?;
        for (query, form) in expander.queries().iter().skip(seen).zip(forms.iter().skip(seen)) {
            match Instance::new(program, expander, query) {
                Some(instance) => {
                    instances.push(instance);
                    values.push(form);
                }
                None => claims.push(OpeningClaim {
                    polynomial: query.polynomial,
                    point: query.point.clone(),
                    value: form.clone(),
                }),
            }
        }
        seen = forms.len();
        if instances.is_empty() {
            return Ok(claims);
        }
        let variables = instances.iter().map(Instance::variables).max().unwrap_or(0);
        let degree = instances.iter().map(Instance::degree).max().unwrap_or(Degree::Two);
        expander
            .work()
            .spend(degree.groups(Span::all(variables)).into_iter().map(|b| degree.message_len(b)).sum(), work::SCALAR)?;
        let weights = powers(t.challenge(), instances.len());
        let scaled = instances.iter().zip(&weights).map(|(i, &w)| w * two_to(variables - i.variables()));
        let claim = HiddenAffine::combine(scaled.zip(values));
        let mut tables = prover.as_deref_mut().map(|p| p.wave(&instances, &weights, variables, degree));
        let rounds = tables.as_deref_mut().map(|r| r as &mut dyn Rounds);
        let (point, claim) = sumcheck(t, Sumcheck::Wave, degree, Span::all(variables), None, claim, rounds)?;
        drop(tables);
        let ends: Vec<_> = instances
            .iter()
            .map(|i| i.end(program, expander, point.get(variables - i.variables()..).unwrap_or_default()))
            .collect::<Result<_, _>>()?;
        answer(t, Message::WaveOperands, expander, &mut forms, prover.as_deref_mut())?;
        let mut products = Vec::new();
        let mut rest = -claim;
        for (end, &weight) in ends.into_iter().zip(&weights) {
            match end {
                Some(End::Product(factor, a, b)) => {
                    products.push(Product(a.form(&forms) * (weight * factor), b.form(&forms)))
                }
                Some(End::Linear(factor, source)) => rest.add_scaled(weight * factor, &source.form(&forms)),
                None => {}
            }
        }
        t.quad(Equation::Wave, products, rest);
    }
}

/// Entries of the tables that a query's reduction makes, and of those it is made from.
fn table_entries(program: &Program, query: &Query) -> usize {
    let tensor = |id: TensorId| program.tensors.get(id);
    match query.polynomial {
        Polynomial::Tensor(id) => match tensor(id).map(|t| (&t.shape, &t.source)) {
            Some((out, Source::View(view))) => tensor(view.source).map_or(0, |t| table_sizes(view, out, &t.shape)),
            _ => 0,
        },
        Polynomial::Multiplicity(_) | Polynomial::RowMultiplicity(_) => 0,
    }
}

/// `2^k`.
fn two_to(k: usize) -> Fr {
    (0..k).fold(Fr::ONE, |x, _| x + x)
}
