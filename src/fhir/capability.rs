//! What a server says that it has (R4 CapabilityStatement).

use std::collections::BTreeSet;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    resource_type: String,
    #[serde(default)]
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Rest {
    mode: String,
    #[serde(default)]
    resource: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

/// The kinds of resources that a server has; `None` where it does not tell.
pub(super) fn kinds(text: &[u8]) -> Option<BTreeSet<String>> {
    let statement: Statement = serde_json::from_slice(text).ok()?;
    let rest = statement.rest.into_iter().filter(|rest| rest.mode == "server");
    let kinds: BTreeSet<String> = rest.flat_map(|rest| rest.resource).map(|kind| kind.r#type).collect();
    (statement.resource_type == "CapabilityStatement" && !kinds.is_empty()).then_some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_says_of_itself_counts() {
        let said = br#"{"resourceType":"CapabilityStatement","rest":[
            {"mode":"client","resource":[{"type":"Slot"}]},
            {"mode":"server","resource":[{"type":"Patient","interaction":[]},{"type":"Observation"}]}]}"#;
        assert_eq!(kinds(said), Some(BTreeSet::from(["Observation".to_owned(), "Patient".to_owned()])));
        for odd in [
            "",
            "[]",
            r#"{"resourceType":"CapabilityStatement"}"#,
            r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server"}]}"#,
            r#"{"resourceType":"Bundle","rest":[{"mode":"server","resource":[{"type":"Patient"}]}]}"#,
        ] {
            assert_eq!(kinds(odd.as_bytes()), None, "{odd}");
        }
    }
}
