//! Whom a subject of an OpenID provider stands for, and the sign-ins in progress.
//!
//! Invariants: issuer and subject are kept as a keyed hash alone; a sign-in comes back once; a page session that a subject
//! opened ends in the commit that takes the binding back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Grant, Place, Store,
    credentials::ends_when_idle,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
};
use crate::policy::{CredentialId, Event, JournalEntry, PersonId};

/// How long a sign-in may take.
const FLOW_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// A binding as staff see it: neither issuer nor subject, for neither is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its id, for [`Store::unbind`].
    pub id: CredentialId,
    /// Whom it stands for; `None` where the person's key was destroyed.
    pub person: Option<PersonId>,
    /// What staff call it.
    pub label: String,
    /// Since when.
    pub since: Timestamp,
}

/// What of a binding is sealed.
#[derive(Serialize, Deserialize)]
struct SealedSubject {
    person: String,
    label: String,
}

/// The words that one sign-in goes out with and must come back with. They follow from its cookie and the store's secret, so
/// nothing is kept of a sign-in that never comes back.
///
/// Not `Debug`: whoever has them can finish the sign-in.
#[derive(Clone)]
pub struct FlowWords {
    /// For the browser to bring back.
    pub state: String,
    /// For the ID token to bring back.
    pub nonce: String,
    /// For the exchange of the code, 64 characters.
    pub verifier: String,
}

impl Store {
    /// A cookie for a sign-in that begins now, on one side of the house (`people`, `staff`).
    #[must_use]
    pub fn flow_cookie(&self, side: &str, random: [u8; 32], at: Timestamp) -> String {
        let (random, at) = (hex::encode(random), at.as_second().to_string());
        let tag = self.flow_word("sign-in cookie", side, &random, &at);
        format!("{at}.{random}.{tag}")
    }

