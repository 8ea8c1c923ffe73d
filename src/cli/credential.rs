//! `wellspoken credential`: let a device, a room or a person in.

use super::Global;

/// let a device, a room or a person in.
#[derive(Debug, clap::Args)]
pub struct CredentialArgs {}

/// Runs `wellspoken credential`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(_global: &Global, _args: CredentialArgs) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
