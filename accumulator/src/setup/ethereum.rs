//! The embedded Ethereum KZG ceremony.

use super::{ETHEREUM_COLUMNS, Generators, Setup, SetupError, VerifierSetup};
use ark_bls12_381::G1Affine;
use ark_serialize::CanonicalDeserialize;
use ekzg_trusted_setup::TrustedSetup;

impl Setup {
    /// The embedded Ethereum KZG ceremony: 4096 powers. Decoding them takes a while; keep the result.
    ///
    /// # Errors
    /// If the embedded points do not decode, or are not 4096.
    pub fn ethereum() -> Result<Self, SetupError> {
        let ceremony = TrustedSetup::default();
        let mut points = Vec::with_capacity(ETHEREUM_COLUMNS);
        for (index, point) in ceremony.g1_monomial.iter().enumerate() {
            let point = G1Affine::deserialize_uncompressed_unchecked(point.to_uncompressed().as_slice());
            points.push(point.map_err(|_| SetupError::Point { group: "G1", index })?);
        }
        if points.len() != ETHEREUM_COLUMNS {
            return Err(SetupError::Length { group: "G1", found: points.len(), wanted: ETHEREUM_COLUMNS });
        }
        Ok(Self { verifier: VerifierSetup::Ethereum, generators: Generators::new(points) })
    }
}
