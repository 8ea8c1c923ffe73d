//! What a person is told besides what they asked: news that came up since they spoke last.
//!
//! Invariants: news is told only where an answer about the same person was let in, and passes policy by itself, as any answer
//! does; it is told once, by the commit of the answer that tells it; what must not be heard by others is not said, only that
//! there is something; whoever has a PIN hears no more than that before they have said it. News never stands before an emergency, a question or a read-back.

use serde_json::Value;

use super::{Said, State, Turn, TurnError, said};
use crate::{
    actions::{ActionError, Change, Facts, KeptNotice, Next},
    dialogue::{self, Needs, Open, Wait},
    policy::{DataClass, Decision, Effect, Identity, Permit, Proof, Question, Scope, Telling, Verdict, admit, decide},
    store::{Told, WaitingNews},
};

/// What is let in when news is told, as the audit trail names it.
const NEWS: &str = "notification.news";
/// What is asked by whoever wants to hear it.
const LIST: &str = "notification.list";
/// What is asked by whoever wants to know how far a prescription is.
const STATUS: &str = "prescription.status";
/// Most news in one answer.
const AT_ONCE: usize = 2;

impl Turn<'_> {
    /// The answer, and the news after it where this is the place for it. News that cannot be had now comes another time.
    pub(super) async fn with_news(&mut self, said: Said) -> Said {
        if !self.is_time_for_news(&said) {
            return said;
        }
        match self.news(&said).await {
            Ok((known, news)) => {
                let told = said.told.iter().cloned().chain(known).collect();
                news.into_iter().fold(Said { told, ..said }, Said::then)
            }
            Err(error) => {
                self.report("news", &error);
                said
            }
        }
    }

    fn is_time_for_news(&self, said: &Said) -> bool {
        // Who asks for quiet has it from this answer on, which is before their wish is durable.
        if said.parts().flat_map(|part| &part.changes).any(|change| matches!(change, Change::Quiet { .. })) {
            return false;
        }
        let disclosed = said.parts().any(|part| part.opened.is_some());
        let calm = said.parts().all(|part| part.needs.effect != Effect::Urgent && part.state != State::Escalated);
        disclosed && calm && said.settled() && !self.third_party() && self.triage.is_none()
    }

    /// The news; what nobody wants to be told unasked only where it was asked for. Before it, what of it the answer itself said.
    async fn news(&mut self, answer: &Said) -> Result<(Vec<Told>, Vec<Said>), TurnError> {
        let (mut known, asked) = (Vec::new(), answer.from == LIST);
        let Some(person) = self.caller.person.clone() else { return Ok((known, vec![])) };
        let mut waiting = self.core.store.waiting_news(&person).await?;
        if waiting.is_empty() {
            return Ok((known, vec![]));
        }
        let overheard = self.overheard();
        let unproven = self.caller.proof == Proof::None;
        if !asked {
            // Who heard that there is something knows where to ask for it; where others hear it, it is not said again.
            waiting.retain(|news| !((overheard || unproven) && news.hinted));
            let quiet = self.core.store.quiet(&person).await?;
            waiting.retain(|news| quiet.lets(news.topic, self.now, &self.core.zone));
        }
        let mut parts: Vec<Said> = Vec::new();
        for topic in Scope::ALL {
            let of_topic: Vec<&WaitingNews> = waiting.iter().filter(|news| news.topic == topic).collect();
            if of_topic.is_empty() || parts.len() >= AT_ONCE || parts.iter().any(|part| part.open.is_some()) {
                continue;
            }
            let needs = needs(topic);
            let uses = self.agreed.uses.answer();
            match decide(&needs.task(NEWS), &self.caller, &uses) {
                Decision::Person(_) => {}
                Decision::Ask(Question::Pin) if uses.contains(&topic) => {
                    parts.extend(hint("notice_pin", of_topic.iter().map(|news| news.id.as_str())));
                    continue;
                }
                _ => continue,
            }
            if self.telling(NEWS, &needs) != Telling::Whole {
                parts.extend(hint("notice_headline", of_topic.iter().map(|news| news.id.as_str())));
                continue;
            }
            let Some(permit) = self.permitted(&needs).await? else { continue };
            let opened = permit.entry();
            let all = self.core.store.untold(&person).await?.reveal(&permit).map_err(ActionError::from)?;
            let (said, new): (Vec<_>, Vec<_>) = all
                .into_iter()
                .filter(|kept| of_topic.iter().any(|news| news.id == kept.id))
                .partition(|kept| answer.parts().any(|part| says(part, &kept.notice.facts)));
            known.extend(said.into_iter().map(|kept| Told::Whole(kept.id)));
            let (hushed, told): (Vec<_>, Vec<_>) = new.into_iter().partition(|kept| overheard && kept.notice.sensitive);
            for kept in told {
                if parts.len() < AT_ONCE && !parts.iter().any(|part| part.open.is_some()) {
                    parts.push(Said { opened: Some(opened), ..piece(kept, &needs) });
                }
            }
            let hint = hint("notice_headline", hushed.iter().map(|kept| kept.id.as_str()));
            parts.extend(hint.map(|said| Said { opened: Some(opened), ..said }));
        }
        // A question comes last.
        parts.sort_by_key(|part| part.open.is_some());
        Ok((known, parts))
    }

    /// Lets in what tells the news; the row is durable before it is opened.
    async fn permitted(&self, needs: &Needs) -> Result<Option<Permit>, TurnError> {
        let uses = self.agreed.uses.answer();
        let verdict = admit(&needs.task(NEWS), &self.caller, &uses, &self.occasion(), &self.core.store).await?;
        Ok(match verdict {
            Verdict::Allow(permit) => Some(permit),
            Verdict::AllowRoom(_)
            | Verdict::AllowPublic
            | Verdict::StepUp(_)
            | Verdict::Refuse(_)
            | Verdict::Escalate => None,
        })
    }
}

