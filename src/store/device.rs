//! Devices of the fleet: their codes, certificates and credentials.
//!
//! Invariants: a code is kept as a keyed hash and a wrong one is counted before it is looked at; a certificate counts while it stands
//! here, so that taking it away ends it on every connection at once; what a device was let in as ends with its place, so that a
//! conversation does not go on in another room.

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{
    FleetError, Grant, Store,
    error::StoreError,
    fleet::By,
    job::{JobError, Refusal, Step},
};
use crate::{
    fleet::{
        device::{CODE_LASTS, CODE_TRIES, Channel, Deed, Device, DeviceState, code_of, code_typed, is_serial},
        presence::Heard,
    },
    policy::{Caller, CredentialId, DeviceId, NodeId, RoomId},
};

/// How long what a device is let in as lasts; its certificates end long before.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(10 * 365 * 24);
/// Devices that are written down in one commit.
const HEARD_TOGETHER: usize = 500;

/// A certificate that was made.
#[derive(Debug, Clone, Copy)]
pub struct NewCertificate {
    /// Its SHA-256.
    pub fingerprint: [u8; 32],
    /// Until when it is good.
    pub expires: Timestamp,
}

impl Store {
    /// Makes a device known that is to stand there; gives its one-time code. Audited.
    ///
    /// # Errors
    /// When there is one of that number, the place is no room, or the database fails.
    pub async fn add_device(
        &self,
        serial: &str,
        node: &NodeId,
        channel: Channel,
        by: By<'_>,
        at: Timestamp,
    ) -> Result<(DeviceId, String), FleetError> {
        if !is_serial(serial) {
            return Err(FleetError::BadSerial);
        }
        let tree = self.tree().await?;
        tree.live(node)?;
        tree.room_of(node).ok_or(FleetError::NoRoom)?;
        let (id, code, step) = self.device_step(serial, node, channel, at)?;
        let draft = self.fleet_draft(by, "fleet.device", "made", id.as_str(), at)?;
        match self.inner.writer.submit(vec![step], vec![draft]).await {
            Ok(_) => Ok((id, code)),
            Err(JobError::Refused(_)) => Err(FleetError::SerialTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// The statement that makes a device known, with its id and code.
    pub(super) fn device_step(
        &self,
        serial: &str,
        node: &NodeId,
        channel: Channel,
        at: Timestamp,
    ) -> Result<(DeviceId, String, Step), StoreError> {
        let id = DeviceId::fresh(at, self.random()?);
        let code = code_of(self.random()?);
        let step = Step::new(
            "INSERT INTO device (id, serial, node, channel, state, made, code, code_until, tries, moves, version, acked, firmware) \
             VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7, 0, 0, $5, 0, '')",
            vec![
                id.as_str().into(),
                serial.into(),
                node.as_str().into(),
                channel.name().into(),
                at.as_microsecond().into(),
                self.device_code(&id, &code).into(),
                (at + CODE_LASTS).as_microsecond().into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        Ok((id, code, step))
    }

    /// A fresh code for a device. Whatever it was let in with before no longer counts. Audited.
    ///
    /// # Errors
    /// When there is no such device, it is retired, or the database fails.
    pub async fn new_device_code(&self, id: &DeviceId, by: By<'_>, at: Timestamp) -> Result<String, FleetError> {
        let device = self.device(id).await?.ok_or(FleetError::NoSuchDevice)?;
        let (code, set) = self.code_step(id, at)?;
        self.done_with(&device, Deed::Code, vec![set], by, at).await?;
        Ok(code)
    }

    /// The statement that gives a waiting device a fresh code, and the code.
    pub(super) fn code_step(&self, id: &DeviceId, at: Timestamp) -> Result<(String, Step), StoreError> {
        let code = code_of(self.random()?);
        let set = Step::new(
            "UPDATE device SET code = $2, code_until = $3, tries = 0 WHERE id = $1 AND state = 'waiting'",
            vec![id.as_str().into(), self.device_code(id, &code).into(), (at + CODE_LASTS).as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        Ok((code, set))
    }

    /// Puts a device elsewhere; audited. It keeps its certificate and is let in as another one: nothing that was said in the place
    /// before is gone on with.
    ///
    /// # Errors
    /// When there is no such device or place, the place is no room, or the database fails.
    pub async fn move_device(&self, id: &DeviceId, to: &NodeId, by: By<'_>, at: Timestamp) -> Result<(), FleetError> {
        let device = self.device(id).await?.ok_or(FleetError::NoSuchDevice)?;
        let tree = self.tree().await?;
        tree.live(to)?;
        let room = tree.room_of(to).ok_or(FleetError::NoRoom)?.clone();
        device.state.after(Deed::Move)?;
        let moves = device.moves + 1;
        let mut steps = vec![
            Step::new(
                "UPDATE device SET node = $2, version = $3, moves = $4 WHERE id = $1 AND state = $5 AND moves = $6",
                vec![
                    id.as_str().into(),
                    to.as_str().into(),
                    at.as_microsecond().into(),
                    moves.into(),
                    device.state.name().into(),
                    device.moves.into(),
                ],
            )
            .or_nothing(Refusal::NotThere),
        ];
        let mut drafts = vec![self.fleet_draft(by, "fleet.device", Deed::Move.done(), id.as_str(), at)?];
        if let Some(old) = &device.credential {
            steps.extend(ends(old));
            let (credential, step, draft) = self.let_in(&device, moves, room, at)?;
            steps.push(step);
            drafts.push(draft);
            steps.push(Step::new(
                "UPDATE device SET credential = $2 WHERE id = $1",
                vec![id.as_str().into(), credential.as_str().into()],
            ));
        }
        self.inner.writer.submit(steps, drafts).await?;
        device.credential.iter().for_each(|old| self.inner.wakes.device(old));
        Ok(())
    }

    /// Ends what a device is let in with, at once: it is lost, retired, or needs a new code. Audited.
    ///
    /// # Errors
    /// When there is no such device, that cannot be done with it now, or the database fails.
    pub async fn end_device(&self, id: &DeviceId, deed: Deed, by: By<'_>, at: Timestamp) -> Result<(), FleetError> {
        let device = self.device(id).await?.ok_or(FleetError::NoSuchDevice)?;
        self.done_with(&device, deed, vec![], by, at).await
    }

    async fn done_with(
        &self,
        device: &Device,
        deed: Deed,
        more: Vec<Step>,
        by: By<'_>,
        at: Timestamp,
    ) -> Result<(), FleetError> {
        let state = device.state.after(deed)?;
        let id = device.id.as_str();
        let mut steps = vec![
            Step::new(
                "UPDATE device SET state = $2, credential = NULL, code = NULL, code_until = NULL \
                 WHERE id = $1 AND state = $3 AND moves = $4",
                vec![id.into(), state.name().into(), device.state.name().into(), device.moves.into()],
            )
            .or_nothing(Refusal::NotThere),
            Step::new("DELETE FROM device_certificate WHERE device = $1", vec![id.into()]),
        ];
        steps.extend(device.credential.iter().flat_map(ends));
        steps.extend(more);
        let draft = self.fleet_draft(by, "fleet.device", deed.done(), id, at)?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        // Its open connections look again, and find that they stand for nobody.
        device.credential.iter().for_each(|old| self.inner.wakes.device(old));
        Ok(())
    }

    /// A device by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device(&self, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        let one = "SELECT id, serial, node, channel, state, credential, moves, version, acked, firmware, battery, seen \
            FROM device WHERE id = $1";
        let row = self.inner.database.ask_one(one, &[id.as_str().into()]).await?;
        row.map(|row| device_of(&row)).transpose()
    }

    /// The device that is let in as this credential.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_with(&self, credential: &CredentialId) -> Result<Option<DeviceId>, StoreError> {
        let one = "SELECT id FROM device WHERE credential = $1 AND state = 'active'";
        let row = self.inner.database.ask_one(one, &[credential.as_str().into()]).await?;
        row.map(|row| device_id(&row.try_get::<String, _>("id")?)).transpose()
    }

    /// The device of a serial number that is not retired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_of_serial(&self, serial: &str) -> Result<Option<Device>, StoreError> {
        let one = "SELECT id, serial, node, channel, state, credential, moves, version, acked, firmware, battery, seen \
            FROM device WHERE serial = $1 AND state <> 'retired'";
        let row = self.inner.database.ask_one(one, &[serial.into()]).await?;
        row.map(|row| device_of(&row)).transpose()
    }

    /// Every device that is not retired, by serial number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        let all = "SELECT id, serial, node, channel, state, credential, moves, version, acked, firmware, battery, seen \
            FROM device WHERE state <> 'retired' ORDER BY serial";
        let rows = self.inner.database.ask(all, &[]).await?;
        rows.iter().map(device_of).collect()
    }

    /// The device whose code that is; `None` where it is none, no longer works, or was wrong too often. Counted before it is looked
    /// at, and audited where it is wrong.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_device_code(
        &self,
        serial: &str,
        code: &str,
        at: Timestamp,
    ) -> Result<Option<DeviceId>, StoreError> {
        let Some(code) = code_typed(code).filter(|_| is_serial(serial)) else { return Ok(None) };
        // Whoever tries numbers at random keeps no disk busy.
        let open = "SELECT id FROM device WHERE serial = $1 AND state = 'waiting' AND code_until > $2 AND tries < $3";
        let values = [serial.into(), at.as_microsecond().into(), CODE_TRIES.into()];
        if self.inner.database.ask_one(open, &values).await?.is_none() {
            return Ok(None);
        }
        let tried = Step::new(
            "UPDATE device SET tries = tries + 1 WHERE serial = $1 AND state = 'waiting' AND code IS NOT NULL \
             AND code_until > $2 AND tries < $3",
            vec![serial.into(), at.as_microsecond().into(), CODE_TRIES.into()],
        )
        .or_nothing(Refusal::NotThere);
        match self.inner.writer.submit(vec![tried], vec![]).await {
            Ok(_) => {}
            Err(JobError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let waiting = "SELECT id, code FROM device WHERE serial = $1 AND state = 'waiting'";
        let Some(row) = self.inner.database.ask_one(waiting, &[serial.into()]).await? else { return Ok(None) };
        let id = device_id(&row.try_get::<String, _>("id")?)?;
        if row.try_get::<Option<String>, _>("code")? == Some(self.device_code(&id, &code)) {
            return Ok(Some(id));
        }
        let draft = self.fleet_draft(By::Device, "fleet.device", "code-wrong", id.as_str(), at)?;
        self.inner.writer.submit(vec![], vec![draft]).await?;
        Ok(None)
    }

    /// Lets a device in that showed its code; audited. False where the code was used meanwhile, or the device has no room.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn device_enrolled(
        &self,
        id: &DeviceId,
        code: &str,
        new: &NewCertificate,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(device) = self.device(id).await? else { return Ok(false) };
        let Some(room) = self.tree().await?.room_of(&device.node).cloned() else { return Ok(false) };
        let code = code_typed(code).map(|code| self.device_code(id, &code)).unwrap_or_default();
        let moves = device.moves + 1;
        let (credential, admitted, draft) = self.let_in(&device, moves, room, at)?;
        let steps = vec![
            Step::new(
                "UPDATE device SET state = 'active', code = NULL, code_until = NULL, tries = 0, credential = $3, moves = $4, \
                 version = $5, acked = 0, seen = $5 WHERE id = $1 AND state = 'waiting' AND code = $2 AND moves = $6",
                vec![
                    id.as_str().into(),
                    code.into(),
                    credential.as_str().into(),
                    moves.into(),
                    at.as_microsecond().into(),
                    device.moves.into(),
                ],
            )
            .or_nothing(Refusal::NotThere),
            Step::new("DELETE FROM device_certificate WHERE device = $1", vec![id.as_str().into()]),
            certificate_step(id, new, at),
            admitted,
        ];
        let told = self.fleet_draft(By::Device, "fleet.device", Deed::Enrol.done(), id.as_str(), at)?;
        done(self.inner.writer.submit(steps, vec![draft, told]).await)
    }

    /// The next certificate of a device that shows one; audited. The one shown stays, older ones do not. False where it is not let
    /// in any more.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn device_renewed(
        &self,
        id: &DeviceId,
        shown: &[u8; 32],
        new: &NewCertificate,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let steps = vec![
            // Lost meanwhile: then there is nothing to be renewed.
            Step::new(
                "UPDATE device SET state = 'active' WHERE id = $1 AND state = 'active' \
                 AND EXISTS (SELECT 1 FROM device_certificate WHERE fingerprint = $2 AND device = $1)",
                vec![id.as_str().into(), hex::encode(shown).into()],
            )
            .or_nothing(Refusal::NotThere),
            Step::new(
                "DELETE FROM device_certificate WHERE device = $1 AND fingerprint <> $2",
                vec![id.as_str().into(), hex::encode(shown).into()],
            ),
            certificate_step(id, new, at),
        ];
        let told = self.fleet_draft(By::Device, "fleet.device", "renewed", id.as_str(), at)?;
        done(self.inner.writer.submit(steps, vec![told]).await)
    }

    /// The device that a certificate stands for now; `None` for one that was revoked, replaced or has ended, and for a device that
    /// is not let in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_showing(&self, shown: &[u8; 32], at: Timestamp) -> Result<Option<DeviceId>, StoreError> {
        Ok(self.showing(shown, at).await?.map(|(device, _)| device))
    }

    /// The same, with who speaks there.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn device_caller(
        &self,
        shown: &[u8; 32],
        used: bool,
        at: Timestamp,
    ) -> Result<Option<(DeviceId, Caller)>, StoreError> {
        let Some((device, credential)) = self.showing(shown, at).await? else { return Ok(None) };
        Ok(self.caller(credential, used, at).await?.map(|caller| (device, caller)))
    }

