//! `wellspoken understand`: understand lines of text.

use super::Global;

/// understand lines of text.
#[derive(Debug, clap::Args)]
pub struct UnderstandArgs {}

/// Runs `wellspoken understand`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: UnderstandArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
