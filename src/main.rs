//! The `qstar` program. All of it is in the library.

fn main() -> std::process::ExitCode {
    qstar::cli::run()
}
