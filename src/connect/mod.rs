//! "Connect my health records": a person lets this server read their records at another organization.
//!
//! Invariants: nobody begins, sees or ends a connection but on a page of their own, or, to begin one and see how far it is,
//! on a page that the code was typed into which was said to them; each is admitted and audited first; nothing is kept of a
//! connection before the organization's Patient fits the person, so nobody's records are mixed with another's; what is not
//! kept is given back. Deliberately absent: HTTP, SQL, and using anything of it: what may be answered with is agreed to as
//! ever.
//!
//! Where to look: `back` giving tokens back, `fit` whether it is the same person, `fetch` reading what was connected.

mod back;
mod fetch;
mod fit;
mod shown;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

pub use fetch::Fetched;
use fit::Fit;
pub use shown::{Asks, Progress, Shown, ShownConnection};

use crate::{
    ambient::Ambient,
    config::{ConnectConfig, OrganizationConfig},
    fhir::{FhirError, Server},
    oidc::Answer,
    policy::{
        Caller, CredentialId, DataClass, Effect, Event, Identity, Journal as _, JournalEntry, JournalError, Occasion,
        Permit, PersonId, Proof, SessionId, Surface, Task, TurnId, Verdict, WrongSubject, admit,
    },
    records::{Profile, Records, RecordsError},
    smart::{Organization, SmartError, Tokens},
    store::{
        ChartKind, ConnectionAccess, Disconnected, NewConnection, Paired, Secret, Store, StoreError, TakenBack,
        Underway,
    },
};

/// The intent in the audit trail.
const INTENT: &str = "record.connect";

/// The organizations that can be connected, as configured.
pub struct Organizations {
    public_url: String,
    fetch_every: SignedDuration,
    all: Vec<(Organization, Server)>,
}

/// Why the organizations cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SetUp {
    /// Its authorization server's side.
    #[error(transparent)]
    Smart(#[from] SmartError),
    /// Its FHIR server's side.
    #[error("connect.organizations: {0}")]
    Fhir(#[from] FhirError),
}

impl Organizations {
    /// Clients of them; nothing is asked yet.
    ///
    /// # Errors
    /// When a file of the configuration cannot be used, or a scope is not one for reading.
    pub fn new(config: &ConnectConfig, clock: fn() -> Timestamp) -> Result<Self, SetUp> {
        let both = |one: &OrganizationConfig| {
            Ok::<_, SetUp>((Organization::new(one)?, Server::new(&fetch::server_config(one), clock)?))
        };
        Ok(Self {
            public_url: config.public_url.clone(),
            fetch_every: SignedDuration::from_hours(i64::from(config.fetch_hours)),
            all: config.organizations.iter().map(both).collect::<Result<_, _>>()?,
        })
    }

    fn named(&self, id: &str) -> Option<&(Organization, Server)> {
        self.all.iter().find(|(organization, _)| organization.config().id == id)
    }

    /// Where an organization sends the browser back to.
    fn back(&self) -> String {
        format!("{}/connect/back", self.public_url)
    }
}

/// Why nothing was shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The credential is not a page of a person's own.
    #[error("this is for a page that a person signed in to, or that their code was typed into")]
    NotTheirs,
    /// There is no organization of that id.
    #[error("there is no organization of that name to connect")]
    NoOrganization,
    /// Nobody knows their name or date of birth, so no records could ever fit.
    #[error("it is not known yet what they are called and when they were born")]
    Nameless,
    /// There is no connection of that id.
    #[error("there is no such connection")]
    NoConnection,
    /// The organization does not answer, or cannot be relied on.
    #[error(transparent)]
    Organization(#[from] SmartError),
    /// The database or a key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit row could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Rows of somebody else came back. A defect; nothing was begun.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
}

/// Why nothing was connected when the browser came back. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// Not begun in this browser, too long ago, come back before, or by a page that is no longer signed in.
    #[error("stale")]
    Stale,
    /// The person, or the organization, said no.
    #[error("the organization refused")]
    Refused,
    /// What came back does not fit what was asked.
    #[error(transparent)]
    Wrong(SmartError),
    /// It named no patient, or gave no leave to read who it is.
    #[error("the organization did not say whose records they are")]
    Nobody,
    /// The records are somebody else's, or nobody can tell.
    #[error("the records are under another name or date of birth")]
    AnotherPerson,
    /// The organization does not answer.
    #[error("the organization does not answer")]
    Unavailable,
    /// The database, a key or the trail failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit row could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Rows of somebody else came back. A defect; nothing was kept.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
}

