//! The table, in Markdown.

use crate::machine::Machine;
use crate::measure::Usage;
use crate::record::{Results, Row};
use std::collections::BTreeSet;
use std::fmt::Write;

/// A heading and how a row fills its column.
type Column<'r> = (String, Box<dyn Fn(&Row) -> Option<String> + 'r>);

/// The whole page.
pub fn markdown(results: &Results) -> String {
    let mut text = String::from("# zktorch: measured\n\n");
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}\n", head(&results.machine));
    text.push_str(&table(&results.rows));
    let failed = results.rows.iter().filter_map(|row| Some((row, row.failure.as_ref()?)));
    let failures: Vec<String> =
        failed.map(|(row, why)| format!("- {}, {}: {}\n", cell(&row.model), cell(&row.system), cell(why))).collect();
    if !failures.is_empty() {
        let _ = write!(text, "\nNot complete:\n\n{}", failures.concat());
    }
    text
}

fn head(machine: &Machine) -> String {
    machine.to_string()
}

/// The rows as one table; columns that no row fills are left out.
fn table(rows: &[Row]) -> String {
    let filled: Vec<(String, Vec<Option<String>>)> = columns(rows)
        .into_iter()
        .map(|(heading, fill)| (heading, rows.iter().map(&fill).collect::<Vec<_>>()))
        .filter(|(_, cells)| cells.iter().any(Option::is_some))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = line(&mut filled.iter().map(|(heading, _)| heading.as_str()));
    text.push_str(&line(&mut filled.iter().enumerate().map(|(i, _)| if i < 2 { "---" } else { "--:" })));
    for at in 0..rows.len() {
        text.push_str(&line(&mut filled.iter().map(|(_, cells)| cells.get(at).and_then(Option::as_deref).unwrap_or(""))));
    }
    text
}

fn columns(rows: &[Row]) -> Vec<Column<'static>> {
    fn column(heading: &str, fill: impl Fn(&Row) -> Option<String> + 'static) -> Column<'static> {
        (heading.to_owned(), Box::new(fill))
    }
    let wall = |usage: &Option<Usage>| usage.as_ref().map(|u| seconds(u.seconds));
    let threads: BTreeSet<usize> = rows.iter().flat_map(|row| &row.proofs).map(|p| p.threads).collect();
    let mut all = vec![
        column("model", |r| Some(cell(&r.model))),
        column("prover", |r| Some(cell(&r.system))),
        column("parameters", |r| r.parameters.map(count)),
        column("MACs", |r| r.macs.map(count)),
        column("compile", move |r| wall(&r.compile)),
        column("keys", move |r| wall(&r.keys)),
        column("proving key", |r| r.proving_key_bytes.map(bytes)),
        column("verifying key", |r| r.verifying_key_bytes.map(bytes)),
    ];
    for threads in threads {
        let plural = if threads == 1 { "thread" } else { "threads" };
        all.push(column(&format!("prove, {threads} {plural}"), move |r| {
            r.proving(threads).map(|p| seconds(p.usage.seconds))
        }));
    }
    all.extend([
        column("peak memory", |r| r.peak_bytes().map(bytes)),
        column("proof bytes", |r| r.proof.as_ref().map(|p| count(p.total))),
        column("rows + messages + rest", |r| {
            let parts = r.proof.as_ref()?.parts.as_ref()?;
            Some(format!("{} + {} + {}", count(parts.rows), count(parts.messages), count(parts.rest)))
        }),
        column("verify", move |r| wall(&r.verify)),
        column("verifier alone", |r| r.verify_inner_seconds.map(seconds)),
        column("output error", |r| r.output_error.map(percent)),
        column("calibration error", |r| r.calibration_error.map(percent)),
        column("predicted proof, time, memory", |r| {
            let p = r.predicted.as_ref()?;
            let part = |text: Option<String>| text.unwrap_or_else(|| "-".into());
            Some([p.proof_bytes.map(count), p.prove_seconds.map(seconds), p.memory_bytes.map(bytes)].map(part).join(", "))
        }),
        column("x unit costs", |r| r.times_bound().map(|times| format!("{times:.1}"))),
        column("result", |r| Some(if r.failure.is_some() { "failed" } else { "accepted" }.to_owned())),
    ]);
    all
}