    /// The words of the sign-in that a cookie began; `None` where it was not begun here, on that side, in the last ten
    /// minutes.
    #[must_use]
    pub fn flow_words(&self, side: &str, cookie: &str, now: Timestamp) -> Option<FlowWords> {
        let mut parts = cookie.split('.');
        let (Some(at), Some(random), Some(tag), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let begun = Timestamp::from_second(at.parse().ok()?).ok()?;
        let age = now.duration_since(begun);
        let fresh = age < FLOW_LASTS && age > -FLOW_LASTS;
        let word = |purpose| self.flow_word(purpose, side, random, at);
        (fresh && word("sign-in cookie") == tag).then(|| FlowWords {
            state: word("sign-in state"),
            nonce: word("sign-in nonce"),
            verifier: word("sign-in verifier") + &word("sign-in verifier, second half"),
        })
    }

    fn flow_word(&self, purpose: &'static str, side: &str, random: &str, at: &str) -> String {
        self.inner.keys.root().hash(purpose, &[side.as_bytes(), random.as_bytes(), at.as_bytes()])
    }

    /// Notes that a sign-in came back; false where it had already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend_flow(&self, words: &FlowWords, now: Timestamp) -> Result<bool, StoreError> {
        let id = self.inner.keys.root().hash("sign-in spent", &[words.state.as_bytes()]);
        let old = (now - FLOW_LASTS - FLOW_LASTS).as_microsecond();
        let steps = vec![
            Step::new("DELETE FROM sign_in WHERE at < $1", vec![old.into()]),
            Step::new("INSERT INTO sign_in (id, at) VALUES ($1, $2)", vec![id.into(), now.as_microsecond().into()])
                .or_duplicate(Refusal::Repeated),
        ];
        match self.inner.writer.submit(steps, vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets a subject of a provider stand for a person; audited.
    ///
    /// # Errors
    /// When nobody of that id is known, the subject stands for somebody already, or the database or a key fails.
    pub async fn bind(
        &self,
        issuer: &str,
        subject: &str,
        person: &PersonId,
        label: &str,
        at: Timestamp,
    ) -> Result<CredentialId, StoreError> {
        if !self.person_exists(person).await? {
            return Err(StoreError::UnknownPerson);
        }
        let id = self.subject_id(issuer, subject)?;
        let sealed = SealedSubject { person: person.as_str().to_owned(), label: label.to_owned() };
        let plain = serde_json::to_vec(&sealed).unwrap_or_default();
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "subject", "sealed", id.as_str(), &plain)?;
        let step = Step::new(
            "INSERT INTO subject (id, bound, owner, sealed) VALUES ($1, $2, $3, $4)",
            vec![id.as_str().into(), at.as_microsecond().into(), owner.into(), sealed.into()],
        )
        .or_duplicate(Refusal::Repeated);
        let draft = self.draft(&entry(Event::Credential, &id, Some(person), "bound", at), None)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(id)
    }

    /// Takes a binding back and ends the sessions it opened; audited. False when there is none of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unbind(&self, id: &CredentialId, at: Timestamp) -> Result<bool, StoreError> {
        let steps = vec![
            Step::new("DELETE FROM credential WHERE subject = $1", vec![id.as_str().into()]),
            Step::new("DELETE FROM subject WHERE id = $1", vec![id.as_str().into()]).or_nothing(Refusal::NotThere),
        ];
        let draft = self.draft(&entry(Event::Credential, id, None, "unbound", at), None)?;
        match self.inner.writer.submit(steps, vec![draft]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Every binding, oldest first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn bindings(&self) -> Result<Vec<Bound>, StoreError> {
        let all = "SELECT id, bound, owner, sealed FROM subject ORDER BY bound, id";
        let rows = self.inner.database.ask(all, &[]).await?;
        rows.iter().map(|row| self.binding(row)).collect()
    }

    /// Whom a subject stands for; `None` where it stands for nobody.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn bound(&self, issuer: &str, subject: &str) -> Result<Option<Bound>, StoreError> {
        let id = self.subject_id(issuer, subject)?;
        let one = "SELECT id, bound, owner, sealed FROM subject WHERE id = $1";
        let row = self.inner.database.ask_one(one, &[id.as_str().into()]).await?;
        row.map(|row| self.binding(&row)).transpose()
    }

    fn binding(&self, row: &sqlx::any::AnyRow) -> Result<Bound, StoreError> {
        let damaged = || StoreError::Damaged("subject".into());
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "subject", column: "sealed", row: &id, owner: &owner };
        let told = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => Some(serde_json::from_slice::<SealedSubject>(&plain).map_err(|_| damaged())?),
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => None,
            Err(error) => return Err(error),
        };
        Ok(Bound {
            id: CredentialId::parse(&id).map_err(|_| damaged())?,
            person: told.as_ref().map(|told| person_id(&told.person)).transpose()?,
            label: told.map(|told| told.label).unwrap_or_default(),
            since: Timestamp::from_microsecond(row.try_get("bound")?).map_err(|_| damaged())?,
        })
    }

    /// Opens a page session for somebody who signed in, in one commit with the audit row that says so. False where the
    /// binding was taken back in between.
    ///
    /// # Errors
    /// When the token was issued before, or the database or a key fails.
    pub async fn issue_signed_in(
        &self,
        subject: &CredentialId,
        grant: &Grant,
        token: &str,
        idle: SignedDuration,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = self.credential_id(token)?;
        let (step, draft) = self.admission(&id, grant, at)?;
        let tie = "UPDATE credential SET subject = $2 \
            WHERE id = $1 AND EXISTS (SELECT id FROM subject WHERE id = $2)";
        let tie = Step::new(tie, vec![id.as_str().into(), subject.as_str().into()]).or_nothing(Refusal::NotThere);
        let steps = [Some(step), Some(tie), ends_when_idle(&id, grant, idle, at)].into_iter().flatten().collect();
        let signed = self.draft(&entry(Event::Identified, subject, grant.person.as_ref(), "signed_in", at), None)?;
        match self.inner.writer.submit(steps, vec![signed, draft]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that a sign-in came to nothing: by whom is not told, for nobody was.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn sign_in_refused(&self, channel: &'static str, at: Timestamp) -> Result<(), StoreError> {
        let entry = JournalEntry {
            event: Event::Identified,
            subject: None,
            actor: None,
            intent: None,
            channel,
            session: None,
            turn: None,
            closes: None,
            outcome: Some("sign_in_refused"),
            at,
        };
        let draft = self.draft(&entry, None)?;
        self.inner.writer.submit(vec![], vec![draft]).await?;
        Ok(())
    }

    fn subject_id(&self, issuer: &str, subject: &str) -> Result<CredentialId, StoreError> {
        let hash = self.inner.keys.root().hash("subject", &[issuer.as_bytes(), subject.as_bytes()]);
        CredentialId::parse(&hash).map_err(|_| StoreError::Damaged("subject".into()))
    }
}

fn entry(
    event: Event,
    actor: &CredentialId,
    subject: Option<&PersonId>,
    outcome: &'static str,
    at: Timestamp,
) -> JournalEntry {
    let channel = if event == Event::Identified { "chat" } else { "staff" };
    JournalEntry {
        event,
        subject: subject.cloned(),
        actor: Some(actor.clone()),
        intent: None,
        channel,
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}
