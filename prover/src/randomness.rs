//! Where blinders come from.

use ark_ff::PrimeField;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use zeroize::Zeroizing;
use zktorch_blocks::field::Fr;

/// A stream of uniformly random scalars: ChaCha20, keyed by the operating system, or by a seed in tests.
pub struct Randomness {
    rng: ChaCha20Rng,
    seeded: bool,
}

/// What blinders are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entropy {
    /// The operating system's randomness.
    #[default]
    System,
    /// **For tests**: a seed. What is made with it is the same each time, hides nothing, and is marked where it is a proof.
    TestSeed(u64),
}

impl Entropy {
    /// A stream of it.
    ///
    /// # Errors
    /// If the operating system has none to give.
    #[expect(clippy::disallowed_methods, reason = "whoever gives a seed is told what it does, and what it makes is marked")]
    pub fn randomness(self) -> Result<Randomness, getrandom::Error> {
        match self {
            Self::System => Randomness::from_os(),
            Self::TestSeed(seed) => Ok(Randomness::insecure_seed(seed)),
        }
    }
}

impl Randomness {
    /// Keyed by the operating system's randomness.
    ///
    /// # Errors
    /// If the operating system has none to give.
    pub fn from_os() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0u8; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Self { rng: ChaCha20Rng::from_seed(*key), seeded: false })
    }

    /// Keyed by a seed. **Proofs made with it hide nothing** and are marked; for tests of determinism only.
    #[expect(clippy::disallowed_methods, reason = "it marks what it makes")]
    pub fn insecure_seed(seed: u64) -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(seed), seeded: true }
    }

    /// A stream of its own, keyed by this one.
    pub fn fork(&mut self) -> Self {
        let mut key = [0u8; 32];
        self.rng.fill_bytes(&mut key);
        Self { rng: ChaCha20Rng::from_seed(key), seeded: self.seeded }
    }

    /// Whether the stream is known to others.
    pub fn is_seeded(&self) -> bool {
        self.seeded
    }

    /// The next scalar, uniform up to `2^-257`.
    pub fn scalar(&mut self) -> Fr {
        let mut bytes = Zeroizing::new([0u8; 64]);
        self.rng.fill_bytes(&mut *bytes);
        Fr::from_le_bytes_mod_order(&*bytes)
    }
}

impl Drop for Randomness {
    fn drop(&mut self) {
        // The stream's key would give every blinder away. The generator cannot be overwritten but by another, and the compiler must
        // not take that for a store that nobody reads.
        self.rng = ChaCha20Rng::from_seed([0; 32]);
        std::hint::black_box(&self.rng);
    }
}
