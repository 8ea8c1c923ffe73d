//! What a server did not do, and whether that is certain.
//!
//! Invariant: nothing of what the server wrote is in an error but words of closed lists: the texts of an
//! `OperationOutcome` quote what it was given, and that is somebody's health.

use std::{fmt, path::PathBuf, time::Duration};

use serde_json::Value;

/// Why a server did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// The key or the authorities cannot be used.
    #[error("records.server {server}: {what} cannot be used: {why}")]
    Setting {
        /// The server's name.
        server: String,
        /// The file or variable.
        what: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing was sent: no connection, or the server is left alone for a moment because it failed again and again.
    #[error("the record server cannot be reached ({0})")]
    Unreachable(&'static str),
    /// It was sent, and no whole answer came: done or not, nobody knows.
    #[error("the record server did not answer ({0})")]
    Unanswered(&'static str),
    /// 401, with a token that was just issued or that the caller gave.
    #[error("the record server does not take the token")]
    Unauthorized,
    /// 403: the token is good and does not reach as far.
    #[error("the record server does not allow this client to do that")]
    Forbidden,
    /// 404.
    #[error("the record server has no such resource")]
    NotFound,
    /// 410.
    #[error("the record server has deleted that resource")]
    Gone,
    /// 409.
    #[error("the record server says that it conflicts with what it has{0}")]
    Conflict(Issues),
    /// 412: the resource is another version by now, or several fit a condition.
    #[error("the record server has another version of that by now")]
    Stale,
    /// 400 or 422: what was sent is not what the server takes.
    #[error("the record server did not take what it was given (HTTP {status}){issues}")]
    Unprocessable {
        /// 400 or 422.
        status: u16,
        /// What it says is wrong.
        issues: Issues,
    },
    /// 429 or 503: not now, and not done.
    #[error("the record server is busy")]
    Busy {
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Another 5xx: done or not, nobody knows.
    #[error("the record server is out of order (HTTP {status}){issues}")]
    Broken {
        /// The status.
        status: u16,
        /// What it says is wrong.
        issues: Issues,
    },
    /// Another status.
    #[error("the record server refused (HTTP {status}){issues}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says is wrong.
        issues: Issues,
    },
    /// An answer that is not FHIR.
    #[error("the record server's answer {0}")]
    Wrong(&'static str),
    /// No token was given.
    #[error("the record server's authorization {0}")]
    Token(TokenError),
}

/// Why no token was given: the words of RFC 6749 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The client is unknown, or its assertion does not fit.
    #[error("does not know this client or its key (invalid_client)")]
    Client,
    /// The code or the refresh token is spent, expired or another client's.
    #[error("does not take that grant (invalid_grant)")]
    Grant,
    /// The scope is more than this client may have.
    #[error("does not give that scope (invalid_scope)")]
    Scope,
    /// Anything else.
    #[error("refused")]
    Other,
}

/// Whether something was done at a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// For certain not.
    No,
    /// Perhaps.
    Unknown,
}

impl FhirError {
    /// Whether what was asked for may have been done nevertheless.
    #[must_use]
    pub const fn done(&self) -> Done {
        match self {
            Self::Unanswered(_) | Self::Broken { .. } | Self::Wrong(_) => Done::Unknown,
            _ => Done::No,
        }
    }

    /// Whether the same may be done later without anything being changed here.
    #[must_use]
    pub const fn passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_) | Self::Busy { .. } | Self::Broken { .. })
    }

    /// Whether it tells of the server's health, rather than of what was asked.
    pub(super) const fn unwell(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_) | Self::Broken { .. })
    }

    /// How long the server asks to be left alone.
    #[must_use]
    pub const fn pause(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// By status and body.
    pub(super) fn of(status: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let issues = Issues::read(body);
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict(issues),
            410 => Self::Gone,
            412 => Self::Stale,
            400 | 422 => Self::Unprocessable { status, issues },
            429 | 503 => Self::Busy { retry_after },
            500..=599 => Self::Broken { status, issues },
            _ => Self::Refused { status, issues },
        }
    }
}

/// The codes of FHIR's `issue-type` value set.
const CODES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

/// The codes of an `OperationOutcome`: what is wrong by FHIR's own words, and never by the server's.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Issues(Vec<&'static str>);

impl Issues {
    /// The codes, each once, in their order; empty where there is no `OperationOutcome` or none of its codes is FHIR's.
    #[must_use]
    pub fn codes(&self) -> &[&'static str] {
        &self.0
    }

    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map(|outcome: Value| Self::of(&outcome)).unwrap_or_default()
    }

    /// Of an `OperationOutcome`.
    pub(super) fn of(outcome: &Value) -> Self {
        let mut found = Vec::new();
        let is_one = outcome.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome");
        let issues = outcome.get("issue").and_then(Value::as_array).filter(|_| is_one);
        for issue in issues.into_iter().flatten().take(100) {
            let code = issue.get("code").and_then(Value::as_str).unwrap_or_default();
            if let Some(known) = CODES.iter().find(|known| **known == code).filter(|known| !found.contains(*known)) {
                found.push(*known);
            }
        }
        Self(found)
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0.join(", ")) }
    }
}

impl fmt::Debug for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_told_by_codes_and_never_by_text() {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "required", "diagnostics": "Patient Quillon has no xylobrine"},
            {"severity": "error", "code": "required", "details": {"text": "Quillon again"}},
            {"severity": "error", "code": "Quillon", "expression": ["Quillon"]},
            {"severity": "warning", "code": "business-rule"}, 7,
        ]});
        let told = FhirError::of(422, outcome.to_string().as_bytes(), None);
        assert_eq!(
            told.to_string(),
            "the record server did not take what it was given (HTTP 422): required, business-rule"
        );
        assert!(!format!("{told:?}").contains("Quillon"));
        for odd in ["", "{", "[]", "{\"issue\": 3}", r#"{"resourceType":"Patient","issue":[{"code":"required"}]}"#] {
            let FhirError::Broken { issues, .. } = FhirError::of(500, odd.as_bytes(), None) else { panic!("{odd}") };
            assert!(issues.codes().is_empty(), "{odd}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_told_apart() {
        for (status, done, passing) in [
            (400, Done::No, false),
            (401, Done::No, false),
            (403, Done::No, false),
            (404, Done::No, false),
            (409, Done::No, false),
            (410, Done::No, false),
            (412, Done::No, false),
            (422, Done::No, false),
            (429, Done::No, true),
            (500, Done::Unknown, true),
            (502, Done::Unknown, true),
            (503, Done::No, true),
            (418, Done::No, false),
        ] {
            let error = FhirError::of(status, b"", None);
            assert_eq!((error.done(), error.passing()), (done, passing), "{status}");
        }
        assert_eq!(FhirError::Unanswered("x").done(), Done::Unknown);
        assert_eq!(FhirError::Unreachable("x").done(), Done::No);
    }
}
