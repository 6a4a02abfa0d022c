//! The `zktorch` program.

fn main() -> std::process::ExitCode {
    zktorch::run_with(std::env::args_os()).into()
}
