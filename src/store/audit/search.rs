//! Looking for rows of the trail: by time, kind, outcome, whose data, through which rooms' devices, by which member of staff.
//!
//! Invariants: a look is bounded, whatever the trail holds; of what a person asked their own assistant for, it tells that they asked
//! and not what. What the database keeps in clear or as a keyed hash is looked for there; the rest is opened row by row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{
    super::{Store, error::StoreError, keys::KeyError, keys::KeyOwner},
    Told,
    about::OWN,
    chain::Entry,
};
use crate::policy::{PersonId, RoomId};

/// Rows of one answer.
const MOST: usize = 50;
/// Rows that are looked at for one answer.
const MOST_LOOKED_AT: usize = 10_000;

/// What is looked for; what is absent does not narrow it.
#[derive(Clone, Default)]
pub struct TrailQuery {
    /// From the first row at or after this time.
    pub from: Option<Timestamp>,
    /// To the last row before this time.
    pub to: Option<Timestamp>,
    /// The kind, as the chain has it.
    pub event: Option<&'static str>,
    /// How it ended, as the chain has it.
    pub outcome: Option<String>,
    /// Whose data.
    pub person: Option<PersonId>,
    /// Through a device that stands in one of these rooms, or about such a device or place.
    pub rooms: Option<BTreeSet<RoomId>>,
    /// By this member of staff: their name, or the keyed hash that stands for them.
    pub staff: Option<String>,
    /// Only rows before this one; for going on.
    pub before: Option<i64>,
}

/// A row that was found. Not `Debug`: it tells who looked at whom.
pub struct TrailRow {
    /// Its number in the chain.
    pub entry: i64,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub event: String,
    /// Through what.
    pub channel: String,
    /// How it ended, where it says.
    pub outcome: Option<String>,
    /// The row it closes.
    pub closes: Option<i64>,
    /// Who: staff by name, whoever sits at the server as they are called there.
    pub who: Option<String>,
    /// The room of the device that asked.
    pub room: Option<String>,
    /// Whose data, by a random id.
    pub person: Option<String>,
    /// The device or place that it is about.
    pub thing: Option<String>,
    /// What staff or the program did. Not told of what somebody asked their own assistant.
    pub what: Option<String>,
    /// False where its key was destroyed: it tells no more than the chain.
    pub readable: bool,
}

/// What was found.
pub struct TrailPage {
    /// The newest first.
    pub rows: Vec<TrailRow>,
    /// Where to go on from; absent where there is nothing more.
    pub next: Option<i64>,
    /// Rows that may have been meant and that nobody can read any more.
    pub unreadable: u64,
}

/// What rows are compared with, and told by.
struct Known {
    staff: HashMap<String, String>,
    /// The room of each device that comes with a credential.
    devices: BTreeMap<String, String>,
    /// Places and devices of the fleet: what they are called, and their room.
    things: BTreeMap<String, (String, Option<RoomId>)>,
}

