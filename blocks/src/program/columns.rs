//! Scales of columns: of inputs and outputs whose columns differ in size.

use super::fault::Fault;
use super::{Program, TensorId};

/// Largest magnitude of an exponent.
const EXPONENT: u32 = 64;

impl Program {
    /// By which powers of two the columns (entries along the last axis) of an input or output are larger than its scale says:
    /// `real = value * 2^(columns[c] - scale)`. Empty where all are as the scale says. No arithmetic of the program depends on it.
    pub fn column_exponents(&self, id: TensorId) -> &[i32] {
        let own = self.columns.iter().find(|(tensor, _)| *tensor == id);
        own.map_or(&[], |(_, exponents)| exponents)
    }

    /// Whether exponents stand for inputs and outputs only, once for each, one for each column, and are small.
    pub(super) fn check_columns(&self) -> Result<(), Fault> {
        for (index, (id, exponents)) in self.columns.iter().enumerate() {
            let tensor = self.tensors.get(*id).ok_or(Fault::Missing { what: "tensor", index: id.0 })?;
            if !self.inputs.contains(id) && !self.outputs.contains(id) {
                return Err(Fault::Inner(*id));
            }
            if self.columns[..index].iter().any(|(other, _)| other == id) {
                return Err(Fault::ExponentsTwice(*id));
            }
            let columns = tensor.shape.dims().last();
            if columns != Some(&exponents.len()) {
                let expected = columns.copied().unwrap_or(0);
                return Err(Fault::Count { what: "exponents", got: exponents.len(), expected });
            }
            let most = i64::from(EXPONENT);
            if let Some(exponent) = exponents.iter().find(|e| e.unsigned_abs() > EXPONENT) {
                return Err(Fault::Range { what: "the exponent", got: i64::from(*exponent), least: -most, most });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::program::{Interval, Limits, Program, Scale, Shape, Source, Tensor, TensorId, Visibility};

    fn program(columns: Vec<(TensorId, Vec<i32>)>) -> Program {
        let tensor = Tensor {
            name: "x".into(),
            shape: Shape(vec![1, 2]),
            source: Source::Input(0),
            visibility: Visibility::Public,
            interval: Interval::new(-8, 7),
            scale: Scale(3),
        };
        Program {
            tensors: vec![tensor].into(),
            inputs: vec![TensorId(0)],
            outputs: vec![TensorId(0)],
            columns,
            ..Program::default()
        }
    }

    #[test]
    fn exponents_belong_to_inputs_and_outputs() {
        let valid = program(vec![(TensorId(0), vec![-3, 0])]);
        assert_eq!(valid.validate(&Limits::default()), Ok(()));
        assert_eq!(valid.column_exponents(TensorId(0)), [-3, 0]);
        assert!(valid.column_exponents(TensorId(1)).is_empty());
        let [x, none] = [TensorId(0), TensorId(1)];
        for columns in
            [vec![(none, vec![0, 0])], vec![(x, vec![0])], vec![(x, vec![0, 65])], vec![(x, vec![0, 0]), (x, vec![0, 1])]]
        {
            assert!(program(columns.clone()).validate(&Limits::default()).is_err(), "{columns:?}");
        }
    }

    #[test]
    fn values_are_finite_floats() {
        let scaled = |scale: i32| {
            let mut program = program(vec![(TensorId(0), vec![64, -64])]);
            program.tensors[TensorId(0)].scale = Scale(scale);
            program.validate(&Limits::default())
        };
        for scale in [-512, 512] {
            assert_eq!(scaled(scale), Ok(()));
            let largest = 2f64.powi(62) * f64::from(64 - scale).exp2();
            assert!(largest.is_finite() && f64::from(-64 - scale).exp2() > 0.0);
        }
        assert!(scaled(-513).is_err() && scaled(513).is_err());
    }
}
