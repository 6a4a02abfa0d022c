//! The time that the unit costs allow: what proving would take if it did nothing but its unavoidable operations.

use serde_json::Value;

/// Core-seconds of one operation each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitCosts {
    /// Committing to a value of 8 bits.
    pub value_8: f64,
    /// Committing to a value of 16 bits.
    pub value_16: f64,
    /// One lookup, or one row of a table, through all layers of the fraction tree.
    pub lookup: f64,
    /// One product of a small integer and a field element, summed.
    pub small_product: f64,
    /// Passes over weights and activations.
    pub passes: f64,
    /// A full-size scalar in a large multi-scalar multiplication.
    pub full_scalar: f64,
    /// The fixed part of committing to a hidden message.
    pub message: f64,
}

/// Measured with arkworks 0.6 (`asm`, native build) on a quiet EPYC Milan; the same on every machine, so that ratios of different
/// machines differ by the machines.
pub const REFERENCE: UnitCosts = UnitCosts {
    value_8: 1.0e-6,
    value_16: 1.7e-6,
    lookup: 1.2e-6,
    small_product: 5e-9,
    passes: 2.5,
    full_scalar: 18e-6,
    message: 0.1e-3,
};

/// What a proof consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Bits of activations.
    pub bits: f64,
    /// Committed values of the witness.
    pub committed: f64,
    /// Rows of all tables: committed multiplicities, and leaves of the tree.
    pub table_rows: f64,
    /// Lookups.
    pub lookups: f64,
    /// Weights.
    pub weights: f64,
    /// Columns of the commitment matrices.
    pub columns: f64,
    /// Hidden messages.
    pub messages: f64,
    /// Scalars in them.
    pub hidden_scalars: f64,
}

impl Work {
    /// From the compiler's report; `messages` and `hidden_scalars` are not in it.
    pub fn of_report(report: &Value) -> Option<Self> {
        let total = |name: &str| report.pointer(&format!("/totals/{name}")).and_then(Value::as_f64);
        Some(Self {
            bits: report.get("bits")?.as_f64()?,
            committed: total("committed")?,
            table_rows: total("table_rows")?,
            lookups: total("lookups")?,
            weights: total("weights")?,
            columns: report.get("columns")?.as_f64()?,
            ..Self::default()
        })
    }

    /// Core-seconds.
    pub fn seconds(&self, cost: &UnitCosts) -> f64 {
        let wide = ((self.bits - 8.0) / 8.0).clamp(0.0, 1.0);
        let value = cost.value_8 + wide * (cost.value_16 - cost.value_8);
        (self.committed + self.table_rows) * value
            + (self.lookups + self.table_rows) * cost.lookup
            + (self.weights + self.committed) * cost.passes * cost.small_product
            + self.messages * cost.message
            + (5.0 * self.columns + self.hidden_scalars) * cost.full_scalar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn report_to_seconds() {
        let totals = json!({ "committed": 1000, "table_rows": 0, "lookups": 500, "weights": 0 });
        let report = json!({ "bits": 8, "columns": 0, "totals": totals });
        let work = Work::of_report(&report).unwrap();
        let seconds = work.seconds(&REFERENCE);
        assert!((seconds - (1000e-6 + 600e-6 + 12.5e-6)).abs() < 1e-9, "{seconds}");
        let wider = Work { bits: 16.0, ..work };
        assert!((wider.seconds(&REFERENCE) - seconds - 700e-6).abs() < 1e-9);
        assert_eq!(Work::of_report(&json!({ "bits": 8 })), None);
    }
}
