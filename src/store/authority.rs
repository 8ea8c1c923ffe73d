//! The fleet's authority as it is kept: its certificate, and its private key under the house's.

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    FleetError, Place, Store,
    error::StoreError,
    fleet::By,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::fleet::authority::{Authority, AuthorityError};

/// An authority as it was kept. Not `Debug`: it holds its key.
pub struct KeptAuthority {
    /// Its name.
    pub name: String,
    /// Its certificate, in DER, which is no secret.
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8.
    pub key: Zeroizing<Vec<u8>>,
}

impl Store {
    /// The authority that certifies now; made and kept where there is none yet.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn fleet_authority(&self, now: Timestamp) -> Result<KeptAuthority, StoreError> {
        if let Some(kept) = self.newest_authority().await? {
            return Ok(kept);
        }
        // Where two begin at once, both make it under one name, and the first is everybody's.
        let name: String = self.inner.keys.root().hash("fleet authority", &[b"1"]).chars().take(12).collect();
        let made = Authority::make(&name, now).map_err(|error| unusable(&error))?;
        let (owner, sealed) = self.seal(&KeyOwner::House, "fleet_authority", "sealed", &name, &made.key)?;
        let step = Step::new(
            "INSERT INTO fleet_authority (id, made, expires, certificate, owner, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                name.as_str().into(),
                now.as_microsecond().into(),
                made.expires.as_microsecond().into(),
                made.certificate.into(),
                owner.into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let draft = self.fleet_draft(By::Operator("the program"), "fleet.authority", "made", &name, now)?;
        match self.inner.writer.submit(vec![step], vec![draft]).await {
            Ok(_) | Err(JobError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.newest_authority().await?.ok_or_else(|| StoreError::Damaged("fleet_authority".into()))
    }

    async fn newest_authority(&self) -> Result<Option<KeptAuthority>, StoreError> {
        let newest = "SELECT id, certificate, owner, sealed FROM fleet_authority ORDER BY made DESC LIMIT 1";
        let Some(row) = self.inner.database.ask_one(newest, &[]).await? else { return Ok(None) };
        let (name, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "fleet_authority", column: "sealed", row: &name, owner: &owner };
        let key = Zeroizing::new(self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?.to_vec());
        Ok(Some(KeptAuthority { certificate: row.try_get("certificate")?, key, name }))
    }

    /// The certificates of every authority whose devices may come, in DER. Made where there is none yet.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn fleet_authorities(&self, now: Timestamp) -> Result<Vec<Vec<u8>>, FleetError> {
        self.fleet_authority(now).await?;
        let good = "SELECT certificate FROM fleet_authority WHERE expires > $1 ORDER BY made";
        let rows = self.inner.database.ask(good, &[now.as_microsecond().into()]).await?;
        Ok(rows.iter().map(|row| row.try_get("certificate")).collect::<Result<_, _>>()?)
    }
}

fn unusable(error: &AuthorityError) -> StoreError {
    StoreError::Refused(error.to_string())
}
