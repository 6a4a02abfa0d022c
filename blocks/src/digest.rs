//! SHA-256 digests, by what they are digests of.

use serde::{Deserialize, Serialize};

/// One type a thing.
macro_rules! digests {
    ($($(#[$about:meta])* $name:ident,)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From the bytes of a hash.
            pub fn new(bytes: impl Into<[u8; 32]>) -> Self {
                Self(bytes.into())
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    )*};
}

digests! {
    /// Of a verifying key, or of what a part of a model proof binds in its place.
    KeyDigest,
    /// Of a program.
    ProgramDigest,
    /// Of a model: the commitments to its weights, their shapes and widths, and the setup.
    ModelDigest,
    /// Of everything that pins a setup.
    SetupDigest,
    /// Of the generators of a transparent setup.
    GeneratorsDigest,
    /// Of commitments to inputs or outputs.
    CommitmentDigest,
    /// Of a file, which ends in it.
    FileDigest,
}