impl From<RecordsError> for NotConnected {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::Store(error) => error.into(),
            RecordsError::Mixed(error) => error.into(),
            RecordsError::Unreachable | RecordsError::NotHeld => Self::Unavailable,
        }
    }
}

/// What the browser brought back from the organization.
///
/// Not `Debug`: it holds the code.
#[derive(Default)]
pub struct CameBack {
    /// The cookie it began with.
    pub cookie: Option<String>,
    /// What says which one it is.
    pub state: Option<String>,
    /// The rest.
    pub answer: Answer,
}

/// A connection that began.
///
/// Not `Debug`: the cookie is half of what finishes it.
pub struct Begun {
    /// Where the browser goes.
    pub go: String,
    /// What it keeps until it is back.
    pub cookie: String,
}

/// Who comes: somebody signed in to a page of their own, or a page that a code was typed into.
#[derive(Clone)]
pub struct Visitor {
    /// Whose page it is.
    pub caller: Caller,
    /// A code was typed into it; nobody signed in.
    pub by_code: bool,
    /// The organization that was named when the code was asked for.
    pub named: Option<String>,
}

/// What the connections of one installation are made with.
pub struct Desk<'a> {
    /// The database.
    pub store: &'a Store,
    /// Time and randomness.
    pub ambient: &'a Ambient,
    /// The organizations.
    pub organizations: &'a Organizations,
}

/// One visit, let in and audited.
struct Visit {
    permit: Permit,
    occasion: Occasion,
    caller: Caller,
}

impl Visit {
    fn entry(&self, event: Event, outcome: &'static str) -> JournalEntry {
        JournalEntry {
            event,
            subject: Some(self.permit.subject().clone()),
            actor: Some(self.caller.credential.clone()),
            intent: Some(INTENT.to_owned()),
            channel: self.caller.surface.name(),
            session: Some(self.occasion.session.clone()),
            turn: Some(self.occasion.turn.clone()),
            closes: Some(self.permit.entry()),
            outcome: Some(outcome),
            at: self.occasion.at,
        }
    }
}

