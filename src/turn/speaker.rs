//! Who is speaking where several people share a device.
//!
//! Invariants: nobody is known there until they are named, and nobody's name is guessed; what one person heard, asked
//! for or showed never passes on to the next; a name that is nobody's is answered as the name of somebody with a PIN
//! would be, so that trying names tells nothing. Who it is ends with the conversation's first pause.

use super::{Said, State, Turn, TurnError, said};
use crate::{
    actions::Facts,
    dialogue::{self, Open, Speaker, Wait},
    nlu::{By, Interpretation, NONE, words},
    policy::{Agreed, PersonId, Proof, Question, Surface},
};

/// What people say in front of their name.
const BEFORE: [&str; 13] = [
    "now it is",
    "now this is",
    "this here is",
    "this is",
    "it is",
    "i am",
    "my name is",
    "i am called",
    "that is",
    "switch to",
    "change to",
    "you are talking to",
    "you are speaking to",
];
/// What they say before all that, or after it.
const FILLERS: [&str; 18] = [
    "hi", "hello", "hey", "okay", "ok", "no", "yes", "um", "uh", "oh", "well", "actually", "now", "here", "speaking",
    "talking", "again", "please",
];
/// Words of a name.
const LONGEST_NAME: usize = 5;

impl Turn<'_> {
    /// Who the conversation has been with so far, as far as the device still knows them.
    pub(super) async fn take_up_speaker(&mut self) -> Result<(), TurnError> {
        if !matches!(self.caller.surface, Surface::Home(_)) {
            return Ok(());
        }
        if self.caller.person.is_none() {
            // Looked up with the credential, unless the channel looks none up.
            self.house = match self.caller.house.take() {
                Some(house) => house,
                None => self.core.store.household(&self.caller.credential).await?,
            };
        }
        let known = match &self.state.speaker {
            Some(Speaker::Guest(id)) => PersonId::parse(id).ok(),
            Some(Speaker::Member(id)) => self.house.iter().find(|person| person.as_str() == id).cloned(),
            _ => match self.house.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
        };
        let gone = match known {
            Some(person) => !self.stand_as(&person).await?,
            // No longer one of the people here.
            None => matches!(self.state.speaker, Some(Speaker::Member(_) | Speaker::Guest(_))),
        };
        if gone {
            self.state = dialogue::State { slowly: self.state.slowly, ..dialogue::State::default() };
        }
        Ok(())
    }

    /// This person is the caller from here on; false where nobody is left behind that id.
    async fn stand_as(&mut self, person: &PersonId) -> Result<bool, TurnError> {
        let Some((agreed, has_pin)) = self.core.store.standing(person).await? else { return Ok(false) };
        (self.caller.person, self.agreed, self.has_pin) = (Some(person.clone()), agreed, has_pin);
        Ok(true)
    }

    /// Whether several people share this device.
    pub(super) const fn shared(&self) -> bool {
        self.house.len() > 1
    }

    /// What has to be answered before it is known whose data is asked for.
    pub(super) const fn who_first(&self) -> Question {
        match &self.state.speaker {
            Some(Speaker::Nobody(_) | Speaker::OneOf(_)) => Question::Pin,
            Some(Speaker::Member(_) | Speaker::Guest(_)) | None => Question::WhoIsSpeaking,
        }
    }

    /// Who else belongs to this device.
    pub(super) fn belongs(&self, person: &PersonId) -> bool {
        self.house.contains(person)
    }

    fn waits_for_name(&self) -> bool {
        self.state.open.as_ref().is_some_and(|open| matches!(open.wait, Wait::Who { .. }))
    }

    /// A name in what was said, where it is one of those who share this device.
    pub(super) async fn named_in(&mut self, words: &str) -> Result<Option<Said>, TurnError> {
        if !self.shared() {
            return Ok(None);
        }
        let Some(name) = name_in(words, self.waits_for_name()) else { return Ok(None) };
        match self.whose(&name).await?.as_slice() {
            [] => Ok(None),
            _ => self.somebody(Some(name)).await.map(Some),
        }
    }

    /// The name in words that were understood as nothing else: nobody's here. In answer to "who is speaking" any words
    /// may be one; unasked, those that somebody is introduced with ("this is Zoe") and that are written as a name.
    pub(super) fn name_of_nobody(&self, words: &str, meaning: &Interpretation) -> Option<String> {
        let waits = self.waits_for_name();
        let lost = meaning.intent == NONE || meaning.by == By::Unsure;
        let introduced = || name_in(words, false).is_some_and(|name| is_written_as_name(words, &name));
        let a_name = self.shared() && (meaning.intent == SWITCH || (lost && (waits || introduced())));
        a_name.then(|| name_in(words, waits)).flatten()
    }

    /// The people here whom a name fits; of those it was narrowed down to, where it was.
    async fn whose(&self, name: &str) -> Result<Vec<PersonId>, TurnError> {
        let among: Vec<PersonId> = match self.state.open.as_ref().map(|open| &open.wait) {
            Some(Wait::Who { among }) if !among.is_empty() => {
                self.house.iter().filter(|person| among.iter().any(|id| id == person.as_str())).cloned().collect()
            }
            _ => self.house.clone(),
        };
        Ok(self.core.store.called(&among, name).await?)
    }

    /// Somebody says who they are, or only that they are somebody else.
    pub(super) async fn somebody(&mut self, name: Option<String>) -> Result<Said, TurnError> {
        if !self.shared() {
            return Ok(of_speaking("one_person", State::Answered));
        }
        let Some(name) = name else { return Ok(self.ask_who(Vec::new())) };
        let found = self.whose(&name).await?;
        let narrowed =
            matches!(self.state.open.as_ref().map(|open| &open.wait), Some(Wait::Who { among }) if !among.is_empty());
        match found.as_slice() {
            [one] => self.speaks(Speaker::Member(one.as_str().to_owned())).await,
            [] => self.speaks(Speaker::Nobody(name.to_lowercase())).await,
            several => {
                let ids: Vec<String> = several.iter().map(|person| person.as_str().to_owned()).collect();
                if !narrowed {
                    return Ok(self.ask_who(ids));
                }
                // The same name altogether: the PIN says who, or nobody can.
                let mut with_pin = false;
                for person in several {
                    with_pin |= self.core.store.standing(person).await?.is_some_and(|(_, has_pin)| has_pin);
                }
                if with_pin {
                    self.speaks(Speaker::OneOf(ids)).await
                } else {
                    Ok(of_speaking("same_name", State::Refused))
                }
            }
        }
    }

    /// "Who is speaking?" What was waited for waits on.
    fn ask_who(&mut self, among: Vec<String>) -> Said {
        let reply = if among.is_empty() { "speaking" } else { "speaking_whole" };
        let facts = Facts::new(reply);
        let said =
            dialogue::Said { intent: "dialogue.common".into(), facts: facts.clone(), needs: dialogue::Needs::NOTHING };
        let waiting = self.state.open.take().filter(|open| matches!(open.wait, Wait::Who { .. }));
        let (intent, slots) =
            waiting.map_or_else(|| (SWITCH.to_owned(), crate::nlu::Slots::new()), |open| (open.intent, open.slots));
        let open = Open { intent: intent.clone(), slots, wait: Wait::Who { among }, said, tries: 0, before: None };
        Said { intent, open: Some(open), ..Said::new("dialogue.common", facts, State::Asks) }
    }

    /// From here on it is they who speak. What was asked for while nobody was known goes on by itself.
    async fn speaks(&mut self, speaker: Speaker) -> Result<Said, TurnError> {
        let asked = self.takes_over(speaker, "named").await?;
        match asked {
            Some(open) if open.intent != SWITCH => self.go_on_with(open).await,
            _ => Ok(of_speaking("now_you", State::Answered)),
        }
    }

    /// Makes them the speaker, and gives what was asked for while nobody was known.
    pub(super) async fn takes_over(&mut self, speaker: Speaker, how: &'static str) -> Result<Option<Open>, TurnError> {
        let waiting = self.state.open.take();
        let nobody_was = !matches!(self.state.speaker, Some(Speaker::Member(_) | Speaker::Guest(_)));
        let asked = waiting.filter(|open| nobody_was && matches!(open.wait, Wait::Who { .. } | Wait::Pin { .. }));
        if self.state.speaker.as_ref() != Some(&speaker) {
            // Whatever the one before heard, asked for or showed is not for the next one.
            self.state = dialogue::State { slowly: self.state.slowly, ..dialogue::State::default() };
            (self.caller.person, self.caller.proof, self.has_pin) = (None, Proof::None, true);
            self.agreed = Agreed::default();
            if let Speaker::Member(id) | Speaker::Guest(id) = &speaker
                && let Ok(person) = PersonId::parse(id)
                && self.stand_as(&person).await?
            {
                self.caller.proof = if self.has_pin { Proof::None } else { Proof::Unasked };
            }
            self.state.speaker = Some(speaker);
            self.note(how).await?;
        }
        Ok(asked)
    }

    /// The PIN told which of several people of one name it is.
    pub(super) async fn turned_out(&mut self, person: &PersonId) -> Result<(), TurnError> {
        self.state.speaker = Some(Speaker::Member(person.as_str().to_owned()));
        self.stand_as(person).await?;
        self.note("named").await
    }
}

