//! The prover's tables for the sumcheck over products.

use ark_ff::Field;
use zeroize::Zeroize;
use zktorch_blocks::field::Fr;
use zktorch_blocks::sumcheck::kernel::{Batch, ProductTables};
use zktorch_blocks::sumcheck::{Degree, Rounds};
use zktorch_blocks::transcript::{HiddenAffine, Product};

/// Tables that are overwritten when they are dropped: unlike those of waves they hold hidden scalars as they are.
struct Factors(Batch);

impl Rounds for Factors {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        self.0.message(b)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        self.0.bind(challenges);
    }
}

impl Drop for Factors {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Both factors of every product at `u`, up to `2^variables` with zeros.
pub(super) fn tables(products: &[Product], variables: usize, u: &[Fr]) -> Option<Box<dyn Rounds>> {
    let factor = |pick: fn(&Product) -> &HiddenAffine| {
        // Of the final length, so that no copy is left behind.
        let mut values = Vec::with_capacity(1 << variables);
        values.extend(products.iter().map(|p| pick(p).evaluate(u, Fr::ONE)));
        values.resize(1 << variables, Fr::from(0u64));
        values
    };
    let factors = vec![factor(|p| &p.0), factor(|p| &p.1)];
    Some(Box::new(Factors(Batch::new(vec![ProductTables { weight: Fr::ONE, factors }], variables, Degree::Two))))
}
