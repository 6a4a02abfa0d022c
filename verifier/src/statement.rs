//! The public values a proof is about.

use zktorch_blocks::program::{Program, TensorId};
use zktorch_blocks::transcript::{Reject, Transcript};

/// Values of the public tensors of a program, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `index[tensor]` is the position of a tensor's values, if it is public.
    index: Vec<Option<usize>>,
    values: Vec<Vec<i64>>,
}

impl Statement {
    /// A statement with the values of all public tensors, in program order.
    ///
    /// # Errors
    /// [`Reject::Statement`] if a tensor is missing, of the wrong size, or leaves its interval.
    pub fn new(program: &Program, values: Vec<Vec<i64>>) -> Result<Self, Reject> {
        let mut index = vec![None; program.tensors.len()];
        let mut given = values.iter();
        for (position, id) in program.statement().enumerate() {
            let Some(tensor) = program.tensors.get(id) else { continue };
            let name = &tensor.name;
            let Some(entries) = given.next() else {
                return Err(Reject::Statement(format!("the statement has no values for tensor `{name}`")));
            };
            if entries.len() != tensor.shape.len() {
                let (expected, got) = (tensor.shape.len(), entries.len());
                return Err(Reject::Statement(format!("tensor `{name}` has {expected} entries, the statement {got}")));
            }
            let (lo, hi) = (tensor.interval.lo, tensor.interval.hi);
            if let Some(value) = entries.iter().find(|v| !tensor.interval.contains(**v)) {
                return Err(Reject::Statement(format!("{value} of tensor `{name}` is outside of {lo}..={hi}")));
            }
            if let Some(slot) = index.get_mut(id) {
                *slot = Some(position);
            }
        }
        if given.next().is_some() {
            return Err(Reject::Statement("the statement has values for more tensors than the program".into()));
        }
        Ok(Self { index, values })
    }

    /// A statement without values, which count as zeros: for [`crate::size`].
    pub(crate) fn zeros(program: &Program) -> Self {
        Self { index: vec![None; program.tensors.len()], values: Vec::new() }
    }

    /// The values of a public tensor.
    pub fn values(&self, id: TensorId) -> Option<&[i64]> {
        self.values.get((*self.index.get(id)?)?).map(Vec::as_slice)
    }

    /// The values of all public tensors in program order.
    pub fn all(&self) -> &[Vec<i64>] {
        &self.values
    }

    /// Binds the statement.
    pub fn absorb(&self, t: &mut Transcript<'_>) {
        for values in &self.values {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            t.absorb(&bytes);
        }
    }
}
