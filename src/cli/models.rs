//! `wellspoken models`: fetch, verify and list model files.

use super::Global;

/// fetch, verify and list model files.
#[derive(Debug, clap::Args)]
pub struct ModelsArgs {}

/// Runs `wellspoken models`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: ModelsArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
