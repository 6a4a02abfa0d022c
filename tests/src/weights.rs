//! Keys whose weights are not what they should be, and a model proof that follows the protocol about them.

use crate::field_witness::Data;
use crate::fixture::Fixture;
use crate::lying::violated;
use crate::reference::Reference;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use ark_serialize::CanonicalDeserialize;
use std::collections::BTreeMap;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::{Weights, execute};
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::{Role, Source, TensorId};
use zktorch_blocks::transcript::{Equation, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_verifier::Verdict;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof, part_digest, parts, verify_model};
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

/// Something added to an entry of a weight, which may lie in its padding.
pub struct Change {
    /// The weight's place among the program's weights.
    pub weight: usize,
    /// Padded position.
    pub position: usize,
    /// What is added.
    pub delta: Fr,
}

/// What came of a model proof about changed weights.
pub struct ModelOutcome {
    /// Constraints that the hidden scalars violate, sorted, each once.
    pub violated: Vec<Equation>,
    /// What the verifier says.
    pub verdict: Verdict,
}

impl Fixture {
    /// The key with other commitments: those of the changed weights.
    ///
    /// # Panics
    /// If there is no such weight.
    pub fn with_weight(&self, change: &Change) -> VerifyingKey {
        let relation = Relation::new(&self.verifying).expect("a good key");
        let id = relation.program.with_role(Role::Weight).nth(change.weight).expect("a weight");
        let place = relation.layout.place(Polynomial::Tensor(id)).expect("weights are committed");
        let at = place.row * relation.columns() + place.column + change.position;
        let (row, column) = (at / relation.columns(), at % relation.columns());
        let sent = (0..row).filter(|&r| !relation.layout.omitted[r]).count();
        let mut key = self.verifying.clone();
        let bytes = &mut key.model_rows[96 * sent..][..96];
        let point = G1Affine::deserialize_uncompressed(&*bytes).expect("a point");
        let mut changed = Vec::new();
        VerifyingKey::push_row(&mut changed, &(self.proving.generators.g[column] * change.delta + point).into_affine());
        bytes.copy_from_slice(&changed);
        key
    }

    /// A model proof that knows the changed weights of `key` and follows the protocol; all parts but the last are honest.
    ///
    /// # Panics
    /// If the key is not usable.
    pub fn tell_model(&self, key: &VerifyingKey, level: Level, change: &Change) -> ModelOutcome {
        let generators = &self.proving.generators;
        let relation = Relation::new(key).expect("a good key");
        let decider = DeciderKey::resolve(&key.setup, Some(generators)).expect("a good setup");
        let weights: Weights = (0..).map(TensorId).zip(self.proving.weights.values().cloned()).collect();
        let mut wrong = Vec::new();
        let model = key.model_digest();
        let mut proof = ModelProof { model, level, seeded: true, parts: Vec::new() };
        for (index, program) in parts(&relation, level).expect("few").enumerate() {
            let program = &program;
            let part = relation.for_program(program, part_digest(&model, level, index)).expect("few rows");
            let trace = execute(program, &weights, &[]).expect("the honest run works");
            let mut data = Data::new(program, &trace);
            let mut deltas: BTreeMap<TensorId, Fr> = BTreeMap::from([(TensorId(change.weight), change.delta)]);
            for (id, tensor) in program.tensors.enumerate() {
                let own = match &tensor.source {
                    Source::Linear { terms, .. } => {
                        terms.iter().filter_map(|(c, t)| Some(from_i64(*c) * deltas.get(t)?)).sum()
                    }
                    // The views of a model proof show valid positions only.
                    Source::View(view) if tensor.shape.padded_indices().contains(&change.position) => {
                        deltas.get(&view.source).copied().unwrap_or_default()
                    }
                    _ => continue,
                };
                deltas.insert(id, own);
            }
            for (id, delta) in deltas.into_iter().filter(|(_, d)| *d != from_i64(0)) {
                data.values.get_mut(&Polynomial::Tensor(id)).expect("every tensor has values")[change.position] += delta;
            }
            data.count();
            let mut vault = Vault::new(&self.proving, Randomness::insecure_seed(7));
            let mut prover = Reference::new(&part, &data, &self.proving.blinders, generators);
            let statement = Statement::new(program, Vec::new()).expect("nothing is public");
            let mut t = Transcript::prover(protocol(key), part.columns(), &mut vault);
            bind_statement(&mut t, &part, &statement);
            // What the prover's own checks say does not matter.
            drop(argue(&mut t, &part, &decider, &statement, Some(&mut prover)));
            let scalars = t.secrets().expect("the prover's side").scalars().to_vec();
            wrong.extend(violated(t.hidden().constraints(), &scalars));
            proof.parts.push(t.finish().expect("a prover always finishes"));
        }
        wrong.sort_unstable();
        wrong.dedup();
        let verdict = verify_model(key, &proof, Some(generators)).expect("the key is usable");
        ModelOutcome { violated: wrong, verdict }
    }
}
