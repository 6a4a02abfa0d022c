//! Well-formedness of what the verifier computes from the statement by itself.

use super::{Check, contains, ensure, same_shape, within};
use crate::program::fault::Fault;
use crate::program::{Draws, LARGEST_WORD, Marks, Program, Role, Source, Tensor, TensorId, WORDS};

impl Program {
    /// Checks marks: by earlier indices that everybody knows, one for each row.
    pub(super) fn check_marks(&self, id: TensorId, tensor: &Tensor, marks: &Marks) -> Check {
        let indices = self.operand(id, marks.indices)?;
        let known = indices.role() == Role::Public || matches!(indices.source, Source::Constant(_));
        ensure(known, || Fault::HiddenIndices(indices.name.clone()))?;
        let got = tensor.shape.dims().to_vec();
        let extent = got.last().copied().ok_or(Fault::Missing { what: "axis", index: 0 })?;
        let expected = [indices.shape.dims(), &[extent]].concat();
        ensure(got == expected, || Fault::Rows { got, expected })?;
        contains(tensor, 0, 1)
    }

    /// Checks draws: by what the statement shows, one for each place.
    pub(super) fn check_draws(&self, id: TensorId, tensor: &Tensor, draws: &Draws) -> Check {
        for operand in [draws.seed, draws.text, draws.places] {
            let operand = self.operand(id, operand)?;
            ensure(operand.role() == Role::Public, || Fault::HiddenIndices(operand.name.clone()))?;
        }
        let seed = self.get(draws.seed)?;
        let (got, expected) = (seed.shape.dims().to_vec(), vec![WORDS]);
        ensure(got == expected, || Fault::Rows { got, expected })?;
        for end in [seed.interval.lo, seed.interval.hi] {
            within("an end of the words of a seed,", end, 0, LARGEST_WORD)?;
        }
        ensure(draws.word < WORDS, || Fault::Missing { what: "word", index: draws.word })?;
        same_shape(tensor, self.get(draws.places)?)?;
        contains(tensor, 0, LARGEST_WORD.into())
    }
}
