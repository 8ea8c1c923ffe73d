//! A response envelope of the Alexa Skills Kit.
//!
//! Deliberately absent: cards, which would show in an app what was said in a room, and session attributes, which would
//! give the platform the conversation to keep.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request::Kind;
use crate::{
    nlu::alexa::{is_intent, is_slot},
    turn::{AsksFor, Could, State, TurnResult},
};

/// Longest speech the platform takes, in characters of markup.
const LONGEST: usize = 8_000;

/// What is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reply {
    version: &'static str,
    session_attributes: BTreeMap<String, String>,
    response: Response,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_speech: Option<Speech>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reprompt: Option<Reprompt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    directives: Vec<Directive>,
    #[serde(skip_serializing_if = "Option::is_none")]
    should_end_session: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_fulfill_intent: Option<CanFulfill>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Speech {
    #[serde(rename = "SSML")]
    Ssml {
        ssml: String,
    },
    PlainText {
        text: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reprompt {
    output_speech: Speech,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Directive {
    #[serde(rename = "Dialog.ElicitSlot", rename_all = "camelCase")]
    ElicitSlot { slot_to_elicit: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CanFulfill {
    can_fulfill: &'static str,
    slots: BTreeMap<String, CanFulfillSlot>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CanFulfillSlot {
    can_understand: &'static str,
    can_fulfill: &'static str,
}

impl Reply {
    /// What is answered where no answer belongs.
    pub fn nothing() -> Self {
        Self::of(Response::default())
    }

    /// The answer to a turn. The microphone opens again only where something was asked, or was not understood.
    pub fn to(kind: &Kind, result: &TurnResult) -> Self {
        let conversing = matches!(result.intent.as_str(), "dialogue.greet" | "dialogue.help" | "dialogue.none");
        let opened = matches!(kind, Kind::Launch);
        let open = result.follow_up_ms > 0 || opened || conversing || result.state == State::Rejected;
        let again = || Reprompt { output_speech: Speech::Ssml { ssml: last_sentence(&result.ssml) } };
        Self::of(Response {
            output_speech: Some(speech(result)),
            reprompt: open.then(again),
            directives: elicited(kind, result.asks_for.as_ref()).into_iter().collect(),
            should_end_session: Some(!open),
            can_fulfill_intent: None,
        })
    }

    /// Whether something could be answered.
    pub fn could(could: &Could) -> Self {
        let told = |yes: bool| if yes { "YES" } else { "NO" };
        let slot = |(name, known): &(String, bool)| {
            let can = CanFulfillSlot { can_understand: told(*known), can_fulfill: told(*known && could.answer) };
            (name.clone(), can)
        };
        let slots = could.slots.iter().map(slot).collect();
        let can = CanFulfill { can_fulfill: told(could.answer), slots };
        Self::of(Response { can_fulfill_intent: Some(can), ..Response::default() })
    }

    fn of(response: Response) -> Self {
        Self { version: "1.0", session_attributes: BTreeMap::new(), response }
    }
}

/// Speech that is too long for the platform loses its markup, and then its end.
fn speech(result: &TurnResult) -> Speech {
    if result.ssml.chars().count() <= LONGEST {
        return Speech::Ssml { ssml: result.ssml.clone() };
    }
    Speech::PlainText { text: result.reply.chars().take(LONGEST).collect() }
}

/// The last sentence alone, which is the question where one was asked.
fn last_sentence(ssml: &str) -> String {
    let last = ssml.rfind("<s>").and_then(|from| ssml.get(from..)).and_then(|rest| Some((rest, rest.find("</s>")?)));
    match last {
        Some((rest, end)) => format!("<speak>{}</s></speak>", rest.get(..end).unwrap_or_default()),
        None => ssml.to_owned(),
    }
}

/// Where the platform has a dialog for the intent, it is told which slot is asked for, and sends the intent again with
/// it: a bare "tuesday" would find no intent there.
fn elicited(kind: &Kind, asks: Option<&AsksFor>) -> Option<Directive> {
    let (Kind::Intent { intended, dialog: true, slots }, Some(asks)) = (kind, asks) else { return None };
    let same = is_intent(&asks.intent, &intended.name);
    let slot = slots.iter().find(|there| same && is_slot(&asks.slot, there))?;
    Some(Directive::ElicitSlot { slot_to_elicit: slot.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sentence_keeps_its_markup() {
        for (ssml, last) in [
            (
                "<speak><p><s>One.</s><s>Take <sub alias=\"10 milligrams\">10 mg</sub>?</s></p></speak>",
                "<speak><s>Take <sub alias=\"10 milligrams\">10 mg</sub>?</s></speak>",
            ),
            ("<speak><prosody rate=\"slow\"><p><s>Yes?</s></p></prosody></speak>", "<speak><s>Yes?</s></speak>"),
            ("<speak></speak>", "<speak></speak>"),
        ] {
            assert_eq!(last_sentence(ssml), last);
        }
    }
}
