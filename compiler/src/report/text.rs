//! The report as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::Report;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "{:<40} {:<12} {:>14} {:>8} {:>5} {:>5} {:>10} {:>10}",
            "tensor", "op", "shape", "role", "scale", "bits", "max error", "mean error"
        )?;
        for t in &self.tensors {
            let name: String = t.name.chars().take(40).collect();
            writeln!(
                f,
                "{name:<40} {:<12} {:>14} {:>8} {:>5} {:>5} {:>10.2e} {:>10.2e}",
                t.op, t.shape, t.role, t.scale, t.width, t.max_error, t.mean_error
            )?;
        }
        writeln!(f, "\n{:<10} {:>10} {:>12} {:>12}", "block", "instances", "committed", "lookups")?;
        for b in &self.blocks {
            writeln!(f, "{:<10} {:>10} {:>12} {:>12}", b.kind, b.instances, b.committed, b.lookups)?;
        }
        let t = &self.totals;
        writeln!(
            f,
            "\n{} bits, shift {}: {} weights, {} committed values, {} lookups, {} rows in {} tables, {} multiplications",
            self.bits, self.shift, t.weights, t.committed, t.lookups, t.table_rows, t.tables, t.multiplications
        )?;
        match self.output_error {
            Some(error) => {
                writeln!(f, "largest output error on {} samples: {:.3} % of the largest output", self.samples, 100.0 * error)
            }
            None => writeln!(f, "no calibration samples: ranges by interval analysis, errors unknown"),
        }
    }
}
