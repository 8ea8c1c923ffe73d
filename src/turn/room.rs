//! What is in the room: worked, and whether something plays there.

use super::{Turn, TurnError};
use crate::{
    actions::{
        Outcome,
        room::{Called, Dial, Work, Worked, call, control},
    },
    dialogue::{Move, Volume},
    nlu::{Slot, SlotValue, Slots},
};

/// The catalogue's intent for it.
const CONTROL: &str = "room.control";

impl Turn<'_> {
    /// Has it done, and tells what came of it.
    pub(super) async fn worked(&self, work: &Work) -> Outcome {
        let worked = match &self.core.rooms {
            Some(rooms) => rooms.work(&self.core.store, work).await,
            None => Worked::NotSent,
        };
        let facts = control::told(work, worked);
        match worked {
            Worked::Done(_) | Worked::Sent => Outcome::Done { conflict: facts.clone(), facts, changes: vec![] },
            Worked::Unknown => Outcome::Ask { slot: "value".into(), facts, options: vec![] },
            Worked::AtEnd(_) | Worked::NoAnswer | Worked::NotSent => Outcome::Answer(facts),
        }
    }

    /// Has somebody called, and tells what the telephone told.
    pub(super) async fn called(&self, dial: &Dial) -> Outcome {
        let called = match &self.core.rooms {
            Some(rooms) => rooms.call(dial, u64::from_be_bytes(self.core.ambient.random())).await,
            None => Called::NotSent,
        };
        let facts = call::told(&dial.who, called);
        match called {
            Called::Calling => Outcome::Done { conflict: facts.clone(), facts, changes: vec![] },
            Called::Refused | Called::NoAnswer | Called::NotSent => Outcome::Answer(facts),
        }
    }

    /// "Turn it up" is about what plays in the room, where something does; else about the assistant's own voice.
    pub(super) async fn of_the_room(&self, volume: Volume) -> Result<Option<Move>, TurnError> {
        let heard = self.heard.as_ref().map_or("", |heard| heard.text.as_str());
        if !may_be_of_the_room(heard) {
            return Ok(None);
        }
        let (Some(rooms), Some(room)) = (&self.core.rooms, self.caller.surface.room()) else { return Ok(None) };
        if self.core.catalogue.intent(CONTROL).is_none_or(|def| def.action.is_none()) {
            return Ok(None);
        }
        let things = self.core.store.room_things(room).await?;
        if !rooms.plays(&self.core.store, room, &things).await {
            return Ok(None);
        }
        let slot = |words: &str| Slot::new(words.to_owned(), SlotValue::Text(words.to_owned()), 1.0);
        let change = if volume == Volume::Up { "up" } else { "down" };
        let slots = Slots::from([("device".into(), slot("TV volume")), ("change".into(), slot(change))]);
        Ok(Some(Move::Run { intent: CONTROL.into(), slots }))
    }
}

/// Whether words for louder or quieter may be about something else than the assistant's voice.
fn may_be_of_the_room(heard: &str) -> bool {
    let heard = format!(" {} ", heard.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " "));
    let any = |words: &[&str]| words.iter().any(|word| heard.contains(word));
    any(&[" turn ", " put it ", " volume ", " crank "]) && !any(&[" your", " you ", " speak", " talk", " voice "])
}

#[cfg(test)]
mod tests {
    use super::may_be_of_the_room;

    #[test]
    fn the_assistants_voice_is_its_own() {
        for (heard, of_the_room) in [
            ("Turn it up.", true),
            ("turn it down a little", true),
            ("volume up", true),
            ("put it up some", true),
            ("speak up", false),
            ("louder", false),
            ("turn yourself up", false),
            ("increase your volume", false),
            ("could you talk louder", false),
            ("", false),
        ] {
            assert_eq!(may_be_of_the_room(heard), of_the_room, "{heard}");
        }
    }
}
