//! The setups, and every corrupt file that an import must refuse.

use super::*;
use crate::decider::DeciderKey;
use ark_bls12_381::Fr;

#[test]
fn transparent_generators_are_pinned_by_their_digest() {
    let setup = Setup::transparent(8).unwrap();
    assert!(DeciderKey::resolve(&setup.verifier, Some(&setup.generators)).is_ok());
    assert_eq!(DeciderKey::resolve(&setup.verifier, None).unwrap_err(), SetupError::Missing);
    let mut other = setup.generators.clone();
    other.g.swap(0, 1);
    assert_eq!(DeciderKey::resolve(&setup.verifier, Some(&other)).unwrap_err(), SetupError::Digest);
    let shorter = Generators::transparent(4).unwrap();
    assert_eq!(shorter.g, setup.generators.g[..4]);
    assert_eq!(DeciderKey::resolve(&setup.verifier, Some(&shorter)).unwrap_err(), SetupError::Digest);
    assert!(matches!(Setup::transparent(0), Err(SetupError::Format(_))));
    assert!(matches!(Setup::transparent(usize::MAX), Err(SetupError::Format(_))));
}

#[test]
fn generators_survive_their_bytes() {
    let generators = Generators::transparent(5).unwrap();
    let (bytes, digest) = (generators.to_bytes(), generators.digest());
    assert_eq!(Generators::from_bytes_trusted(&bytes, &digest).unwrap(), generators);
    let mut other = bytes.clone();
    other[100] ^= 1;
    assert_eq!(Generators::from_bytes_trusted(&other, &digest), Err(SetupError::Digest));
    assert_eq!(Generators::from_bytes_trusted(&bytes[..96], &digest), Err(SetupError::Digest));
}

#[test]
fn the_insecure_setup_names_itself() {
    let setup = Setup::insecure(3).unwrap();
    let words = setup.verifier.describe();
    assert!(words.insecure && words.name.contains("INSECURE") && words.trust.contains("forge"));
    assert!(Setup::insecure(60).is_err());
    for other in [VerifierSetup::Ethereum, Setup::transparent(2).unwrap().verifier] {
        assert!(!other.describe().insecure && !other.is_insecure());
        assert_ne!(other.digest(), setup.verifier.digest());
    }
}

#[test]
fn verifier_points_are_checked() {
    let tau = Fr::from(77u64);
    let [_, tau1, tau2] = second_group_powers(tau, 3).try_into().unwrap();
    let good = write_tau(tau1, tau2).unwrap();
    assert!(DeciderKey::resolve(&VerifierSetup::Imported { columns: 8, tau: good.clone() }, None).is_ok());
    let refuse = |tau: Vec<u8>| DeciderKey::resolve(&VerifierSetup::Imported { columns: 8, tau }, None).unwrap_err();
    assert!(matches!(refuse(good[..100].to_vec()), SetupError::Format(_)));
    let mut outside = good.clone();
    outside[95] ^= 1;
    assert!(matches!(refuse(outside), SetupError::Point { group: "G2", index: 1 }));
    let identity = write_tau(tau1, G2Affine::identity()).unwrap();
    assert_eq!(refuse(identity), SetupError::Point { group: "G2", index: 2 });
}

#[cfg(feature = "prover")]
mod prover {
    use super::*;
    use crate::setup::import::to_container;
    use ark_bls12_381::G1Affine;
    use ark_ff::AdditiveGroup;
    use ark_serialize::CanonicalSerialize;

    fn good() -> (Vec<G1Affine>, Vec<G2Affine>) {
        let tau = Fr::from(0xfeed_beefu64);
        (Generators::powers_of(tau, 10).g, second_group_powers(tau, 4))
    }

    fn import(change: impl Fn(&mut Vec<G1Affine>, &mut Vec<G2Affine>)) -> Result<Setup, SetupError> {
        let (mut g1, mut g2) = good();
        change(&mut g1, &mut g2);
        Setup::import(&to_container(&g1, &g2).unwrap(), 8)
    }

    fn refused(change: impl Fn(&mut Vec<G1Affine>, &mut Vec<G2Affine>)) -> SetupError {
        import(change).map(|s| s.verifier).unwrap_err()
    }

    #[test]
    fn good_files_are_imported() {
        let setup = import(|_, _| ()).unwrap();
        assert_eq!(setup.generators.g, good().0[..8]);
        assert_eq!(setup.verifier.columns(), 8);
        assert!(!setup.verifier.describe().insecure && DeciderKey::resolve(&setup.verifier, None).is_ok());
    }

