//! `wellspoken import`: make a patient known.

use super::Global;

/// make a patient known.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {}

/// Runs `wellspoken import`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: ImportArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
