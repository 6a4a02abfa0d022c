//! A program that computes the challenge of its own proof, and then proves whatever it likes (Khovratovich, Rothblum and Soukhanov,
//! ePrint 2025/118).
//!
//! Its one constraint says `y rho' = 0` and `y (rho' - 1) = 0`, which no `y` but zero satisfies. Of the tensor of both the argument looks at
//! one evaluation, at the challenge `rho`: `y (rho' - rho)`. So the program lets `rho'` be the hash of what is bound before `rho`: bits are signs,
//! a sum of bits is a product, the digest of the key is a public input, and the one committed row is known when the program is written.

mod circuit;
pub mod keccak;

use crate::field_witness::Data;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use ark_ff::{Field, Zero};
use circuit::{Circuit, sign};
use keccak::{CONSTANTS, RATE, after_session};
use std::collections::BTreeMap;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::field::{Fr, from_i64, powers};
use zktorch_blocks::program::{Program, Role, TensorId, Visibility};
use zktorch_blocks::transcript::encode_point;
use zktorch_verifier::key::Relation;

/// What the program's output is said to be: it can only be zero.
pub const CLAIMED: i64 = 1;

/// The program, and what its prover knows.
pub struct Foretold {
    /// The program: its public input is the digest of its key, in nibbles.
    pub program: Program,
    /// The committed row's commitment.
    pub row: G1Affine,
    /// The tensor that is the challenge.
    pub challenge: TensorId,
    /// Values of the committed tensors.
    committed: BTreeMap<TensorId, Vec<Fr>>,
}

/// Ids of the committed tensors.
struct Committed {
    weights: TensorId,
    interpolation: Vec<TensorId>,
    half: TensorId,
    constant: TensorId,
}

impl Foretold {
    /// The program for a protocol, on as many columns as there are generators, a power of two.
    pub fn new(protocol: &str, generators: &Generators) -> Self {
        // What is committed to does not depend on what the commitment is.
        let (draft, ids, _) = write(protocol, &[0; 48]);
        let committed = values(&ids);
        let row = commit(&draft, &committed, generators);
        let (program, _, challenge) = write(protocol, &encode_point(&row));
        Self { program, row, challenge, committed }
    }

    /// The public input for a key.
    pub fn nibbles(digest: &KeyDigest) -> Vec<i64> {
        digest.as_ref().iter().flat_map(|byte| [i64::from(byte & 15), i64::from(byte >> 4)]).collect()
    }

    /// All values of the program on the digest of a key.
    pub fn run(&self, digest: &KeyDigest) -> Data<'_> {
        let mut given = self.committed.clone();
        given.insert(self.program.inputs[0], Self::nibbles(digest).into_iter().map(from_i64).collect());
        given.insert(self.program.outputs[0], vec![from_i64(CLAIMED)]);
        Data::given(&self.program, given)
    }
}

/// The values of what is committed. An integer of 512 bits, reduced, is a sum of signs: `sum_j 2^j (1 - sign_j) / 2`.
fn values(ids: &Committed) -> BTreeMap<TensorId, Vec<Fr>> {
    let half = from_i64(2).inverse().expect("odd");
    let weights: Vec<Fr> = powers(from_i64(2), 512).into_iter().map(|power| -power * half).collect();
    let constant = -weights.iter().sum::<Fr>();
    let coefficients = interpolation();
    let mut all: BTreeMap<TensorId, Vec<Fr>> = ids.interpolation.iter().copied().zip(coefficients).collect();
    all.extend([(ids.weights, weights), (ids.half, vec![half]), (ids.constant, vec![constant])]);
    all
}

/// Coefficients, lowest first, of the polynomials of degree 15 that map a nibble to the signs of its four bits.
fn interpolation() -> Vec<Vec<Fr>> {
    let mut coefficients = vec![vec![from_i64(0); 4]; 16];
    for nibble in 0..16i64 {
        // prod (X - other) / (nibble - other) over the other nibbles.
        let others = (0..16).filter(|&other| other != nibble);
        let scale: Fr = others.clone().map(|other| from_i64(nibble - other)).product();
        let mut basis = vec![scale.inverse().expect("not zero")];
        for other in others {
            let mut next = vec![from_i64(0); basis.len() + 1];
            for (k, &c) in basis.iter().enumerate() {
                next[k + 1] += c;
                next[k] -= from_i64(other) * c;
            }
            basis = next;
        }
        for (own, c) in coefficients.iter_mut().zip(basis) {
            own.iter_mut().enumerate().for_each(|(bit, sum)| *sum += c * from_i64(sign(nibble >> bit & 1 == 1)));
        }
    }
    coefficients
}

/// The commitment to the one row of the witness, with a blinder that the program's maker chose.
fn commit(program: &Program, committed: &BTreeMap<TensorId, Vec<Fr>>, generators: &Generators) -> G1Affine {
    let relation = Relation::blank(program, generators.g.len().ilog2()).expect("few rows");
    let mut row = vec![Fr::zero(); relation.columns()];
    for id in program.with_role(Role::Witness) {
        let place = relation.layout.place(Polynomial::Tensor(id)).expect("committed");
        assert_eq!(place.row, 0, "there is one row");
        row[place.column..][..committed[&id].len()].copy_from_slice(&committed[&id]);
    }
    (msm::sum(&generators.g, &row) + generators.h * from_i64(20_250_118)).into_affine()
}

/// A lane of what is absorbed: known, or taken from the digest's bits from a position on, so many of them.
#[derive(Clone, Copy)]
enum Lane {
    Known(u64),
    Digest { first: usize, bits: usize },
}

