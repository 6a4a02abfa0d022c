//! The protocol without hiding: what it would cost to prove the same and keep no secret.
//!
//! It runs the argument's own code. Scalars go in the clear, 32 bytes each; rows have no blinders; the verifier checks the constraints
//! on the numbers themselves; there is no mask and no closing, and the accumulated claim is decided as it is. **It is no proof system of
//! anybody's**: scalars are bound once, at their end, and not message by message. It does the work of one, for comparison, and
//! nothing outside of this crate knows of it.

use anyhow::{Context, Result, ensure};
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, Field};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use zktorch_accumulator::decider::{self, DeciderKey, decide};
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::execute::execute;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Message, SCALAR_BYTES, Secrets, Slot, Transcript};
use zktorch_prover::session::Session;
use zktorch_prover::{ProvingKey, Witness};
use zktorch_verifier::argument::{AccumulatedArgument, ArgumentProver, argue_hidden};
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::bind_statement;

/// Not a protocol that a verifier knows.
const PROTOCOL: &str = "zktorch/plain";

/// A proof that hides nothing.
#[derive(Clone, Debug)]
pub struct PlainProof {
    /// The statement.
    pub statement: Vec<Vec<i64>>,
    /// Rows and the decider's messages. In place of each hidden message stand 48 bytes that mean nothing.
    pub bytes: Vec<u8>,
    /// The scalars that were not hidden.
    pub scalars: Vec<u8>,
    /// Hidden messages that the real proof has.
    pub messages: usize,
}

/// Scalars in the clear, and no randomness.
#[derive(Default)]
struct Clear {
    scalars: Vec<Fr>,
}

impl Secrets for Clear {
    fn commit(&mut self, _: Message, _: Slot, values: &[Fr]) -> G1Affine {
        self.scalars.extend_from_slice(values);
        G1Affine::zero()
    }

    fn scalars(&self) -> &[Fr] {
        &self.scalars
    }

    fn blinders(&self) -> &[Fr] {
        &[]
    }

    fn random(&mut self) -> Fr {
        Fr::ZERO
    }

    fn commit_vector(&self, _: &[Fr], _: Fr) -> G1Affine {
        G1Affine::zero()
    }
}

impl PlainProof {
    /// Bytes of the messages.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.scalars.len() - 48 * self.messages
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Runs the program and proves the run.
///
/// # Errors
/// If the program does not run on the inputs, or the keys do not fit each other.
pub fn prove(proving: &ProvingKey, verifying: &VerifyingKey, inputs: &[Vec<i64>]) -> Result<PlainProof> {
    let program = &verifying.program;
    let trace = execute(program, &proving.weights, inputs)?;
    let generators = &proving.generators;
    let relation = Relation::new(verifying)?;
    let key = DeciderKey::resolve(&verifying.setup, Some(generators))?;
    let values: Vec<Vec<i64>> = program.statement().map(|id| trace.values(program, id).to_vec()).collect();
    let statement = Statement::new(program, values)?;
    let witness = Witness::new(program, &trace)?;
    let mut clear = Clear::default();
    let mut progress = |_| ();
    let mut session = Session::new(&relation, &witness, proving, &mut progress);
    let mut t = Transcript::prover(PROTOCOL, relation.columns(), &mut clear);
    bind_statement(&mut t, &relation, &statement);
    let AccumulatedArgument { accumulated, vector, .. } =
        argue_hidden(&mut t, &relation, &statement, &mut Some(&mut session))?;
    let scalars = t.secrets().context("the prover's side")?.scalars().to_vec();
    let mut bytes = Vec::with_capacity(scalars.len() * SCALAR_BYTES);
    scalars.serialize_compressed(&mut bytes)?;
    let bytes = bytes.split_off(8);
    t.absorb(&bytes);
    let vector = vector.context("the prover's vector")?;
    let witness = decider::DeciderWitness { vector: &vector, blinder: session.blinder(&accumulated.rows), generators };
    let value = accumulated.value.evaluate(&scalars, Fr::ONE);
    let claim = decider::DeciderClaim { commitment: G1Projective::ZERO, form: &accumulated.form, value };
    decide(&mut t, &key, relation.layout.column_bits, &claim, Some(&witness))?;
    let messages = t.hidden().messages().len();
    Ok(PlainProof { statement: statement.all().to_vec(), bytes: t.finish()?, scalars: bytes, messages })
}

/// Verifies.
///
/// # Errors
/// What is wrong with the proof.
pub fn verify(verifying: &VerifyingKey, proof: &PlainProof, generators: Option<&Generators>) -> Result<()> {
    let relation = Relation::new(verifying)?;
    let key = DeciderKey::resolve(&verifying.setup, generators)?;
    let statement = Statement::new(relation.program, proof.statement.clone())?;
    let mut t = Transcript::verifier(PROTOCOL, relation.columns(), &proof.bytes);
    bind_statement(&mut t, &relation, &statement);
    let AccumulatedArgument { rows, accumulated, .. } = argue_hidden(&mut t, &relation, &statement, &mut None)?;
    t.absorb(&proof.scalars);
    let read = |bytes: &[u8]| Fr::deserialize_compressed(bytes);
    let scalars = proof.scalars.chunks(SCALAR_BYTES).map(read).collect::<Result<Vec<Fr>, _>>()?;
    ensure!(scalars.len() == t.hidden().count(), "{} scalars, expected {}", scalars.len(), t.hidden().count());
    for constraint in t.hidden().constraints() {
        ensure!(constraint.holds(&scalars), "constraint `{}` does not hold", constraint.label);
    }
    let (points, coefficients): (Vec<G1Affine>, Vec<Fr>) =
        rows.into_iter().zip(accumulated.rows).filter(|(_, c)| *c != Fr::ZERO).unzip();
    let commitment = msm::sum(&points, &coefficients);
    let claim =
        decider::DeciderClaim { commitment, form: &accumulated.form, value: accumulated.value.evaluate(&scalars, Fr::ONE) };
    decide(&mut t, &key, relation.layout.column_bits, &claim, None)?;
    t.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_tests::fixture::Fixture;
    use zktorch_tests::toy::Toy;

    #[test]
    fn it_proves_what_the_real_one_proves() {
        let (fixture, input) = Fixture::toy(&Toy { square: true, shifts: [3, 7], ..Toy::default() }, 7);
        let inputs = [input];
        let mut proof = prove(&fixture.proving, &fixture.verifying, &inputs).unwrap();
        let real = fixture.honest(&inputs);
        assert_eq!(proof.statement, real.proof.statement);
        verify(&fixture.verifying, &proof, None).unwrap();
        proof.scalars[0] ^= 1;
        let refused = verify(&fixture.verifying, &proof, None).unwrap_err();
        assert_eq!(refused.to_string(), "constraint `tree top denominator` does not hold");
        proof.scalars[0] ^= 1;
        proof.statement[0][0] += 1;
        assert!(verify(&fixture.verifying, &proof, None).is_err());
    }
}
