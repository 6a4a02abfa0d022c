//! Where committed tensors lie: four matrices of `2^c` columns, one for each time of commitment.

use ark_ff::{AdditiveGroup, Field};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::program::{Program, Role, Shape, TensorId};

/// The four times of commitment. Matrices of different phases never share a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// At compile time: weights.
    Model,
    /// First message of a proof: inputs and outputs that are not public. Each owns its rows, so that their commitments mean the same
    /// in every proof.
    Bound,
    /// Second message: advice that is not public.
    Witness,
    /// Third message: multiplicities of the tables.
    Multiplicities,
}

impl Phase {
    /// In the order of the rows.
    pub const ALL: [Self; 4] = [Self::Model, Self::Bound, Self::Witness, Self::Multiplicities];
}

/// A committed polynomial's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// First row, counted over all matrices.
    pub row: usize,
    /// First column; 0 if it fills rows.
    pub column: usize,
    /// Its shape.
    pub shape: Shape,
}

/// The places of all committed polynomials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `c`: every row has `2^c` columns.
    pub column_bits: u32,
    /// Rows of each phase, in [`Phase::ALL`]'s order.
    pub phases: [Range<usize>; 4],
    /// For each row whether it lies wholly in padding: then it is zero and not sent.
    pub omitted: Vec<bool>,
    places: HashMap<Polynomial, Place>,
}

/// A claim's point, split over a row combination and the columns.
#[derive(Clone, Debug)]
pub struct Split {
    /// Rows and their weights.
    pub rows: Vec<(usize, Fr)>,
    /// The point on the columns, `c` coordinates.
    pub columns: Vec<Fr>,
}

/// Why committed tensors have no places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program's committed tensors take {0} rows, at most {MAX_ROWS} are supported")]
pub struct TooManyRows(pub usize);

/// The largest number of rows of all phases: what is kept for each of them is bounded before it is made.
pub const MAX_ROWS: usize = 1 << 20;

impl Layout {
    /// Packs the committed polynomials of a program, largest first, ties in program order: a polynomial of at least `2^c`
    /// entries takes whole rows; smaller ones share rows at offsets that are multiples of their size. Bound tensors share no row,
    /// so that their commitments are the same in every program.
    ///
    /// # Errors
    /// If a well-formed program takes more than [`MAX_ROWS`] rows.
    pub fn new(program: &Program, column_bits: u32) -> Result<Self, TooManyRows> {
        let shaped = |id| Some((Polynomial::Tensor(id), program.tensors.get(id)?.shape.clone()));
        let bound: BTreeSet<TensorId> = program.bound().collect();
        let tables = program.tables.enumerate().map(|(id, t)| (Polynomial::Multiplicity(id), t.padded_rows()));
        let extent = |id| program.first_extent(id).next_power_of_two();
        let row_tables = program.row_tables().into_iter().map(|id| (Polynomial::RowMultiplicity(id), extent(id)));
        let counted = tables.chain(row_tables).map(|(polynomial, rows)| (polynomial, Shape::from([rows])));
        let mut layout = Self { column_bits, phases: [0..0, 0..0, 0..0, 0..0], omitted: Vec::new(), places: HashMap::new() };
        let model = layout.pack(program.with_role(Role::Weight).filter_map(shaped).collect())?;
        let first = layout.omitted.len();
        for own in bound.iter().copied().filter_map(shaped) {
            layout.pack(vec![own])?;
        }
        let own_rows = first..layout.omitted.len();
        let rest = program.with_role(Role::Witness).filter(|id| !bound.contains(id));
        let witness = layout.pack(rest.filter_map(shaped).collect())?;
        let multiplicities = layout.pack(if program.looks_up() { counted.collect() } else { Vec::new() })?;
        layout.phases = [model, own_rows, witness, multiplicities];
        Ok(layout)
    }

