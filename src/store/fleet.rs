//! Places of the fleet. Nobody is in them, so they are in clear; whoever changes one stands in the audit trail.
//!
//! Invariant: a rule of the tree is checked on what was read, and again by the database's keys and the statement itself where somebody
//! else may have changed it meanwhile.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{Row, any::AnyRow};

use super::{
    Store,
    adt::room_id,
    audit::Draft,
    error::StoreError,
    job::{JobError, Refusal, Step},
};
use crate::{
    fleet::{
        adt::Location,
        device::{Deed, Device, WrongDeed},
        roster::{self, Roster, Within},
        settings::{BadSetting, Settings},
        tree::{NewNode, Node, NodeKind, Tree, TreeError},
    },
    policy::{CredentialId, Event, JournalEntry, NodeId, RoomId},
};

/// Places or devices that are made in one commit.
const TOGETHER: usize = 250;

/// Why something cannot be done with the fleet. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A rule of the tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// What may become of a device.
    #[error(transparent)]
    Deed(#[from] WrongDeed),
    /// A value that cannot be set.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// No such device.
    #[error("there is no such device; see: wellspoken fleet list")]
    NoSuchDevice,
    /// Two of the same number.
    #[error("there is a device of that serial number already")]
    SerialTaken,
    /// What can be no number.
    #[error("a serial number must be 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`")]
    BadSerial,
    /// A device would stand where nobody can lie.
    #[error(
        "a device needs a place that is a room, or lies in one; give the place a room, or put the device into a bed"
    )]
    NoRoom,
    /// Somebody else was faster.
    #[error("it was changed meanwhile. Look at what it is now and try again")]
    Changed,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for FleetError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<JobError> for FleetError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Refused(_) => Self::Changed,
            JobError::Store(error) => Self::Store(error),
        }
    }
}

