//! One turn, from what was said to what is answered. The only place that knows the order:
//! hear, triage, understand, dialogue, policy, action, speech, store.
//!
//! Invariants: an emergency is handled before anything else is looked at; nothing personal is touched before
//! [`crate::policy::admit`]; state, answer and audit are durable before the answer is returned; a turn never
//! fails, bad luck is an answer too.

mod again;
mod age;
mod alarm;
mod aloud;
mod another;
mod carry;
mod chime;
mod code;
mod count;
mod due;
mod early;
mod expect;
mod foreign;
mod go_on;
mod hear;
mod identify;
mod intended;
mod keep;
mod lost;
mod mask;
mod names;
mod news;
mod pause;
mod places;
mod pressure;
mod request;
mod room;
mod said;
mod send;
mod speaker;
mod understand;

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use due::{DueError, Ring, Sound};
pub use early::Early;
pub use keep::{SLOWLY, WordsKept, words_of};
pub use names::Recognized;
pub use pause::Expected;
pub use places::CareNames;
pub use request::{AsksFor, Could, Heard, Input, State, Timings, TurnRequest, TurnResult};

pub use crate::nlu::{Intended, Said as SlotSaid};
use crate::{
    actions::{ActionError, Connecting, Facts, Protection},
    ambient::Ambient,
    asr::{pool::Pool, spotter::Spotter, tongues::Tongues},
    config::PatternsConfig,
    dialogue,
    fleet::{nurse::Units, room::Rooms},
    nlu::{Engine, NONE, Slots, catalogue::Catalogue, places::Named},
    outbox::{Courier, CourierError},
    policy::{
        Agreed, Caller, JournalError, Mode, Occasion, PersonId, Proof, SessionId, Surface, Trust, TurnId,
        triage::Triage,
    },
    records::{Budget, Position, Records, RecordsError},
    speech::{Moment, Replies, ReplyError, voice::Voice},
    store::{Answered, CommitError, OpeningQuery, Store, StoreError},
};
use said::Said;

/// Everything a turn works with; built once by [`crate::app`].
pub struct Core {
    /// Time and randomness.
    pub ambient: Ambient,
    /// The database.
    pub store: Store,
    /// The records of the people.
    pub records: Records,
    /// What can be said and answered.
    pub catalogue: Arc<Catalogue>,
    /// Understanding.
    pub engine: Arc<Engine>,
    /// Reply templates.
    pub replies: Replies,
    /// Hearing; absent where the model is.
    pub ears: Option<Pool>,
    /// Who tells other languages; absent where nobody asked for it.
    pub tongues: Option<Arc<Tongues>>,
    /// Who tells a cry before a decoder is free; absent where nobody hears.
    pub spotter: Option<Arc<Spotter>>,
    /// The voice; absent where its files are.
    pub voice: Option<Arc<Voice>>,
    /// The speaker's time zone.
    pub zone: TimeZone,
    /// What the assistant calls the organization.
    pub organization: String,
    /// What it tells people at home to dial.
    pub emergency_number: String,
    /// The number at which people answer.
    pub phone: Option<String>,
    /// Which room is of which unit.
    pub units: Units,
    /// Where rooms are of which nobody told.
    pub position: Option<Position>,
    /// Where people sign up, as it is said aloud; `None` where nobody can.
    pub sign_up: Option<String>,
    /// How what is said is protected, as configured.
    pub protection: Protection,
    /// Records of other organizations that can be connected; `None` where none can.
    pub connecting: Option<Connecting>,
    /// Names let out for recognition, by session.
    pub recognized: Recognized,
    /// What urgent care places are called.
    pub care_names: CareNames,
    /// What is counted of turns; `None` where nothing is.
    pub patterns: Option<PatternsConfig>,
    /// How long a clip may wait and be decoded.
    pub hear_deadline: std::time::Duration,
    /// How long record servers may take of one turn, all together.
    pub servers_within: std::time::Duration,
    /// Digits of every PIN of this house, where all have the same number.
    pub pin_digits: Option<usize>,
    /// What works the things of rooms; absent where there is no broker.
    pub rooms: Option<Rooms>,
    /// Who takes changes to the servers where people's records live; absent where there is no server.
    pub courier: Option<Courier>,
}

/// Why a turn could not go on. Never holds what was said.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Action(#[from] ActionError),
    #[error(transparent)]
    Courier(#[from] CourierError),
    #[error(transparent)]
    Reply(#[from] ReplyError),
    #[error("the catalogue's intent `{0}` names no action that exists")]
    NoAction(String),
    #[error("the action of `{0}` changes something without a read-back")]
    Unconfirmed(String),
}

/// One turn under way.
struct Turn<'a> {
    core: &'a Core,
    caller: Caller,
    /// The person the credential itself stands for.
    door: Option<PersonId>,
    /// The people who share a device at home, where it does not say who speaks.
    house: Vec<PersonId>,
    /// The one-time code that was said, for the try alone.
    code: Option<Zeroizing<String>>,
    /// How much may be said aloud here and now.
    mode: Mode,
    /// The same if a visitor were there.
    with_visitor: Mode,
    /// Whether whoever speaks has a PIN.
    has_pin: bool,
    session: SessionId,
    /// The client named the conversation.
    named: bool,
    id: TurnId,
    body: [u8; 32],
    now: Timestamp,
    started: Instant,
    timings: Timings,
    heard: Option<Heard>,
    triage: Option<Triage>,
    speak: bool,
    agreed: Agreed,
    state: dialogue::State,
    /// What urgent care places are called.
    places: Arc<[Named]>,
    /// How long record servers may take of this turn.
    budget: Budget,
    /// The records, with what was read while the opening audit row went to the disk.
    ahead: Option<Records>,
}

