//! Where a weight lies: in a committed tensor of its own, or in the front of a larger one.
//!
//! Programs of one model for texts of different lengths share what is committed. A table by position has a row for every token of the text: that
//! of the longest program is committed, and the others look at its first rows.

use ndarray::{ArrayViewD, IxDyn, Slice};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::{Scale, TensorId};

use super::decisions::WIDTHS;
use super::{Lowering, Note, Refusal, Weight, affine, pass};

/// Index bits of a committed tensor, at most: annotations of a stranger are multiplied.
const BITS: u32 = 40;

/// Weights that are committed for an earlier program, in the order in which a lowering comes to them.
pub(super) struct Committed<'g> {
    left: std::vec::IntoIter<&'g Integers>,
}

impl<'g> Committed<'g> {
    pub fn new(weights: Vec<&'g Integers>) -> Self {
        Self { left: weights.into_iter() }
    }

    /// The next one, of the given extents, if its front is what it should be.
    fn next(&mut self, name: &str, extents: &[usize], (dims, front): (&[usize], &[i64])) -> Result<Vec<i64>, Refusal> {
        let other = |what: &str| Refusal::Committed(format!("{what} committed to as `{name}`"));
        let values = self.left.next().ok_or_else(|| other("there is no more weight"))?.to_vec();
        let all = ArrayViewD::from_shape(IxDyn(extents), &values).map_err(|_| other("another number of weights is"))?;
        let own = all.slice_each_axis(|axis| Slice::from(..dims[axis.axis.index()]));
        let same = own.iter().eq(front);
        if same { Ok(values) } else { Err(other("other integers are")) }
    }

    /// That nothing is committed to beside the weights.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.left.len() {
            0 => Ok(()),
            more => Err(Refusal::Committed(format!("{more} more weights are committed to than the model has"))),
        }
    }
}

impl Lowering<'_> {
    /// A weight tensor at a scale, in the smallest width that holds it.
    pub fn weight(&mut self, name: &str, dims: &[usize], weight: &Weight, scale: Scale) -> Result<TensorId, Refusal> {
        let values = weight.integers(scale);
        let bits = self.decide(Note::WeightWidth, WIDTHS, |_| {
            let largest = values.iter().map(|&v| if v < 0 { !v } else { v }).max().unwrap_or(0);
            i64::from(64 - largest.leading_zeros())
        })?;
        let mut extents = Vec::with_capacity(dims.len());
        for &own in dims {
            extents.push(self.decide(Note::WeightExtent, own as i64..=1 << BITS, |_| own as i64)? as usize);
        }
        if extents.iter().map(|extent| extent.next_power_of_two().ilog2()).sum::<u32>() > BITS {
            return Err(Refusal::Annotation(format!("a committed weight of {extents:?} entries is larger than any")));
        }
        let values = match &mut self.committed {
            Some(committed) => committed.next(name, &extents, (dims, &values))?,
            // An audit has no weights, and looks at none.
            None => values,
        };
        let tensor = self.builder.weight(name, &extents, values, scale, bits as u32);
        if extents == dims {
            return Ok(tensor);
        }
        let front = |(axis, (&own, &all)): (usize, (&usize, &usize))| match own == all {
            true => pass(axis, axis),
            false => affine(axis, axis, 1, 0),
        };
        let groups = dims.iter().zip(&extents).enumerate().map(front).collect();
        Ok(self.builder.view(&format!("{name}.front"), tensor, dims, groups))
    }
}
