//! A worked proof, message by message: what `docs/worked-proof.md` shows. Everything in it follows from a test seed.

mod conversation;

use crate::fixture::Fixture;
use crate::toy::Toy;
use ark_serialize::CanonicalSerialize;
use conversation::{Conversation, Sent};
use std::fmt::Write;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::field::Fr;
use zktorch_blocks::program::{Advice, GroupMap, Program, Source, TensorId, Visibility};
use zktorch_blocks::transcript::{EntryKind, Message, Slot};
use zktorch_verifier::key::Relation;
use zktorch_verifier::verify::protocol;

/// Columns of a row, as a power of two.
const COLUMN_BITS: u32 = 7;

/// Where a message comes from.
struct Place {
    /// Section of the protocol.
    section: usize,
    /// The function that sends it.
    function: &'static str,
    /// Its file.
    file: &'static str,
    /// What the last challenge after the message is called, and what those before it.
    challenges: [&'static str; 2],
}

/// Where each message comes from.
const fn place(message: Message) -> Place {
    const fn of(section: usize, [function, file]: [&'static str; 2], challenges: [&'static str; 2]) -> Place {
        Place { section, function, file, challenges }
    }
    const ROWS: [&str; 2] = ["receive_rows", "verifier/src/argument.rs"];
    const TREE: [&str; 2] = ["prove_tree", "blocks/src/lookup/tree.rs"];
    const MASK: [&str; 2] = ["mask", "accumulator/src/mask.rs"];
    const KZG: [&str; 2] = ["decide", "accumulator/src/decider/kzg.rs"];
    const IPA: [&str; 2] = ["decide", "accumulator/src/decider/ipa.rs"];
    match message {
        Message::BoundRow | Message::WitnessRow => of(4, ROWS, ["", ""]),
        Message::MultiplicityRow => of(4, ROWS, ["beta", "alpha"]),
        Message::TreeTop => of(8, ["top_layers", "blocks/src/lookup/tree.rs"], ["lambda", "point"]),
        Message::TreeRounds => of(8, TREE, ["r", "r"]),
        Message::TreeChildren => of(8, ["hide_children", "blocks/src/lookup/tree.rs"], ["lambda", "point"]),
        Message::LeafValues => of(9, ["leaf_constraints", "verifier/src/argument.rs"], ["xi", ""]),
        Message::WaveRounds => of(10, ["reduce", "blocks/src/claim_reduction.rs"], ["r", "r"]),
        Message::WaveOperands => of(10, ["reduce", "blocks/src/claim_reduction.rs"], ["xi", ""]),
        Message::CrossTerms => of(11, ["accumulate", "accumulator/src/fold.rs"], ["r", "r"]),
        Message::ProductRounds => of(12, ["reduce_products", "accumulator/src/product/mod.rs"], ["r", "r"]),
        Message::ProductMasks => of(12, ["prove_product", "accumulator/src/product/mod.rs"], ["h", ""]),
        Message::MaskedFactor => of(12, ["mask_factor", "accumulator/src/product/mod.rs"], ["kappa", "eta"]),
        Message::MaskRow | Message::MaskedValue => of(14, MASK, ["", ""]),
        Message::MaskValue => of(14, MASK, ["g", ""]),
        Message::ClearCrossTerm => of(15, ["fold_clear", "accumulator/src/clear.rs"], ["r", ""]),
        Message::DeciderBlinder => of(16, KZG, ["Q", ""]),
        Message::DeciderCross => of(16, KZG, ["z", ""]),
        Message::DeciderValue | Message::DeciderQuotient => of(16, KZG, ["", ""]),
        Message::IpaLeft | Message::IpaVector => of(16, IPA, ["", ""]),
        Message::IpaRight => of(16, IPA, ["x", ""]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first bytes of a challenge, as it would stand on the wire.
fn short(challenge: &Fr) -> String {
    let mut bytes = Vec::new();
    challenge.serialize_compressed(&mut bytes).expect("a vector takes all");
    hex(&bytes[..4])
}

/// The challenges after a message, by name.
fn challenges(sent: &Sent, next: Option<&Sent>) -> String {
    let next = next.map(|next| next.message);
    let name = |i: usize| -> &str {
        let [last, before] = place(sent.message).challenges;
        let is_last = i + 1 == sent.challenges.len();
        match (sent.message, next) {
            (Message::TreeChildren, Some(Message::LeafValues)) => "rho",
            (Message::LeafValues | Message::WaveOperands, Some(Message::CrossTerms | Message::ProductRounds)) => "gamma",
            (Message::CrossTerms, Some(Message::ProductRounds)) if is_last => "zeta",
            _ if is_last => last,
            _ => before,
        }
    };
    let mut words = Vec::new();
    for (i, challenge) in sent.challenges.iter().enumerate() {
        let name = name(i);
        assert!(!name.is_empty(), "no name for a challenge after `{}`", sent.message);
        let again = i > 0 && name_of(&words) == Some(name);
        words.push(if again { short(challenge) } else { format!("`{name}` {}", short(challenge)) });
    }
    words.join(", ")
}

/// The name that was given last.
fn name_of(words: &[String]) -> Option<&str> {
    words.iter().rev().find_map(|word| word.split('`').nth(1))
}

fn row(number: usize, sent: &Sent, next: Option<&Sent>) -> String {
    let what = match (sent.kind, sent.slot) {
        (EntryKind::Hidden, Some(Slot { segment, column, len })) => {
            let plural = if len == 1 { "" } else { "s" };
            format!("{len} hidden scalar{plural}, segment {segment} from column {column}")
        }
        (EntryKind::Point, _) => "point".to_owned(),
        (EntryKind::Scalar, _) => "scalar".to_owned(),
        _ => "commitment".to_owned(),
    };
    let Place { section, function, .. } = place(sent.message);
    let label = sent.message;
    let (offset, length, start) = (sent.offset, sent.bytes.len(), hex(&sent.bytes[..4]));
    let then = challenges(sent, next);
    format!(
        "| {number} | {} | `{label}` | {section} | `{function}` | {what} | {offset} | {length} | {start} | {then} |",
        sent.stage.name()
    )
}

const HEAD: &str = "| | stage | message | section | sent by | what it is | at byte | bytes | begins with | then the challenges |\n\
                    |--:|---|---|--:|---|---|--:|--:|---|---|";

/// Where a tensor's values come from.
fn source(program: &Program, id: TensorId) -> String {
    let name = |id: TensorId| format!("`{}`", program.tensors[id].name);
    let text = |labels: &[u8]| String::from_utf8_lossy(labels).into_owned();
    match &program.tensors[id].source {
        Source::Input(_) => "input".to_owned(),
        Source::Weight => "weights".to_owned(),
        Source::Fill(value) => format!("{value} everywhere"),
        Source::Constant(_) => "constants".to_owned(),
        Source::Linear { terms, constant } => {
            let mut sum = String::new();
            for &(coefficient, id) in terms {
                let sign = [" + ", " - "][usize::from(coefficient < 0)];
                sum += if sum.is_empty() && coefficient > 0 { "" } else { sign };
                if coefficient.abs() != 1 {
                    let _ = write!(sum, "{} ", coefficient.abs());
                }
                sum += &name(id);
            }
            if *constant == 0 { sum } else { format!("{sum} + {constant}") }
        }
        Source::Einsum(e) => {
            let [lhs, rhs, out] = [&e.lhs_labels, &e.rhs_labels, &e.out_labels].map(|labels| text(labels));
            format!("einsum `{lhs}, {rhs} -> {out}` of {} and {}", name(e.lhs), name(e.rhs))
        }
        Source::View(view) => {
            let maps = view.groups.iter().map(|group| match &group.map {
                GroupMap::Reshape => "reshape",
                GroupMap::Broadcast => "broadcast",
                _ => "windows",
            });
            let mut maps: Vec<&str> = maps.collect();
            maps.dedup();
            format!("view of {} ({})", name(view.source), maps.join(", "))
        }
        Source::Advice(Advice::Round { source, divisor }) => format!("advice: {} / {divisor}, rounded", name(*source)),
        Source::Advice(Advice::Table { source, table, .. }) => {
            format!("advice: `{}` of {}", program.tables[*table].name, name(*source))
        }
        Source::Advice(_) => "advice".to_owned(),
        Source::Marks(marks) => format!("marks by {}", name(marks.indices)),
        Source::Draws(draws) => format!("draws by {}", name(draws.seed)),
    }
}

/// The page.
///
/// # Panics
/// If the toy cannot be proved, or sends a message that has no place.
pub fn page() -> String {
    let toy = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    let (weights, input) = toy.sample(3);
    let fixtures = [Setup::insecure(COLUMN_BITS), Setup::transparent(1 << COLUMN_BITS)]
        .map(|setup| Fixture::new(toy.program(), weights.clone(), &setup.expect("in range"), COLUMN_BITS));
    let [kzg, transparent] = [0, 1].map(|i| Conversation::new(&fixtures[i], input.clone()));
    let mut page = String::new();
    let mut say = |text: &str| {
        page += text;
        page.push('\n');
    };
    let key = &fixtures[0].verifying;
    let (program, relation) = (&key.program, Relation::new(key).expect("a good key"));
    say("# A worked proof\n");
    say("This page is a whole proof of a small network, message by message, with the numbers that both sides see.");
    say(
        "[The protocol](protocol.md) says why each message is there, and its section is named beside it; here one can count along.",
    );
    say("Whoever writes a second verifier can compare with it: a challenge differs as soon as anything before it does.\n");
    say("The page is printed by `cargo run --release -p zktorch-tests --example worked_proof > docs/worked-proof.md`.");
    say("A test holds it equal to what is printed.");
    say("The blinders come from a test seed, and the setup is the insecure one that anybody can forge with.\n");

    say("## The program\n");
    say("A convolution with bias, a rounding with ReLU, a matrix product, and the square of what comes out, rounded.");
    say("The input is private, the output public (`tests/src/toy.rs`).\n");
    say("| tensor | shape | role | where its values come from |\n|---|---|---|---|");
    for (id, tensor) in program.tensors.enumerate() {
        let shape: Vec<String> = tensor.shape.dims().iter().map(usize::to_string).collect();
        let role = format!("{:?}", tensor.role()).to_lowercase();
        let bound = program.bound().any(|b| b == id);
        let role = if bound { format!("{role}, bound") } else { role };
        say(&format!("| `{}` | {} | {role} | {} |", tensor.name, shape.join(" x "), source(program, id)));
    }
    say("\n| lookup of | in the table | of rows |\n|---|---|--:|");
    for lookup in &program.lookups {
        let columns: Vec<String> = lookup.columns.iter().map(|&id| format!("`{}`", program.tensors[id].name)).collect();
        let table = &program.tables[lookup.table];
        say(&format!("| {} | `{}` | {} |", columns.join(", "), table.name, table.rows));
    }

    say("\n## Rows\n");
    say(&format!("Rows have {} columns; a row that lies wholly in padding is not sent (section 4).\n", relation.columns()));
    say("| rows of | how many | sent | where |\n|---|--:|--:|---|");
    for phase in Phase::ALL {
        let (name, from) = match phase {
            Phase::Model => ("weights", "in the key"),
            Phase::Bound => ("private inputs and outputs", "in the proof"),
            Phase::Witness => ("the rest of the witness", "in the proof"),
            Phase::Multiplicities => ("multiplicities", "in the proof"),
        };
        let (all, sent) = (relation.layout.rows(phase).len(), relation.layout.sent_rows(phase).count());
        say(&format!("| {name} | {all} | {sent} | {from} |"));
    }

    say("\n## Before the first message\n");
    say("| absorbed | |\n|---|---|");
    say(&format!("| the protocol's name | `{}` |", protocol(key)));
    say(&format!("| the key's digest | {} |", hex(relation.digest.as_ref())));
    for id in program.statement() {
        assert_eq!(program.tensors[id].visibility, Visibility::Public);
        let values: Vec<String> = kzg.statement.values(id).unwrap_or_default().iter().map(i64::to_string).collect();
        say(&format!("| the statement: `{}` | {} |", program.tensors[id].name, values.join(", ")));
    }

    say("\n## The messages\n");
    say("A commitment and a point take 48 bytes, and a scalar takes 32.");
    say(
        "Of each message its first four bytes are shown, and of each challenge the first four of its 32 bytes, little endian.",
    );
    say(
        "A challenge without a name has that of the challenge before it; `point` are coordinates of the next layer's point, and `rho` those of the leaves'.\n",
    );
    say(HEAD);
    for (i, sent) in kzg.sent.iter().enumerate() {
        say(&row(i + 1, sent, kzg.sent.get(i + 1)));
    }
    say("\nWhat can be counted:\n");
    let count = |message| kzg.sent.iter().filter(|sent| sent.message == message).count();
    let masks = count(Message::MaskRow);
    assert_eq!(masks, kzg.segments + 1);
    assert_eq!(count(Message::ClearCrossTerm), masks - 1);
    say(&format!(
        "- `tree top` is cut in two, because a segment has {} columns and the seven layers have {} scalars.",
        relation.columns(),
        kzg.sent.iter().filter(|s| s.message == Message::TreeTop).filter_map(|s| s.slot).map(|s| s.len).sum::<usize>()
    ));
    say(&format!(
        "- There are {masks} mask rows: one for the accumulated row, and one for each of the {} segments.",
        kzg.segments
    ));
    say(&format!("- The clear fold makes one claim of these {masks}, with a cross term for each that disappears."));
    say("- Nothing hidden follows `product masks`: with `eta` and `kappa` the hidden scalars are closed.");
    say(&format!(
        "\nThese are {} bytes in {} messages, with {} hidden scalars in {} segments.",
        kzg.length,
        kzg.sent.len(),
        kzg.scalars,
        kzg.segments
    ));
    say(&format!(
        "The verifier noted {} constraints that are linear, those of section 12 among them, and {} with products.",
        kzg.linear, kzg.products
    ));
    say(
        "It checked two equations in the clear: `masked sum` after the last `masked value`, and `decider pairing` at the end.\n",
    );

    say("## The same with a transparent setup\n");
    say(
        "Up to the clear fold the messages are of the same kinds and lengths; the points are others, and so are all challenges, because the generators and the key are.",
    );
    say(&format!(
        "From the blinder on, the proof goes as follows, and has {} bytes in {} messages.",
        transparent.length,
        transparent.sent.len()
    ));
    say("The last equation is `ipa final`.\n");
    say(HEAD);
    let first = transparent.sent.iter().position(|sent| sent.message == Message::DeciderBlinder).expect("a blinder");
    let kinds = |c: &Conversation| c.sent[..first].iter().map(|s| (s.message, s.bytes.len(), s.slot)).collect::<Vec<_>>();
    assert_eq!(kinds(&kzg), kinds(&transparent));
    for (i, sent) in transparent.sent.iter().enumerate().skip(first) {
        say(&row(i + 1, sent, transparent.sent.get(i + 1)));
    }

    say("\n## Where it is sent\n");
    say(
        "`tree rounds`, `wave rounds`, `cross terms` and `product rounds` are sent by one engine on behalf of the functions in the table.\n",
    );
    let mut code: Vec<String> = vec!["`sumcheck` in `blocks/src/sumcheck/mod.rs`".to_owned()];
    for place in Message::ALL.iter().map(|&message| place(message)) {
        let line = format!("`{}` in `{}`", place.function, place.file);
        if !code.contains(&line) {
            code.push(line);
        }
    }
    say(&format!("Code: {}.", code.join(", ")));
    page
}
