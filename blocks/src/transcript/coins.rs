//! Where challenges come from.

use crate::field::{Fr, from_wide_bytes};
use spongefish::{DuplexSpongeInit, DuplexSpongeInterface, derive_session_id, instantiations::TurboShake128};

/// The source of the challenges.
pub(super) enum Coins {
    /// The messages themselves (Fiat-Shamir): the only source that makes a proof.
    Hashed(Box<TurboShake128>),
    /// A list from before the first message.
    #[cfg(feature = "prover")]
    Tossed(std::vec::IntoIter<Fr>),
}

impl Coins {
    /// A sponge that has taken in the protocol's name.
    pub(super) fn hashed(protocol: &str) -> Self {
        let session = derive_session_id::<TurboShake128>(protocol.as_bytes());
        Self::Hashed(Box::new(TurboShake128::init(session.as_bytes())))
    }

    /// Binds bytes.
    pub(super) fn absorb(&mut self, bytes: &[u8]) {
        match self {
            Self::Hashed(sponge) => {
                sponge.absorb(bytes);
            }
            #[cfg(feature = "prover")]
            Self::Tossed(_) => {}
        }
    }

    /// 64 squeezed bytes, little endian, reduced; or the next of the list, zero at its end.
    pub(super) fn challenge(&mut self) -> Fr {
        match self {
            Self::Hashed(sponge) => from_wide_bytes(&sponge.squeeze_array::<64>()),
            #[cfg(feature = "prover")]
            Self::Tossed(list) => list.next().unwrap_or_default(),
        }
    }
}
