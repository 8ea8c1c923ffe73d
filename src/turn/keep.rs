//! The end of a turn: word the answer, make state, answer and audit durable together, speak.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{
    AsksFor, Expected, Heard, State, Turn, TurnError, TurnResult, aloud, hear::Unheard, lost, millis, said::Said,
};
use crate::{
    actions::{Change, Facts},
    dialogue::{self, Needs},
    policy::{Effect, EntryId, Event, Journal, JournalEntry, Surface, Telling, Verdict, admit},
    speech::Rendered,
    store::{Answered, CommitError, KeyOwner, TurnCommit},
};

/// Changes that are on their way, by their place among those of the turn.
pub(super) type Going = Vec<(usize, String)>;

/// Speaking speed where somebody asked for slower.
pub const SLOWLY: f32 = 0.8;

/// An answer as it is kept for a client that repeats its turn.
#[derive(Serialize, Deserialize)]
struct Kept {
    result: TurnResult,
    /// What each part of it needed.
    needs: Vec<Needs>,
    person: Option<String>,
    /// It was no more than a headline.
    #[serde(default)]
    headline: bool,
}

/// What was said and answered in a turn.
///
/// Not `Debug`: it is what somebody said.
pub struct WordsKept {
    /// What was heard, secrets masked.
    pub heard: String,
    /// The answer.
    pub reply: String,
}

/// The words of an answer as it is kept; `None` where it is none.
#[must_use]
pub fn words_of(kept: &[u8]) -> Option<WordsKept> {
    let Kept { result, .. } = serde_json::from_slice(kept).ok()?;
    Some(WordsKept { heard: result.heard.map(|heard| heard.text).unwrap_or_default(), reply: result.reply })
}