/// Text in a cell: no line breaks, no bars.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', r"\|")
}

/// A count with commas.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in binary units, three digits.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let (mut value, mut unit) = (n as f64 / 1024.0, 0);
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", digits(value), UNITS[unit])
}

/// Seconds, three digits.
pub fn seconds(s: f64) -> String {
    if s < 1.0 { format!("{} ms", digits(s * 1e3)) } else { format!("{} s", digits(s)) }
}

fn percent(share: f64) -> String {
    if share != 0.0 && share < 1e-5 { format!("{:.1e} %", 100.0 * share) } else { format!("{} %", digits(100.0 * share)) }
}

/// Three significant digits of a number up to thousands.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if value != 0.0 && value.abs() < 0.1 { format!("{value:.4}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Ending;
    use crate::record::{ProofBytes, ProofParts, Proving};

    fn usage(seconds: f64) -> Usage {
        Usage { ending: Ending::Exit(Some(0)), seconds, cpu_seconds: seconds, peak_bytes: 64 << 20 }
    }

    fn results() -> Results {
        let proving = |threads, s| Proving { threads, usage: usage(s), phases: vec![], all_seconds: vec![s] };
        let parts = ProofParts { rows: 480, messages: 960, rest: 60, hidden_scalars: 10 };
        let full = Row {
            model: "lenet".into(),
            system: "zktorch".into(),
            parameters: Some(44_426),
            compile: Some(usage(1.5)),
            proofs: vec![proving(2, 0.8), proving(1, 1.25)],
            proof: Some(ProofBytes { total: 1500, parts: Some(parts) }),
            bound_seconds: Some(0.5),
            output_error: Some(0.0012),
            ..Row::default()
        };
        let failed =
            Row { model: "odd|name".into(), system: "ezkl".into(), failure: Some("compile:\nno".into()), ..Row::default() };
        let machine = Machine {
            cpu: "CPU".into(),
            cores: 2,
            memory_bytes: Some(8 << 30),
            system: "linux".into(),
            rustc: "rustc 1".into(),
            commit: "abc".into(),
            command: vec!["harness".into(), "a b".into()],
            profile: "release".into(),
        };
        Results { machine, rows: vec![full, failed] }
    }

    #[test]
    fn page() {
        let expected = "\
# zktorch: measured

- processor: CPU, 2 logical cores; memory: 8.0 GiB
- linux; rustc 1; release build; commit abc
- command: `harness 'a b'`

| model | prover | parameters | compile | prove, 1 thread | prove, 2 threads | peak memory | proof bytes | rows + messages + rest | output error | x unit costs | result |
| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
| lenet | zktorch | 44,426 | 1.50 s | 1.25 s | 800 ms | 64.0 MiB | 1,500 | 480 + 960 + 60 | 0.12 % | 2.5 | accepted |
| odd\\|name | ezkl |  |  |  |  |  |  |  |  |  | failed |

Not complete:

- odd\\|name, ezkl: compile: no
";
        assert_eq!(markdown(&results()), expected);
    }

    #[test]
    fn results_survive_json() {
        let results = results();
        let text = serde_json::to_string(&results).unwrap();
        let back: Results = serde_json::from_str(&text).unwrap();
        assert_eq!((back.rows, back.machine), (results.rows, results.machine));
    }

    #[test]
    fn units() {
        assert_eq!(
            [bytes(1000), bytes(2048), bytes(300 << 20), bytes(11 << 30)],
            ["1000 B", "2.00 KiB", "300 MiB", "11.0 GiB"]
        );
        assert_eq!([seconds(0.0123), seconds(1.0), seconds(211.0)], ["12.3 ms", "1.00 s", "211 s"]);
        assert_eq!([percent(0.0), percent(0.005), percent(1e-7)], ["0.00 %", "0.50 %", "1.0e-5 %"]);
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
    }
}
