//! Arguments in, one command run, an exit code out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    wellspoken::cli::main(wellspoken::cli::Args::parse())
}