    /// Writes down which devices were heard of, all together.
    ///
    /// # Errors
    /// When the database fails; nothing was written of the rest.
    pub async fn devices_heard(&self, heard: &[Heard]) -> Result<(), StoreError> {
        for heard in heard.chunks(HEARD_TOGETHER) {
            let steps = heard.iter().map(|heard| {
                Step::new(
                    "UPDATE device SET seen = $2, firmware = CASE WHEN $3 = '' THEN firmware ELSE $3 END, \
                     battery = COALESCE($4, battery), acked = CASE WHEN $5 > acked THEN $5 ELSE acked END WHERE id = $1",
                    vec![
                        heard.device.as_str().into(),
                        heard.at.as_microsecond().into(),
                        heard.told.firmware.as_deref().unwrap_or_default().into(),
                        heard.told.battery.map(i64::from).into(),
                        heard.told.acked.unwrap_or(0).into(),
                    ],
                )
            });
            self.inner.writer.submit(steps.collect(), vec![]).await?;
        }
        Ok(())
    }

    /// A device says which settings it has put in force; nothing for a credential that is no device's of the fleet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settings_acked(&self, credential: &CredentialId, version: i64) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE device SET acked = $2 WHERE credential = $1 AND acked < $2",
            vec![credential.as_str().into(), version.into()],
        );
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    async fn showing(&self, shown: &[u8; 32], at: Timestamp) -> Result<Option<(DeviceId, CredentialId)>, StoreError> {
        let good = "SELECT d.id, d.credential FROM device_certificate c JOIN device d ON d.id = c.device \
            WHERE c.fingerprint = $1 AND c.expires > $2 AND d.state = 'active' AND d.credential IS NOT NULL";
        let values = [hex::encode(shown).into(), at.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(good, &values).await? else { return Ok(None) };
        let credential = credential_id(&row.try_get::<String, _>("credential")?)?;
        Ok(Some((device_id(&row.try_get::<String, _>("id")?)?, credential)))
    }

    /// What a device in a room is let in as, after so many moves.
    fn let_in(
        &self,
        device: &Device,
        moves: i64,
        room: RoomId,
        at: Timestamp,
    ) -> Result<(CredentialId, Step, super::audit::Draft), StoreError> {
        let parts = [device.id.as_str().as_bytes(), &moves.to_be_bytes()];
        let id = credential_id(&self.inner.keys.root().hash("credential of a device", &parts))?;
        let grant = Grant {
            surface: device.channel.surface(room),
            person: None,
            label: device.serial.clone(),
            one_time: false,
            expires: at + LASTS,
        };
        let (step, draft) = self.admission(&id, &grant, at)?;
        Ok((id, step, draft))
    }

    fn device_code(&self, id: &DeviceId, code: &str) -> String {
        let plain = code_typed(code).unwrap_or_default();
        self.inner.keys.root().hash("code of a device", &[id.as_str().as_bytes(), plain.as_bytes()])
    }
}

