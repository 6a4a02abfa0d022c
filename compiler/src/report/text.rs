//! The report as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::{Accuracy, Gap, Language, Report, Yardstick};

/// Columns of a gap that are listed.
const LISTED: usize = 8;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "{:<40} {:<12} {:>14} {:>8} {:>5} {:>5} {:>10} {:>10}",
            "tensor", "op", "shape", "role", "scale", "bits", "max error", "mean error"
        )?;
        for t in &self.tensors {
            let name: String = t.name.chars().take(40).collect();
            let [largest, mean] = [t.max_error, t.mean_error].map(|e| e.map_or("-".to_owned(), |e| format!("{e:.2e}")));
            writeln!(
                f,
                "{name:<40} {:<12} {:>14} {:>8} {:>5} {:>5} {largest:>10} {mean:>10}",
                t.op, t.shape, t.role, t.scale, t.width
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
        if self.tensors.iter().any(|t| t.op == "Descent") {
            writeln!(
                f,
                "decision trees: a sample whose features lie on the grids of the inputs reaches the leaves of the float model, exactly; others \
                 are rounded to the grids first"
            )?;
        }
        if let Some(language) = &self.language {
            writeln!(f, "{language}")?;
        }
        match &self.accuracy {
            Some(accuracy) => write!(f, "{accuracy}"),
            None => {
                writeln!(f, "output error unknown: there are no calibration samples, ranges follow from interval analysis")
            }
        }
    }
}

impl Display for Language {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { texts, tokens, kl_mean, kl_max, nll_float, nll_integer, top1, left_out, .. } = self;
        let held =
            if self.held_out { "texts that ranges were made without" } else { "the texts that ranges were made from" };
        write!(
            f,
            "on {tokens} tokens of {texts} of {held}: divergence {kl_mean:.2e} (at most {kl_max:.2e}), negative log-likelihood {nll_integer:.4} for the \
             model's {nll_float:.4}, the same likeliest token behind {:.1} %",
            100.0 * top1
        )?;
        if *left_out > 0 { write!(f, "; {left_out} texts leave the ranges of the others") } else { Ok(()) }
    }
}

impl Display for Gap {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let one = self.columns.len() == 1;
        if self.of == 1 {
            write!(f, "input `{}`", self.input)?;
        } else {
            let listed: Vec<String> = self.columns.iter().take(LISTED).map(usize::to_string).collect();
            let (s, more) = (if one { "" } else { "s" }, if self.columns.len() > LISTED { ", .." } else { "" });
            write!(f, "input `{}` column{s} {}{more}", self.input, listed.join(", "))?;
            if !one {
                write!(f, " ({} of {})", self.columns.len(), self.of)?;
            }
        }
        let (are, number) = (if one { "it is" } else { "they are" }, if self.zero { "0" } else { "the same number" });
        write!(f, ": {are} {number} in all samples")
    }
}

impl Display for Accuracy {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let of = if self.measured == self.samples { String::new() } else { format!(" of {}", self.samples) };
        if let Some(reason) = &self.unrunnable {
            writeln!(f, "errors are measured against zktorch's own evaluation: tract cannot run the file ({reason})")?;
        }
        let Some(worst) = self.worst.first() else { return writeln!(f, "no outputs were measured") };
        write!(f, "largest output error on {}{of} samples: {}", self.measured, worst.describe())?;
        match worst.yardstick {
            Yardstick::Reached => writeln!(f, "; {:.3} % of the largest output", 100.0 * self.tensor_error),
            Yardstick::Bound | Yardstick::Samples => writeln!(f),
        }
    }
}