impl Core {
    /// Takes one turn. Always gives an answer.
    pub async fn turn(&self, request: TurnRequest) -> TurnResult {
        let input = request.input;
        let mut turn = Turn::start(self, request.caller, request.session, request.turn, request.speak, &input);
        let opened = turn.open().await;
        if let Ok(Some(earlier)) = &opened {
            return turn.repeat(earlier).await;
        }
        let heard = turn.hear(input).await;
        let mut turn = match turn.alarmed(&heard).await {
            ControlFlow::Break(answer) => return answer,
            ControlFlow::Continue(turn) => turn,
        };
        if let Err(e) = opened {
            return turn.failed(&e).await;
        }
        // Not before: an emergency waits for no list.
        turn.places = self.care_names.of(self, turn.now).await;
        match heard {
            hear::Hearing::Words { .. } | hear::Hearing::Meant { .. } => turn.converse(heard).await,
            hear::Hearing::Nothing { .. } if turn.asks_whether_emergency() => turn.unanswered().await,
            hear::Hearing::Nothing { clip: Some(_), .. } => turn.doubted(heard).await,
            hear::Hearing::Nothing { reply, staff, .. } => turn.rejected(reply, staff).await,
        }
    }
}

impl<'a> Turn<'a> {
    fn start(
        core: &'a Core,
        caller: Caller,
        session: Option<SessionId>,
        id: Option<TurnId>,
        speak: bool,
        input: &Input,
    ) -> Self {
        let now = core.ambient.now();
        let body = match input {
            Input::Text(text) => Sha256::new().chain_update(b"text").chain_update(text).finalize(),
            // What was heard before is no part of what was said.
            Input::Audio(wav) | Input::Streamed(wav, _) => {
                Sha256::new().chain_update(b"audio").chain_update(wav).finalize()
            }
            Input::Intent(asked) => {
                Sha256::new().chain_update(b"intent").chain_update(keep::to_bytes(asked)).finalize()
            }
            Input::Silence => Sha256::digest(b"silence"),
        };
        Self {
            core,
            door: caller.person.clone(),
            house: Vec::new(),
            code: None,
            mode: Mode::Aloud,
            with_visitor: Mode::AskFirst,
            has_pin: false,
            caller,
            named: session.is_some(),
            session: session.unwrap_or_else(|| SessionId::fresh(now, core.ambient.random())),
            id: id.unwrap_or_else(|| TurnId::fresh(now, core.ambient.random())),
            body: body.into(),
            now,
            started: Instant::now(),
            timings: Timings::default(),
            heard: None,
            triage: None,
            speak,
            agreed: Agreed::default(),
            state: dialogue::State::default(),
            places: Arc::default(),
            budget: Budget::new(core.servers_within),
            ahead: None,
        }
    }

    /// Nothing of a third-party turn is kept, so nothing is looked up for one either.
    fn third_party(&self) -> bool {
        self.caller.surface.trust() == Trust::ThirdParty
    }

