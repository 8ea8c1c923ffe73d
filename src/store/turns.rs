//! What one turn reads at its beginning and commits at its end.
//!
//! Invariant: a turn id acts once for each credential. The turn's row has a unique key, and it goes into the
//! same savepoint as the changes: of two concurrent repeats one acts, and the other is given the first one's
//! answer.

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    notice::Told,
    place::{PlaceNow, place_of},
};
use crate::{
    actions::{Change, Conflict},
    policy::{Agreed, CredentialId, EntryId, JournalEntry, PersonId, RoomId, SessionId, TurnId},
};

/// What a turn wants to know before it does anything.
pub struct OpeningQuery<'a> {
    /// The conversation it goes on with, if any.
    pub session: Option<&'a SessionId>,
    /// The turn.
    pub turn: &'a TurnId,
    /// Who asks.
    pub credential: &'a CredentialId,
    /// The person known to be there.
    pub person: Option<&'a PersonId>,
    /// Where it is said.
    pub room: Option<&'a RoomId>,
    /// SHA-256 of what was said, so that another text under the same turn id is noticed.
    pub body_hash: [u8; 32],
}

/// What a turn finds.
pub struct Opening {
    /// The conversation so far; `None` when there is none, or its key was destroyed.
    pub session: Option<SavedSession>,
    /// The answer this turn was given before.
    pub answered: Option<Answered>,
    /// What the person agreed to.
    pub agreed: Agreed,
    /// Whether the person has a PIN.
    pub has_pin: bool,
    /// What is known of the place it is said in.
    pub place: PlaceNow,
}

/// A conversation as it was left.
pub struct SavedSession {
    /// Its state, opened.
    pub state: Vec<u8>,
    /// The person that its credential stood for.
    pub person: Option<PersonId>,
    /// The credential it was held through.
    pub credential: CredentialId,
    /// When its last turn ended.
    pub last: Timestamp,
}

/// A turn that was answered before.
pub struct Answered {
    /// The same was said.
    pub body_matches: bool,
    /// It was said in the same conversation, or the repeat names none.
    pub session_matches: bool,
    /// The answer, opened; empty when its key was destroyed.
    pub answer: Vec<u8>,
}

/// Everything a turn makes durable before it is heard.
pub struct TurnCommit {
    /// The conversation.
    pub session: SessionId,
    /// The turn.
    pub turn: TurnId,
    /// Who asked.
    pub credential: CredentialId,
    /// SHA-256 of what was said.
    pub body_hash: [u8; 32],
    /// Whose key seals the conversation and the answer.
    pub owner: KeyOwner,
    /// The person known to be there; their requests go under their own key.
    pub person: Option<PersonId>,
    /// The person the credential itself stands for: not whoever of several has said who they are.
    pub door: Option<PersonId>,
    /// The room it was said in.
    pub room: Option<RoomId>,
    /// What the actions want changed.
    pub changes: Vec<Change>,
    /// The person's records live on a server: what belongs there goes on its way in the same commit.
    pub sends: bool,
    /// What the answer tells besides.
    pub told: Vec<Told>,
    /// The conversation's new state.
    pub session_state: Vec<u8>,
    /// The answer, for a repeat of this turn.
    pub answer: Vec<u8>,
    /// The audit row that closes the turn.
    pub closing: JournalEntry,
    /// More rows, where one turn opened several disclosures.
    pub also_closing: Vec<JournalEntry>,
    /// When.
    pub at: Timestamp,
}

/// A turn is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The audit row that closed it.
    pub closing: EntryId,
    /// Of the changes, by their place among those of the turn, the ones that are on their way now, by their names.
    pub going: Vec<(usize, String)>,
}

/// A turn was not committed; the store is unchanged.
#[derive(thiserror::Error)]
pub enum CommitError {
    /// A change no longer fits the world.
    #[error(transparent)]
    Conflict(Conflict),
    /// The same turn was committed in between; this is what it was answered.
    #[error("this turn was answered already")]
    AlreadyAnswered(Answered),
    /// Another answer told the same news first.
    #[error("the news in the answer was told already")]
    Told,
    /// The database or the keys.
    #[error(transparent)]
    Store(StoreError),
}

impl std::fmt::Debug for CommitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The answer stays out of logs.
        std::fmt::Display::fmt(self, f)
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

