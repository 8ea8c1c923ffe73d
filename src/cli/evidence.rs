//! `wellspoken evidence`: print what is promised and how to prove it.

use super::Global;

/// print what is promised and how to prove it.
#[derive(Debug, clap::Args)]
pub struct EvidenceArgs {}

/// Runs `wellspoken evidence`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: EvidenceArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
