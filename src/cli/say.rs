//! `wellspoken say`: speak a text into a WAV file.

use super::Global;

/// speak a text into a WAV file.
#[derive(Debug, clap::Args)]
pub struct SayArgs {}

/// Runs `wellspoken say`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: SayArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
