//! `wellspoken serve`: run the server.

use super::Global;

/// run the server.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {}

/// Runs `wellspoken serve`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: ServeArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
