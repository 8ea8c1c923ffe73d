//! A copy of a chain with one entry changed, for showing that such a change is found. Never touches the original.

use std::path::Path;

use sqlx::Connection;

use super::super::{database::Database, error::StoreError};

/// Copies an SQLite database and changes the n-th of its audit entries (counted from 0), as somebody would who may
/// write to the file and knows how to get around the triggers.
///
/// # Errors
/// When either cannot be opened or written.
pub async fn copy_with_entry_changed(database: &Path, copy: &Path, n: usize) -> Result<(), StoreError> {
    let whole = Database::reach(&database.display().to_string(), false).await?;
    let mut connection = whole.writer().await?;
    sqlx::query("VACUUM INTO $1").bind(copy.display().to_string()).execute(&mut connection).await?;
    connection.close().await?;
    whole.close().await;
    let other = Database::reach(&copy.display().to_string(), false).await?;
    let mut connection = other.writer().await?;
    sqlx::query("DROP TRIGGER audit_is_never_changed").execute(&mut connection).await?;
    let entry = "UPDATE audit SET at = at + 1 WHERE seq = (SELECT seq FROM audit ORDER BY seq LIMIT 1 OFFSET $1)";
    sqlx::query(entry).bind(i64::try_from(n).unwrap_or(0)).execute(&mut connection).await?;
    connection.close().await?;
    other.close().await;
    Ok(())
}
