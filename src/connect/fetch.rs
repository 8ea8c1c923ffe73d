//! Reading what was connected: kind by kind, kept as it comes, taken up again after a restart.
//!
//! Invariants: whoever works on a connection has claimed it, and every write names the claim; a refresh token is shown once
//! and what comes back is kept before it is used; facts change in one commit, when all of them are here. An organization
//! that takes its tokens no longer is no error: what was fetched stays, and the person is told.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Desk, kept_access};
use crate::{
    config::{OrganizationConfig, ServerConfig},
    fhir::{FhirError, Server},
    policy::{Event, JournalEntry},
    records::fhir_bundle,
    smart::{Organization, SmartError, scopes},
    store::{Connection, ConnectionState, NOT_GRANTED, REFUSED, StoreError},
};

/// What a search brings along.
type Along = &'static [(&'static str, &'static str)];

/// What is read, in this order, and what comes along with it.
pub(super) const KINDS: [(&str, Along); 11] = [
    ("Patient", &[]),
    ("MedicationRequest", &[("_include", "MedicationRequest:medication"), ("_include", "MedicationRequest:requester")]),
    ("MedicationDispense", &[]),
    ("Appointment", &[("_include", "Appointment:practitioner"), ("_include", "Appointment:location")]),
    ("Encounter", &[]),
    ("Observation", &[]),
    ("DiagnosticReport", &[]),
    ("AllergyIntolerance", &[]),
    ("Condition", &[]),
    ("Immunization", &[]),
    ("CareTeam", &[]),
];

/// How a kind is asked for where the server refuses to give all of it at once, as servers that keep to the searches of the
/// US Core Implementation Guide may: its profiles for laboratory results, vital signs, laboratory reports and
/// MedicationRequest each name these ("Quick Start", mandatory search parameters).
const fn narrower(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind.as_bytes() {
        b"Observation" => &[("category", "laboratory"), ("category", "vital-signs")],
        b"DiagnosticReport" => &[("category", "LAB")],
        b"MedicationRequest" => &[("intent", "order,plan")],
        _ => &[],
    }
}

/// An access token is renewed so long before it ends.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// How soon it is tried again where the organization does not answer.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// Resources of one connection that are kept.
const MOST: usize = 100_000;

/// What came of one go at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// All of it is here.
    Ready,
    /// The organization does not answer; it is tried again.
    Later,
    /// The organization takes its tokens no longer.
    Lapsed,
    /// It was taken back aloud; its tokens are on their way back.
    Left,
    /// Somebody else has it, or it was taken back.
    NotMine,
}

