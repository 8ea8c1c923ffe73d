//! `wellspoken turn`: one turn of a conversation.

use super::Global;

/// one turn of a conversation.
#[derive(Debug, clap::Args)]
pub struct TurnArgs {}

/// Runs `wellspoken turn`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: TurnArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
