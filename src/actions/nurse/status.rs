//! `nurse.status`: whether anybody has seen what this room asked for, and what they said.
//!
//! Nothing here says that somebody is coming; staff may, and then it is said as theirs.

use super::super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
    records::RoomCall,
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Read);

/// Replies: `none`, `waiting` (asked, again), `seen` (by), `said` (by, words); `home` where there is no board.
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    Ok(Outcome::Answer(match pass.surface() {
        Surface::Room(room) => status(&setting.records.room_calls(room).await?),
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => {
            Facts::new("home").with("emergency_number", setting.emergency_number)
        }
    }))
}

/// What is told: of what nobody has seen, first; else of what was asked for last.
fn status(calls: &[RoomCall]) -> Facts {
    let open = || calls.iter().filter(|call| !call.cancelled || call.emergency);
    let unseen = open().filter(|call| call.seen_by.is_none()).max_by_key(|call| (call.emergency, call.asked));
    if let Some(call) = unseen {
        return Facts::new("waiting").with("asked", call.asked);
    }
    let Some(call) = open().max_by_key(|call| call.asked) else { return Facts::new("none") };
    let words = call.said.as_ref().and_then(|said| said.words.as_ref().map(|words| (&said.by, words)));
    match (words, &call.seen_by) {
        (Some((by, words)), _) => Facts::new("said").with("by", by).with("words", words),
        (None, by) => Facts::new("seen").with("by", by),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::records::SaidBack;

    #[test]
    fn what_is_told_of_open_calls() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let call = |asked, seen: Option<&str>, said: Option<&str>| RoomCall {
            emergency: false,
            asked: at(asked),
            seen_by: seen.map(str::to_owned),
            cancelled: false,
            said: said.map(|words| SaidBack {
                at: at(asked),
                by: "Maria".into(),
                words: Some(words.into()),
                spoken: None,
            }),
        };
        let cancelled = |call: RoomCall| RoomCall { cancelled: true, ..call };
        let emergency = |call: RoomCall| RoomCall { emergency: true, ..call };
        for (calls, reply) in [
            (vec![], "none"),
            (vec![call(1, None, None)], "waiting"),
            (vec![call(1, Some("Ann"), None)], "seen"),
            (vec![call(1, Some("Ann"), Some("On my way"))], "said"),
            (vec![call(1, None, Some("On my way"))], "waiting"),
            (vec![call(1, Some("Ann"), None), call(2, None, None)], "waiting"),
            (vec![call(2, Some("Ann"), None), call(1, None, None)], "waiting"),
            (vec![cancelled(call(1, None, None))], "none"),
            (vec![emergency(cancelled(call(1, None, None)))], "waiting"),
        ] {
            assert_eq!(status(&calls).reply, reply);
        }
        let told = status(&[call(1, Some("Ann"), Some("On my way"))]);
        assert_eq!((&told.values["by"], &told.values["words"]), (&"Maria".into(), &"On my way".into()));
    }
}