impl Store {
    /// Looks for rows of the trail, the newest first. That somebody looks, they have written down before.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn audit_search(&self, query: &TrailQuery) -> Result<TrailPage, StoreError> {
        let known = self.known().await?;
        let mut page = TrailPage { rows: vec![], next: None, unreadable: 0 };
        let (mut before, mut looked_at) = (query.before.unwrap_or(i64::MAX), 0);
        loop {
            let rows = self.trail_before(query, before).await?;
            if rows.is_empty() {
                return Ok(page);
            }
            for row in rows {
                let entry = Entry::read(&row)?;
                if page.rows.len() == MOST || looked_at == MOST_LOOKED_AT {
                    page.next = Some(before);
                    return Ok(page);
                }
                looked_at += 1;
                before = entry.seq;
                let told = self.told(&entry)?;
                if told.is_none() && (query.rooms.is_some() || query.staff.is_some()) {
                    page.unreadable += 1;
                } else if told.as_ref().is_none_or(|told| known.fits(query, told)) {
                    page.rows.push(known.row(entry, told)?);
                }
            }
        }
    }

    /// Whether a person's key was destroyed.
    #[must_use]
    pub fn is_forgotten(&self, person: &PersonId) -> bool {
        matches!(self.inner.keys.key(&KeyOwner::Person(person.clone())), Err(KeyError::Gone))
    }

    /// The next rows back that fit by what is in clear.
    async fn trail_before(&self, query: &TrailQuery, before: i64) -> Result<Vec<AnyRow>, StoreError> {
        let owner = query.person.clone().map(|person| self.inner.keys.name(&KeyOwner::Person(person)));
        let micros = |at: Option<Timestamp>, or| at.map_or(or, Timestamp::as_microsecond);
        let fitting = "SELECT seq, at, event, channel, closes, outcome, owner, sealed, hash FROM audit \
            WHERE seq < $1 AND at >= $2 AND at < $3 AND ($4 = '' OR event = $4) AND ($5 = '' OR outcome = $5) \
            AND ($6 = '' OR owner = $6) ORDER BY seq DESC LIMIT 500";
        let values = [
            before.into(),
            micros(query.from, i64::MIN).into(),
            micros(query.to, i64::MAX).into(),
            query.event.unwrap_or_default().into(),
            query.outcome.clone().unwrap_or_default().into(),
            owner.unwrap_or_default().into(),
        ];
        self.inner.database.ask(fitting, &values).await
    }

    async fn known(&self) -> Result<Known, StoreError> {
        let mut devices = BTreeMap::new();
        let rooms = "SELECT id, room FROM credential WHERE room IS NOT NULL";
        for row in self.inner.database.ask(rooms, &[]).await? {
            devices.insert(row.try_get("id")?, row.try_get("room")?);
        }
        let tree = self.tree().await?;
        let mut things = BTreeMap::new();
        for node in tree.all() {
            things.insert(node.id.as_str().to_owned(), (tree.called(&node.id), tree.room_of(&node.id).cloned()));
        }
        for device in self.devices().await? {
            let room = tree.room_of(&device.node).cloned();
            things.insert(device.id.as_str().to_owned(), (format!("device {}", device.serial), room));
        }
        Ok(Known { staff: self.staff_names().await?, devices, things })
    }
}

impl Known {
    /// Whether a row is by whom, and from where, somebody looks for.
    fn fits(&self, query: &TrailQuery, told: &Told) -> bool {
        let staff = query.staff.as_ref().is_none_or(|wanted| self.is_by(wanted, told));
        staff && query.rooms.as_ref().is_none_or(|rooms| self.is_in(rooms, told))
    }

    fn is_by(&self, wanted: &str, told: &Told) -> bool {
        let named = |name: &str| name.to_lowercase() == wanted.to_lowercase();
        let member = |id: &str| id == wanted || self.staff.get(id).is_some_and(|name| named(name));
        let by = |by: &str| named(by) || by.strip_prefix("staff ").is_some_and(member);
        told.actor.as_deref().is_some_and(member) || told.by.as_deref().is_some_and(by)
    }

    fn is_in(&self, rooms: &BTreeSet<RoomId>, told: &Told) -> bool {
        let through = told.actor.as_ref().and_then(|actor| self.devices.get(actor));
        let about = told.key.as_ref().and_then(|key| self.things.get(key)).and_then(|(_, room)| room.as_ref());
        through.is_some_and(|through| rooms.iter().any(|room| room.as_str() == through))
            || about.is_some_and(|about| rooms.contains(about))
    }

    fn row(&self, entry: Entry, told: Option<Told>) -> Result<TrailRow, StoreError> {
        let readable = told.is_some();
        let told = told.unwrap_or_default();
        let name = |id: &String| self.staff.get(id).cloned();
        let by = told.by.map(|by| by.strip_prefix("staff ").and_then(|id| name(&id.to_owned())).unwrap_or(by));
        Ok(TrailRow {
            entry: entry.seq,
            at: Timestamp::from_microsecond(entry.at).map_err(|_| StoreError::Damaged("audit.at".into()))?,
            who: by.or_else(|| name(told.actor.as_ref()?)),
            room: told.actor.as_ref().and_then(|actor| self.devices.get(actor)).cloned(),
            person: told.subject,
            thing: told.key.and_then(|key| self.things.get(&key)).map(|(called, _)| called.clone()),
            what: told.intent.filter(|_| !OWN.contains(&entry.channel.as_str())),
            event: entry.event,
            channel: entry.channel,
            outcome: entry.outcome,
            closes: entry.closes,
            readable,
        })
    }
}
