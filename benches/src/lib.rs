//! Whole models, measured: `zktorch` and other provers side by side, each step in a process of its own.
//!
//! `README.md` beside this crate says how to run it and what each column means. The unit costs are in `benches/*.rs`.

pub mod args;
pub mod bound;
pub mod chart;
pub mod hiding;
pub mod machine;
pub mod measure;
pub mod model;
pub mod pair;
pub mod plain;
pub mod processes;
pub mod record;
pub mod subject;
pub mod table;
