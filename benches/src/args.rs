//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Compile, prove and verify models in fresh processes, and write one table.
#[derive(Clone, Debug, Parser)]
#[command(name = "zktorch-benches", max_term_width = 100)]
pub struct Args {
    /// Models: paths of .onnx files or of folders with a model.onnx, or names: bundled, of --exports, of the zoo; or the groups
    /// `digits`, `exports`, `zoo`
    #[arg(long, required = true, num_args = 1.., value_name = "NAME_OR_ONNX")]
    pub models: Vec<String>,
    /// Where the table goes: results.md, results.json, results.svg, and the files of each model below `work`
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The folder that models/export.py wrote
    #[arg(long, value_name = "DIR")]
    pub exports: Option<PathBuf>,
    /// Numbers of threads to prove with
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = [1, 2])]
    pub threads: Vec<usize>,
    /// Proofs and verifications of each kind, of which the fastest counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Other provers to run on the same models and inputs
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PEER,..")]
    pub peers: Vec<Peer>,
    /// Seconds that one command may take
    #[arg(long, value_name = "SECONDS", default_value_t = 1800.0)]
    pub timeout: f64,
    /// Memory that one command may hold
    #[arg(long, value_name = "GIB", default_value_t = 16.0)]
    pub memory_limit: f64,
    /// Where peers are installed; the user's cache folder if left out
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// The zktorch binary to measure, instead of the one that is built beside this one
    #[arg(long, value_name = "FILE")]
    pub zktorch: Option<PathBuf>,
    /// A further word for `zktorch compile`, such as --compile-arg=--setup=transparent; may be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub compile_arg: Vec<String>,
    /// Of `pair`: the zktorch binary of before, which runs in turn with ours
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Measure the peers only
    #[arg(long, requires = "peers")]
    pub peers_only: bool,
}

/// Provers beside ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// ezkl, from PyPI
    Ezkl,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn lists() {
        let line =
            ["x", "--models", "a", "b.onnx", "--out", "o", "--threads", "1,4", "--peers", "ezkl", "--compile-arg=--bits=8"];
        let args = Args::try_parse_from(line).unwrap();
        assert_eq!((args.models.len(), args.threads, args.peers), (2, vec![1, 4], vec![Peer::Ezkl]));
        assert_eq!(args.compile_arg, ["--bits=8"]);
        assert!(Args::try_parse_from(["x", "--out", "o"]).is_err());
        assert!(Args::try_parse_from(["x", "--models", "a", "--out", "o", "--repeat", "0"]).is_err());
    }
}