    fn occasion(&self) -> Occasion {
        Occasion { session: self.session.clone(), turn: self.id.clone(), at: self.now }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, zone: self.core.zone.clone() }
    }

    /// Reads the conversation so far, what the person agreed to, and whether this turn was answered before.
    async fn open(&mut self) -> Result<Option<Answered>, TurnError> {
        if self.third_party() {
            return Ok(None);
        }
        let clock = Instant::now();
        let opening = self
            .core
            .store
            .opening(&OpeningQuery {
                // A fresh name is no conversation yet; a repeat that names none is given its first answer.
                session: self.named.then_some(&self.session),
                turn: &self.id,
                credential: &self.caller.credential,
                person: self.caller.person.as_ref(),
                room: self.caller.surface.room(),
                body_hash: self.body,
            })
            .await;
        self.timings.policy += millis(clock);
        let opening = opening?;
        self.agreed = opening.agreed;
        self.has_pin = opening.has_pin;
        self.look_around(opening.place).await?;
        if let Some(saved) = opening.session {
            let device = saved.credential == self.caller.credential;
            let home = matches!(self.caller.surface, Surface::Home(_));
            // Whoever said who they are at a device at home is looked for among its people again.
            let same =
                |state: &dialogue::State| device && (saved.person == self.door || (home && state.speaker.is_some()));
            match serde_json::from_slice::<dialogue::State>(&saved.state) {
                Ok(state) if same(&state) => self.state = state.after_pause(saved.last, self.now),
                // A conversation of somebody else's, or of a program that kept it differently: start afresh,
                // under a name of its own.
                Ok(_) | Err(_) => self.session = SessionId::fresh(self.now, self.core.ambient.random()),
            }
        }
        self.take_up_speaker().await?;
        self.caller.proof = match (&self.caller.surface, self.state.proved) {
            (Surface::Chat, _) => Proof::Fresh,
            (_, Some(at)) if self.now.duration_since(at).abs() <= dialogue::PROOF_LASTS => Proof::Fresh,
            _ if self.has_pin => Proof::None,
            _ => Proof::Unasked,
        };
        Ok(opening.answered)
    }

    /// Understand, decide, act, answer.
    async fn converse(mut self, heard: hear::Hearing) -> TurnResult {
        if let Some(tried) = self.pin_in(heard.words()) {
            let said = match self.try_pin(tried).await {
                Ok(said) => said,
                Err(e) => return self.failed(&e).await,
            };
            return self.finish(said).await;
        }
        match self.named_in(heard.words()).await {
            Ok(Some(said)) => return self.finish(said).await,
            Ok(None) => {}
            Err(e) => return self.failed(&e).await,
        }
        let words = heard.words().to_owned();
        let names = match self.names().await {
            Ok(names) => names,
            Err(e) => return self.failed(&e).await,
        };
        let understood = self.understand(&heard, &names).await;
        if again::lost(&understood.meaning)
            && let Some(foreign) = self.in_another_language(&heard).await
        {
            return self.said_in_another_language(foreign).await;
        }
        self.answer(&words, understood).await
    }

    /// Words that are too doubtful to act on: only a name that is known of the person saves them, heard once more. What is taken
    /// for them is never as sure as what was heard well.
    async fn doubted(mut self, heard: hear::Hearing) -> TurnResult {
        if let Some(foreign) = self.in_another_language(&heard).await {
            return self.said_in_another_language(foreign).await;
        }
        let doubtful = matches!(heard, hear::Hearing::Nothing { doubtful: true, .. });
        let may_be_named = self.state.open.as_ref().is_none_or(|open| open.wait.slot().is_some());
        if doubtful && may_be_named && !self.third_party() {
            let names = match self.names().await {
                Ok(names) => names,
                Err(e) => return self.failed(&e).await,
            };
            if let Some((words, understood)) = self.saved_by_a_name(&heard, &names).await {
                return self.answer(&words, understood).await;
            }
        }
        match heard {
            hear::Hearing::Nothing { reply, staff, .. } => self.rejected(reply, staff).await,
            hear::Hearing::Words { .. } | hear::Hearing::Meant { .. } => self.converse(heard).await,
        }
    }

    /// Decide, act, answer.
    async fn answer(mut self, words: &str, mut understood: understand::Understood) -> TurnResult {
        self.mask(&mut understood);
        let (intent, slots) = (understood.meaning.intent.clone(), understood.meaning.slots.clone());
        let answered = match self.name_of_nobody(words, &understood.meaning) {
            Some(name) => self.somebody(Some(name)).await,
            None => self.answered_for_oneself(words, understood).await,
        };
        match answered {
            Ok(said) => self.finish(said).await,
            Err(e) => {
                let reply = self.failed_reply(&e);
                self.finish(Said { intent, slots, ..reply }).await
            }
        }
    }

    /// Nothing could be made of what was heard. In a room staff learn of it where the fault is ours.
    async fn rejected(self, reply: &'static str, staff: Option<hear::Unheard>) -> TurnResult {
        let mut said = Said::new("dialogue.common", Facts::new(reply), State::Rejected);
        said.intent = NONE.to_owned();
        said.missed = matches!(reply, "unclear" | "unclear_room");
        if said.missed && self.state.misses.saturating_add(1) >= dialogue::PATIENCE {
            said = said.then(self.offered_person());
        }
        if let Some(need) = staff
            && let Some(change) = self.spoke_unheard(need)
        {
            said.changes.push(change);
        }
        self.finish(said).await
    }

    /// What went wrong, for the operator. Of a third party's turn not even the intent that an error may name.
    fn report(&self, stage: &'static str, error: &TurnError) {
        if self.third_party() {
            tracing::error!(stage, "a third party's turn could not go on");
        } else {
            tracing::error!(stage, %error, "a turn could not go on");
        }
    }

    /// Bad luck: says so, and what to do.
    async fn failed(self, error: &TurnError) -> TurnResult {
        let said = self.failed_reply(error);
        self.finish(said).await
    }

    fn failed_reply(&self, error: &TurnError) -> Said {
        self.report("turn", error);
        Said {
            intent: NONE.to_owned(),
            slots: Slots::new(),
            ..Said::new("dialogue.common", Facts::new("failed"), State::Rejected)
        }
    }
}

/// Milliseconds since `clock` started.
fn millis(clock: Instant) -> f64 {
    clock.elapsed().as_secs_f64() * 1000.0
}
