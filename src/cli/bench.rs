//! `wellspoken bench`: measure.

use super::Global;

/// measure.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {}

/// Runs `wellspoken bench`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: BenchArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