/// Why a go ended before everything was here.
enum Stop {
    Later,
    Lapsed,
    NotMine,
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How the client of FHIR servers is told of an organization.
pub(super) fn server_config(one: &OrganizationConfig) -> ServerConfig {
    ServerConfig {
        name: one.name.clone(),
        base: one.fhir.clone(),
        timeout_ms: one.timeout_ms,
        ca: one.ca.clone(),
        batch: false,
        notify: None,
        topics: BTreeMap::new(),
        backend: None,
    }
}

impl Desk<'_> {
    /// Works on every connection that is due and nobody works on. Gives how many were worked on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fetch_due(&self) -> Result<usize, StoreError> {
        let due = self.store.due_connections(self.ambient.now()).await?;
        let mut worked = 0;
        for id in due {
            match self.fetch(&id).await {
                Ok(Fetched::NotMine) => {}
                Ok(how) => {
                    worked += 1;
                    tracing::info!(outcome = ?how, "a person's records were fetched");
                }
                // One person's trouble does not keep the others from theirs.
                Err(error) => tracing::warn!(%error, "a person's records could not be fetched; it is tried again"),
            }
        }
        Ok(worked)
    }

    /// Fetches what was connected, from where the last go ended.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn fetch(&self, id: &str) -> Result<Fetched, StoreError> {
        let Some(mut held) = self.store.claim_connection(id, self.ambient.now()).await? else {
            return Ok(Fetched::NotMine);
        };
        if held.state == ConnectionState::Leaving {
            let entry = self.row(&held, "disconnected")?;
            let Some(taken) = self.store.left(&held, &entry).await? else { return Ok(Fetched::NotMine) };
            // It is over here whether or not the organization hears of it; it is told until it does.
            self.tell_now(taken.tokens.as_deref()).await;
            return Ok(Fetched::Left);
        }
        let ended = match self.organizations.named(&held.details.organization) {
            Some((client, server)) => self.fetch_held(&mut held, client, server).await,
            // It was taken out of the configuration.
            None => Err(Stop::Lapsed),
        };
        let (now, held) = (self.ambient.now(), held);
        match ended {
            Ok(()) => Ok(Fetched::Ready),
            Err(Stop::Later) => {
                self.store.let_go(&held, false, now + AGAIN, None).await?;
                Ok(Fetched::Later)
            }
            Err(Stop::Lapsed) => {
                let entry = self.row(&held, "lapsed")?;
                self.store.let_go(&held, true, now, Some(&entry)).await?;
                Ok(Fetched::Lapsed)
            }
            Err(Stop::NotMine) => Ok(Fetched::NotMine),
            Err(Stop::Store(error)) => Err(error),
        }
    }

    async fn fetch_held(&self, held: &mut Connection, client: &Organization, server: &Server) -> Result<(), Stop> {
        if held.details.fetched_kinds >= KINDS.len() || held.details.fetched_kinds == 0 {
            held.details.fetched_kinds = 0;
            held.details.skipped.clear();
        }
        for (kind, along) in KINDS.iter().skip(held.details.fetched_kinds) {
            let page = if scopes::may_read(&held.details.granted, kind) {
                self.read(held, client, server, kind, along).await?
            } else {
                held.details.skipped.insert(format!("{kind}: {NOT_GRANTED}"), 0);
                vec![]
            };
            held.details.fetched_kinds += 1;
            if !self.store.note_connection(held, Some(&page), self.ambient.now()).await? {
                return Err(Stop::NotMine);
            }
        }
        self.put_together(held).await
    }

    /// Reads one kind of resource: all of it at once, or in parts where the server gives it in no other way.
    async fn read(
        &self,
        held: &mut Connection,
        client: &Organization,
        server: &Server,
        kind: &'static str,
        along: Along,
    ) -> Result<Vec<String>, Stop> {
        if let Some(all) = self.read_by(held, client, server, kind, along, None).await? {
            return Ok(all);
        }
        let (mut all, mut whole) = (Vec::new(), !narrower(kind).is_empty());
        for part in narrower(kind) {
            match self.read_by(held, client, server, kind, along, Some(*part)).await? {
                Some(more) => all.extend(more),
                None => whole = false,
            }
        }
        if !whole {
            held.details.skipped.insert(format!("{kind}: {REFUSED}"), 0);
        }
        all.truncate(MOST);
        Ok(all)
    }

    /// What a search gives; `None` where the server refuses it.
    async fn read_by(
        &self,
        held: &mut Connection,
        client: &Organization,
        server: &Server,
        kind: &'static str,
        along: Along,
        part: Option<(&'static str, &'static str)>,
    ) -> Result<Option<Vec<String>>, Stop> {
        let mut along = along.to_vec();
        let mut renewed = false;
        loop {
            let token = self.token(held, client, renewed).await?;
            let id = &held.details.patient;
            let mut by = match kind {
                "Patient" => vec![("_id", id.clone())],
                _ => vec![("patient", format!("Patient/{id}"))],
            };
            // As many at once as the server gives: not every one says that there is more.
            by.push(("_count", "1000".to_owned()));
            by.extend(part.iter().chain(&along).map(|(name, what)| (*name, (*what).to_owned())));
            let answer = server.bearer(&token).search(kind, by).await;
            match answer {
                Ok(all) => return Ok(Some(all.into_iter().take(MOST).map(|one| one.get().to_owned()).collect())),
                // It may have been taken back before its time was over.
                Err(FhirError::Unauthorized) if !renewed => renewed = true,
                Err(FhirError::Unauthorized) => return Err(Stop::Lapsed),
                Err(error) if error.passing() => return Err(Stop::Later),
                // Not every server brings along what others do.
                Err(_) if !along.is_empty() => along.clear(),
                Err(_) => return Ok(None),
            }
        }
    }

    /// A token that works for a while yet. What a refresh gives is kept before it is used: the one that was shown for it may
    /// never be shown again.
    async fn token(&self, held: &mut Connection, client: &Organization, anew: bool) -> Result<Zeroizing<String>, Stop> {
        let now = self.ambient.now();
        let Some(access) = held.details.access.clone() else { return Err(Stop::Lapsed) };
        if !anew && access.expires > now + MARGIN {
            return Ok(access.access.0);
        }
        let Some(refresh) = &access.refresh else {
            // Without one it is used to its last second.
            return if !anew && access.expires > now { Ok(access.access.0) } else { Err(Stop::Lapsed) };
        };
        let tokens = match client.refresh(&refresh.0, now).await {
            Ok(tokens) => tokens,
            Err(SmartError::Silent(_)) => return Err(Stop::Later),
            Err(error) => {
                tracing::info!(%error, "an organization no longer takes what it gave");
                return Err(Stop::Lapsed);
            }
        };
        held.details.access = Some(kept_access(&tokens));
        let kept = self.store.note_connection(held, None, now).await;
        if !matches!(kept, Ok(true)) {
            // It was taken back meanwhile, and with it the right to these; or whose it was is nobody here any more.
            self.give_back(&held.details.organization, &kept_access(&tokens)).await;
            return Err(kept.map_or_else(Stop::Store, |_| Stop::NotMine));
        }
        Ok(tokens.access)
    }

    /// Everything is here: it becomes facts.
    async fn put_together(&self, held: &mut Connection) -> Result<(), Stop> {
        let pages = self.store.fetched_pages(held).await?;
        let bundle = bundle(&pages);
        let Ok(chart) = fhir_bundle::parse(bundle.as_bytes()) else {
            tracing::warn!("what an organization gave cannot be read");
            held.details.fetched_kinds = 0;
            return Err(Stop::Later);
        };
        let now = self.ambient.now();
        held.details.fetched = Some(now);
        held.details.used = chart.summary.read.clone();
        let skipped: BTreeMap<String, usize> =
            chart.summary.skipped.iter().chain(&chart.summary.unusable).map(|(k, n)| (k.clone(), *n)).collect();
        held.details.skipped.extend(skipped);
        let entry = JournalEntry { event: Event::Imported, ..self.row(held, "fetched")? };
        let due = now.checked_add(self.organizations.fetch_every).unwrap_or(now);
        if self.store.keep_fetched(held, &chart, due, &entry).await? { Ok(()) } else { Err(Stop::NotMine) }
    }

    fn row(&self, held: &Connection, outcome: &'static str) -> Result<JournalEntry, StoreError> {
        Ok(JournalEntry {
            event: Event::Connection,
            subject: Some(held.person()?),
            actor: None,
            intent: Some(super::INTENT.to_owned()),
            channel: "import",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at: self.ambient.now(),
        })
    }
}

/// The entries of a bundle, each resource once.
fn bundle(pages: &[String]) -> Zeroizing<String> {
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let fresh = pages.iter().filter(|text| {
        let Ok(resource) = serde_json::from_str::<Value>(text) else { return false };
        let word = |field: &str| resource.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, id) = (word("resourceType"), word("id"));
        id.is_empty() || seen.insert((kind, id))
    });
    let mut text = Zeroizing::new(String::from("{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["));
    for (n, resource) in fresh.enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str("{\"resource\":");
        text.push_str(resource);
        text.push('}');
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_resource_stands_in_the_bundle_once() {
        let one = |kind: &str, id: &str| json!({ "resourceType": kind, "id": id }).to_string();
        let pages =
            [one("Patient", "1"), one("Practitioner", "1"), one("Practitioner", "1"), "not json".into(), one("X", "")];
        let text = bundle(&pages);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["entry"].as_array().map(Vec::len), Some(3), "{}", *text);
    }
}
