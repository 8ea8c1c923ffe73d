//! The section `[mail]`: how letters go out.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, reachable};

/// Letters by e-mail. Without this section none is sent, and nobody can sign up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server's name.
    pub host: String,
    /// Its port; 587 for STARTTLS, 465 for TLS.
    #[serde(default = "submission")]
    pub port: u16,
    /// How the connection is kept from others.
    #[serde(default)]
    pub tls: MailTls,
    /// PEM file with the authorities that its certificate must come from; absent: those that browsers trust.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// What the server calls us; absent: it asks for no name.
    #[serde(default)]
    pub user: Option<String>,
    /// File with the password, readable by nobody else.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The address that letters come from.
    pub from: String,
    /// Where people reach this server, such as `https://voice.clinic.example`: stands in letters, and is said aloud.
    pub page: String,
    /// Least hours between two letters that somebody has news, 1 to 720.
    #[serde(default = "a_day")]
    pub news_hours: u32,
    /// How long one step with the server may take, 100 to 60000 milliseconds.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u64,
}

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from STARTTLS on; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: within this machine alone.
    None,
}

const fn submission() -> u16 {
    587
}

const fn a_day() -> u32 {
    24
}

const fn ten_seconds() -> u64 {
    10_000
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if self.host.is_empty() || !self.host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b)) {
            return invalid("mail.host", "must be the name of a mail server");
        }
        if self.tls == MailTls::None && !matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1") {
            return invalid("mail.tls", "none is for a server on this machine alone");
        }
        if self.user.is_some() != self.password_file.is_some() {
            return invalid("mail.user", "user and password_file go together; set both or neither");
        }
        if !reachable(&self.page) || self.page.contains('#') {
            return invalid("mail.page", "must be https://… (http:// on this machine alone)");
        }
        if !(1..=720).contains(&self.news_hours) {
            return invalid("mail.news_hours", "must be from 1 to 720 hours");
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            return invalid("mail.timeout_ms", "must be from 100 to 60000 milliseconds");
        }
        Ok(())
    }

    /// The page's address as it is said aloud: without `https://`.
    #[must_use]
    pub fn spoken_page(&self) -> &str {
        let page = self.page.trim_end_matches('/');
        page.split_once("://").map_or(page, |(_, rest)| rest)
    }

    /// One that is right, for tests.
    #[cfg(test)]
    #[must_use]
    pub fn example() -> Self {
        Self {
            host: "mail.clinic.example".into(),
            port: submission(),
            tls: MailTls::default(),
            ca: None,
            user: None,
            password_file: None,
            from: "assistant@clinic.example".into(),
            page: "https://voice.clinic.example".into(),
            news_hours: a_day(),
            timeout_ms: ten_seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_send_in_clear_or_cannot_work_is_refused() {
        assert!(MailConfig::example().check().is_ok());
        let with = |change: fn(&mut MailConfig)| {
            let mut config = MailConfig::example();
            change(&mut config);
            config.check().map_err(|e| e.to_string())
        };
        let cases: [(fn(&mut MailConfig), &str); 6] = [
            (|c| c.news_hours = 0, "mail.news_hours"),
            (|c| c.host = "a b".into(), "mail.host"),
            (|c| c.tls = MailTls::None, "mail.tls"),
            (|c| c.user = Some("me".into()), "mail.user"),
            (|c| c.page = "http://voice.clinic.example".into(), "mail.page"),
            (|c| c.timeout_ms = 0, "mail.timeout_ms"),
        ];
        for (change, setting) in cases {
            assert!(with(change).is_err_and(|told| told.contains(setting)), "{setting}");
        }
        assert!(with(|c| (c.host, c.tls) = ("127.0.0.1".into(), MailTls::None)).is_ok());
    }
}