    #[test]
    fn corrupt_powers_are_refused() {
        use SetupError::{Chain, Degenerate, Generator, Length, Point, SecondGroup};
        assert_eq!(refused(|g1, _| g1.truncate(7)), Length { group: "G1", found: 7, wanted: 8 });
        assert_eq!(refused(|_, g2| g2.truncate(2)), Length { group: "G2", found: 2, wanted: 3 });
        assert_eq!(refused(|g1, _| g1[0] = g1[1]), Generator("G1"));
        assert_eq!(refused(|_, g2| g2[0] = g2[1]), Generator("G2"));
        assert_eq!(refused(|g1, _| g1[1] = G1Affine::identity()), Degenerate);
        assert_eq!(refused(|g1, _| g1.swap(4, 5)), Chain);
        assert_eq!(refused(|g1, _| g1[7] = -g1[7]), Chain);
        assert_eq!(refused(|_, g2| g2[1] = g2[3]), Chain);
        assert_eq!(refused(|_, g2| g2[2] = g2[3]), SecondGroup);
        // On the curve, outside the subgroup.
        let low_order = (0u64..)
            .find_map(|x| G1Affine::get_point_from_x_unchecked(x.into(), false))
            .filter(|p| !p.is_in_correct_subgroup_assuming_on_curve());
        assert_eq!(refused(|g1, _| g1[3] = low_order.unwrap()), Point { group: "G1", index: 3 });
        let off_curve = |p: G1Affine| G1Affine::new_unchecked(p.x, p.y.double());
        assert_eq!(refused(|g1, _| g1[2] = off_curve(g1[2])), Point { group: "G1", index: 2 });
    }

    #[test]
    fn corrupt_containers_are_refused() {
        let (g1, g2) = good();
        let bytes = to_container(&g1, &g2).unwrap();
        let format = |bytes: &[u8]| matches!(Setup::import(bytes, 8), Err(SetupError::Format(_)));
        for end in [0, 7, 16, 20, 31, 32, 100, bytes.len() - 1] {
            assert!(format(&bytes[..end]), "{end}");
        }
        assert!(format(&[bytes.as_slice(), &[0]].concat()));
        let mut huge = bytes.clone();
        huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(format(&huge));
        assert!(format(b"{\"g1_monomial\": []}"));
        for columns in [0, 1, 3, usize::MAX] {
            assert!(matches!(Setup::import(&bytes, columns), Err(SetupError::Format(_))));
        }
    }

    #[test]
    fn json_files_are_imported() {
        fn texts<P: CanonicalSerialize>(points: &[P]) -> Vec<String> {
            let text = |p: &P| {
                let mut bytes = Vec::new();
                p.serialize_compressed(&mut bytes).unwrap();
                bytes.iter().fold("0x".to_string(), |text, b| format!("{text}{b:02x}"))
            };
            points.iter().map(text).collect()
        }
        let (g1, g2) = good();
        let (g1, g2) = (texts(&g1), texts(&g2));
        let consensus = serde_json::json!({ "g1_monomial": g1, "g1_lagrange": [], "g2_monomial": g2 });
        let short = serde_json::json!({ "powersOfTau": { "G1Powers": g1[..2], "G2Powers": g2 } });
        let long = serde_json::json!({ "powersOfTau": { "G1Powers": g1, "G2Powers": g2 } });
        let ceremony = serde_json::json!({ "transcripts": [short, long] });
        for json in [consensus.clone(), ceremony] {
            let setup = Setup::import(json.to_string().as_bytes(), 8).unwrap();
            assert_eq!(setup.generators.g, good().0[..8]);
        }
        let mut broken = consensus;
        broken["g1_monomial"][2] = "0xzz".into();
        let error = Setup::import(broken.to_string().as_bytes(), 8).unwrap_err();
        assert_eq!(error, SetupError::Point { group: "G1", index: 2 });
    }

    #[test]
    fn ethereum_constants_are_the_ceremony_s() {
        let setup = Setup::ethereum().unwrap();
        let g = &setup.generators.g;
        assert_eq!((g.len(), g[0]), (ETHEREUM_COLUMNS, G1Affine::generator()));
        let ceremony = ekzg_trusted_setup::TrustedSetup::default();
        for (index, constant) in [(1, constants::ethereum_tau()), (2, constants::ethereum_tau_squared())] {
            let bytes = ceremony.g2_monomial[index].to_uncompressed();
            assert_eq!(G2Affine::deserialize_uncompressed(bytes.as_slice()).unwrap(), constant);
        }
        // The points pass as an imported file, which checks the subgroup and the chain.
        let g2 = [G2Affine::generator(), constants::ethereum_tau(), constants::ethereum_tau_squared()];
        let imported = Setup::import(&to_container(g, &g2).unwrap(), ETHEREUM_COLUMNS).unwrap();
        assert_eq!(imported.generators, setup.generators);
    }
}
