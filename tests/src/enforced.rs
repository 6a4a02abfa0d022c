//! What a verifier that trusts nobody knows of a tensor's values: intervals that follow from lookups, zero constraints, public
//! values and the declared widths of weights, never from a declared interval of advice.

use zktorch_blocks::program::{GroupMap, IdVec, LARGEST_WORD, Program, Role, Source, Table, TensorId};

/// Smallest and largest integer that a tensor's valid entries can be.
pub type Bounds = (i128, i128);

/// For each tensor the integers that it can hold, as far as they are known.
pub type Known = IdVec<TensorId, Option<Bounds>>;

/// For each tensor the integers that it can hold in an accepted proof; `None` if nothing makes it an integer in some interval.
pub fn enforced(program: &Program) -> Known {
    let mut known = axioms(program);
    loop {
        let before = known.iter().flatten().count();
        known.ids().for_each(|id| forward(program, &mut known, id));
        program.row_lookups.iter().for_each(|lookup| known[lookup.rows] = known[lookup.rows].or(known[lookup.source]));
        known.ids().rev().for_each(|id| backward(program, &mut known, id));
        if known.iter().flatten().count() == before {
            return known;
        }
    }
}

/// What stands in the program and the statement, what is looked up, what vanishes.
fn axioms(program: &Program) -> Known {
    let given = |role| matches!(role, Role::Weight | Role::Public | Role::Constant);
    let declared = program.tensors.iter().map(|t| {
        let interval = (i128::from(t.interval.lo), i128::from(t.interval.hi));
        given(t.role()).then_some(interval)
    });
    let mut known: Known = declared.collect();
    for lookup in &program.lookups {
        for (column, &id) in lookup.columns.iter().enumerate() {
            known[id] = known[id].or(Some(entries(&program.tables[lookup.table], column)));
        }
    }
    for lookup in &program.row_lookups {
        known[lookup.indices] = known[lookup.indices].or(Some((0, program.first_extent(lookup.source) as i128 - 1)));
    }
    program.zeros.iter().for_each(|&id| known[id] = Some((0, 0)));
    known
}

fn entries(table: &Table, column: usize) -> Bounds {
    let all = (0..table.padded_rows()).map(|row| i128::from(table.padded_entry(column, row)));
    all.fold((i128::MAX, i128::MIN), |(lo, hi), e| (lo.min(e), hi.max(e)))
}

/// From operands to what is computed from them.
fn forward(program: &Program, known: &mut Known, id: TensorId) {
    if known[id].is_some() {
        return;
    }
    known[id] = match &program.tensors[id].source {
        Source::Linear { terms, constant } => sum(known, terms, *constant),
        Source::Einsum(e) => known[e.lhs].zip(known[e.rhs]).map(|((a, b), (c, d))| {
            // An entry is a sum over the contracted labels; those of batches are not added up.
            let labels = e.lhs_labels.iter().zip(program.tensors[e.lhs].shape.dims());
            let contracted = labels.filter(|(label, _)| !e.out_labels.contains(label)).map(|(_, &extent)| extent as i128);
            let terms: i128 = contracted.product();
            let products = [a * c, a * d, b * c, b * d];
            let [lo, hi] = [products.iter().min(), products.iter().max()].map(|p| p.copied().unwrap_or(0));
            (lo * terms, hi * terms)
        }),
        Source::View(v) => known[v.source].map(|(lo, hi)| (lo.min(0), hi.max(0))),
        Source::Marks(_) => Some((0, 1)),
        Source::Draws(_) => Some((0, LARGEST_WORD.into())),
        _ => None,
    };
}

fn sum(known: &Known, terms: &[(i64, TensorId)], constant: i64) -> Option<Bounds> {
    terms.iter().try_fold((i128::from(constant), i128::from(constant)), |(lo, hi), &(c, id)| {
        let (a, b) = known[id]?;
        let ends = [i128::from(c) * a, i128::from(c) * b];
        Some((lo + ends[0].min(ends[1]), hi + ends[0].max(ends[1])))
    })
}

/// From what is computed to its one operand that is not known: with a coefficient of one, or seen entry by entry.
fn backward(program: &Program, known: &mut Known, id: TensorId) {
    let Some((lo, hi)) = known[id] else { return };
    match &program.tensors[id].source {
        Source::Linear { terms, constant } => {
            let mut unknown = terms.iter().filter(|(_, t)| known[*t].is_none());
            let (Some(&(sign @ (1 | -1), operand)), None) = (unknown.next(), unknown.next()) else { return };
            let others: Vec<(i64, TensorId)> = terms.iter().copied().filter(|(_, t)| *t != operand).collect();
            let Some((a, b)) = sum(known, &others, *constant) else { return };
            let (lo, hi) = (lo - b, hi - a);
            known[operand] = Some(if sign == 1 { (lo, hi) } else { (-hi, -lo) });
        }
        Source::View(v) if v.groups.iter().all(|g| matches!(g.map, GroupMap::Reshape | GroupMap::Broadcast)) => {
            known[v.source] = known[v.source].or(Some((lo, hi)));
        }
        _ => {}
    }
}
