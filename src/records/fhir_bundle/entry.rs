//! A bundle and its entries, as they come.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{
    identifiers,
    resources::{Resource, word},
};

/// `Bundle`.
#[derive(Deserialize)]
pub struct Bundle {
    #[serde(rename = "resourceType", deserialize_with = "bundle_type")]
    _resource_type: (),
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub entry: Vec<Entry>,
    /// Kinds of resources that were there twice, once for each.
    #[serde(skip)]
    pub doubled: Vec<String>,
}

impl Bundle {
    /// A bundle, each resource of it once: of those of the same type and id the newer is kept, the last where none says so.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self::once)
    }

    pub fn once(mut self) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut once: Vec<Entry> = Vec::with_capacity(self.entry.len());
        for entry in self.entry {
            let Some(key) = entry.key() else {
                once.push(entry);
                continue;
            };
            let Some(place) = places.get(&key).copied() else {
                places.insert(key, once.len());
                once.push(entry);
                continue;
            };
            self.doubled.extend(entry.resource.as_ref().map(|resource| resource.kind().to_owned()));
            if once[place].updated.zip(entry.updated).is_none_or(|(there, new)| there <= new) {
                once[place] = entry;
            }
        }
        self.entry = once;
        self
    }
}

/// `Bundle.entry`, with the business identifiers of its resource, whatever kind that is. One that deletes has no resource.
pub struct Entry {
    pub full_url: Option<String>,
    /// `Type/id` of what it deletes.
    pub removed: Option<String>,
    pub resource: Option<Resource>,
    pub identifiers: Vec<String>,
    /// The kind of a resource that is not as FHIR R4 writes it, and so is not read.
    pub unreadable: Option<String>,
    updated: Option<Timestamp>,
}

impl Entry {
    /// What its resource is told apart by; servers may give the same ids.
    fn key(&self) -> Option<String> {
        let resource = self.resource.as_ref()?;
        let server = self.full_url.as_deref().filter(|address| address.starts_with("http"));
        Some(format!("{} {}/{}", server.unwrap_or_default(), resource.kind(), resource.id()?))
    }
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
            return Ok(Self {
                full_url: raw.full_url,
                removed,
                resource: None,
                identifiers: vec![],
                unreadable: None,
                updated: None,
            });
        }
        let identifiers = raw.resource.as_ref().map(identifiers::of).unwrap_or_default();
        let updated = raw.resource.as_ref().and_then(|r| r.pointer("/meta/lastUpdated")?.as_str()?.parse().ok());
        let kind = raw.resource.as_ref().and_then(|r| r.get("resourceType")?.as_str()).map(word);
        // One odd field takes its resource away, and no other. Without the Patient there is nobody.
        let (resource, unreadable) = match raw.resource.map(Resource::deserialize).transpose() {
            Ok(resource) => (resource, None),
            Err(error) if kind.as_deref() == Some("Patient") => return Err(D::Error::custom(error)),
            Err(_) => (None, Some(kind.unwrap_or_else(|| "unreadable".to_owned()))),
        };
        Ok(Self { full_url: raw.full_url, removed: None, resource, identifiers, unreadable, updated })
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
