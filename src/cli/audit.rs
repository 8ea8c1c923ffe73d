//! `wellspoken audit`: verify or print the audit chain.

use super::Global;

/// verify or print the audit chain.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {}

/// Runs `wellspoken audit`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: AuditArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
