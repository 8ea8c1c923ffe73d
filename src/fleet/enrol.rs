//! Letting devices in: a one-time code for a certificate, and a certificate for the next one.
//!
//! Invariant: a certificate counts once it is in the store, and as long as it is there.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::{
    authority::{Authority, AuthorityError, DeviceKey, fingerprint, pem},
    device::{CERTIFICATE_LASTS, RENEW_AFTER},
};
use crate::{
    ambient::Ambient,
    policy::DeviceId,
    store::{NewCertificate, Store, StoreError},
};

/// Why a device is not let in.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// No such device, a wrong code or one that no longer works, or a device that is not let in: all the same from outside.
    #[error("this device is not let in with that")]
    Refused,
    /// The key is none that is taken, or the authority cannot certify it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store or a key does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a device gets.
#[derive(Debug, Clone)]
pub struct Issued {
    /// What it is called.
    pub device: DeviceId,
    /// Its certificate, in PEM.
    pub certificate: String,
    /// Its authority's, in PEM.
    pub authority: String,
    /// Until when it is good.
    pub expires: Timestamp,
    /// From when on it should get itself the next.
    pub renew: Timestamp,
}

/// Where devices are let in.
pub struct Enrolment {
    store: Store,
    authority: Mutex<Option<Arc<Authority>>>,
}

impl Enrolment {
    /// Before a store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, authority: Mutex::new(None) }
    }

    /// The fleet's authority; made when it is asked for first.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn authority(&self, now: Timestamp) -> Result<Arc<Authority>, EnrolError> {
        let known = || self.authority.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(authority) = known() {
            return Ok(authority);
        }
        let kept = self.store.fleet_authority(now).await?;
        let authority = Arc::new(Authority::of(&kept.name, kept.certificate, &kept.key)?);
        *self.authority.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&authority));
        Ok(authority)
    }

    /// Lets a device in that shows its code, and certifies its key.
    ///
    /// # Errors
    /// Why it is not let in. Wrong codes are counted before they are looked at.
    pub async fn enrol(&self, serial: &str, code: &str, key: &str, ambient: &Ambient) -> Result<Issued, EnrolError> {
        // A key that is none costs no try.
        let key = DeviceKey::parse(key)?;
        let now = ambient.now();
        let device = self.store.try_device_code(serial, code, now).await?.ok_or(EnrolError::Refused)?;
        let (issued, new) = self.certified(&key, &device, ambient).await?;
        match self.store.device_enrolled(&device, code, &new, now).await? {
            true => Ok(issued),
            // Used by somebody else in between.
            false => Err(EnrolError::Refused),
        }
    }

    /// Certifies the next key of a device that shows a good certificate. The one it shows stays good until it ends, for the case that
    /// the answer is lost; older ones do not.
    ///
    /// # Errors
    /// Why not.
    pub async fn renew(&self, shown: &[u8; 32], key: &str, ambient: &Ambient) -> Result<Issued, EnrolError> {
        let key = DeviceKey::parse(key)?;
        let now = ambient.now();
        let device = self.store.device_showing(shown, now).await?.ok_or(EnrolError::Refused)?;
        let (issued, new) = self.certified(&key, &device, ambient).await?;
        match self.store.device_renewed(&device, shown, &new, now).await? {
            true => Ok(issued),
            false => Err(EnrolError::Refused),
        }
    }

    async fn certified(
        &self,
        key: &DeviceKey,
        device: &DeviceId,
        ambient: &Ambient,
    ) -> Result<(Issued, NewCertificate), EnrolError> {
        let now = ambient.now();
        let authority = self.authority(now).await?;
        let expires = now.checked_add(CERTIFICATE_LASTS).map_err(|_| AuthorityError::Clock)?;
        let renew = now.checked_add(RENEW_AFTER).map_err(|_| AuthorityError::Clock)?;
        let certificate = authority.certify(key, device, ambient.random(), (now, expires))?;
        let new = NewCertificate { fingerprint: fingerprint(&certificate), expires };
        let (certificate, authority) = (pem(&certificate), authority.pem());
        Ok((Issued { device: device.clone(), certificate, authority, expires, renew }, new))
    }
}
