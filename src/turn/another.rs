//! A request for somebody else's data is refused before anything is looked up.
//!
//! Invariants: nothing in the refusal tells whether there is such a person or anything on record of them; a dangerous value
//! is answered first, whosever it is.

use super::{Said, State, Turn, TurnError, said, understand::Understood};
use crate::{
    actions::Action,
    nlu::{SlotValue, Slots, another::is_about_another, catalogue::SlotKind},
    policy::{DataClass, Effect},
};

/// What takes somebody else as its object: whom to call, who may see one's record.
const PEOPLE: &str = "contact";

/// Whoever sits at a bed may order for whoever lies in it: nothing is told, and it is read back.
const FOR_THE_BED: &str = "meal.";

impl Turn<'_> {
    /// Everything there is to say to what was understood, where it is the speaker's own.
    pub(super) async fn answered_for_oneself(
        &mut self,
        words: &str,
        understood: Understood,
    ) -> Result<Said, TurnError> {
        let Understood { meaning, second } = understood;
        if self.is_anothers(words, &meaning.intent, &meaning.slots) {
            let refused = self.refused_for_another(&meaning.intent, &meaning.slots);
            let answers = self.state.open.as_ref().is_some_and(|open| open.intent == meaning.intent);
            return if answers { Ok(refused) } else { self.back_to_question(refused).await };
        }
        let later = second.as_ref().filter(|later| self.is_anothers(words, &later.intent, &later.slots));
        let refused = later.map(|later| self.refused_for_another(&later.intent, &later.slots));
        let second = second.filter(|_| refused.is_none());
        let said = self.answered(Understood { meaning, second }).await?;
        Ok(match refused {
            Some(refused) if said.settled() => said.then(refused),
            Some(_) | None => said,
        })
    }

    fn refused_for_another(&self, intent: &str, slots: &Slots) -> Said {
        let refused = said::common("another", State::Refused);
        let refused = Said { intent: intent.to_owned(), slots: slots.clone(), ..refused };
        let action = self.core.catalogue.intent(intent).and_then(|def| Action::named(def.action.as_deref()?));
        match action {
            Some(action) => self.warned(action, slots, refused),
            None => refused,
        }
    }

    /// Whether a request touches a record, and the words say that it is somebody else's.
    pub(super) fn is_anothers(&self, words: &str, intent: &str, slots: &Slots) -> bool {
        let Some(def) = self.core.catalogue.intent(intent) else { return false };
        let Some(action) = def.action.as_deref().and_then(Action::named) else { return false };
        let floor = action.floor();
        let takes_people = def.slots.iter().any(|slot| matches!(&slot.kind, SlotKind::List(list) if list == PEOPLE));
        if self.third_party()
            || def.data.max(floor.data) != DataClass::Identifiable
            || floor.effect == Effect::Urgent
            || takes_people
            || intent.starts_with(FOR_THE_BED)
        {
            return false;
        }
        // What is passed on in somebody's own words may tell of anybody.
        let mut words = words.to_owned();
        for slot in def.slots.iter().filter(|slot| slot.kind == SlotKind::Text) {
            if let Some(message) = slots.get(&slot.name).filter(|message| !message.spoken.is_empty()) {
                words = words.replacen(&message.spoken, " ", 1);
            }
        }
        let things: Vec<&str> = slots
            .values()
            .filter(|slot| matches!(slot.value, SlotValue::Text(_)))
            .map(|slot| slot.spoken.as_str())
            .collect();
        let first_names = self.core.catalogue.list("first_name");
        let is_name =
            |word: &str| first_names.is_some_and(|list| list.values.iter().any(|name| name.eq_ignore_ascii_case(word)));
        is_about_another(&words, &things, &is_name)
    }
}
