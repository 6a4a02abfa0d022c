//! What the words of a report mean, and what to do with its numbers.

use zktorch_accumulator::setup::VerifierSetup;
use zktorch_compiler::report::Report;
use zktorch_verdict::show;

/// Samples from which on more of them rarely change a range.
const MANY: usize = 64;

/// Words of the tables, each with what it means. A role is said only where the report has it.
const WORDS: [(&str, &str); 20] = [
    ("tensor", "an array of the model, by the name of the ONNX node that gives it"),
    ("op", "the operator, as it was read"),
    ("role weight", "committed once, in the key; nobody sees it"),
    ("role witness", "committed anew in every proof: this is what proving time goes into"),
    ("role public", "shown by every proof"),
    ("role constant", "a part of the program, which everybody has"),
    ("role virtual", "follows from others by additions, products and rearrangements, and is never committed"),
    ("scale", "a number is an integer times 2^-scale: 8 knows steps of 1/256, -2 steps of 4"),
    ("bits", "of the integers of that tensor, the sign among them"),
    ("max error", "largest difference from the float model on the samples that were tried; `-` where there were none"),
    ("mean error", "the same on average"),
    ("block", "what proofs are built of: add, matmul, lookup and permute"),
    ("instances", "how often it stands in the program"),
    ("committed", "values that a proof commits to for it"),
    ("lookups", "values that are looked up in a table of allowed ones, which pins all that is not linear"),
    ("N bits", "of a rounded value between layers, where nothing else is needed: what --bits sets"),
    ("shift", "bits that are dropped where a product is rounded"),
    ("rows in tables", "entries of all tables: each costs about as much as a lookup"),
    ("multiplications", "of one run of the model"),
    (
        "output error",
        "how far outputs are from the float model, as a part of what they reach, for the entries that are worst off",
    ),
];

/// The legend of a report: what stands in it, and no more.
pub(crate) fn legend(report: &Report) -> String {
    let there = |(word, _): &&(&str, &str)| match word.strip_prefix("role ") {
        Some(role) => report.tensors.iter().any(|tensor| tensor.role == role),
        None => true,
    };
    let lines: Vec<(&str, String)> =
        WORDS.iter().filter(there).map(|(word, meaning)| (*word, (*meaning).to_owned())).collect();
    format!("what the words mean:\n{}", show::lines(&lines))
}

/// What to do about samples, bits and setup, by what came out.
pub(crate) fn advice(report: &Report, asked: Option<u32>, setup: &VerifierSetup) -> String {
    let samples = match report.samples {
        0 => "give typical inputs with --calibrate: without them ranges are guessed and errors unknown".to_owned(),
        few if few < MANY => format!(
            "{} set all ranges; an input beyond them is refused. Some {MANY} usual ones leave few such inputs",
            show::things(few, "sample")
        ),
        many => format!("{} set all ranges: enough, if they are like the inputs to come", show::things(many, "sample")),
    };
    let bits = match asked {
        Some(bits) => {
            format!("{bits} were asked for; without --bits the fewest are taken that keep the error on samples small")
        }
        None => {
            format!("{} are the fewest that keep the error on samples small; --bits 16 is closest and slowest", report.bits)
        }
    };
    let setup = match setup {
        VerifierSetup::Ethereum => {
            "small proofs, resting on the Ethereum ceremony; --setup transparent trusts nobody, with larger proofs"
        }
        VerifierSetup::Transparent { .. } => {
            "nobody is trusted; --setup ethereum makes smaller proofs, and larger models slower to prove"
        }
        VerifierSetup::Imported { .. } => "as good as the ceremony of that file; --setup ethereum has one that is known",
        VerifierSetup::Insecure { .. } => "for tests only: leave --setup out for keys that mean something",
    };
    let accuracy = "zktorch run DIR --input TEST.npy --labels LABELS counts how many samples the integers still get right";
    let lines = [("samples", samples), ("bits", bits), ("setup", setup.to_owned()), ("error", accuracy.to_owned())];
    format!("advice:\n{}", show::lines(&lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_compiler::report::{BlockReport, TensorReport};

    #[test]
    fn every_heading_and_role_of_a_report_is_explained() {
        let tensor = |role: &str| TensorReport {
            name: "x".into(),
            op: "Relu".into(),
            shape: "1x2".into(),
            role: role.into(),
            scale: zktorch_blocks::program::Scale(3),
            width: 9,
            max_error: None,
            mean_error: None,
        };
        let block = BlockReport { kind: "lookup".into(), instances: 1, committed: 2, lookups: 3 };
        let roles = ["weight", "witness", "public", "constant", "virtual"];
        let report = Report { tensors: roles.map(tensor).to_vec(), blocks: vec![block], ..Report::default() };
        let legend = legend(&report);
        // Headings are the words of lines that stand over numbers.
        let text = report.to_string();
        let headings = text.lines().filter(|line| line.starts_with("tensor") || line.starts_with("block"));
        let words: Vec<&str> =
            headings.flat_map(str::split_whitespace).filter(|w| !["max", "mean", "shape", "role"].contains(w)).collect();
        assert!(words.len() >= 9, "{words:?}");
        for word in words.into_iter().chain(roles).chain(["shift", "rows", "tables", "multiplications"]) {
            assert!(legend.lines().any(|line| line.split("  ").any(|part| part.contains(word))), "{word}: {legend}");
        }
        // Of what is not there nothing is said.
        let bare = super::legend(&Report { tensors: vec![tensor("public")], ..Report::default() });
        assert!(bare.contains("role public") && !bare.contains("role virtual"), "{bare}");
    }

    #[test]
    fn advice_follows_from_what_came_out() {
        let of = |samples, asked| advice(&Report { samples, bits: 9, ..Report::default() }, asked, &VerifierSetup::Ethereum);
        assert!(
            of(0, None).contains("--calibrate") && of(3, None).contains("3 samples") && of(200, None).contains("enough")
        );
        assert!(of(3, None).contains("9 are the fewest") && of(3, Some(12)).contains("12 were asked for"));
        assert!(advice(&Report::default(), None, &VerifierSetup::Insecure { log2: 5 }).contains("tests only"));
    }
}