/// What was let in as that is so no more, and nothing waits for it.
fn ends(credential: &CredentialId) -> Vec<Step> {
    let steps = [
        Step::new("DELETE FROM credential WHERE id = $1", vec![credential.as_str().into()]),
        Step::new("DELETE FROM member WHERE credential = $1", vec![credential.as_str().into()]),
    ];
    steps.into_iter().chain(Store::queue_ends(credential)).collect()
}

fn certificate_step(id: &DeviceId, new: &NewCertificate, at: Timestamp) -> Step {
    Step::new(
        "INSERT INTO device_certificate (fingerprint, device, issued, expires) VALUES ($1, $2, $3, $4)",
        vec![
            hex::encode(new.fingerprint).into(),
            id.as_str().into(),
            at.as_microsecond().into(),
            new.expires.as_microsecond().into(),
        ],
    )
    .or_duplicate(Refusal::Repeated)
}

fn done<T>(outcome: Result<T, JobError>) -> Result<bool, StoreError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(JobError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn device_id(text: &str) -> Result<DeviceId, StoreError> {
    DeviceId::parse(text).map_err(|_| damaged())
}

fn credential_id(text: &str) -> Result<CredentialId, StoreError> {
    CredentialId::parse(text).map_err(|_| damaged())
}

fn damaged() -> StoreError {
    StoreError::Damaged("device".into())
}

fn device_of(row: &AnyRow) -> Result<Device, StoreError> {
    let time = |at: i64| Timestamp::from_microsecond(at).map_err(|_| damaged());
    let credential: Option<String> = row.try_get("credential")?;
    Ok(Device {
        id: device_id(&row.try_get::<String, _>("id")?)?,
        serial: row.try_get("serial")?,
        node: NodeId::parse(&row.try_get::<String, _>("node")?).map_err(|_| damaged())?,
        channel: Channel::named(&row.try_get::<String, _>("channel")?).ok_or_else(damaged)?,
        state: DeviceState::named(&row.try_get::<String, _>("state")?).ok_or_else(damaged)?,
        credential: credential.map(|text| credential_id(&text)).transpose()?,
        moves: row.try_get("moves")?,
        version: row.try_get("version")?,
        acked: row.try_get("acked")?,
        firmware: row.try_get("firmware")?,
        battery: row.try_get::<Option<i64>, _>("battery")?.and_then(|percent| u8::try_from(percent).ok()),
        seen: row.try_get::<Option<i64>, _>("seen")?.map(time).transpose()?,
    })
}
