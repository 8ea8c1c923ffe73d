//! `wellspoken play`: play scripted conversations.

use super::Global;

/// play scripted conversations.
#[derive(Debug, clap::Args)]
pub struct PlayArgs {}

/// Runs `wellspoken play`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: PlayArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
