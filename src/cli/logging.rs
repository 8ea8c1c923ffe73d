//! Logs: one JSON object a line, on standard error.
//!
//! Never logged, at any level: what was said or answered, names, medicines, dates of a person, PINs, tokens,
//! links and cookies; ids of persons, stays, rooms, sessions, turns and credentials; intents and slots;
//! addresses of callers, headers, bodies, query strings and paths as they were sent (only the route they
//! matched); values bound to SQL; the message of a panic; an error's text where it may quote any of these.
//! Logged: routes, methods, statuses, times, kinds of channel, how a turn ended, which part failed and what
//! to do.
//!
//! Other people's crates do not know this list, so they are held at `warn` whatever is asked for.

use tracing_subscriber::EnvFilter;

/// Names how much is logged of this program: `error`, `warn`, `info` (the default), `debug`.
const VARIABLE: &str = "WELLSPOKEN_LOG";

/// Starts logging.
///
/// # Errors
/// When the level asked for is none, or logging has been started before.
pub fn start() -> anyhow::Result<()> {
    let level = std::env::var(VARIABLE).unwrap_or_else(|_| "info".into());
    if !matches!(level.as_str(), "error" | "warn" | "info" | "debug") {
        anyhow::bail!("{VARIABLE} is `{level}`; use error, warn, info or debug");
    }
    let others = if level == "error" { "error" } else { "warn" };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new(format!("{others},wellspoken={level}")))
        .try_init()
        .map_err(|e| anyhow::anyhow!("logging cannot start: {e}"))
}