/// What telling news about a part of the record needs.
const fn needs(topic: Scope) -> Needs {
    Needs { data: DataClass::Identifiable, effect: Effect::Read, identity: Identity::Pin, scope: Some(topic) }
}

/// One piece of news.
fn piece(kept: KeptNotice, needs: &Needs) -> Said {
    let facts = kept.notice.facts;
    let said = Said {
        needs: needs.clone(),
        told: vec![Told::Whole(kept.id)],
        ..Said::new("dialogue.common", facts.clone(), State::Answered)
    };
    match kept.notice.next {
        Some(Next { intent, slots }) => {
            let question = dialogue::Said { intent: "dialogue.common".to_owned(), facts, needs: needs.clone() };
            let open = Open { intent, slots, wait: Wait::Meant, said: question, tries: 0, before: None };
            Said { state: State::Asks, open: Some(open), ..said }
        }
        None => said,
    }
}

/// Whether an answer about how far a prescription is just said what the news says.
fn says(answer: &Said, news: &Facts) -> bool {
    let (Some(stage), Some(medicine)) = (news.reply.strip_prefix("notice_"), news.values.get("medicine")) else {
        return false;
    };
    let is = |value: Option<&Value>, wanted: &str| value.and_then(Value::as_str) == Some(wanted);
    let facts = &answer.facts;
    let one = facts.reply == stage && facts.values.get("medicine") == Some(medicine);
    let items = facts.values.get("items").and_then(Value::as_array);
    let among = |item: &Value| is(item.get("stage"), stage) && item.get("medicine") == Some(medicine);
    answer.from == STATUS && (one || items.is_some_and(|items| items.iter().any(among)))
}

/// That there is news, and where or how it is heard.
fn hint<'a>(reply: &str, of: impl Iterator<Item = &'a str>) -> Option<Said> {
    let told: Vec<Told> = of.map(|id| Told::Hint(id.to_owned())).collect();
    (!told.is_empty()).then(|| Said { told, ..said::common(reply, State::Answered) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_known_only_from_the_same_of_the_same_medicine() {
        let news = Facts::new("notice_shipped").with("medicine", "metformin").with("carrier", "UPS");
        let answer = |from: &str, facts: Facts| Said::new(from, facts, State::Answered);
        let items = |stage: &str| vec![serde_json::json!({"medicine": "metformin", "stage": stage})];
        for (answer, known) in [
            (answer(STATUS, Facts::new("shipped").with("medicine", "metformin")), true),
            (answer(STATUS, Facts::new("shipped").with("medicine", "lisinopril")), false),
            (answer(STATUS, Facts::new("ready").with("medicine", "metformin")), false),
            (answer("medicine.info", Facts::new("shipped").with("medicine", "metformin")), false),
            (answer(STATUS, Facts::new("several").with("items", items("shipped"))), true),
            (answer(STATUS, Facts::new("several").with("items", items("ready"))), false),
        ] {
            assert_eq!(says(&answer, &news), known, "{} {}", answer.from, answer.facts.reply);
        }
        assert!(!says(&answer(STATUS, Facts::new("shipped")), &Facts::new("notice_shipped")));
    }
}
