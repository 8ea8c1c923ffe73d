//! The section `[sign_in]`: who may sign in by OpenID Connect, and through which provider.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// Signing in by OpenID Connect. Without this section nobody can.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// The address that browsers reach this server at, such as `https://voice.clinic.example`: where the provider sends
    /// them back to.
    pub public_url: String,
    /// The provider that people sign in with.
    #[serde(default)]
    pub people: Option<ProviderConfig>,
    /// The provider that staff sign in with, and what its claims mean here.
    #[serde(default)]
    pub staff: Option<StaffConfig>,
}

/// The staff's side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaffConfig {
    /// The provider.
    pub provider: ProviderConfig,
    /// The claim that says what somebody does: a text, or a list of them.
    #[serde(default = "groups")]
    pub role_claim: String,
    /// For each role, the values of that claim that give it. Whoever has none of them gets nothing.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The claim that says in which units somebody works.
    #[serde(default = "units")]
    pub unit_claim: String,
    /// For each value of that claim, the rooms of the unit.
    #[serde(default)]
    pub units: BTreeMap<String, Vec<String>>,
    /// The claim that staff are called by in reviews and on the board.
    #[serde(default = "name")]
    pub name_claim: String,
    /// After so many minutes in which nobody did anything a session ends, 1 to 120.
    #[serde(default = "fifteen")]
    pub idle_minutes: u32,
    /// How long broken glass stays open, 5 to 480 minutes.
    #[serde(default = "sixty")]
    pub break_glass_minutes: u32,
}

fn groups() -> String {
    "groups".into()
}

fn units() -> String {
    "units".into()
}

fn name() -> String {
    "name".into()
}

const fn fifteen() -> u32 {
    15
}

const fn sixty() -> u32 {
    60
}

/// One provider, and what this server is called there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// The issuer, letter for letter as the provider names itself.
    pub issuer: String,
    /// What the provider calls this server.
    pub client_id: String,
    /// File with the client's secret, readable by nobody else; absent for a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for; `openid` must be among it.
    #[serde(default = "openid")]
    pub scopes: Vec<String>,
    /// PEM file with the authorities that the provider's certificate must come from; absent: those that browsers trust.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// How long one call to the provider may take, 100 to 60000 milliseconds.
    #[serde(default = "five_seconds")]
    pub timeout_ms: u64,
    /// How long a session lasts, 1 to 24 hours.
    #[serde(default = "twelve")]
    pub session_hours: u32,
}

fn openid() -> Vec<String> {
    vec!["openid".into()]
}

const fn five_seconds() -> u64 {
    5000
}

const fn twelve() -> u32 {
    12
}

impl SignInConfig {
    /// Checks every value. `hosts` are the names that this server answers under, besides addresses.
    pub(super) fn check(&self, hosts: &[String]) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        public("sign_in.public_url", &self.public_url, hosts)?;
        if self.people.is_none() && self.staff.is_none() {
            return invalid(
                "sign_in",
                "name a provider under [sign_in.people] or [sign_in.staff.provider], or leave the whole section out",
            );
        }
        if let Some(staff) = &self.staff {
            staff.check()?;
        }
        if let Some(people) = &self.people {
            people.check("sign_in.people")?;
        }
        Ok(())
    }
}

/// The roles there are. [`crate::config`] knows no policy; a test holds the two lists together.
pub const ROLES: [&str; 6] = ["nurse", "clinician", "pharmacist", "unit-manager", "privacy-officer", "operator"];

impl StaffConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: String| Err(ConfigError::Invalid { setting, reason });
        self.provider.check("sign_in.staff.provider")?;
        if self.roles.is_empty() || self.roles.values().any(Vec::is_empty) {
            return invalid("sign_in.staff.roles", "name at least one value of the claim for each role".into());
        }
        if let Some(unknown) = self.roles.keys().find(|role| !ROLES.contains(&role.as_str())) {
            return invalid("sign_in.staff.roles", format!("`{unknown}` is no role; there are {}", ROLES.join(", ")));
        }
        let breaks_glass = ["nurse", "clinician", "pharmacist"].iter().any(|role| self.roles.contains_key(*role));
        if breaks_glass && !self.roles.contains_key("privacy-officer") {
            return invalid(
                "sign_in.staff.roles",
                "map privacy-officer, too: somebody has to look into broken glass".into(),
            );
        }
        let fits = |id: &String| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        if let Some(room) = self.units.values().flatten().find(|room| !fits(room)) {
            return invalid("sign_in.staff.units", format!("`{room}` is no name of a room"));
        }
        let claims = [&self.role_claim, &self.unit_claim, &self.name_claim];
        if claims.iter().any(|claim| claim.is_empty()) {
            return invalid("sign_in.staff", "role_claim, unit_claim and name_claim must each name a claim".into());
        }
        if !(1..=120).contains(&self.idle_minutes) {
            return invalid("sign_in.staff.idle_minutes", "must be from 1 to 120 minutes".into());
        }
        if !(5..=480).contains(&self.break_glass_minutes) {
            return invalid("sign_in.staff.break_glass_minutes", "must be from 5 to 480 minutes".into());
        }
        Ok(())
    }
}

impl ProviderConfig {
    pub(super) fn check(&self, setting: &'static str) -> Result<(), ConfigError> {
        let invalid = |reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if !reachable(&self.issuer) || self.issuer.contains(['?', '#']) {
            return invalid(
                "issuer must be https://… without query or fragment, letter for letter as the provider names itself \
                 (http:// on this machine alone)",
            );
        }
        if self.client_id.is_empty() || self.client_id.len() > 255 || self.client_id.chars().any(char::is_control) {
            return invalid("client_id must be what the provider calls this server, 1 to 255 characters");
        }
        let plain = |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        if !self.scopes.iter().any(|s| s == "openid") || !self.scopes.iter().all(plain) {
            return invalid("scopes must be words, and openid must be among them");
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            return invalid("timeout_ms must be from 100 to 60000 milliseconds");
        }
        if !(1..=24).contains(&self.session_hours) {
            return invalid("session_hours must be from 1 to 24 hours");
        }
        Ok(())
    }
}