impl Turn<'_> {
    /// Makes everything durable, then gives the answer.
    pub(super) async fn finish(mut self, said: Said) -> TurnResult {
        let said = self.with_news(said).await;
        match self.settle(&said).await {
            Ok(result) => result,
            Err(e) => {
                self.report("store", &e);
                self.undurable(said).await
            }
        }
    }

    async fn settle(&mut self, said: &Said) -> Result<TurnResult, TurnError> {
        let sends = self.sends(said).await?;
        let saved = sends.then(|| self.saved(said));
        let first = saved.as_ref().unwrap_or(said);
        let result = self.worded(first)?;
        match self.commit(first, &result, sends).await {
            Ok(going) => {
                let result = self.sent(said, result, going).await;
                Ok(self.spoken(result).await)
            }
            Err(TurnError::Commit(CommitError::Told)) => {
                let alone = said.without_news();
                Box::pin(self.settle(&alone)).await
            }
            Err(TurnError::Commit(CommitError::Conflict(conflict))) => {
                let result = Box::pin(self.lost(said, conflict)).await?;
                Ok(self.spoken(result).await)
            }
            // The same turn came twice at once, and the other one was first: its answer is the answer.
            Err(TurnError::Commit(CommitError::AlreadyAnswered(earlier))) => {
                let result = self.earlier_answer(&earlier).await?;
                Ok(match result {
                    Some(result) => self.spoken(result).await,
                    None => {
                        self.unkept(&Said::new("dialogue.common", Facts::new("repeat_refused"), State::Refused)).await
                    }
                })
            }
            Err(e) => Err(e),
        }
    }

    /// Nothing could be made durable, so nothing that happened is claimed, and nothing personal is said.
    async fn undurable(mut self, said: Said) -> TurnResult {
        let urgent = said.parts().any(|p| p.state == State::Escalated || p.needs.effect == Effect::Urgent);
        let (facts, state) =
            if urgent { (self.unrecorded(), State::Escalated) } else { (Facts::new("failed"), State::Rejected) };
        let instead = Said { intent: said.intent, slots: said.slots, ..Said::new("dialogue.common", facts, state) };
        let result = self.worded(&instead).unwrap_or_else(|e| {
            self.report("speech", &e);
            self.result(&instead, Rendered::default())
        });
        self.spoken(result).await
    }

    pub(super) fn worded(&mut self, said: &Said) -> Result<TurnResult, TurnError> {
        let clock = Instant::now();
        let parts = said.parts().map(|part| self.core.replies.render(&part.from, &part.facts, &self.moment()));
        let rendered = parts.collect::<Result<Vec<_>, _>>().map(Rendered::joined);
        self.timings.speech += millis(clock);
        let rendered = rendered?;
        Ok(self.result(said, if self.state.slowly { rendered.slowly() } else { rendered }))
    }

    fn result(&self, said: &Said, rendered: Rendered) -> TurnResult {
        let state = said.whole_state();
        TurnResult {
            turn_id: self.id.as_str().to_owned(),
            session: self.session.as_str().to_owned(),
            heard: self.heard.clone(),
            intent: said.intent.clone(),
            slots: said.slots.clone(),
            also: said.parts().skip(1).find_map(|part| part.request.clone()),
            triage: self.triage,
            state,
            reply: rendered.text,
            ssml: rendered.ssml,
            follow_up_ms: state.follow_up_ms(),
            asks_for: self.asks_for(said),
            volume: said.parts().find_map(|part| part.volume),
            timings_ms: self.timings,
            expects: self.open_after(said).map_or_else(Expected::default, |open| open.into()),
            slowly: false,
            audio: None,
        }
    }

    /// The question that is open when all of it was said.
    fn open_after<'s>(&'s self, said: &'s Said) -> Option<&'s dialogue::Open> {
        let last = said.parts().last().unwrap_or(said);
        if last.keep_open { self.state.open.as_ref() } else { last.open.as_ref() }
    }

    /// The slot that is asked for when all of it was said.
    fn asks_for(&self, said: &Said) -> Option<AsksFor> {
        let open = self.open_after(said)?;
        open.wait.slot().map(|slot| AsksFor { intent: open.intent.clone(), slot: slot.to_owned() })
    }

    /// Gives the changes that are on their way now, by their place among those of the turn.
    pub(super) async fn commit(&mut self, said: &Said, result: &TurnResult, sends: bool) -> Result<Going, TurnError> {
        let clock = Instant::now();
        let done = self.make_durable(said, result, sends).await;
        self.timings.store += millis(clock);
        done
    }

    async fn make_durable(&mut self, said: &Said, result: &TurnResult, sends: bool) -> Result<Going, TurnError> {
        if self.third_party() {
            return Ok(Going::new());
        }
        let Some(commit) = self.turn_commit(said, result, sends) else {
            // An app with nobody signed in: there is no key to keep words under, so none are kept.
            let closing = self.closing(said.opened, result.state.name(), Some(&said.intent));
            self.core.store.append(closing).await?;
            return Ok(Going::new());
        };
        let committed = self.core.store.commit(commit).await?;
        self.count(said, result);
        Ok(committed.going)
    }

    /// All that a turn makes durable; `None` where there is no key to keep it under.
    pub(super) fn turn_commit(&self, said: &Said, result: &TurnResult, sends: bool) -> Option<TurnCommit> {
        let owner = self.owner()?;
        let closing = self.closing(said.opened, result.state.name(), Some(&said.intent));
        let kept = Kept {
            result: result.clone(),
            needs: said.parts().map(|part| part.needs.clone()).collect(),
            person: self.caller.person.as_ref().map(|p| p.as_str().to_owned()),
            headline: said.parts().any(|part| aloud::is_headline(&part.facts)),
        };
        let more = said.parts().skip(1).filter(|part| part.opened.is_some());
        let remembered = self.remembered(said);
        let known = self.caller.person.is_some();
        let kept_times = if known { lost::holds(&self.state, &remembered, self.now) } else { vec![] };
        Some(TurnCommit {
            session: self.session.clone(),
            turn: self.id.clone(),
            credential: self.caller.credential.clone(),
            body_hash: self.body,
            owner,
            person: self.caller.person.clone(),
            door: self.door.clone(),
            room: self.caller.surface.room().cloned(),
            changes: said.parts().flat_map(|part| part.changes.clone()).chain(kept_times).collect(),
            sends,
            told: said.parts().flat_map(|part| part.told.clone()).collect(),
            session_state: to_bytes(&remembered),
            answer: to_bytes(&kept),
            closing,
            also_closing: more
                .map(|p| self.closing(p.opened, p.state.name(), Some(&p.intent)))
                .chain(self.agreement_changed(said))
                .collect(),
            at: self.now,
        })
    }

    /// What the conversation remembers of this turn.
    fn remembered(&self, said: &Said) -> dialogue::State {
        let last = said.parts().last().unwrap_or(said);
        let open = if last.keep_open { self.state.open.clone() } else { last.open.clone() };
        let spoken = |part: &Said| dialogue::Said {
            intent: part.from.clone(),
            facts: part.facts.clone(),
            needs: part.needs.clone(),
        };
        // What was to be deleted does not live on in what waited.
        let forgets = said.parts().flat_map(|part| &part.changes).any(|change| matches!(change, Change::Forget { .. }));
        let waited = if forgets { None } else { Some(&self.state) };
        dialogue::State {
            last: if last.state == State::Rejected {
                self.state.last.clone()
            } else {
                said.parts().map(spoken).collect()
            },
            recent: said.parts().filter_map(|p| p.request.clone()).last().or_else(|| self.state.recent.clone()),
            misses: if said.parts().any(|part| part.missed) { self.state.misses.saturating_add(1) } else { 0 },
            aside: waited.and_then(|state| state.aside.clone()),
            later: waited.and_then(|state| state.later.clone()),
            slowly: self.state.slowly,
            proved: self.state.proved,
            speaker: self.state.speaker.clone(),
            aloud: self.state.aloud,
            open,
        }
    }

    /// Under whose key the words of this turn are kept: the stay's in a hospital room, else the person's, else
    /// the room's own.
    pub(super) fn owner(&self) -> Option<KeyOwner> {
        match (&self.caller.surface, &self.caller.stay, &self.caller.person) {
            (Surface::Room(_), Some(stay), _) => Some(KeyOwner::Stay(stay.clone())),
            (_, _, Some(person)) => Some(KeyOwner::Person(person.clone())),
            (surface, _, None) => surface.room().cloned().map(KeyOwner::Room),
        }
    }

    pub(super) fn closing(&self, closes: Option<EntryId>, outcome: &'static str, intent: Option<&str>) -> JournalEntry {
        JournalEntry {
            event: Event::Closed,
            subject: self.caller.person.clone(),
            actor: Some(self.caller.credential.clone()),
            intent: intent.map(str::to_owned),
            channel: self.caller.surface.name(),
            session: Some(self.session.clone()),
            turn: Some(self.id.clone()),
            closes,
            outcome: Some(outcome),
            at: self.now,
        }
    }

    /// The audit row of an agreement that changes with this turn.
    fn agreement_changed(&self, said: &Said) -> Option<JournalEntry> {
        let mut changes = said.parts().flat_map(|part| &part.changes);
        let changes = changes.any(|change| matches!(change, Change::Consent { .. }));
        changes.then(|| JournalEntry { event: Event::ConsentChanged, ..self.closing(None, "changed", None) })
    }

    /// A room spoke and nobody understood, through no fault of the speaker: staff are told.
    pub(super) fn spoke_unheard(&self, unheard: Unheard) -> Option<Change> {
        match &self.caller.surface {
            Surface::Room(room) => {
                let Unheard { need, emergency } = unheard;
                Some(Change::CallNurse { room: room.clone(), need: need.to_owned(), emergency })
            }
            Surface::Home(_) | Surface::Chat | Surface::ThirdParty => None,
        }
    }

    /// The answer as sound, where asked for.
    async fn spoken(&mut self, mut result: TurnResult) -> TurnResult {
        let clock = Instant::now();
        result.slowly = self.state.slowly;
        if self.speak
            && let Some(voice) = self.core.voice.clone()
        {
            let text = result.reply.clone();
            let speed = if self.state.slowly { SLOWLY } else { 1.0 };
            let wav = tokio::task::spawn_blocking(move || voice.to_wav(&text, speed)).await;
            match wav {
                Ok(Ok(wav)) => result.audio = Some(wav),
                Ok(Err(e)) => tracing::error!(stage = "speech", error = %e, "an answer could not be spoken"),
                Err(_) => tracing::error!(stage = "speech", "the voice stopped"),
            }
        }
        self.timings.speech += millis(clock);
        self.timings.total = millis(self.started);
        result.timings_ms = self.timings;
        result
    }

    /// The same turn came again: the same answer, if the same caller may still have it; never a second act.
    pub(super) async fn repeat(mut self, earlier: &Answered) -> TurnResult {
        match self.earlier_answer(earlier).await {
            Ok(Some(result)) => self.spoken(result).await,
            Ok(None) => {
                let said = Said::new("dialogue.common", Facts::new("repeat_refused"), State::Refused);
                self.unkept(&said).await
            }
            Err(e) => {
                tracing::error!(stage = "repeat", error = %e, "an earlier answer could not be given again");
                self.unkept(&Said::new("dialogue.common", Facts::new("failed"), State::Rejected)).await
            }
        }
    }

    /// An answer that is not kept: the turn's own answer stands.
    async fn unkept(&mut self, said: &Said) -> TurnResult {
        let result = self.worded(said).unwrap_or_else(|_| self.result(said, Rendered::default()));
        self.spoken(result).await
    }

    async fn earlier_answer(&mut self, earlier: &Answered) -> Result<Option<TurnResult>, TurnError> {
        if !earlier.body_matches || !earlier.session_matches {
            return Ok(None);
        }
        let Some(Kept { result, needs, person, headline }) = serde_json::from_slice(&earlier.answer).ok() else {
            return Ok(None);
        };
        if person.as_deref() != self.caller.person.as_ref().map(crate::policy::PersonId::as_str) {
            return Ok(None);
        }
        let clock = Instant::now();
        let (mut allowed, agreed) = (true, self.agreed.uses.answer());
        for needs in needs {
            allowed &= match self.telling(&result.intent, &needs) {
                Telling::Whole => true,
                Telling::Headline => headline,
                Telling::Ask | Telling::Screen => false,
            };
            let task = needs.task(&result.intent);
            match admit(&task, &self.caller, &agreed, &self.occasion(), &self.core.store).await? {
                Verdict::Allow(permit) => {
                    let closing = self.closing(Some(permit.entry()), "repeated", Some(&result.intent));
                    self.core.store.append(closing).await?;
                }
                Verdict::AllowRoom(_) | Verdict::AllowPublic => {}
                Verdict::StepUp(_) | Verdict::Refuse(_) | Verdict::Escalate => allowed = false,
            }
        }
        self.timings.policy += millis(clock);
        self.heard.clone_from(&result.heard);
        Ok(allowed.then_some(result))
    }

    /// Typed text, as if it had been heard perfectly.
    pub(super) fn typed(&mut self, text: &str) {
        self.heard = Some(Heard { text: text.to_owned(), confidence: 1.0, no_speech: 0.0 });
    }
}

/// What is kept are our own types, which always serialize.
pub(super) fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
