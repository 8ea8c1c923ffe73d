//! `wellspoken hear`: transcribe WAV files.

use super::Global;

/// transcribe WAV files.
#[derive(Debug, clap::Args)]
pub struct HearArgs {}

/// Runs `wellspoken hear`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: HearArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
