//! What a person is shown of what can be connected, and what is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Organizations, Visitor, fetch::KINDS};
use crate::{
    smart::scopes,
    store::{Connection, ConnectionState, PAIRED_LASTS},
};

/// What can be connected, and what is.
#[derive(Serialize, ToSchema)]
pub struct Shown {
    /// Whether somebody signed in; with a code alone nothing can be ended, and only what it began is shown.
    pub signed_in: bool,
    /// The organization that was named when the code was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The organizations that can be connected.
    pub organizations: Vec<Asks>,
    /// What is connected.
    pub connections: Vec<ShownConnection>,
}

/// An organization, and what it will be asked for.
#[derive(Serialize, ToSchema)]
pub struct Asks {
    /// For beginning.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What will be read, in words.
    pub asks: Vec<&'static str>,
}

/// One connection.
#[derive(Serialize, ToSchema)]
pub struct ShownConnection {
    /// For ending it.
    pub id: String,
    /// What the organization is called.
    pub name: String,
    /// `importing`, `ready`, `lapsed` or `ended`.
    pub state: &'static str,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When what is there was fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fetched: Option<Timestamp>,
    /// How far fetching is, while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What was granted, in words.
    pub granted: Vec<&'static str>,
    /// What was asked for and not granted, in words.
    pub missing: Vec<&'static str>,
    /// How many records of each kind are used.
    pub used: BTreeMap<String, usize>,
    /// How many of each kind are not, with the reason where there is one.
    pub skipped: BTreeMap<String, usize>,
}

/// How far fetching is.
#[derive(Serialize, ToSchema)]
pub struct Progress {
    /// Kinds of records that are here.
    pub done: usize,
    /// Kinds there are.
    pub of: usize,
}

pub(super) fn of(organizations: &Organizations, visitor: &Visitor, all: &[Connection], now: Timestamp) -> Shown {
    // Whoever heard the code learns nothing of what was connected before.
    let began = |connection: &&Connection| !visitor.by_code || now.duration_since(connection.since) < PAIRED_LASTS;
    Shown {
        signed_in: !visitor.by_code,
        named: visitor.named.clone(),
        organizations: organizations.all.iter().map(|(one, _)| asks(one.config())).collect(),
        connections: all.iter().filter(began).map(|one| connection(organizations, one)).collect(),
    }
}

fn asks(config: &crate::config::OrganizationConfig) -> Asks {
    Asks { id: config.id.clone(), name: config.name.clone(), asks: scopes::told(&config.scopes) }
}

fn connection(organizations: &Organizations, one: &Connection) -> ShownConnection {
    let details = &one.details;
    let asked = organizations.named(&details.organization).map(|(known, _)| known.config().scopes.clone());
    let state = match one.state {
        ConnectionState::Importing => "importing",
        ConnectionState::Ready => "ready",
        ConnectionState::Lapsed => "lapsed",
        ConnectionState::Ended | ConnectionState::Leaving => "ended",
    };
    ShownConnection {
        id: one.id.clone(),
        name: details.name.clone(),
        state,
        since: one.since,
        fetched: details.fetched,
        progress: (one.state == ConnectionState::Importing)
            .then_some(Progress { done: details.fetched_kinds.min(KINDS.len()), of: KINDS.len() }),
        granted: scopes::told(&details.granted),
        missing: scopes::missing(&asked.unwrap_or_default(), &details.granted),
        used: details.used.clone(),
        skipped: details.skipped.clone(),
    }
}