/// The intent of saying who one is.
pub(super) const SWITCH: &str = "account.switch";

fn of_speaking(reply: &str, state: State) -> Said {
    Said { intent: SWITCH.to_owned(), ..said::common(reply, state) }
}

/// The name in "hi, this is Maria Lopez speaking"; where a name was asked for, in the bare words.
fn name_in(text: &str, bare: bool) -> Option<String> {
    let all: Vec<String> = words::words(text).into_iter().map(|word| word.text).collect();
    let mut words: &[String] = &all;
    let filler = |word: &String| FILLERS.contains(&word.as_str());
    let mut framed = false;
    loop {
        let front = BEFORE.iter().find(|frame| {
            let frame: Vec<&str> = frame.split(' ').collect();
            words.len() > frame.len() && words.iter().zip(&frame).all(|(word, part)| word == part)
        });
        if let Some(front) = front {
            words = words.get(front.split(' ').count()..)?;
            framed = true;
        } else if words.first().is_some_and(filler) {
            words = words.get(1..)?;
        } else {
            break;
        }
    }
    while let Some((last, rest)) = words.split_last()
        && filler(last)
    {
        framed |= matches!(last.as_str(), "speaking" | "talking" | "here");
        words = rest;
    }
    ((framed || bare) && (1..=LONGEST_NAME).contains(&words.len())).then(|| words.join(" "))
}