impl Desk<'_> {
    /// Lets in a page of a person's own; the opening row is durable before this returns. With a code, who it is was shown
    /// where the code was said.
    async fn let_in(&self, visitor: &Visitor, effect: Effect) -> Result<Option<Visit>, JournalError> {
        let own = visitor.caller.surface == Surface::Chat && visitor.caller.person.is_some();
        let (proof, identity) = match (own, visitor.by_code) {
            (true, false) => (Proof::Fresh, Identity::Proven),
            (true, true) => (Proof::Unasked, Identity::Known),
            (false, _) => (Proof::None, Identity::Proven),
        };
        let caller = Caller { proof, ..visitor.caller.clone() };
        let occasion = self.occasion();
        let task = Task { intent: INTENT, data: DataClass::Identifiable, effect, identity, scope: None };
        Ok(match admit(&task, &caller, &[], &occasion, self.store).await? {
            Verdict::Allow(permit) if own => Some(Visit { permit, occasion, caller }),
            _ => None,
        })
    }

    fn occasion(&self) -> Occasion {
        let now = self.ambient.now();
        Occasion {
            session: SessionId::fresh(now, self.ambient.random()),
            turn: TurnId::fresh(now, self.ambient.random()),
            at: now,
        }
    }

    /// What can be connected, and what is.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn show(&self, visitor: &Visitor) -> Result<Shown, Denied> {
        let visit = self.let_in(visitor, Effect::Read).await?.ok_or(Denied::NotTheirs)?;
        let all = self.store.connections(visit.permit.subject()).await?;
        let shown = shown::of(self.organizations, visitor, &all, self.ambient.now());
        self.store.append(visit.entry(Event::Closed, "answered")).await?;
        Ok(shown)
    }

    /// Begins to connect an organization.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn begin(&self, visitor: &Visitor, organization: &str) -> Result<Begun, Denied> {
        let visit = self.let_in(visitor, Effect::Change).await?.ok_or(Denied::NotTheirs)?;
        let (client, _) = self.organizations.named(organization).ok_or(Denied::NoOrganization)?;
        if !self.is_named(&visit).await? {
            self.store.append(visit.entry(Event::Closed, "refused")).await?;
            return Err(Denied::Nameless);
        }
        let word = || hex::encode(self.ambient.random::<32>());
        let (state, cookie, verifier) = (word(), word(), Zeroizing::new(word()));
        let go = client.begin(&state, &verifier, &self.organizations.back()).await;
        let outcome = if go.is_ok() { "begun" } else { "unavailable" };
        self.store.append(visit.entry(Event::Closed, outcome)).await?;
        let go = go?;
        let page = &visit.caller.credential;
        let underway = Underway::new(visit.permit.subject(), organization, verifier, page, visitor.by_code);
        self.store.connection_begins(&state, &cookie, &underway, visit.occasion.at).await?;
        Ok(Begun { go, cookie })
    }

    /// Whether it is known whose records may be connected.
    async fn is_named(&self, visit: &Visit) -> Result<bool, Denied> {
        let own = self.store.chart_rows::<Profile>(visit.permit.subject(), ChartKind::Profile).await?;
        let own = own.reveal(&visit.permit)?;
        Ok(own.last().is_some_and(|own| own.birth.is_some() && !own.family.is_empty()))
    }

    /// Ends what came back. What was granted is kept only once the organization's Patient fits the person; the fetching
    /// begins after this. Gives the id of the connection.
    ///
    /// # Errors
    /// See [`NotConnected`]. Nothing was kept.
    pub async fn finish(&self, back: CameBack) -> Result<String, NotConnected> {
        let now = self.ambient.now();
        let (Some(cookie), Some(state)) = (back.cookie, back.state) else { return Err(NotConnected::Stale) };
        let underway = self.store.connection_came_back(&state, &cookie, now).await?.ok_or(NotConnected::Stale)?;
        let visitor = Visitor { caller: caller(&underway)?, by_code: underway.by_code, named: None };
        let visit = self.let_in(&visitor, Effect::Change).await?.ok_or(NotConnected::Stale)?;
        let done = self.connected(&visit, &underway, &back.answer).await;
        let outcome = match &done {
            Ok(_) => return done,
            Err(NotConnected::Unavailable) => "unavailable",
            Err(NotConnected::AnotherPerson) => "another_person",
            Err(_) => "refused",
        };
        self.store.append(visit.entry(Event::Connection, outcome)).await?;
        done
    }

    async fn connected(&self, visit: &Visit, underway: &Underway, answer: &Answer) -> Result<String, NotConnected> {
        let (client, server) = self.organizations.named(&underway.organization).ok_or(NotConnected::Stale)?;
        let back = self.organizations.back();
        let tokens = client.finish(&underway.verifier.0, &back, answer, visit.occasion.at).await.map_err(not_given)?;
        let kept = self.kept(visit, (client, server), &tokens).await;
        if kept.is_err() {
            // Whatever the reason: it is not used, so it is given back.
            self.give_back(&underway.organization, &kept_access(&tokens)).await;
        }
        kept
    }

    async fn kept(
        &self,
        visit: &Visit,
        (client, server): (&Organization, &Server),
        tokens: &Tokens,
    ) -> Result<String, NotConnected> {
        let patient = tokens.patient.as_deref().ok_or(NotConnected::Nobody)?;
        let by = vec![("_id", patient.to_owned())];
        let found = server.bearer(&tokens.access).search("Patient", by).await.map_err(|e| not_read(&e))?;
        let [theirs] = found.as_slice() else { return Err(NotConnected::Nobody) };
        let person = visit.permit.subject();
        let own = Records::new(self.store.clone()).profile(person).await?.reveal(&visit.permit)?;
        let config = client.config();
        let mut fit = fit::fits(own.as_ref(), theirs.get());
        if fit != Fit::Same {
            // Staff may have seen papers that say what they are called there.
            let allowed = self.store.allowed_connection(person, &config.id, visit.occasion.at).await?;
            fit = fit::fits(allowed.reveal(&visit.permit)?.as_ref(), theirs.get());
        }
        if fit != Fit::Same {
            return Err(NotConnected::AnotherPerson);
        }
        let new = NewConnection {
            organization: &config.id,
            name: &config.name,
            patient,
            access: kept_access(tokens),
            granted: &tokens.granted,
        };
        Ok(self.store.keep_connection(new, &visit.entry(Event::Connection, "connected")).await?)
    }

    /// Takes a connection back: what came of it goes, and the organization is told until it hears.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn disconnect(&self, visitor: &Visitor, id: &str) -> Result<Disconnected, Denied> {
        // A code lets a page begin a connection, not end one.
        if visitor.by_code {
            return Err(Denied::NotTheirs);
        }
        let visit = self.let_in(visitor, Effect::Change).await?.ok_or(Denied::NotTheirs)?;
        let entry = visit.entry(Event::Connection, "disconnected");
        let done = self.store.disconnect(visit.permit.subject(), id, &entry).await?;
        let TakenBack { how, tokens } = done.ok_or(Denied::NoConnection)?;
        // It is over here whether or not the organization hears of it; it is told until it does.
        self.tell_now(tokens.as_deref()).await;
        Ok(how)
    }

    /// Whose page shows this token, where a code was typed into it.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn paired(&self, token: &str) -> Result<Option<Visitor>, StoreError> {
        let found = self.store.paired_page(token, self.ambient.now()).await?;
        Ok(found.map(|(page, person, named)| Visitor { caller: on_page(page, person), by_code: true, named }))
    }

    /// Tries a code that was typed into a page at `address`; where it fits, `token` is what the page shows from then on.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn pair(&self, code: &str, token: &str, address: &str) -> Result<Paired, StoreError> {
        let occasion = self.occasion();
        let entry = JournalEntry {
            event: Event::Identified,
            subject: None,
            actor: None,
            intent: Some(INTENT.to_owned()),
            channel: Surface::Chat.name(),
            session: Some(occasion.session),
            turn: Some(occasion.turn),
            closes: None,
            outcome: None,
            at: occasion.at,
        };
        self.store.try_pairing(code, token, address, &entry).await
    }
}

