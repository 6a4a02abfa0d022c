//! Prints `docs/worked-proof.md`: `cargo run --release -p zktorch-tests --example worked_proof > docs/worked-proof.md`.

fn main() {
    print!("{}", zktorch_tests::worked::page());
}
