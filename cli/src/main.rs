//! The `zktorch` program.

fn main() -> std::process::ExitCode {
    zktorch::main_with(std::env::args_os())
}
