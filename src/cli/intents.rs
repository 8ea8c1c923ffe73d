//! `wellspoken intents`: check or list the intent catalogue.

use super::Global;

/// check or list the intent catalogue.
#[derive(Debug, clap::Args)]
pub struct IntentsArgs {}

/// Runs `wellspoken intents`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: IntentsArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