/// Who changes something of the fleet.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// Whoever sits at the server.
    Operator(&'a str),
    /// A member of staff, signed in.
    Staff(&'a CredentialId),
    /// The device itself.
    Device,
}

impl Store {
    /// Every place, retired ones too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tree(&self) -> Result<Tree, StoreError> {
        let all = "SELECT id, parent, kind, name, room, location, settings, version, retired FROM node";
        let rows = self.inner.database.ask(all, &[]).await?;
        Ok(Tree::new(rows.iter().map(node_of).collect::<Result<_, _>>()?))
    }

    /// When anything was changed last that settings hang on, in microseconds since 1970.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fleet_version(&self) -> Result<i64, StoreError> {
        let newest = "SELECT COALESCE(MAX(version), 0) AS newest FROM node";
        let row = self.inner.database.ask_one(newest, &[]).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get("newest"))?)
    }

    /// The rooms of the units of that name in the tree.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rooms_of_unit(&self, name: &str) -> Result<Vec<RoomId>, StoreError> {
        Ok(self.tree().await?.rooms_of_unit(name).into_iter().collect())
    }

    /// Makes a place, and says which bed of the admission system it is; audited.
    ///
    /// # Errors
    /// When it may not lie there, or the database fails.
    pub async fn add_place(&self, new: &NewNode, by: By<'_>, at: Timestamp) -> Result<NodeId, FleetError> {
        self.tree().await?.may_add(new)?;
        let id = NodeId::fresh(at, self.random()?);
        let (steps, drafts) = self.place_steps(&id, new, by, at)?;
        self.inner.writer.submit(steps, drafts).await?;
        Ok(id)
    }

    /// The statements that make a place, and their audit rows.
    pub(super) fn place_steps(
        &self,
        id: &NodeId,
        new: &NewNode,
        by: By<'_>,
        at: Timestamp,
    ) -> Result<(Vec<Step>, Vec<Draft>), StoreError> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let mut steps = vec![
            Step::new(
                "INSERT INTO node (id, parent, kind, name, room, location, settings, version, retired) \
                 VALUES ($1, $2, $3, $4, $5, $6, '{}', $7, NULL)",
                vec![
                    id.as_str().into(),
                    new.parent.as_ref().map_or("", NodeId::as_str).into(),
                    new.kind.name().into(),
                    new.name.as_str().into(),
                    text(new.room.as_ref().map(RoomId::as_str)).into(),
                    text(new.location.as_ref().map(Location::as_str)).into(),
                    at.as_microsecond().into(),
                ],
            )
            .or_duplicate(Refusal::Repeated),
        ];
        let mut drafts = vec![self.fleet_draft(by, "fleet.place", "made", id.as_str(), at)?];
        if let (Some(location), Some(room)) = (&new.location, &new.room) {
            let (mapped, draft) = self.bed_steps(location, Some(room), &by.named(), at)?;
            steps.extend(mapped);
            drafts.push(draft);
        }
        Ok((steps, drafts))
    }

    /// Puts a place with all that lies in it into another; audited. What is set there counts for it from now on.
    ///
    /// # Errors
    /// When it may not lie there, or the database fails.
    pub async fn move_place(&self, id: &NodeId, to: &NodeId, by: By<'_>, at: Timestamp) -> Result<(), FleetError> {
        self.tree().await?.may_move(id, to)?;
        let step = Step::new(
            "UPDATE node SET parent = $2, version = $3 WHERE id = $1 AND retired IS NULL",
            vec![id.as_str().into(), to.as_str().into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere)
        .or_duplicate(Refusal::Repeated);
        let draft = self.fleet_draft(by, "fleet.place", "moved", id.as_str(), at)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// Takes an empty place out of use; audited. Its bed of the admission system is no room any more.
    ///
    /// # Errors
    /// When something is still in it, or the database fails.
    pub async fn retire_place(&self, id: &NodeId, by: By<'_>, at: Timestamp) -> Result<(), FleetError> {
        let tree = self.tree().await?;
        let there = "SELECT id FROM device WHERE node = $1 AND state <> 'retired' LIMIT 1";
        let devices = self.inner.database.ask_one(there, &[id.as_str().into()]).await?.is_some();
        tree.may_retire(id, devices)?;
        let mut steps = vec![
            Step::new(
                "UPDATE node SET retired = $2 WHERE id = $1 AND retired IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM device WHERE device.node = $1 AND device.state <> 'retired')",
                vec![id.as_str().into(), at.as_microsecond().into()],
            )
            .or_nothing(Refusal::NotThere),
        ];
        if let Some(Node { location: Some(location), room: Some(room), .. }) = tree.get(id) {
            steps.push(Step::new(
                "DELETE FROM adt_bed WHERE location = $1 AND room = $2",
                vec![location.as_str().into(), room.as_str().into()],
            ));
        }
        let draft = self.fleet_draft(by, "fleet.place", "retired", id.as_str(), at)?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(())
    }

    /// Sets what counts at a place, instead of what was set there; audited.
    ///
    /// # Errors
    /// When a value cannot be set, there is no such place, or the database fails.
    pub async fn set_settings(
        &self,
        id: &NodeId,
        settings: Settings,
        by: By<'_>,
        at: Timestamp,
    ) -> Result<(), FleetError> {
        let settings = settings.checked()?;
        self.tree().await?.live(id)?;
        let step = Step::new(
            "UPDATE node SET settings = $2, version = $3 WHERE id = $1 AND retired IS NULL",
            vec![
                id.as_str().into(),
                serde_json::to_string(&settings).unwrap_or_default().into(),
                at.as_microsecond().into(),
            ],
        )
        .or_nothing(Refusal::NotThere);
        let draft = self.fleet_draft(by, "fleet.settings", "set", id.as_str(), at)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// Reads a table against the places and devices there are; nothing is made.
    ///
    /// # Errors
    /// When the system has no randomness for the ids of new places.
    pub fn read_roster(
        &self,
        text: &str,
        tree: &Tree,
        devices: &[Device],
        within: &Within<'_>,
        at: Timestamp,
    ) -> Result<Roster, StoreError> {
        let mut failed = None;
        let roster = roster::read(text, tree, devices, within, || {
            let random = self.random().unwrap_or_else(|error| {
                failed = Some(error);
                [0; 10]
            });
            NodeId::fresh(at, random)
        });
        failed.map_or(Ok(roster), Err)
    }

    /// Makes what a table says, a few hundred in a commit; audited. Gives each device's serial number and code, and tells how many
    /// of all are done. Killed in between, what was made is there, and the table is read again.
    ///
    /// # Errors
    /// When the database fails, or somebody else changed the fleet meanwhile.
    pub async fn make_roster(
        &self,
        roster: &Roster,
        by: By<'_>,
        at: Timestamp,
        mut done: impl FnMut(usize, usize),
    ) -> Result<Vec<(String, String)>, FleetError> {
        let all = roster.places.len() + roster.devices.len() + roster.waiting.len();
        let (mut made, mut codes) = (0, vec![]);
        for places in roster.places.chunks(TOGETHER) {
            let (mut steps, mut drafts) = (vec![], vec![]);
            for (id, new) in places {
                let (more, rows) = self.place_steps(id, new, by, at)?;
                steps.extend(more);
                drafts.extend(rows);
            }
            self.inner.writer.submit(steps, drafts).await?;
            made += places.len();
            done(made, all);
        }
        for devices in roster.devices.chunks(TOGETHER) {
            let (mut steps, mut drafts, mut told) = (vec![], vec![], vec![]);
            for new in devices {
                let (id, code, step) = self.device_step(&new.serial, &new.node, new.channel, at)?;
                steps.push(step);
                drafts.push(self.fleet_draft(by, "fleet.device", "made", id.as_str(), at)?);
                told.push((new.serial.clone(), code));
            }
            self.inner.writer.submit(steps, drafts).await?;
            codes.extend(told);
            made += devices.len();
            done(made, all);
        }
        for waiting in roster.waiting.chunks(TOGETHER) {
            let (mut steps, mut drafts, mut told) = (vec![], vec![], vec![]);
            for (id, serial) in waiting {
                let (code, step) = self.code_step(id, at)?;
                steps.push(step);
                drafts.push(self.fleet_draft(by, "fleet.device", Deed::Code.done(), id.as_str(), at)?);
                told.push((serial.clone(), code));
            }
            self.inner.writer.submit(steps, drafts).await?;
            codes.extend(told);
            made += waiting.len();
            done(made, all);
        }
        Ok(codes)
    }

    /// An audit row about the fleet; it is about nobody.
    pub(super) fn fleet_draft(
        &self,
        by: By<'_>,
        what: &str,
        outcome: &'static str,
        about: &str,
        at: Timestamp,
    ) -> Result<Draft, StoreError> {
        let (actor, name, channel) = match by {
            By::Operator(name) => (None, Some(name), "staff"),
            By::Staff(member) => (Some(member.clone()), None, crate::policy::STAFF),
            By::Device => (None, None, "device"),
        };
        let entry = JournalEntry {
            event: Event::Fleet,
            subject: None,
            actor,
            intent: Some(what.to_owned()),
            channel,
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at,
        };
        self.draft_about(&entry, name, Some(about))
    }
}

impl By<'_> {
    /// How an audit row of another part of the store names them.
    pub(super) fn named(&self) -> String {
        match self {
            Self::Operator(name) => (*name).to_owned(),
            Self::Staff(member) => format!("staff {}", member.as_str()),
            Self::Device => "the device".to_owned(),
        }
    }
}

fn node_of(row: &AnyRow) -> Result<Node, StoreError> {
    let damaged = || StoreError::Damaged("node".into());
    let id = |text: &str| NodeId::parse(text).map_err(|_| damaged());
    let parent: String = row.try_get("parent")?;
    Ok(Node {
        id: id(&row.try_get::<String, _>("id")?)?,
        parent: (!parent.is_empty()).then(|| id(&parent)).transpose()?,
        kind: NodeKind::named(&row.try_get::<String, _>("kind")?).ok_or_else(damaged)?,
        name: row.try_get("name")?,
        room: row.try_get::<Option<String>, _>("room")?.map(|room| room_id(&room)).transpose()?,
        location: row.try_get::<Option<String>, _>("location")?.and_then(|text| Location::parse(&text)),
        settings: read(&row.try_get::<String, _>("settings")?).ok_or_else(damaged)?,
        version: row.try_get("version")?,
        retired: row.try_get::<Option<i64>, _>("retired")?.is_some(),
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
