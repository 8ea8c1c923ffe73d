//! The section `[alexa]`: which skills may call, and how their signatures are checked.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// The door for Alexa skills. Without this section there is no such door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlexaConfig {
    /// The skills that may call; a request of any other is refused.
    pub skills: Vec<SkillConfig>,
    /// PEM file with the authorities that a signing certificate must come from; absent: those that browsers trust.
    #[serde(default)]
    pub signing_roots: Option<PathBuf>,
    /// Where signing certificates are fetched from instead of Amazon's own host: a mirror's address, without a path.
    #[serde(default)]
    pub fetch_from: Option<String>,
    /// PEM file with the authorities that the TLS certificate of that address must come from; absent: those that
    /// browsers trust.
    #[serde(default)]
    pub fetch_roots: Option<PathBuf>,
}

/// One skill.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillConfig {
    /// Its application id, as the developer console shows it.
    pub id: String,
    /// Present where it is the organization's own Alexa Smart Properties skill. Only then can it ever be first-party,
    /// and only from units that were registered to a room.
    #[serde(default)]
    pub smart_properties: Option<SmartPropertiesConfig>,
}

/// What makes a skill the organization's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmartPropertiesConfig {
    /// The agreement with Amazon that covers health information over this skill, by name and date, so that whoever
    /// reads the configuration can look it up.
    pub agreement: String,
}

/// Skills that may be declared.
const MOST_SKILLS: usize = 64;

impl AlexaConfig {
    /// Checks every value.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: String| Err(ConfigError::Invalid { setting, reason });
        if self.skills.is_empty() || self.skills.len() > MOST_SKILLS {
            return invalid(
                "alexa.skills",
                format!("declare 1 to {MOST_SKILLS} skills, or leave the whole section out"),
            );
        }
        for (n, skill) in self.skills.iter().enumerate() {
            let plain = skill.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            if !skill.id.starts_with("amzn1.") || skill.id.len() > 255 || !plain {
                return invalid(
                    "alexa.skills.id",
                    format!("`{}` is no application id; the developer console shows it: amzn1.ask.skill.…", skill.id),
                );
            }
            if self.skills.iter().take(n).any(|other| other.id == skill.id) {
                return invalid("alexa.skills.id", format!("`{}` is declared twice", skill.id));
            }
            if let Some(own) = &skill.smart_properties
                && !own.agreement.chars().any(char::is_alphanumeric)
            {
                return invalid(
                    "alexa.skills.smart_properties.agreement",
                    "name the agreement with Amazon that covers health information over this skill, or leave \
                     smart_properties out"
                        .into(),
                );
            }
        }
        if let Some(base) = &self.fetch_from
            && !fetchable(base)
        {
            return invalid(
                "alexa.fetch_from",
                "must be https://HOST[:PORT] without a path (http:// on this machine alone)".into(),
            );
        }
        if self.fetch_roots.is_some() && self.fetch_from.is_none() {
            return invalid("alexa.fetch_roots", "goes with fetch_from; Amazon's own host is on the public web".into());
        }
        Ok(())
    }
}

/// An address without a path: over TLS, or on this machine.
fn fetchable(base: &str) -> bool {
    let (rest, secure) = match (base.strip_prefix("https://"), base.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => return false,
    };
    let host = rest.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(rest, |(host, _)| host);
    let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.[]:".contains(&b));
    named && (secure || matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const SKILL: &str = "[[alexa.skills]]\nid = \"amzn1.ask.skill.1\"\n";

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
        config.validated().map_err(|e| e.to_string())
    }

    #[test]
    fn without_the_section_there_is_no_door_and_skills_are_third_party_unless_said() {
        assert!(read("").expect("the defaults").alexa.is_none());
        let config = read(SKILL).expect("valid").alexa.expect("a section");
        assert!(config.skills.iter().all(|s| s.smart_properties.is_none()));
    }

    #[test]
    fn a_section_is_checked_whole() {
        for (text, says) in [
            ("[alexa]\n".to_owned(), "skills"),
            ("[alexa]\nskills = []\n".to_owned(), "leave the whole section out"),
            ("[[alexa.skills]]\nid = \"\"\n".to_owned(), "no application id"),
            ("[[alexa.skills]]\nid = \"amzn1.ask.skill.a b\"\n".to_owned(), "no application id"),
            (format!("{SKILL}{SKILL}"), "declared twice"),
            (format!("{SKILL}smart_properties = {{}}\n"), "agreement"),
            (format!("{SKILL}smart_properties = {{ agreement = \" - \" }}\n"), "name the agreement"),
            (format!("{SKILL}first_party = true\n"), "unknown field"),
            (format!("[alexa]\nfetch_from = \"http://certs.example\"\n{SKILL}"), "alexa.fetch_from"),
            (format!("[alexa]\nfetch_from = \"https://certs.example/path\"\n{SKILL}"), "alexa.fetch_from"),
            (format!("[alexa]\nfetch_from = \"https://a@b\"\n{SKILL}"), "alexa.fetch_from"),
            (format!("[alexa]\nfetch_roots = \"a.pem\"\n{SKILL}"), "goes with fetch_from"),
        ] {
            let told = read(&text).map(|_| ()).expect_err("refused");
            assert!(told.contains(says), "{text}: {told}");
        }
        for base in ["https://certs.example", "https://certs.example:8443", "http://127.0.0.1:80", "http://[::1]:80"] {
            let read = read(&format!("[alexa]\nfetch_from = \"{base}\"\n{SKILL}"));
            assert!(read.is_ok(), "{base}: {:?}", read.err());
        }
    }
}
