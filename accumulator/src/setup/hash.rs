//! Hash to curve: RFC 9380, suite `BLS12381G1_XMD:SHA-256_SSWU_RO_`.

use super::SetupError;
use ark_bls12_381::{Fr, G1Affine, G1Projective, g1};
use ark_ec::hashing::HashToCurve;
use ark_ec::hashing::curve_maps::wb::WBMap;
use ark_ec::hashing::map_to_curve_hasher::MapToCurveBasedHasher;
use ark_ff::field_hashers::{DefaultFieldHasher, HashToField};
use sha2::Sha256;
use zktorch_blocks::digest::KeyDigest;

/// Domain of the blinding generator `H` (message: the empty string).
pub const DST_BLINDING: &[u8] = b"zktorch-v1-blinding-BLS12381G1_XMD:SHA-256_SSWU_RO_";
/// Domain of the base of `Q` in the inner-product argument (message: the empty string).
pub const DST_INNER_PRODUCT: &[u8] = b"zktorch-v1-inner-product-BLS12381G1_XMD:SHA-256_SSWU_RO_";
/// Domain of the transparent generators (message: the index, 8 bytes little endian).
pub const DST_GENERATORS: &[u8] = b"zktorch-v1-generators-BLS12381G1_XMD:SHA-256_SSWU_RO_";
/// Domain of the insecure setup's public `tau` (message: the empty string).
pub const DST_INSECURE: &[u8] = b"zktorch-v1-INSECURE-tau-XMD:SHA-256";

/// Domain of what mask rows are powers of (message: the digest of the verifying key, then the index, 8 bytes little endian).
pub const DST_MASK: &[u8] = b"zktorch-v1-mask-row-XMD:SHA-256";

type Hasher = MapToCurveBasedHasher<G1Projective, DefaultFieldHasher<Sha256, 128>, WBMap<g1::Config>>;

/// The point of `G1` that the message hashes to.
///
/// # Errors
/// None in practice: the map's parameters are fixed and correct.
pub fn hash_to_curve(domain: &[u8], message: &[u8]) -> Result<G1Affine, SetupError> {
    Hasher::new(domain).and_then(|hasher| hasher.hash(message)).map_err(|e| SetupError::Hash(e.to_string()))
}

/// The transparent generator `G_j`.
///
/// # Errors
/// As [`hash_to_curve`].
pub fn transparent_generator(index: u64) -> Result<G1Affine, SetupError> {
    hash_to_curve(DST_GENERATORS, &index.to_le_bytes())
}

/// The insecure setup's `tau`: everyone knows it.
pub fn insecure_tau() -> Fr {
    hash_to_field(DST_INSECURE, b"")
}

/// What mask row `index` is the powers of, under the verifying key of a digest.
pub fn mask_point(key: &KeyDigest, index: u64) -> Fr {
    hash_to_field(DST_MASK, &[key.as_ref(), &index.to_le_bytes()].concat())
}

fn hash_to_field(domain: &[u8], message: &[u8]) -> Fr {
    let hasher = <DefaultFieldHasher<Sha256, 128> as HashToField<Fr>>::new(domain);
    let [x] = hasher.hash_to_field::<1>(message);
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::constants;
    use ark_ff::MontFp;

    #[test]
    fn hashes_are_those_of_rfc_9380() {
        // RFC 9380, appendix J.9.1.
        let domain = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
        let cases: [(&[u8], &str, &str); 2] = [
            (
                b"",
                "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
                "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
            ),
            (
                b"abc",
                "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
                "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
            ),
        ];
        for (message, x, y) in cases {
            let point = hash_to_curve(domain, message).unwrap();
            assert_eq!([hex(point.x), hex(point.y)], [x, y]);
        }
    }

    fn hex(x: ark_bls12_381::Fq) -> String {
        use ark_ff::{BigInteger, PrimeField};
        x.into_bigint().to_bytes_be().iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn compiled_points_are_the_hashes() {
        for (domain, point) in
            [(DST_BLINDING, constants::blinding_generator()), (DST_INNER_PRODUCT, constants::inner_product_base())]
        {
            assert_eq!(hash_to_curve(domain, b"").unwrap(), point);
        }
    }

    #[test]
    fn insecure_tau_is_fixed() {
        let expected: Fr = MontFp!("23265708677248605650036786908897436020145423276286859169484961869507591186828");
        assert_eq!(insecure_tau(), expected);
    }
}
