//! Every message of an honest proof, changed in every way: nothing is accepted, nothing panics, and each is refused by the
//! check that it should meet first.

use rayon::prelude::*;
use std::collections::BTreeSet;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::transcript::{Check, EntryKind, Message, MessageEntry, Reject};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::tamper::{ALL, Expected, Mutation, length};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::proof::Proof;

use EntryKind::{Commitment, Hidden, Point, Scalar};
use Refusal::{Decider, Sum};

/// What is done to a point.
const POINTS: &[Mutation] = &[
    Mutation::Offset,
    Mutation::Negate,
    Mutation::Identity,
    Mutation::ZeroBytes,
    Mutation::OutsideSubgroup,
    Mutation::OffCurve,
    Mutation::LastBit,
    Mutation::FlagBit,
    Mutation::Swap,
    Mutation::Remove,
    Mutation::Repeat,
    Mutation::TruncateBefore,
    Mutation::TruncateWithin,
];
/// What is done to a scalar.
const SCALARS: &[Mutation] = &[
    Mutation::Offset,
    Mutation::Negate,
    Mutation::Identity,
    Mutation::NonCanonical,
    Mutation::LastBit,
    Mutation::Swap,
    Mutation::Remove,
    Mutation::Repeat,
    Mutation::TruncateBefore,
    Mutation::TruncateWithin,
];

/// The check that another value of a message meets first.
#[derive(Clone, Copy)]
enum Refusal {
    /// Until the mask's challenge is drawn, another message moves challenges, and with them what the masked values have to add up to.
    Sum,
    /// The last check of the decider in use.
    Decider,
}

/// Transparent generators, in binary logarithm: the fewest with which the sweep is fast. Fewer make more rows, hence more messages;
/// with 2^6 it takes three times as long, with 2^4 thirty.
const GENERATORS: u32 = 8;

/// Label, kind, mutations, and the check that another value meets.
type Line = (Message, EntryKind, &'static [Mutation], Refusal);

/// Every message there is. A new one belongs here, with its mutations.
const MANIFEST: &[Line] = &[
    (Message::BoundRow, Point, POINTS, Sum),
    (Message::WitnessRow, Commitment, POINTS, Sum),
    (Message::MultiplicityRow, Commitment, POINTS, Sum),
    (Message::TreeTop, Hidden, POINTS, Sum),
    (Message::TreeRounds, Hidden, POINTS, Sum),
    (Message::TreeChildren, Hidden, POINTS, Sum),
    (Message::LeafValues, Hidden, POINTS, Sum),
    (Message::WaveRounds, Hidden, POINTS, Sum),
    (Message::WaveOperands, Hidden, POINTS, Sum),
    (Message::CrossTerms, Hidden, POINTS, Sum),
    (Message::ProductRounds, Hidden, POINTS, Sum),
    (Message::ProductMasks, Hidden, POINTS, Sum),
    (Message::MaskedFactor, Scalar, SCALARS, Sum),
    (Message::MaskRow, Commitment, POINTS, Sum),
    (Message::MaskValue, Scalar, SCALARS, Sum),
    (Message::MaskedValue, Scalar, SCALARS, Sum),
    (Message::ClearCrossTerm, Scalar, SCALARS, Decider),
    (Message::DeciderBlinder, Scalar, SCALARS, Decider),
    (Message::DeciderCross, Point, POINTS, Decider),
    (Message::DeciderValue, Scalar, SCALARS, Decider),
    (Message::DeciderQuotient, Point, POINTS, Decider),
    (Message::IpaLeft, Point, POINTS, Decider),
    (Message::IpaRight, Point, POINTS, Decider),
    (Message::IpaVector, Scalar, SCALARS, Decider),
];

/// A network so small that its proof has few messages, of every kind.
fn subject(setup: &Setup) -> (Fixture, Proof, Vec<MessageEntry>) {
    let toy = Toy { input: [1, 4, 4], channels: 1, pad: 0, outputs: 1, ..Toy::default() };
    let (weights, input) = toy.sample(3);
    let fixture = Fixture::new(toy.program(), weights, setup, setup.verifier.columns().ilog2());
    let proved = fixture.honest(&[input]);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
    (fixture, proved.proof, proved.messages)
}

fn line(entry: &MessageEntry) -> &'static Line {
    let found = MANIFEST.iter().find(|(label, kind, _, _)| *label == entry.label && *kind == entry.kind);
    found.unwrap_or_else(|| panic!("message `{}` has no mutations", entry.label))
}

