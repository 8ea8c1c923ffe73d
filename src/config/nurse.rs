//! The section `[nurse]`: who is told of calls, how soon, and who next.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{
    ConfigError, reachable,
    records::{ServerConfig, scopes},
};

/// Calls to staff.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NurseConfig {
    /// Who is told of a need instead of whom the program's own table names, by need.
    pub routes: BTreeMap<String, RouteConfig>,
    /// How long is waited at each step, by priority: `emergency`, `urgent`, `soon`, `routine`; four numbers of seconds each,
    /// 1 to 86400. The last is how often the last step is told again.
    pub waits: BTreeMap<String, [u32; 4]>,
    /// Who is told of everything that happens to calls; absent, nobody.
    pub webhook: Option<HookConfig>,
    /// Whether everything that happens to calls is published at the broker of `[mqtt]`, too, on `…/calls/ROOM`.
    pub mqtt: bool,
    /// A FHIR server on which every call is a Task; absent, none.
    pub tasks: Option<ServerConfig>,
    /// Who is told of the last step; absent, the board alone shows it.
    pub pager: Option<HookConfig>,
}

/// Who is told of a need, and how soon.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// `nurse`, `assistant`, `housekeeping`, `dietary`, `interpreter`, `chaplain`, `it` or `equipment`.
    pub role: Option<String>,
    /// `urgent`, `soon` or `routine`.
    pub priority: Option<String>,
}

/// An address that is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookConfig {
    /// `https://…`; `http://` on this machine alone.
    pub url: String,
    /// File with the secret that what is sent is signed with, readable by nobody else; 16 bytes or more.
    pub secret_file: PathBuf,
    /// PEM file with the authorities that its certificate must come from; absent: those that browsers trust.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// The priorities there are. [`crate::config`] knows no fleet; a test holds the two lists together.
pub const PRIORITIES: [&str; 4] = ["emergency", "urgent", "soon", "routine"];

impl NurseConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: String| Err(ConfigError::Invalid { setting, reason });
        for (name, waits) in &self.waits {
            if !PRIORITIES.contains(&name.as_str()) {
                return invalid("nurse.waits", format!("`{name}` is no priority; there are {}", PRIORITIES.join(", ")));
            }
            if waits.iter().any(|seconds| !(1..=86_400).contains(seconds)) {
                return invalid("nurse.waits", format!("{name} must be four numbers from 1 to 86400 seconds"));
            }
        }
        for (setting, hook) in [("nurse.webhook", &self.webhook), ("nurse.pager", &self.pager)] {
            if hook.as_ref().is_some_and(|hook| !reachable(&hook.url) || hook.url.contains('#')) {
                return invalid(setting, "url must be https://… (http:// on this machine alone)".into());
            }
        }
        self.tasks.as_ref().map_or(Ok(()), tasks)
    }
}

fn tasks(server: &ServerConfig) -> Result<(), ConfigError> {
    let invalid = |reason: String| Err(ConfigError::Invalid { setting: "nurse.tasks", reason });
    match server.check() {
        Err(ConfigError::Invalid { setting, reason }) => {
            return invalid(format!("{} {reason}", setting.trim_start_matches("records.server.")));
        }
        other => other?,
    }
    if server.notify.is_some() || !server.topics.is_empty() {
        return invalid("is told of calls and asked nothing; leave notify and topics out".into());
    }
    // What records are read with may not write.
    if server.backend.as_ref().is_some_and(|backend| backend.scopes == scopes()) {
        return invalid("backend.scopes must let Tasks be written, such as [\"system/Task.crus\"]".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{Config, nurse::PRIORITIES},
        fleet::nurse::Priority,
    };

    const READS: &str = "[nurse.tasks]\nname = \"Ward\"\nbase = \"https://fhir.example/r4\"\n\
        [nurse.tasks.backend]\nclient_id = \"wellspoken\"\nkey_env = \"K\"";

    #[test]
    fn a_section_is_checked_whole() {
        assert_eq!(PRIORITIES, Priority::ALL.map(Priority::name));
        for (text, wrong) in [
            ("[nurse.waits]\nurgent = [60, 60, 60, 300]", None),
            ("[nurse.routes.water]\nrole = \"dietary\"", None),
            ("[nurse.waits]\nlater = [60, 60, 60, 300]", Some("`later` is no priority")),
            ("[nurse.waits]\nurgent = [60, 60, 60, 0]", Some("four numbers")),
            ("[nurse.pager]\nurl = \"http://pager.example\"\nsecret_file = \"s\"", Some("nurse.pager")),
            ("[nurse.pager]\nurl = \"https://pager.example\"\nsecret_file = \"s\"", None),
            ("[nurse.tasks]\nname = \"Ward\"\nbase = \"https://fhir.example/r4\"", None),
            (
                "[nurse.tasks]\nname = \"Ward\"\nbase = \"http://fhir.example/r4\"",
                Some("nurse.tasks: base must be https"),
            ),
            (
                "[nurse.tasks]\nname = \"Ward\"\nbase = \"https://fhir.example/r4\"\nnotify = \"https://x.example\"",
                Some("leave notify"),
            ),
            (READS, Some("must let Tasks be written")),
        ] {
            let config: Config = toml::from_str(text).expect(text);
            let said = config.validated().err().map(|error| error.to_string());
            match (wrong, said) {
                (None, None) => {}
                (Some(says), Some(said)) => assert!(said.contains(says), "{text}: {said}"),
                (wrong, said) => panic!("{text}: {wrong:?}, {said:?}"),
            }
        }
        for unreadable in ["[nurse.waits]\nurgent = [60]", "[nurse]\nward = 1", "[nurse.pager]\nurl = \"https://x\""] {
            assert!(toml::from_str::<Config>(unreadable).is_err(), "{unreadable}");
        }
    }
}