/// Checks the address that browsers reach this server at.
pub(super) fn public(setting: &'static str, address: &str, hosts: &[String]) -> Result<(), ConfigError> {
    let invalid = |reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    if !reachable(address) || rest.contains(['/', '?', '#']) {
        return invalid("must be https://HOST[:PORT] without a path (http:// on this machine alone)");
    }
    let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
    let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
    if !is_address && host != "localhost" && !hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        return invalid("its host must be among http.hosts, or the server refuses whoever comes back to it");
    }
    Ok(())
}

/// Whether an address is over TLS, or on this machine; with a host, without a user.
#[must_use]
pub fn reachable(address: &str) -> bool {
    let (rest, secure) = match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host =
        authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(authority, |(host, _)| host);
    let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.[]:".contains(&b));
    let clean = address.bytes().all(|b| b.is_ascii_graphic());
    named && clean && (secure || matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(text: &str) -> Result<Config, String> {
        let text = format!("[http]\nhosts = [\"voice.clinic.example\"]\n{text}");
        let config: Config = toml::from_str(&text).map_err(|e| e.to_string())?;
        config.validated().map_err(|e| e.to_string())
    }

    fn section(change: &str, with: &str) -> String {
        let whole = "[sign_in]\npublic_url = \"https://voice.clinic.example\"\n[sign_in.people]\n\
            issuer = \"https://id.clinic.example/realms/people\"\nclient_id = \"wellspoken\"\n";
        assert!(change.is_empty() || whole.contains(change), "{change}");
        whole.replace(change, with)
    }

    #[test]
    fn nobody_signs_in_unless_a_provider_is_named() {
        assert!(read("").expect("the defaults").sign_in.is_none());
        let config = read(&section("", "")).expect("valid").sign_in.expect("a section");
        let people = config.people.expect("a provider");
        assert_eq!((people.scopes, people.session_hours), (vec!["openid".to_owned()], 12));
    }

    #[test]
    fn the_staffs_side_is_checked_whole() {
        let whole = "[sign_in]\npublic_url = \"https://voice.clinic.example\"\n[sign_in.staff]\n\
            units = { \"4-west\" = [\"room-12\"] }\nroles = { nurse = [\"rn\"], privacy-officer = [\"privacy\"] }\n[sign_in.staff.provider]\n\
            issuer = \"https://id.clinic.example\"\nclient_id = \"wellspoken\"\n";
        let staff = read(whole).expect("valid").sign_in.expect("a section").staff.expect("a side");
        assert_eq!((staff.idle_minutes, staff.break_glass_minutes, staff.role_claim.as_str()), (15, 60, "groups"));
        for (change, with, says) in [
            ("nurse =", "janitor =", "`janitor` is no role"),
            ("[\"rn\"]", "[]", "at least one value"),
            ("nurse = [\"rn\"], privacy-officer = [\"privacy\"]", "", "at least one value"),
            ("roles = { nurse = [\"rn\"], privacy-officer = [\"privacy\"] }\n", "", "missing field `roles`"),
            (", privacy-officer = [\"privacy\"]", "", "somebody has to look into"),
            ("room-12", "room 12", "`room 12` is no name of a room"),
            ("roles =", "idle_minutes = 0\nroles =", "idle_minutes"),
            ("roles =", "break_glass_minutes = 1\nroles =", "break_glass_minutes"),
            ("roles =", "role_claim = \"\"\nroles =", "role_claim"),
            ("https://id", "http://id", "sign_in.staff.provider: issuer"),
        ] {
            assert!(whole.contains(change), "{change}");
            let told = read(&whole.replace(change, with)).map(|_| ()).expect_err(says);
            assert!(told.contains(says), "{with}: {told}");
        }
        let roles: Vec<_> = crate::policy::staff::Role::ALL.into_iter().map(|role| role.name()).collect();
        assert_eq!(roles, super::ROLES);
    }

    #[test]
    fn a_section_is_checked_whole() {
        let more = |line: &str| format!("{}{line}\n", section("", ""));
        for (text, says) in [
            ("[sign_in]\npublic_url = \"https://voice.clinic.example\"\n".to_owned(), "name a provider"),
            (section("https://voice", "http://voice"), "sign_in.public_url"),
            (section("https://voice", "https://other"), "must be among http.hosts"),
            (section("clinic.example\"\n[", "clinic.example/x\"\n["), "sign_in.public_url"),
            (section("https://id", "http://id"), "issuer must be https"),
            (section("/realms/people", "?x=1"), "issuer must be https"),
            (section("https://id.clinic", "https://user@id.clinic"), "issuer must be https"),
            (section("\"wellspoken\"", "\"\""), "client_id"),
            (more("scopes = [\"profile\"]"), "openid"),
            (more("scopes = [\"openid\", \"a b\"]"), "scopes"),
            (more("timeout_ms = 10"), "timeout_ms"),
            (more("session_hours = 0"), "session_hours"),
            (more("client_secret = \"s3cret\""), "unknown field"),
        ] {
            let told = read(&text).map(|_| ()).expect_err(says);
            assert!(told.contains(says), "{text}: {told}");
        }
        for issuer in ["http://127.0.0.1:8104", "http://localhost:1/x", "https://id.example:8443/a/b"] {
            let text = section("https://id.clinic.example/realms/people", issuer);
            assert!(read(&text).is_ok(), "{issuer}: {:?}", read(&text).err());
        }
    }
}
