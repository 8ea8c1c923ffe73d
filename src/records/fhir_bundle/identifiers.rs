//! The business identifiers of a resource: what the same order, result or visit is called wherever it is kept.

use serde_json::Value;

/// Identifiers of one resource that are looked at.
const MOST: usize = 16;

/// `system|value` of each identifier that names its system; nothing where there is none.
pub fn of(resource: &Value) -> Vec<String> {
    let all = match resource.get("identifier") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return vec![],
    };
    let text = |of: &Value, field: &str| {
        of.get(field).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    all.iter().take(MOST).filter_map(|one| Some(format!("{}|{}", text(one, "system")?, text(one, "value")?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_names_its_system_tells_apart() {
        for (resource, want) in [
            (json!({ "identifier": [{ "system": "urn:a", "value": "1" }, { "value": "2" }] }), vec!["urn:a|1"]),
            (json!({ "identifier": { "system": " urn:a ", "value": " 1 " } }), vec!["urn:a|1"]),
            (json!({ "identifier": [{ "system": "", "value": "1" }, 7, null] }), vec![]),
            (json!({}), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(of(&resource), want, "{resource}");
        }
    }
}