fn setups() -> [(Setup, Check); 2] {
    let kzg = Setup::insecure(10).expect("in range");
    [(kzg, Check::DeciderPairing), (Setup::transparent(1 << GENERATORS).expect("in range"), Check::IpaFinal)]
}

/// Changes every message in every way.
fn sweep(setup: &Setup, decider: Check) {
    let (fixture, honest, log) = subject(setup);
    let end = log.last().map_or(0, |e| e.offset + length(e));
    assert_eq!(end, honest.bytes.len(), "the log names every byte");
    let cases: Vec<(usize, Mutation)> = (0..log.len()).flat_map(|i| line(&log[i]).2.iter().map(move |&m| (i, m))).collect();
    cases.par_iter().for_each(|&(i, mutation)| {
        let (label, _, _, check) = *line(&log[i]);
        let Some(bytes) = mutation.apply(&honest.bytes, &log, i) else { return };
        let got = fixture.verdict(&Proof { bytes, ..honest.clone() });
        let place = format!("{mutation:?} of message {i} `{label}`: {got:?}");
        let Verdict::Rejected(reason) = got else { panic!("{place}") };
        let check = match check {
            Sum => Check::MaskedSum,
            Decider => decider,
        };
        match mutation.expected(log[i].kind) {
            Expected::Decoding if log[i].kind == Scalar => assert_eq!(reason, Reject::Scalar(label), "{place}"),
            Expected::Decoding => assert_eq!(reason, Reject::Point(label), "{place}"),
            // What is missing is not reached if the prefix already fails; an honest one does not.
            Expected::Truncated => assert_eq!(reason, Reject::Truncated(label), "{place}"),
            Expected::Check => assert_eq!(reason, Reject::Check(check), "{place}"),
            Expected::Any => assert!(!matches!(reason, Reject::Statement(_)), "{place}"),
        }
    });
    for extra in [1, 32, 48] {
        let bytes = [honest.bytes.clone(), vec![0; extra]].concat();
        let verdict = fixture.verdict(&Proof { bytes, ..honest.clone() });
        assert_eq!(verdict, Verdict::Rejected(Reject::Trailing(extra)));
    }
}

#[test]
fn no_changed_message_is_accepted_on_kzg() {
    let [(setup, decider), _] = setups();
    sweep(&setup, decider);
}

#[test]
fn no_changed_message_is_accepted_on_the_transparent_setup() {
    let [_, (setup, decider)] = setups();
    sweep(&setup, decider);
}

#[test]
fn the_manifest_names_all_messages_and_no_others() {
    let mut seen = BTreeSet::new();
    for (setup, _) in setups() {
        let (_, _, log) = subject(&setup);
        seen.extend(log.iter().map(|e| e.label));
        log.iter().for_each(|e| assert_eq!(line(e).1, e.kind));
    }
    let named: Vec<Message> = MANIFEST.iter().map(|l| l.0).collect();
    assert_eq!(named, Message::ALL, "every message, in order");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), Message::ALL);
    for (label, kind, mutations, _) in MANIFEST {
        let all: BTreeSet<Mutation> = ALL.into_iter().filter(|m| m.applies(*kind)).collect();
        assert_eq!(mutations.iter().copied().collect::<BTreeSet<_>>(), all, "{label}");
    }
}
