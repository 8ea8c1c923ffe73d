//! The fleet of the running program: devices are let in, looked up at every request, and heard of.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::program::{Program, unavailable};
use crate::{
    channels::{Beat, BeatTold, Enrolled, Fingerprint, FleetDoor, NotEnrolled, Soon, Unavailable},
    fleet::{
        Crier, EnrolError, Enrolment, Issued, ToldSettings,
        presence::{Presence, Told},
        tree::Tree,
    },
    policy::{Caller, CredentialId},
    store::{Store, StoreError},
};

/// How often what was heard of devices is written down.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// How old the tree may be that settings are told from.
const TREE_LASTS: SignedDuration = SignedDuration::from_secs(2);

/// What the fleet needs besides the rest of the program.
pub struct FleetSide {
    enrolment: Enrolment,
    presence: Mutex<Presence>,
    tree: Mutex<Option<(Timestamp, Arc<Tree>)>>,
}

impl FleetSide {
    pub fn new(store: &Store) -> Self {
        Self { enrolment: Enrolment::new(store.clone()), presence: Mutex::default(), tree: Mutex::default() }
    }
}

impl Program {
    /// The places of the fleet, as they were a moment ago.
    pub(super) async fn places(&self) -> Result<Arc<Tree>, StoreError> {
        let now = self.app().ambient().now();
        let kept = self.fleet.tree.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, tree)) = kept
            && now.duration_since(at) < TREE_LASTS
        {
            return Ok(tree);
        }
        let tree = Arc::new(self.app().store().tree().await?);
        *self.fleet.tree.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&tree)));
        Ok(tree)
    }

    /// A device said something of itself over the connection that it keeps.
    pub(super) async fn heard_of(&self, credential: &CredentialId, told: Told) -> Result<(), StoreError> {
        if let Some(device) = self.app().store().device_with(credential).await? {
            let now = self.app().ambient().now();
            self.fleet.presence.lock().unwrap_or_else(PoisonError::into_inner).heard(&device, told, now);
        }
        Ok(())
    }

    async fn beaten(&self, shown: &Fingerprint, beat: Beat) -> Result<Option<BeatTold>, StoreError> {
        let (store, now) = (self.app().store(), self.app().ambient().now());
        let Some(id) = store.device_showing(&shown.0, now).await? else { return Ok(None) };
        let Some(device) = store.device(&id).await? else { return Ok(None) };
        let has = beat.settings;
        let told = Told { firmware: beat.firmware, battery: beat.battery, acked: beat.settings };
        self.fleet.presence.lock().unwrap_or_else(PoisonError::into_inner).heard(&id, told, now);
        let (version, settings) = device.meant(&*self.places().await?);
        let settings = (has != Some(version)).then(|| serde_json::to_value(settings).unwrap_or_default());
        Ok(Some(BeatTold { version, settings }))
    }
}

impl FleetDoor for Program {
    fn device<'a>(&'a self, shown: &'a Fingerprint, used: bool) -> Soon<'a, Result<Option<Caller>, Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            let found = self.app().store().device_caller(&shown.0, used, now).await.map_err(|e| unavailable(&e))?;
            Ok(found.map(|(device, caller)| {
                let mut presence = self.fleet.presence.lock().unwrap_or_else(PoisonError::into_inner);
                presence.heard(&device, Told::default(), now);
                caller
            }))
        })
    }

    fn enrol<'a>(&'a self, serial: &'a str, code: &'a str, key: &'a str) -> Soon<'a, Result<Enrolled, NotEnrolled>> {
        Box::pin(async move {
            let issued = self.fleet.enrolment.enrol(serial, code, key, self.app().ambient()).await;
            issued.map(enrolled).map_err(|e| not_enrolled(&e))
        })
    }

    fn renew<'a>(&'a self, shown: &'a Fingerprint, key: &'a str) -> Soon<'a, Result<Enrolled, NotEnrolled>> {
        Box::pin(async move {
            let issued = self.fleet.enrolment.renew(&shown.0, key, self.app().ambient()).await;
            issued.map(enrolled).map_err(|e| not_enrolled(&e))
        })
    }

    fn beat<'a>(&'a self, shown: &'a Fingerprint, beat: Beat) -> Soon<'a, Result<Option<BeatTold>, Unavailable>> {
        Box::pin(async move { self.beaten(shown, beat).await.map_err(|e| unavailable(&e)) })
    }
}

fn enrolled(issued: Issued) -> Enrolled {
    let Issued { device, certificate, authority, expires, renew } = issued;
    Enrolled { device: device.as_str().to_owned(), certificate, authority, expires, renew }
}

fn not_enrolled(error: &EnrolError) -> NotEnrolled {
    match error {
        EnrolError::Refused => NotEnrolled::Refused,
        EnrolError::Authority(crate::fleet::authority::AuthorityError::BadKey) => NotEnrolled::BadKey,
        EnrolError::Authority(_) | EnrolError::Store(_) => {
            tracing::error!(%error, "a device could not be let in");
            NotEnrolled::Unavailable
        }
    }
}

/// Writes down which devices were heard of, as long as the program runs.
pub async fn write_down(program: Weak<Program>) {
    loop {
        tokio::time::sleep(WRITE_EVERY).await;
        let Some(program) = program.upgrade() else { return };
        program.write_heard().await;
    }
}

/// How often is looked what is to be announced, and whose settings changed.
const CRY_EVERY: Duration = Duration::from_secs(2);
/// After how many of these looks old announcements are deleted.
const SWEEP: u32 = 900;

/// Hands out what is announced, and settings that changed, as long as the program runs.
pub async fn cry(program: Weak<Program>) {
    let mut told = ToldSettings::default();
    for look in 0u32.. {
        {
            let Some(program) = program.upgrade() else { return };
            let (app, now) = (program.app(), program.app().ambient().now());
            // A zone that is not known was refused with the configuration.
            let zone = TimeZone::get(&app.config().place.zone).unwrap_or(TimeZone::UTC);
            let crier = Crier::new(app.store().clone(), zone);
            if let Err(error) = crier.cry(now).await {
                tracing::warn!(%error, "what is announced could not be handed out; it is tried again");
            }
            if let Err(error) = crier.push_settings(&mut told, now).await {
                tracing::warn!(%error, "settings could not be pushed; it is tried again, and heartbeats tell them");
            }
            if look % SWEEP == 0
                && let Err(error) = app.store().forget_announcements(now).await
            {
                tracing::warn!(%error, "old announcements could not be deleted; it is tried again");
            }
        }
        tokio::time::sleep(CRY_EVERY).await;
    }
}

impl Program {
    /// Writes down which devices were heard of.
    pub async fn write_heard(&self) {
        let now = self.app().ambient().now();
        let due = self.fleet.presence.lock().unwrap_or_else(PoisonError::into_inner).due(now);
        if let Err(error) = self.app().store().devices_heard(&due).await {
            tracing::warn!(%error, "which devices were heard of could not be written down; it is tried again");
            self.fleet.presence.lock().unwrap_or_else(PoisonError::into_inner).again(&due);
        }
    }
}
