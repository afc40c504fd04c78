//! The `countersign` command: hands its arguments to the library and ends with its exit status.

fn main() -> std::process::ExitCode {
    cli::main()
}
