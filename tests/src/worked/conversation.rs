//! A proof of the toy, watched while it is made.

use crate::fixture::Fixture;
use ark_bls12_381::G1Affine;
use std::cell::{Cell, RefCell};
use zktorch_accumulator::decider::DeciderKey;
use zktorch_blocks::execute::execute;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{EntryKind, MaskRow, Message, Secrets, Slot, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::{Session, Witness};
use zktorch_verifier::argument::{Stage, argue};
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

/// A message, as the page shows it.
pub(super) struct Sent {
    pub message: Message,
    pub stage: Stage,
    pub kind: EntryKind,
    pub offset: usize,
    pub bytes: Vec<u8>,
    pub slot: Option<Slot>,
    pub challenges: Vec<Fr>,
}

/// A proof of the toy, and what the page says of it.
pub(super) struct Conversation {
    pub statement: Statement,
    pub sent: Vec<Sent>,
    pub length: usize,
    pub segments: usize,
    pub scalars: usize,
    pub linear: usize,
    pub products: usize,
}

/// A vault that notes the stage of every point.
struct Watch<'a> {
    vault: Vault<'a>,
    stage: &'a Cell<Stage>,
    stages: RefCell<Vec<Stage>>,
}

impl Secrets for Watch<'_> {
    fn commit(&mut self, label: Message, slot: Slot, values: &[Fr]) -> G1Affine {
        self.vault.commit(label, slot, values)
    }

    fn scalars(&self) -> &[Fr] {
        self.vault.scalars()
    }

    fn blinders(&self) -> &[Fr] {
        self.vault.blinders()
    }

    fn random(&mut self) -> Fr {
        self.vault.random()
    }

    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine {
        self.vault.commit_vector(values, blinder)
    }

    fn may_send(&self, point: &G1Affine) -> bool {
        self.stages.borrow_mut().push(self.stage.get());
        self.vault.may_send(point)
    }

    fn mask_row(&mut self, width: usize, shown: usize) -> MaskRow {
        self.vault.mask_row(width, shown)
    }
}

impl Conversation {
    pub fn new(fixture: &Fixture, input: Vec<i64>) -> Self {
        let (proving, verifying) = (&fixture.proving, &fixture.verifying);
        let relation = Relation::new(verifying).expect("a good key");
        let decider = DeciderKey::resolve(&verifying.setup, Some(&proving.generators)).expect("a good setup");
        let trace = execute(&verifying.program, &proving.weights, std::slice::from_ref(&input)).expect("the toy runs");
        let values = relation.program.statement().map(|id| trace.values(relation.program, id).to_vec()).collect();
        let statement = Statement::new(relation.program, values).expect("in range");
        let witness = Witness::new(relation.program, &trace).expect("honest lookups");
        let stage = Cell::new(Stage::Witness);
        let mut progress = |begun| stage.set(begun);
        let vault = Vault::new(proving, Randomness::insecure_seed(7));
        let mut watch = Watch { vault, stage: &stage, stages: RefCell::default() };
        let mut session = Session::new(&relation, &witness, proving, &mut progress);
        let mut t = Transcript::prover(protocol(verifying), relation.columns(), &mut watch);
        bind_statement(&mut t, &relation, &statement);
        argue(&mut t, &relation, &decider, &statement, Some(&mut session)).expect("an honest prover is not refused");
        let (log, draws) = (t.log().to_vec(), t.draws().to_vec());
        let length = t.len();
        let mut slots = t.hidden().messages().iter().map(|m| m.slot).collect::<Vec<_>>().into_iter();
        let (segments, scalars) = (t.hidden().segments(), t.hidden().count());
        let products = t.hidden().constraints().iter().filter(|c| !c.products.is_empty()).count();
        let linear = t.hidden().constraints().len() - products;
        let bytes = t.finish().expect("a prover always finishes");
        assert_eq!(bytes, fixture.honest(&[input]).proof.bytes, "what is watched is what proves");
        drop(session);
        let mut stages = watch.stages.take().into_iter();
        let sent = log.iter().enumerate().map(|(i, entry)| {
            // Only the last stage sends scalars in the clear, and nothing notes them.
            let mut noted = || stages.next().expect("a noted point");
            Sent {
                message: entry.label,
                stage: if entry.kind == EntryKind::Scalar { stage.get() } else { noted() },
                kind: entry.kind,
                offset: entry.offset,
                bytes: bytes[entry.offset..log.get(i + 1).map_or(length, |next| next.offset)].to_vec(),
                slot: if entry.kind == EntryKind::Hidden { slots.next() } else { None },
                challenges: draws.iter().filter(|d| d.after == i + 1).map(|d| d.value).collect(),
            }
        });
        let sent = sent.collect();
        Self { statement, sent, length, segments, scalars, linear, products }
    }
}
