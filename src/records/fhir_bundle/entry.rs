//! A bundle and its entries, as they come.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{identifiers, resources::Resource};

/// `Bundle`.
#[derive(Deserialize)]
pub struct Bundle {
    #[serde(rename = "resourceType", deserialize_with = "bundle_type")]
    _resource_type: (),
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub entry: Vec<Entry>,
}

/// `Bundle.entry`, with the business identifiers of its resource, whatever kind that is. One that deletes has no resource.
pub struct Entry {
    pub full_url: Option<String>,
    /// `Type/id` of what it deletes.
    pub removed: Option<String>,
    pub resource: Option<Resource>,
    pub identifiers: Vec<String>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            full_url: Option<String>,
            resource: Option<Value>,
            request: Option<Value>,
        }
        let raw = Raw::deserialize(d)?;
        if let Some(request) = raw.request.as_ref().filter(|request| request["method"] == "DELETE") {
            let removed = request["url"].as_str().and_then(type_and_id);
            return Ok(Self { full_url: raw.full_url, removed, resource: None, identifiers: vec![] });
        }
        let identifiers = raw.resource.as_ref().map(identifiers::of).unwrap_or_default();
        let resource = raw.resource.map(Resource::deserialize).transpose().map_err(D::Error::custom)?;
        Ok(Self { full_url: raw.full_url, removed: None, resource, identifiers })
    }
}

/// `Type/id` of what an address ends in.
pub fn type_and_id(address: &str) -> Option<String> {
    let mut parts = address.trim_end_matches('/').rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    (!id.is_empty() && !id.contains('?') && kind.starts_with(|c: char| c.is_ascii_uppercase()))
        .then(|| format!("{kind}/{id}"))
}

fn bundle_type<'de, D: Deserializer<'de>>(d: D) -> Result<(), D::Error> {
    match String::deserialize(d)?.as_str() {
        "Bundle" => Ok(()),
        _ => Err(D::Error::custom("not a Bundle")),
    }
}
