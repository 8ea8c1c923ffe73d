//! The section `[connect]`: other organizations whose records people may connect, by SMART App Launch.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, KeyConfig, reachable, sign_in::public};

/// Connecting records of other organizations. Without this section nobody can.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectConfig {
    /// The address that browsers reach this server at, such as `https://voice.clinic.example`: said aloud, and where an
    /// organization sends people back to.
    pub public_url: String,
    /// After how many hours what was fetched is fetched again, 1 to 720.
    #[serde(default = "daily")]
    pub fetch_hours: u32,
    /// The organizations.
    #[serde(default)]
    pub organizations: Vec<OrganizationConfig>,
}

/// One organization, and what this server is called there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationConfig {
    /// A short name for the configuration: letters, digits and hyphens. It stays the same for as long as anybody is
    /// connected.
    pub id: String,
    /// What people call it: "Mercy Hospital".
    pub name: String,
    /// The base address of its FHIR R4 server, letter for letter as it takes it for an audience.
    pub fhir: String,
    /// What its authorization server calls this server.
    pub client_id: String,
    /// File with the client's secret, readable by nobody else; absent for a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// The key that this server signs who it is with, for an organization that wants no secret (`private_key_jwt`).
    #[serde(default)]
    pub key: Option<KeyConfig>,
    /// What is asked for, as SMART scopes. Reading only.
    #[serde(default = "reading")]
    pub scopes: Vec<String>,
    /// PEM file with the authorities that its certificates must come from; absent: those that browsers trust.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// How long one call may take, 100 to 60000 milliseconds.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u64,
}

const fn daily() -> u32 {
    24
}

const fn ten_seconds() -> u64 {
    10_000
}

fn reading() -> Vec<String> {
    const KINDS: [&str; 12] = [
        "Patient",
        "MedicationRequest",
        "MedicationDispense",
        "Appointment",
        "Encounter",
        "Observation",
        "DiagnosticReport",
        "AllergyIntolerance",
        "Condition",
        "Immunization",
        "CareTeam",
        "Practitioner",
    ];
    let of_the_person = KINDS.iter().map(|kind| format!("patient/{kind}.rs"));
    ["launch/patient".to_owned(), "offline_access".to_owned()].into_iter().chain(of_the_person).collect()
}

impl ConnectConfig {
    /// Checks every value. `hosts` are the names that this server answers under, besides addresses.
    pub(super) fn check(&self, hosts: &[String]) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        public("connect.public_url", &self.public_url, hosts)?;
        if !(1..=720).contains(&self.fetch_hours) {
            return invalid("connect.fetch_hours", "must be from 1 to 720 hours");
        }
        if self.organizations.is_empty() {
            return invalid("connect.organizations", "name at least one organization, or leave the section out");
        }
        for (n, organization) in self.organizations.iter().enumerate() {
            organization.check()?;
            if self.organizations[..n].iter().any(|o| o.id == organization.id || o.name == organization.name) {
                return invalid("connect.organizations", "each id and each name must stand there once");
            }
        }
        Ok(())
    }
}

impl OrganizationConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |reason: String| Err(ConfigError::Invalid { setting: "connect.organizations", reason });
        let short = (1..=40).contains(&self.id.len());
        if !short || !self.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return invalid(format!("`{}` is no id: lower-case letters, digits and hyphens, 1 to 40", self.id));
        }
        let of = |what: &str| format!("{}: {what}", self.id);
        if !(1..=80).contains(&self.name.chars().count()) || self.name.chars().any(char::is_control) {
            return invalid(of("name must be what people call it, 1 to 80 characters"));
        }
        if !reachable(&self.fhir) || self.fhir.contains(['?', '#']) {
            return invalid(of("fhir must be https://… without query or fragment (http:// on this machine alone)"));
        }
        if self.client_id.is_empty() || self.client_id.len() > 255 || self.client_id.chars().any(char::is_control) {
            return invalid(of(
                "client_id must be what the authorization server calls this server, 1 to 255 characters",
            ));
        }
        if let Some(fault) = self.key.as_ref().and_then(KeyConfig::fault) {
            return invalid(of(&format!("key: {fault}")));
        }
        if self.key.is_some() && self.client_secret_file.is_some() {
            return invalid(of("a client has a secret or a key, and not both"));
        }
        let plain = |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        if !self.scopes.iter().any(|s| s.starts_with("patient/")) || !self.scopes.iter().all(plain) {
            return invalid(of("scopes must be words, and at least one must begin with patient/"));
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            return invalid(of("timeout_ms must be from 100 to 60000 milliseconds"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const WHOLE: &str = "[http]\nhosts = [\"voice.clinic.example\"]\n[connect]\npublic_url = \"https://voice.clinic.example\"\n\
        [[connect.organizations]]\nid = \"mercy\"\nname = \"Mercy Hospital\"\nfhir = \"https://fhir.mercy.example/r4\"\n\
        client_id = \"wellspoken\"\n";

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
        config.validated().map_err(|e| e.to_string())
    }

    #[test]
    fn an_organization_is_connected_only_as_configured() {
        assert!(read("").expect("the defaults").connect.is_none());
        let connect = read(WHOLE).expect("valid").connect.expect("a section");
        assert_eq!((connect.fetch_hours, connect.organizations.len()), (24, 1));
        assert!(connect.organizations[0].scopes.contains(&"patient/MedicationRequest.rs".to_owned()));
        for (change, with, says) in [
            ("https://voice", "http://voice", "connect.public_url"),
            ("url = \"https://voice", "url = \"https://other", "must be among http.hosts"),
            ("id = \"mercy\"", "id = \"Mercy!\"", "is no id"),
            ("\"Mercy Hospital\"", "\"\"", "name must be"),
            ("https://fhir", "http://fhir", "fhir must be https"),
            ("/r4\"", "/r4?x=1\"", "fhir must be https"),
            ("client_id = \"wellspoken\"", "client_id = \"\"", "client_id"),
            ("id = \"mercy\"", "id = \"mercy\"\nscopes = [\"openid\"]", "patient/"),
            ("id = \"mercy\"", "id = \"mercy\"\ntimeout_ms = 1", "timeout_ms"),
            ("id = \"mercy\"", "id = \"mercy\"\nclient_secret = \"s3cret\"", "unknown field"),
            ("client_id", "key = { algorithm = \"ES384\" }\nclient_id", "key_file and key_env"),
            ("client_id", "key = { key_file = \"/k\", algorithm = \"HS256\" }\nclient_id", "HS256"),
            ("client_id", "key = { key_file = \"/k\" }\nclient_secret_file = \"/s\"\nclient_id", "and not both"),
            ("[[connect", "fetch_hours = 0\n[[connect", "fetch_hours"),
        ] {
            assert!(WHOLE.contains(change), "{change}");
            let told = read(&WHOLE.replacen(change, with, 1)).map(|_| ()).expect_err(says);
            assert!(told.contains(says), "{with}: {told}");
        }
        let (head, organization) = WHOLE.split_once("[[").expect("a section");
        let twice = read(&format!("{WHOLE}[[{organization}")).map(|_| ()).expect_err("twice");
        assert!(twice.contains("must stand there once"), "{twice}");
        assert!(read(head).map(|_| ()).expect_err("nobody").contains("at least one organization"));
    }
}
