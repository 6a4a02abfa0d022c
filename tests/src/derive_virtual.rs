//! Virtual tensors over the field: what follows from committed values that are no integers.

use crate::field_witness::Data;
use ark_ff::PrimeField;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::{Trace, definition};
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::{Einsum, Shape, Source, TensorId, index_bits};

impl Data<'_> {
    /// Computes every virtual tensor anew from its definition, padding included (views read and write valid entries only), and
    /// counts the lookups. Advice stays as it is.
    pub fn derive_virtual(&mut self) {
        for (id, tensor) in self.program.tensors.enumerate() {
            let values = match &tensor.source {
                Source::Linear { terms, constant } => self.linear(&tensor.shape, terms, *constant),
                Source::Einsum(einsum) => self.einsum(einsum),
                Source::View(view) => self.view(id, view.source),
                Source::Marks(marks) => {
                    self.known(&tensor.shape, marks.entries(&tensor.shape, &self.integers(marks.indices)))
                }
                Source::Draws(draws) => self.known(&tensor.shape, draws.entries(|id| self.integers(id))),
                _ => continue,
            };
            self.values.insert(Polynomial::Tensor(id), values);
        }
        self.count();
    }

    /// The valid entries of a public tensor.
    fn integers(&self, id: TensorId) -> Vec<i64> {
        let integer = |at: usize| i64::try_from(self.padded(id)[at].into_bigint().0[0]).expect("indices are small");
        self.program.tensors[id].shape.padded_indices().into_iter().map(integer).collect()
    }

    fn padded(&self, id: TensorId) -> &[Fr] {
        &self.values[&Polynomial::Tensor(id)]
    }

    fn linear(&self, shape: &Shape, terms: &[(i64, TensorId)], constant: i64) -> Vec<Fr> {
        let mut values = vec![from_i64(0); shape.padded_len()];
        shape.padded_indices().into_iter().for_each(|at| values[at] = from_i64(constant));
        for &(coefficient, id) in terms {
            values.iter_mut().zip(self.padded(id)).for_each(|(sum, v)| *sum += from_i64(coefficient) * v);
        }
        values
    }

    fn einsum(&self, einsum: &Einsum) -> Vec<Fr> {
        let operands = [(einsum.lhs, &einsum.lhs_labels), (einsum.rhs, &einsum.rhs_labels)];
        let mut labels: Vec<(u8, usize)> = Vec::new();
        for (id, own) in operands {
            for (&label, &extent) in own.iter().zip(self.program.tensors[id].shape.dims()) {
                if labels.iter().all(|(l, _)| *l != label) {
                    labels.push((label, index_bits(extent)));
                }
            }
        }
        // The bits of all labels, first label most significant.
        let total: usize = labels.iter().map(|(_, bits)| bits).sum();
        let part = |all: usize, own: &[u8]| {
            own.iter().fold(0, |at, label| {
                let before = labels.iter().position(|(l, _)| l == label).expect("a label of an operand");
                let below: usize = labels[before + 1..].iter().map(|(_, bits)| bits).sum();
                let bits = labels[before].1;
                at << bits | all >> below & ((1 << bits) - 1)
            })
        };
        let out_bits: usize = labels.iter().filter(|(l, _)| einsum.out_labels.contains(l)).map(|(_, bits)| bits).sum();
        let mut values = vec![from_i64(0); 1 << out_bits];
        for all in 0..1 << total {
            let [lhs, rhs] = operands.map(|(id, own)| self.padded(id)[part(all, own)]);
            values[part(all, &einsum.out_labels)] += lhs * rhs;
        }
        values
    }

    fn known(&self, shape: &Shape, entries: Vec<i64>) -> Vec<Fr> {
        let mut values = vec![from_i64(0); shape.padded_len()];
        shape.padded_indices().into_iter().zip(entries).for_each(|(at, v)| values[at] = from_i64(v));
        values
    }

    fn view(&self, id: TensorId, source: TensorId) -> Vec<Fr> {
        let (shape, from) = (&self.program.tensors[id].shape, &self.program.tensors[source].shape);
        // A view of the entries' numbers, from 1, says what is where.
        let mut trace = Trace::empty(self.program);
        trace.replace(source, (1..=from.len() as i64).collect());
        if let Source::View(view) = &self.program.tensors[id].source {
            view.indices().for_each(|list| trace.replace(list, self.integers(list)));
        }
        let numbers = definition(self.program, &trace, id).expect("a view");
        let places = from.padded_indices();
        let mut values = vec![from_i64(0); shape.padded_len()];
        for (at, number) in shape.padded_indices().into_iter().zip(numbers) {
            if let Some(entry) = usize::try_from(number).ok().and_then(|n| n.checked_sub(1)) {
                values[at] = self.padded(source)[places[entry]];
            }
        }
        values
    }
}