/// Whether the last word of a name stands in a text with a capital, not at its beginning.
fn is_written_as_name(text: &str, name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or(name);
    text.split_whitespace().skip(1).any(|token| {
        let token = token.trim_matches(|c: char| !c.is_alphanumeric());
        token.to_lowercase() == last && token.starts_with(char::is_uppercase)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_with_a_capital() {
        for (text, is) in [
            ("this is Zoe", true),
            ("Hi, this is Zoe Quill.", true),
            ("this is awful", false),
            ("This is awful", false),
            ("it is cold in here", false),
        ] {
            let named = name_in(text, false).is_some_and(|name| is_written_as_name(text, &name));
            assert_eq!(named, is, "{text}");
        }
    }

    #[test]
    fn a_name_is_what_is_left_of_what_people_say_around_it() {
        for (said, bare, name) in [
            ("this is Maria", false, Some("maria")),
            ("Hi, it's Maria Lopez speaking.", false, Some("maria lopez")),
            ("no, I'm Bob now", false, Some("bob")),
            ("Maria here", false, Some("maria")),
            ("Maria", false, None),
            ("Maria", true, Some("maria")),
            ("um, Mrs. Lopez", true, Some("mrs lopez")),
            ("what medicines am I on right now then please", true, None),
            ("this is", false, None),
            ("", true, None),
            ("now", true, None),
        ] {
            assert_eq!(name_in(said, bare).as_deref(), name, "{said}");
        }
    }
}
