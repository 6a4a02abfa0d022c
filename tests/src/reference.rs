//! A prover written from the definitions, slow and without a kernel of its own: it proves whatever data it is given, true or
//! not. On honest data its proofs are the fast prover's, byte for byte.

use crate::field_witness::Data;
use crate::reference_lookup::SlowTree;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use std::cell::RefCell;
use zktorch_accumulator::fold::FoldProver;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::merge::Leaf;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::claim_reduction::{Instance, WaveProver};
use zktorch_blocks::claims::{Polynomial, Query};
use zktorch_blocks::field::{Fr, dot, eq, evaluate, from_i64};
use zktorch_blocks::lookup::{Fingerprint, Leaves, TreeProver};
use zktorch_blocks::matmul::{Contraction, Coordinates};
use zktorch_blocks::permute::Reduction;
use zktorch_blocks::program::{Role, TensorId};
use zktorch_blocks::sumcheck::kernel::{Batch, ProductTables};
use zktorch_blocks::sumcheck::{Degree, Rounds};
use zktorch_blocks::transcript::Secrets;
use zktorch_verifier::argument::ArgumentProver;
use zktorch_verifier::key::Relation;

/// What was asked of an evaluator, and its answers.
pub type Answers = Vec<(Polynomial, Vec<Fr>, Fr)>;

/// A proof under way.
pub struct Reference<'a> {
    relation: &'a Relation<'a>,
    data: &'a Data<'a>,
    generators: &'a Generators,
    rows: Vec<Vec<Fr>>,
    blinders: Vec<Fr>,
    /// All evaluations that were answered.
    pub answers: RefCell<Answers>,
    /// `alpha` and `beta`.
    pub fingerprint: Fingerprint,
}

impl<'a> Reference<'a> {
    /// A prover on the data; `blinders` are those of the model's rows.
    pub fn new(relation: &'a Relation<'a>, data: &'a Data<'a>, blinders: &[Fr], generators: &'a Generators) -> Self {
        let mut new = Self {
            relation,
            data,
            generators,
            rows: Vec::new(),
            blinders: blinders.to_vec(),
            answers: RefCell::default(),
            fingerprint: Fingerprint::default(),
        };
        new.rows = new.fill(Phase::Model);
        new
    }

    fn fill(&self, phase: Phase) -> Vec<Vec<Fr>> {
        let layout = &self.relation.layout;
        let range = layout.rows(phase);
        let columns = self.relation.columns();
        let mut rows = vec![from_i64(0); range.len() * columns];
        let role = if phase == Phase::Model { Role::Weight } else { Role::Witness };
        let polynomials: Vec<Polynomial> = match phase {
            Phase::Multiplicities => {
                let rows = self.data.program.row_tables().into_iter().map(Polynomial::RowMultiplicity);
                self.data.program.tables.ids().map(Polynomial::Multiplicity).chain(rows).collect()
            }
            _ => self.data.program.with_role(role).map(Polynomial::Tensor).collect(),
        };
        for polynomial in polynomials {
            let Some(place) = layout.place(polynomial).filter(|p| range.contains(&p.row)) else { continue };
            let at = (place.row - range.start) * columns + place.column;
            let values = self.data.committed(polynomial);
            rows[at..at + values.len()].copy_from_slice(values);
        }
        rows.chunks(columns).map(<[Fr]>::to_vec).collect()
    }
}

impl ArgumentProver for Reference<'_> {
    fn commit(&mut self, phase: Phase, secrets: &mut dyn Secrets) -> Vec<G1Affine> {
        let rows = self.fill(phase);
        self.rows.extend(rows);
        self.blinders.resize(self.rows.len(), from_i64(0));
        let sent: Vec<usize> = self.relation.layout.sent_rows(phase).collect();
        sent.iter()
            .map(|&row| {
                self.blinders[row] = secrets.random();
                let sum = msm::sum(&self.generators.g[..self.rows[row].len()], &self.rows[row]);
                (sum + self.generators.h * self.blinders[row]).into_affine()
            })
            .collect()
    }

    fn tree(&mut self, leaves: &Leaves, fingerprint: &Fingerprint) -> Box<dyn TreeProver + '_> {
        self.fingerprint = fingerprint.clone();
        Box::new(SlowTree::new(leaves, self.data, fingerprint))
    }

    fn evaluator(&mut self) -> Box<dyn WaveProver + '_> {
        Box::new(SlowEvaluator { data: self.data, answers: &self.answers })
    }

    fn fold(&mut self) -> Box<dyn FoldProver + '_> {
        Box::new(SlowFold { rows: &self.rows, columns: self.relation.columns(), nodes: Vec::new() })
    }

    fn blinder(&self, rows: &[Fr]) -> Fr {
        dot(rows, &self.blinders)
    }

    fn generators(&self) -> &Generators {
        self.generators
    }
}

struct SlowEvaluator<'a> {
    data: &'a Data<'a>,
    answers: &'a RefCell<Answers>,
}

/// The bits of an index as field elements, most significant first.
fn bits(index: usize, n: usize) -> Vec<Fr> {
    (0..n).rev().map(|j| from_i64((index >> j & 1) as i64)).collect()
}

