//! TurboSHAKE128 as the transcript uses it, in lanes of 64 bits.

/// Rounds of the permutation.
pub const ROUNDS: usize = 12;
/// Constants of the rounds.
pub const CONSTANTS: [u64; ROUNDS] = [
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];
/// Lanes that are absorbed or squeezed between two permutations.
pub const RATE: usize = 21;

const ROTATIONS: [u32; 25] = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14];

/// The lane that step pi moves to `lane`, and by how much step rho has rotated it.
pub fn moved_from(lane: usize) -> (usize, u32) {
    let (x, y) = (lane % 5, lane / 5);
    let goes_here = |from: &usize| from / 5 == x && (2 * (from % 5) + 3 * (from / 5)) % 5 == y;
    let from = (0..25).find(goes_here).expect("a permutation");
    (from, ROTATIONS[from])
}

/// The permutation.
pub fn permute(state: &mut [u64; 25]) {
    for constant in CONSTANTS {
        let columns: Vec<u64> = (0..5).map(|x| (0..5).fold(0, |sum, y| sum ^ state[x + 5 * y])).collect();
        for (lane, value) in state.iter_mut().enumerate() {
            *value ^= columns[(lane + 4) % 5] ^ columns[(lane + 1) % 5].rotate_left(1);
        }
        let moved = std::array::from_fn::<u64, 25, _>(|lane| {
            let (from, by) = moved_from(lane);
            state[from].rotate_left(by)
        });
        *state = std::array::from_fn(|lane| {
            let along = |by: usize| moved[(lane + by) % 5 + lane / 5 * 5];
            moved[lane] ^ (!along(1) & along(2))
        });
        state[0] ^= constant;
    }
}

/// The state once the session of a protocol is bound, ready to absorb.
pub fn after_session(protocol: &str) -> [u64; 25] {
    let lane = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let mut state = [0; 25];
    let tag = b"irtf-cfrg-fiat-shamir/session-id";
    tag.chunks(8).zip(&mut state).for_each(|(bytes, own)| *own ^= lane(bytes));
    permute(&mut state);
    let mut block = [0u8; 8 * RATE];
    block[..protocol.len()].copy_from_slice(protocol.as_bytes());
    block[protocol.len()] ^= 0x1f;
    block[8 * RATE - 1] ^= 0x80;
    block.chunks(8).zip(&mut state).for_each(|(bytes, own)| *own ^= lane(bytes));
    permute(&mut state);
    let mut after = [0; 25];
    after[..4].copy_from_slice(&state[..4]);
    permute(&mut after);
    after
}
