//! Which credentials there are, and those of operators, who see counts and times and nobody's words.

use jiff::Timestamp;
use sqlx::Row;

use super::super::{
    Place, Store, StoreError,
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use super::{SealedGrant, entry};
use crate::policy::CredentialId;

/// The surface of an operator's row. No caller has it, so nothing can be said with it.
const OPERATOR: &str = "operator";

/// A credential as staff see it: without its secret, and without whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id, for [`Store::revoke`].
    pub id: CredentialId,
    /// `room`, `home`, `chat`, `third-party` or `operator`.
    pub channel: String,
    /// The room or place it stands in.
    pub room: Option<String>,
    /// What staff call it.
    pub label: String,
    /// A link rather than a token.
    pub one_time: bool,
    /// A link that has been opened.
    pub used: bool,
    /// Until when.
    pub expires: Timestamp,
}

impl Store {
    /// Lets an operator in who shows this token; audited.
    ///
    /// # Errors
    /// When the token was issued before, or the database or a key fails.
    pub async fn issue_operator(
        &self,
        label: &str,
        token: &str,
        expires: Timestamp,
        at: Timestamp,
    ) -> Result<CredentialId, StoreError> {
        let id = self.credential_id(token)?;
        let details = SealedGrant { label: label.to_owned(), person: None };
        let plain = serde_json::to_vec(&details).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::House, "credential", "sealed", id.as_str(), &plain)?;
        let step = Step::new(
            "INSERT INTO credential (id, surface, one_time, issued, expires, owner, sealed) \
             VALUES ($1, $2, 0, $3, $4, $5, $6)",
            vec![
                id.as_str().into(),
                OPERATOR.into(),
                at.as_microsecond().into(),
                expires.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let draft = self.draft(&entry(&id, None, "issued", at), None)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(id)
    }

    /// Whether this token is an operator's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn operator(&self, token: &str, at: Timestamp) -> Result<bool, StoreError> {
        let known = "SELECT id FROM credential WHERE id = $1 AND surface = $2 AND expires > $3";
        let values = [self.credential_id(token)?.as_str().into(), OPERATOR.into(), at.as_microsecond().into()];
        let row = self.inner.database.ask_one(known, &values).await?;
        Ok(row.is_some())
    }

    /// Every credential, oldest first, those that have ended by themselves included.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn credentials(&self) -> Result<Vec<Listed>, StoreError> {
        let all =
            "SELECT id, surface, room, one_time, used, expires, owner, sealed FROM credential ORDER BY issued, id";
        let rows = self.inner.database.ask(all, &[]).await?;
        rows.iter().map(|row| self.listed(row)).collect()
    }

    fn listed(&self, row: &sqlx::any::AnyRow) -> Result<Listed, StoreError> {
        let damaged = || StoreError::Damaged("credential".into());
        let id = CredentialId::parse(&row.try_get::<String, _>("id")?).map_err(|_| damaged())?;
        let (owner, sealed): (String, Vec<u8>) = (row.try_get("owner")?, row.try_get("sealed")?);
        let place = Place { table: "credential", column: "sealed", row: id.as_str(), owner: &owner };
        let label = match self.unseal(place, &sealed) {
            Ok(plain) => serde_json::from_slice::<SealedGrant>(&plain).map_err(|_| damaged())?.label,
            // Its person was forgotten; the credential no longer lets anybody in.
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Listed {
            id: id.clone(),
            channel: row.try_get("surface")?,
            room: row.try_get("room")?,
            label,
            one_time: row.try_get::<i64, _>("one_time")? != 0,
            used: row.try_get::<Option<i64>, _>("used")?.is_some(),
            expires: Timestamp::from_microsecond(row.try_get("expires")?).map_err(|_| damaged())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{RoomId, Surface},
        store::{Grant, StoreOptions},
    };

    #[tokio::test]
    async fn an_operator_is_known_until_it_ends_and_speaks_for_nobody() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = dir.path().join("db").display().to_string();
        let store = Store::open(StoreOptions {
            url,
            key_file: dir.path().join("key"),
            keys: crate::config::KeysConfig::default(),
        })
        .await
        .expect("a store");
        let (now, later) =
            (Timestamp::from_second(1_000).expect("a time"), Timestamp::from_second(2_000).expect("a time"));
        let surface = Surface::Room(RoomId::parse("r7").expect("fits"));
        let grant = Grant { surface, person: None, label: "bedside".into(), one_time: true, expires: later };
        store.issue(&grant, "link", now).await.expect("issued");
        let id = store.issue_operator("monitoring", "secret", later, now).await.expect("issued");

        assert!(store.operator("secret", now).await.expect("asked"));
        assert!(!store.operator("secret", later).await.expect("asked"), "it has ended");
        assert!(!store.operator("link", now).await.expect("asked"));
        assert!(store.redeem("secret", now).await.expect("asked").is_none());
        assert!(store.issue_operator("again", "secret", later, now).await.is_err(), "a token is issued once");

        store.redeem("link", now).await.expect("asked").expect("a grant");
        let listed = store.credentials().await.expect("a list");
        let shown: Vec<_> =
            listed.iter().map(|c| (c.channel.as_str(), c.room.as_deref(), c.label.as_str(), c.used)).collect();
        assert!(shown.contains(&("room", Some("r7"), "bedside", true)), "{shown:?}");
        assert!(shown.contains(&("operator", None, "monitoring", false)), "{shown:?}");

        assert!(store.revoke(&id, now).await.expect("asked"));
        assert!(!store.operator("secret", now).await.expect("asked"));
        assert_eq!(store.credentials().await.expect("a list").len(), 1);
        assert_eq!(store.audit_verify().await.expect("verified").broken, None, "issuing and ending are audited");
    }
}
