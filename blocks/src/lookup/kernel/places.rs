//! Where the entries of a tensor lie among padded positions, sixteen positions at a time.

use super::row::NODES;
use crate::program::{Shape, index_bits};

/// The entries of a shape at the padded positions from `16 v` on, for every `v`. Padding keeps their order, so they follow one another.
pub struct Places(Option<Vec<Place>>);

/// Entries at sixteen positions.
#[derive(Clone, Copy, Default)]
pub struct Place {
    /// The first one.
    pub start: u32,
    /// Where they are.
    pub valid: u16,
}

impl Places {
    /// The places of a shape with so many entries.
    pub fn new(shape: &Shape) -> Self {
        if shape.is_dense() {
            return Self(None);
        }
        let mut places = vec![Place::default(); shape.padded_len().div_ceil(NODES)];
        // Rows of the last axes, which are not padded, and of the first of them that is.
        let mut dims = shape.dims().to_vec();
        let (mut extent, mut bits) = (1, 0);
        while let Some(own) = dims.pop() {
            let full = extent == 1 << bits;
            if !full {
                dims.push(own);
                break;
            }
            extent *= own;
            bits += index_bits(own);
        }
        let outer = Shape(dims);
        for (number, row) in outer.padded_indices().into_iter().enumerate() {
            let (mut at, end) = (row << bits, (row << bits) + extent);
            let mut entry = number * extent;
            while at < end {
                let stop = end.min((at / NODES + 1) * NODES);
                let place = &mut places[at / NODES];
                if place.valid == 0 {
                    place.start = entry as u32;
                }
                let ones = (1u32 << (stop - at)) - 1;
                place.valid |= (ones << (at % NODES)) as u16;
                entry += stop - at;
                at = stop;
            }
        }
        Self(Some(places))
    }

    /// The entries from position `16 v` on.
    #[inline(always)]
    pub fn at(&self, v: usize) -> Place {
        match &self.0 {
            None => Place { start: (NODES * v) as u32, valid: u16::MAX },
            Some(places) => places[v],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_padded_indices() {
        for dims in
            [vec![16], vec![40], vec![3, 7, 7], vec![5, 1, 3, 2], vec![2, 24, 64], vec![3, 100], vec![7, 16, 3], vec![1, 37]]
        {
            let shape = Shape(dims);
            let places = Places::new(&shape);
            let mut found = Vec::new();
            for v in 0..shape.padded_len() / NODES {
                let Place { start, valid } = places.at(v);
                let positions = (0..NODES).filter(|i| valid >> i & 1 == 1);
                found.extend(positions.enumerate().map(|(k, i)| (start as usize + k, NODES * v + i)));
            }
            assert_eq!(found, shape.padded_indices().into_iter().enumerate().collect::<Vec<_>>(), "{shape}");
        }
    }
}