impl SlowEvaluator<'_> {
    fn mle(&self, id: TensorId, point: &[Fr]) -> Fr {
        evaluate(self.data.values[&Polynomial::Tensor(id)].clone(), point)
    }

    fn operand(&self, id: TensorId, contraction: &Contraction, coordinates: &[Coordinates]) -> Vec<Fr> {
        let n = contraction.bits();
        (0..1 << n).map(|x| self.mle(id, &contraction.operand_point(coordinates, &bits(x, n)))).collect()
    }

    fn einsum(&self, [lhs, rhs]: [TensorId; 2], contraction: &Contraction) -> Vec<Vec<Fr>> {
        let mut factors =
            vec![self.operand(lhs, contraction, &contraction.lhs), self.operand(rhs, contraction, &contraction.rhs)];
        if !contraction.batch_point.is_empty() {
            let (n, batch) = (contraction.bits(), contraction.batch_point.len());
            factors.push((0..1 << n).map(|x| contraction.batch_factor(&bits(x, n)[..batch])).collect());
        }
        factors
    }

    fn view(&self, reduction: &Reduction) -> Vec<Vec<Fr>> {
        let shape = &self.data.program.tensors[reduction.source].shape;
        let n = reduction.variables;
        let points: Vec<Vec<Fr>> = (0..1 << n).map(|x| reduction.source_point(shape, &bits(x, n))).collect();
        let source = points.iter().map(|p| self.mle(reduction.source, p)).collect();
        vec![source, points.iter().map(|p| reduction.indicator_at(shape, p)).collect()]
    }
}

impl WaveProver for SlowEvaluator<'_> {
    fn evaluate(&mut self, queries: &[Query]) -> Vec<Fr> {
        let answer = |q: &Query| evaluate(self.data.values[&q.polynomial].clone(), &q.point);
        let values: Vec<Fr> = queries.iter().map(answer).collect();
        let asked = queries.iter().zip(&values).map(|(q, &v)| (q.polynomial, q.point.to_vec(), v));
        self.answers.borrow_mut().extend(asked);
        values
    }

    fn wave(&mut self, instances: &[Instance], weights: &[Fr], variables: usize, degree: Degree) -> Box<dyn Rounds + '_> {
        let tables = instances.iter().zip(weights).map(|(instance, &weight)| {
            let factors = match instance {
                Instance::Einsum { operands, contraction } => self.einsum(*operands, contraction),
                Instance::View { reduction } => self.view(reduction),
            };
            ProductTables { weight, factors }
        });
        Box::new(Batch::new(tables.collect(), variables, degree))
    }
}

/// A vector and a linear form.
type Node = (Vec<Fr>, Vec<Fr>);

/// Sums over the instances, as a sumcheck over tables has them: behind the last instance they are zero.
struct SlowFold<'a> {
    rows: &'a [Vec<Fr>],
    columns: usize,
    nodes: Vec<Node>,
}

impl SlowFold<'_> {
    fn instances(&self) -> usize {
        self.nodes.len().next_power_of_two()
    }
}

impl Rounds for SlowFold<'_> {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        let table = |pick: fn(&Node) -> &Vec<Fr>| {
            let mut table = self.nodes.iter().flat_map(|n| pick(n).clone()).collect::<Vec<Fr>>();
            table.resize(self.instances() * self.columns, from_i64(0));
            table
        };
        let factors = vec![table(|n| &n.0), table(|n| &n.1)];
        let variables = factors[0].len().ilog2() as usize;
        Batch::new(vec![ProductTables { weight: from_i64(1), factors }], variables, Degree::Two).message(b)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        for &r in challenges {
            let half = self.instances() / 2;
            let nothing = vec![from_i64(0); self.columns];
            let line = |a: &[Fr], b: &[Fr]| a.iter().zip(b).map(|(a, b)| *a + r * (*b - a)).collect::<Vec<Fr>>();
            let other = |j: usize| self.nodes.get(half + j).cloned().unwrap_or_else(|| (nothing.clone(), nothing.clone()));
            let low = self.nodes.iter().take(half).enumerate();
            self.nodes = low.map(|(j, (w, f))| (line(w, &other(j).0), line(f, &other(j).1))).collect();
        }
    }
}

impl FoldProver for SlowFold<'_> {
    fn start(&mut self, leaves: Vec<Leaf>) {
        let dense = |leaf: Leaf| {
            let entry = |j: usize| leaf.rows.iter().map(|&(row, w)| w * self.rows[row][j]).sum();
            let coefficient = |j: usize| {
                let at = |point: &[Fr]| eq(point, &bits(j, point.len()));
                leaf.form.eqs.iter().map(|(weight, point)| *weight * at(point)).sum()
            };
            ((0..self.columns).map(entry).collect(), (0..self.columns).map(coefficient).collect())
        };
        self.nodes = leaves.into_iter().map(dense).collect();
    }

    fn vector(&self) -> Vec<Fr> {
        self.nodes.first().map_or_else(|| vec![from_i64(0); self.columns], |n| n.0.clone())
    }

    fn form(&self) -> Vec<Fr> {
        self.nodes.first().map_or_else(|| vec![from_i64(0); self.columns], |n| n.1.clone())
    }
}
