//! The public values a proof is about.

use std::collections::BTreeMap;
use zktorch_blocks::program::{Program, TensorId};
use zktorch_blocks::transcript::{Misfit, Transcript};

/// Values of the public tensors of a program, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Positions of the public tensors' values.
    index: BTreeMap<TensorId, usize>,
    values: Vec<Vec<i64>>,
}

impl Statement {
    /// A statement with the values of all public tensors, in program order.
    ///
    /// # Errors
    /// [`Misfit`] if a tensor is missing, of the wrong size, or leaves its interval.
    pub fn new(program: &Program, values: Vec<Vec<i64>>) -> Result<Self, Misfit> {
        let mut index = BTreeMap::new();
        let mut given = values.iter();
        for (position, id) in program.statement().enumerate() {
            let Some(tensor) = program.tensors.get(id) else { continue };
            let name = || tensor.name.clone();
            let Some(entries) = given.next() else {
                return Err(Misfit::Missing { tensor: name() });
            };
            if entries.len() != tensor.shape.len() {
                let (expected, got) = (tensor.shape.len(), entries.len());
                return Err(Misfit::Length { tensor: name(), expected, got });
            }
            if let Some(&value) = entries.iter().find(|v| !tensor.interval.contains(**v)) {
                return Err(Misfit::Range { tensor: name(), value, interval: tensor.interval });
            }
            index.insert(id, position);
        }
        if given.next().is_some() {
            return Err(Misfit::Surplus);
        }
        Ok(Self { index, values })
    }

    /// A statement without values, which count as zeros: for [`crate::size`].
    pub(crate) fn zeros() -> Self {
        Self { index: BTreeMap::new(), values: Vec::new() }
    }

    /// The values of a public tensor.
    pub fn values(&self, id: TensorId) -> Option<&[i64]> {
        self.values.get(*self.index.get(&id)?).map(Vec::as_slice)
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
