//! The demo people of `serve --demo`: invented, imported as of now, and reachable by one-time links.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::program::{Program, fresh_token};
use crate::{
    policy::{PersonId, RoomId, Scope, Surface},
    records::{Position, demo},
    store::{Grant, ImportOptions, Store},
};

/// How long a demo link may be opened.
const LINK: SignedDuration = SignedDuration::from_hours(24);

/// Who gets a link: file, how the link is announced, and the hospital room they lie in (nobody else's page is
/// in a room, so theirs is the organization's own).
const LINKS: [(&str, &str, Option<&str>); 2] = [
    ("rosa-delgado.json", "talk as Rosa Delgado, in room-12", Some("room-12")),
    ("milo-tran.json", "talk as Milo Tran, on the clinic's own page", None),
];

/// The demo people, known and having agreed to everything.
pub struct Demo {
    people: Vec<(&'static str, PersonId)>,
}

impl Demo {
    /// Makes the demo people known. Once more changes nothing but their dates.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn import(program: &Program) -> anyhow::Result<Self> {
        let app = program.app();
        let now = app.ambient().now();
        let zone = TimeZone::get(&app.config().place.zone)?;
        Self::places(app.store(), now, &zone).await?;
        let mut people = Vec::new();
        for (file, chart) in demo::all(now, &zone)? {
            if file == demo::CANARY_FILE {
                continue; // for tests only
            }
            let room = LINKS.iter().find(|(f, ..)| *f == file).and_then(|(_, _, room)| *room);
            let options = ImportOptions {
                pin: None,
                consent: Some(Scope::ALL.to_vec()),
                room: room.map(RoomId::parse).transpose()?,
                replace: true,
            };
            people.push((file, app.store().import(&chart, options, now).await?));
        }
        Ok(Self { people })
    }

    /// Makes the places of urgent care known, how long people wait at one of them, and where the demo room is.
    async fn places(store: &Store, now: Timestamp, zone: &TimeZone) -> anyhow::Result<()> {
        let places = demo::places(now, zone)?;
        store.set_care_places(&places, "demo", now).await?;
        store.set_wait("harbor-urgent-care", 25, "demo", now).await?;
        if let (Some(room), Some(here)) = (LINKS[0].2, Position::new(42.3601, -71.0589)) {
            store.set_position(&RoomId::parse(room)?, Some(here), "demo", now).await?;
        }
        Ok(())
    }

    /// One line a link, each good for one browser.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn links(&self, program: &Program, url: &str) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        for (file, announced, room) in LINKS {
            let secret = self.grant(program, file, room, true).await?;
            lines.push(format!("{announced}: {url}/#{secret}"));
        }
        Ok(lines)
    }

    /// A bearer token of a device in the first person's room.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn device(&self, program: &Program) -> anyhow::Result<String> {
        let (file, _, room) = LINKS[0];
        self.grant(program, file, room, false).await
    }

    async fn grant(&self, program: &Program, file: &str, room: Option<&str>, one_time: bool) -> anyhow::Result<String> {
        let app = program.app();
        let now = app.ambient().now();
        // A room's person is whoever lies there.
        let (surface, person) = match room {
            Some(room) => (Surface::Room(RoomId::parse(room)?), None),
            None => (Surface::Chat, self.people.iter().find(|(f, _)| *f == file).map(|(_, id)| id.clone())),
        };
        let token = fresh_token(app);
        let expires = now.checked_add(LINK)?;
        app.store().issue(&Grant { surface, person, label: "demo".into(), one_time, expires }, &token, now).await?;
        Ok(token)
    }
}