    fn pack(&mut self, mut polynomials: Vec<(Polynomial, Shape)>) -> Result<Range<usize>, TooManyRows> {
        polynomials.sort_by_key(|(_, shape)| std::cmp::Reverse(shape.bits()));
        let columns = 1usize << self.column_bits;
        let first = self.omitted.len();
        let entries = polynomials.iter().map(|(_, shape)| shape.padded_len()).fold(0, usize::saturating_add);
        let rows = entries.div_ceil(columns).saturating_add(first);
        if rows > MAX_ROWS {
            return Err(TooManyRows(rows));
        }
        let mut column = columns;
        for (polynomial, shape) in polynomials {
            let size = shape.padded_len();
            let place = if size >= columns {
                let row = self.omitted.len();
                self.omitted.extend(rows_in_padding(&shape, self.column_bits as usize));
                Place { row, column: 0, shape }
            } else {
                if column + size > columns {
                    self.omitted.push(false);
                    column = 0;
                }
                column += size;
                Place { row: self.omitted.len() - 1, column: column - size, shape }
            };
            self.places.insert(polynomial, place);
        }
        Ok(first..self.omitted.len())
    }

    /// The rows of a phase.
    pub fn rows(&self, phase: Phase) -> Range<usize> {
        let [model, bound, witness, multiplicities] = &self.phases;
        match phase {
            Phase::Model => model.clone(),
            Phase::Bound => bound.clone(),
            Phase::Witness => witness.clone(),
            Phase::Multiplicities => multiplicities.clone(),
        }
    }

    /// The rows of a phase that are committed to.
    pub fn sent_rows(&self, phase: Phase) -> impl Iterator<Item = usize> + '_ {
        self.rows(phase).filter(|&row| self.omitted.get(row) == Some(&false))
    }

    /// The rows of a committed polynomial that are committed to.
    pub fn rows_of(&self, polynomial: Polynomial) -> impl Iterator<Item = usize> + '_ {
        let first = self.place(polynomial).map_or(0, |place| place.row);
        (first..first + self.height(polynomial)).filter(|&row| self.omitted.get(row) == Some(&false))
    }

    /// The place of a committed polynomial.
    pub fn place(&self, polynomial: Polynomial) -> Option<&Place> {
        self.places.get(&polynomial)
    }

    /// Number of rows that a polynomial lies in.
    pub fn height(&self, polynomial: Polynomial) -> usize {
        self.place(polynomial).map_or(0, |place| (place.shape.padded_len() >> self.column_bits).max(1))
    }

    /// Number of rows of all phases.
    pub fn total_rows(&self) -> usize {
        self.omitted.len()
    }

    /// Splits the point of a claim on a committed polynomial.
    pub fn split(&self, polynomial: Polynomial, point: &[Fr]) -> Option<Split> {
        let place = self.place(polynomial)?;
        let c = self.column_bits as usize;
        if point.len() >= c {
            let (high, low) = point.split_at(point.len() - c);
            let weights = eq_table(high).into_iter().enumerate();
            let sent = weights.map(|(i, w)| (place.row + i, w)).filter(|(row, _)| self.omitted.get(*row) == Some(&false));
            return Some(Split { rows: sent.collect(), columns: low.to_vec() });
        }
        let offset = place.column >> point.len();
        let bits = (0..c - point.len()).rev().map(|j| if offset >> j & 1 == 1 { Fr::ONE } else { Fr::ZERO });
        Some(Split { rows: vec![(place.row, Fr::ONE)], columns: bits.chain(point.iter().copied()).collect() })
    }

    /// The places of all committed polynomials, in no order.
    pub fn places(&self) -> impl Iterator<Item = (Polynomial, &Place)> + '_ {
        self.places.iter().map(|(&polynomial, place)| (polynomial, place))
    }
}

/// For each row of a tensor of at least `2^c` entries whether all of it is padding.
fn rows_in_padding(shape: &Shape, c: usize) -> Vec<bool> {
    let high_bits = shape.bits() - c;
    (0..1usize << high_bits)
        .map(|row| {
            let mut left = high_bits;
            for (&extent, bits) in shape.dims().iter().zip(shape.axis_bits()) {
                // The axis' leading `own` bits choose the row; its entries start at `index << (bits - own)`.
                let own = bits.min(left);
                left -= own;
                let index = row >> left & ((1 << own) - 1);
                if index << (bits - own) >= extent {
                    return true;
                }
            }
            false
        })
        .collect()
}