const OPENING: &str = "\
SELECT 'session' AS kind, '' AS session, '' AS body, last AS at, owner, sealed FROM session WHERE id = $1 \
UNION ALL SELECT 'turn', session, body, at, owner, sealed FROM turn WHERE id = $2 \
UNION ALL SELECT 'person', CASE WHEN pin IS NULL THEN '' ELSE 'pin' END, '', agreed, owner, consent FROM person WHERE id = $3 \
UNION ALL SELECT 'place', '', '', visitor, '', settings FROM place WHERE room = $4";

impl Store {
    /// Reads what a turn needs at its beginning, in one statement.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn opening(&self, query: &OpeningQuery<'_>) -> Result<Opening, StoreError> {
        let id = self.turn_key(query.credential, query.turn);
        let session = query.session.map_or("", SessionId::as_str);
        let person = query.person.map_or("", PersonId::as_str);
        let room = query.room.map_or("", RoomId::as_str);
        let values = [session.into(), id.as_str().into(), person.into(), room.into()];
        let rows = self.inner.database.ask(OPENING, &values).await?;
        let mut opening = Opening {
            session: None,
            answered: None,
            agreed: Agreed::default(),
            has_pin: false,
            place: PlaceNow::default(),
        };
        for row in rows {
            let (kind, owner): (String, String) = (row.try_get("kind")?, row.try_get("owner")?);
            let (at, sealed): (i64, Vec<u8>) = (row.try_get("at")?, row.try_get("sealed")?);
            let place = |table, column, row| Place { table, column, row, owner: &owner };
            match kind.as_str() {
                "session" => {
                    if let Some(plain) = self.unsealed_if_kept(place("session", "sealed", session), &sealed)? {
                        opening.session = Some(saved(&plain, at)?);
                    }
                }
                "turn" => {
                    let (told, body): (String, String) = (row.try_get("session")?, row.try_get("body")?);
                    let answer = self.unsealed_if_kept(place("turn", "sealed", &id), &sealed)?;
                    opening.answered = Some(Answered {
                        body_matches: body == self.body_key(&query.body_hash),
                        session_matches: query.session.is_none() || told == session,
                        answer: answer.map(|plain| plain.to_vec()).unwrap_or_default(),
                    });
                }
                "place" => opening.place = place_of(&sealed, at)?,
                _ => {
                    opening.agreed = self.agreed_of(person, &owner, &sealed, at)?;
                    opening.has_pin = !row.try_get::<String, _>("session")?.is_empty();
                }
            }
        }
        Ok(opening)
    }

    /// Makes a turn durable: its changes, the conversation, the answer and the closing audit row, all or none.
    ///
    /// # Errors
    /// When a change no longer fits, the turn was committed before, or the database or a key fails. Nothing
    /// was changed.
    pub async fn commit(&self, commit: TurnCommit) -> Result<Committed, CommitError> {
        let id = self.turn_key(&commit.credential, &commit.turn);
        let (owner, answer) = self.seal(&commit.owner, "turn", "sealed", &id, &commit.answer)?;
        let turn = Step::new(
            "INSERT INTO turn (id, session, body, at, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                id.into(),
                commit.session.as_str().into(),
                self.body_key(&commit.body_hash).into(),
                commit.at.as_microsecond().into(),
                owner.into(),
                answer.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let mut steps = vec![turn];
        let mut going = Vec::new();
        for (n, change) in commit.changes.iter().enumerate() {
            let id = self.change_id(commit.at)?;
            let way = match &commit.person {
                Some(person) if commit.sends => self.outbox_step(person, change, &id, n, commit.at)?,
                _ => None,
            };
            steps.extend(self.change_steps(change, id.clone(), &commit).await?);
            if let Some(step) = way {
                steps.push(step);
                going.push((n, id));
            }
        }
        steps.extend(commit.told.iter().map(|told| Self::told_step(told, commit.at)));
        steps.push(self.session_step(&commit)?);
        let closings = std::iter::once(&commit.closing).chain(&commit.also_closing);
        let mut closings = closings.map(|entry| self.draft(entry, None)).collect::<Result<Vec<_>, _>>()?;
        for change in &commit.changes {
            if let (Change::Forget { words }, Some(person)) = (change, &commit.person) {
                closings.push(self.forgotten(self.spoken(person, *words).await?, &commit.closing)?);
            }
        }
        match self.inner.writer.submit(steps, closings).await {
            Ok(ids) => match ids.first() {
                Some(closing) => Ok(Committed { closing: *closing, going }),
                None => Err(CommitError::Store(StoreError::Closed)),
            },
            Err(JobError::Refused(Refusal::Conflict(conflict))) => Err(CommitError::Conflict(conflict)),
            Err(JobError::Refused(Refusal::Held)) => Err(CommitError::Conflict(Conflict::Held)),
            Err(JobError::Refused(Refusal::Told)) => Err(CommitError::Told),
            Err(JobError::Refused(Refusal::Repeated)) => Err(self.answered_meanwhile(&commit).await?),
            Err(error) => Err(CommitError::Store(error.into())),
        }
    }

    async fn answered_meanwhile(&self, commit: &TurnCommit) -> Result<CommitError, StoreError> {
        let query = OpeningQuery {
            session: Some(&commit.session),
            turn: &commit.turn,
            credential: &commit.credential,
            person: None,
            room: None,
            body_hash: commit.body_hash,
        };
        let answered = self.opening(&query).await?.answered;
        Ok(answered.map_or(CommitError::Store(StoreError::NotPossible), CommitError::AlreadyAnswered))
    }

    /// The statements that put another answer in the place of the turn's, where it is still kept, and another state in that
    /// of the conversation, where no later turn has gone on with it.
    pub(super) fn amend_steps(&self, commit: &TurnCommit) -> Result<[Step; 2], StoreError> {
        let id = self.turn_key(&commit.credential, &commit.turn);
        let (_, answer) = self.seal(&commit.owner, "turn", "sealed", &id, &commit.answer)?;
        let (_, state) = self.sealed_session(commit)?;
        Ok([
            Step::new("UPDATE turn SET sealed = $2 WHERE id = $1 AND body <> ''", vec![id.into(), answer.into()]),
            Step::new(
                "UPDATE session SET sealed = $3 WHERE id = $1 AND last = $2",
                vec![commit.session.as_str().into(), commit.at.as_microsecond().into(), state.into()],
            ),
        ])
    }

    fn session_step(&self, commit: &TurnCommit) -> Result<Step, StoreError> {
        let (owner, sealed) = self.sealed_session(commit)?;
        Ok(Step::new(
            "INSERT INTO session (id, last, owner, sealed) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET last = excluded.last, owner = excluded.owner, sealed = excluded.sealed",
            vec![commit.session.as_str().into(), commit.at.as_microsecond().into(), owner.into(), sealed.into()],
        ))
    }

    fn sealed_session(&self, commit: &TurnCommit) -> Result<(String, Vec<u8>), StoreError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(commit.session_state.len() + 160));
        for id in [commit.credential.as_str(), commit.door.as_ref().map_or("", PersonId::as_str)] {
            // Identifiers have at most 64 bytes.
            plain.push(u8::try_from(id.len()).unwrap_or(0));
            plain.extend(id.as_bytes());
        }
        plain.extend(&commit.session_state);
        self.seal(&commit.owner, "session", "sealed", commit.session.as_str(), &plain)
    }

    /// As `unseal`, but what a destroyed key sealed, or what was deleted, is simply not there.
    fn unsealed_if_kept(&self, place: Place<'_>, sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        if sealed.is_empty() {
            return Ok(None);
        }
        match self.unseal(place, sealed) {
            Ok(plain) => Ok(Some(plain)),
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn turn_key(&self, credential: &CredentialId, turn: &TurnId) -> String {
        self.inner.keys.root().hash("turn", &[credential.as_str().as_bytes(), turn.as_str().as_bytes()])
    }

    fn body_key(&self, body_hash: &[u8; 32]) -> String {
        self.inner.keys.root().hash("body", &[body_hash])
    }
}

/// Reads what `session_step` wrote.
fn saved(plain: &[u8], last: i64) -> Result<SavedSession, StoreError> {
    let damaged = || StoreError::Damaged("session.sealed".into());
    let id = |bytes: &[u8]| -> Option<(String, usize)> {
        let length = usize::from(*bytes.first()?);
        Some((String::from_utf8(bytes.get(1..=length)?.to_vec()).ok()?, 1 + length))
    };
    let (credential, used) = id(plain).ok_or_else(damaged)?;
    let (person, more) = id(&plain[used..]).ok_or_else(damaged)?;
    Ok(SavedSession {
        state: plain[used + more..].to_vec(),
        person: if person.is_empty() { None } else { Some(PersonId::parse(&person).map_err(|_| damaged())?) },
        credential: CredentialId::parse(&credential).map_err(|_| damaged())?,
        last: Timestamp::from_microsecond(last).map_err(|_| damaged())?,
    })
}