/// What the transcript absorbs before its first challenge, in blocks, padding included.
fn absorbed(row: &[u8; 48]) -> Vec<Lane> {
    let mut lanes = vec![Lane::Known(32)];
    lanes.extend((0..4).map(|lane| Lane::Digest { first: 64 * lane, bits: 64 }));
    // The statement: the nibbles, one an integer, and the output.
    lanes.push(Lane::Known(512));
    lanes.extend((0..64).map(|nibble| Lane::Digest { first: 4 * nibble, bits: 4 }));
    lanes.extend([Lane::Known(8), Lane::Known(CLAIMED as u64)]);
    lanes.extend(row.chunks(8).map(|lane| Lane::Known(u64::from_le_bytes(lane.try_into().expect("eight bytes")))));
    lanes.push(Lane::Known(0x1f));
    lanes.resize(lanes.len().next_multiple_of(RATE), Lane::Known(0));
    let last = lanes.len() - 1;
    assert!(matches!(lanes[last], Lane::Known(0)), "the padding fits");
    lanes[last] = Lane::Known(1 << 63);
    lanes
}

/// The program for a commitment, what it commits to, and the challenge that it computes.
fn write(protocol: &str, row: &[u8; 48]) -> (Program, Committed, TensorId) {
    let mut c = Circuit::default();
    let digest = c.public_input(&[64], (0, 15));
    let weights = c.unconstrained(&[512]);
    let interpolation: Vec<TensorId> = (0..16).map(|_| c.unconstrained(&[4])).collect();
    let [half, constant] = [(); 2].map(|()| c.unconstrained(&[]));
    let y = c.public_output();

    let bits = digest_bits(&mut c, digest, &interpolation);
    let lanes = absorbed(row);
    let blocks: Vec<TensorId> = lanes.chunks(RATE).map(|block| signs_of(&mut c, block, bits)).collect();
    let halves = c.repeat(half, &[1600]);
    let constants: Vec<TensorId> = CONSTANTS
        .iter()
        .map(|constant| {
            let signs = c.known((0..1600).map(|at| sign(at < 64 && constant >> at & 1 == 1)).collect());
            c.product(halves, signs)
        })
        .collect();
    let session = after_session(protocol);
    let session = c.known((0..1600).map(|at| sign(session[at / 64] >> (at % 64) & 1 == 1)).collect());
    let mut state = c.product(session, blocks[0]);
    let mut squeezed = Vec::new();
    for permutation in 0..blocks.len() + 1 {
        for (index, &constant) in constants.iter().enumerate() {
            // A block is absorbed together with the last constant.
            let last = blocks.get(permutation + 1).filter(|_| index + 1 == constants.len());
            let flips = last.map_or(constant, |&block| c.product(constant, block));
            state = c.round(state, flips);
        }
        if permutation + 1 >= blocks.len() {
            squeezed.push(state);
        }
    }
    // Behind alpha and beta: bytes 128 to 191, five lanes of the first block that is squeezed, three of the second.
    let first = c.list(squeezed[0], (0..512).map(|at| (at < 320).then_some(16 * 64 + at)).collect());
    let second = c.list(squeezed[1], (0..512u32).map(|at| at.checked_sub(320)).collect());
    let bits = c.linear(&[(1, first), (1, second)], 0);
    let sum = c.dot(weights, bits);
    let challenge = c.linear(&[(1, constant), (1, sum)], 0);
    let pair = c.repeat(challenge, &[2]);
    let shift = c.known(vec![0, -1]);
    let pair = c.linear(&[(1, pair), (1, shift)], 0);
    let both = c.scaled(y, pair);
    c.program.zeros = vec![both];
    (c.program, Committed { weights, interpolation, half, constant }, challenge)
}

/// The signs of the digest's bits, by the values of a polynomial at its nibbles.
fn digest_bits(c: &mut Circuit, digest: TensorId, interpolation: &[TensorId]) -> TensorId {
    let spread = |c: &mut Circuit, coefficient: TensorId| c.across(coefficient, [64, 4], 1);
    let nibbles = c.across(digest, [64, 4], 0);
    let (&highest, rest) = interpolation.split_last().expect("sixteen");
    let mut sum = spread(c, highest);
    for &coefficient in rest.iter().rev() {
        let product = c.product(sum, nibbles);
        let own = spread(c, coefficient);
        sum = c.linear(&[(1, product), (1, own)], 0);
    }
    c.flat(sum)
}

/// The signs of a block's bits; those behind the rate are plus.
fn signs_of(c: &mut Circuit, block: &[Lane], digest: TensorId) -> TensorId {
    let mut places: Vec<Option<u32>> = vec![None; 1600];
    let mut signs = vec![1i64; 1600];
    for (lane, own) in block.iter().zip((0..).step_by(64)) {
        match *lane {
            Lane::Known(word) => (0..64).for_each(|bit| signs[own + bit] = sign(word >> bit & 1 == 1)),
            Lane::Digest { first, bits } => {
                (0..bits).for_each(|bit| (places[own + bit], signs[own + bit]) = (u32::try_from(first + bit).ok(), 0));
            }
        }
    }
    let known = c.known(signs);
    if places.iter().all(Option::is_none) {
        return known;
    }
    let seen = c.list(digest, places);
    c.linear(&[(1, seen), (1, known)], 0)
}

impl Circuit {
    fn public_output(&mut self) -> TensorId {
        let y = self.unconstrained(&[]);
        self.program.tensors[y].visibility = Visibility::Public;
        self.program.tensors[y].interval.hi = CLAIMED;
        self.program.outputs = vec![y];
        y
    }
}