fn on_page(page: CredentialId, person: PersonId) -> Caller {
    Caller {
        surface: Surface::Chat,
        credential: page,
        person: Some(person),
        stay: None,
        proof: Proof::None,
        house: None,
    }
}

/// The page that began it; that it is still signed in was seen when the state was spent.
fn caller(underway: &Underway) -> Result<Caller, StoreError> {
    let page = CredentialId::parse(&underway.credential).map_err(|_| StoreError::Damaged("connecting".into()))?;
    Ok(on_page(page, underway.person()?))
}

fn kept_access(tokens: &Tokens) -> ConnectionAccess {
    ConnectionAccess {
        access: Secret(tokens.access.clone()),
        refresh: tokens.refresh.clone().map(Secret),
        expires: tokens.expires,
    }
}

fn tokens_of(access: &ConnectionAccess) -> Tokens {
    Tokens {
        access: access.access.0.clone(),
        refresh: access.refresh.as_ref().map(|t| t.0.clone()),
        expires: access.expires,
        granted: vec![],
        patient: None,
    }
}

fn not_given(error: SmartError) -> NotConnected {
    match error {
        SmartError::Silent(_) => NotConnected::Unavailable,
        SmartError::Refused => NotConnected::Refused,
        other => NotConnected::Wrong(other),
    }
}

fn not_read(error: &FhirError) -> NotConnected {
    if error.passing() { NotConnected::Unavailable } else { NotConnected::Nobody }
}
