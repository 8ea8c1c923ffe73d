//! Every intent, through every kind of channel, by everybody who may be there: what became of it, and whether the audit
//! trail tells the same.
//!
//! What is expected is worked out here from the catalogue and the promise, not by asking policy, so that a mistake there
//! shows. Every turn is a real one.

use serde::Deserialize;

use super::observe::{Scratch, Speaker};
use crate::{
    actions::Action,
    nlu::{
        Intended, Said as SlotSaid,
        catalogue::{Catalogue, IntentDef, SlotKind},
    },
    policy::{DataClass, Effect, Identity, PersonId, RoomId, Scope, Surface},
    records::Chart,
    store::AuditReader,
    turn::{Input, State},
};

const PIN: &str = "583920";
/// What is asked for by name; the others of the person's medicines must not be heard.
const NAMED: &str = "metformin";

/// What became of all that was asked.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// Intents of the catalogue.
    pub intents: usize,
    /// Turns made.
    pub turns: usize,
    /// Answered, needing nobody.
    pub public: usize,
    /// Answered for the place.
    pub room: usize,
    /// Said to be not connected yet.
    pub unconnected: usize,
    /// Let at somebody's data, each with a row before it and a row behind it.
    pub opened: usize,
    /// Not let, each with a row.
    pub refused: usize,
    /// Of these on a third party's channel.
    pub third_party: usize,
    /// What was not as it has to be: which intent, where, by whom, and how.
    pub odd: Vec<String>,
}

/// Somebody who may be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Known { pin: bool, said: bool, agreed: bool },
}

const WHO: [Who; 7] = [
    Who::Nobody,
    Who::Known { pin: false, said: false, agreed: true },
    Who::Known { pin: false, said: false, agreed: false },
    Who::Known { pin: true, said: false, agreed: true },
    Who::Known { pin: true, said: false, agreed: false },
    Who::Known { pin: true, said: true, agreed: true },
    Who::Known { pin: true, said: true, agreed: false },
];

/// What has to become of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// An answer that needs nobody.
    Public,
    /// An answer for the place.
    Room,
    /// It is said that nothing is connected.
    Unconnected,
    /// A row, and somebody's data.
    Opened,
    /// A row, and nothing of anybody's.
    Refused,
}

/// Asks everything.
///
/// # Errors
/// When the scratch installation does not work at all.
pub(super) async fn sweep(scratch: &Scratch, chart: impl Fn(usize) -> anyhow::Result<Chart>) -> anyhow::Result<Swept> {
    let catalogue = Catalogue::builtin()?;
    let intents: Vec<&IntentDef> = catalogue.intents().iter().filter(|def| !def.name.ends_with(".common")).collect();
    let mut swept = Swept { intents: intents.len(), ..Swept::default() };
    let mut rows = Rows::default();
    let mut number = 100;
    for place in ["room", "home", "chat", "third-party"] {
        for who in WHO {
            number += 1;
            let chart = chart(number)?;
            let others: Vec<String> = chart
                .prescriptions
                .iter()
                .map(|p| p.medicine.to_lowercase())
                .filter(|name| !name.contains(NAMED))
                .collect();
            let person = match who {
                Who::Nobody => None,
                Who::Known { pin, agreed, .. } => {
                    let scopes: &[Scope] = if agreed { &Scope::ALL } else { &[] };
                    Some(scratch.person(&chart, pin.then_some(PIN), scopes).await?)
                }
            };
            let stand = Stand { place, who, person, others };
            let before = swept.clone();
            stand.ask_all(scratch, &catalogue, &intents, &mut swept).await?;
            rows.follow(scratch, &stand, &before, &mut swept).await?;
        }
    }
    Ok(swept)
}

/// One kind of channel with somebody there.
struct Stand {
    place: &'static str,
    who: Who,
    person: Option<PersonId>,
    others: Vec<String>,
}

impl Stand {
    fn surface(&self) -> anyhow::Result<Surface> {
        let id = RoomId::parse("sweep")?;
        Ok(match self.place {
            "room" => Surface::Room(id),
            "home" => Surface::Home(id),
            "chat" => Surface::Chat,
            _ => Surface::ThirdParty,
        })
    }

    async fn ask_all(
        &self,
        scratch: &Scratch,
        catalogue: &Catalogue,
        intents: &[&IntentDef],
        swept: &mut Swept,
    ) -> anyhow::Result<()> {
        let said = matches!(self.who, Who::Known { said: true, .. }) && matches!(self.place, "room" | "home");
        let mut speaker = Speaker::new(self.surface()?, self.person.as_ref())?;
        if said {
            scratch.say(&mut speaker, "what medicines am I on").await;
            scratch.say(&mut speaker, PIN).await;
            scratch.say(&mut speaker, "never mind").await;
        }
        for def in intents {
            // The conversation itself is about what was said in it; it has no data of its own.
            if def.name.starts_with("dialogue.") && said {
                continue;
            }
            if !said {
                speaker.session = None;
            }
            let asked = Intended { slots: slots(catalogue, def), ..Intended::named(&def.name) };
            let result = scratch.take(&mut speaker, Input::Intent(asked)).await;
            swept.turns += 1;
            let due = self.due(def, said);
            *match due {
                Due::Public => &mut swept.public,
                Due::Room => &mut swept.room,
                Due::Unconnected => &mut swept.unconnected,
                Due::Opened => &mut swept.opened,
                Due::Refused => &mut swept.refused,
            } += 1;
            swept.third_party += usize::from(due == Due::Refused && self.place == "third-party");
            let reply = result.reply.to_lowercase();
            let told = self.others.iter().any(|name| reply.contains(name));
            let fits = match due {
                Due::Opened => result.state != State::Refused,
                Due::Refused => !told && !matches!(result.state, State::Answered | State::Done | State::Confirms),
                Due::Public | Due::Room | Due::Unconnected => !told && result.state != State::Refused,
            };
            if result.intent != def.name && !def.name.starts_with("dialogue.") {
                swept.odd.push(format!("{}: taken for {}", self.named(def), result.intent));
            }
            if !fits {
                swept.odd.push(format!("{}: due {due:?}, ended {}", self.named(def), result.state.name()));
            }
            if said {
                scratch.say(&mut speaker, "never mind").await;
            }
        }
        Ok(())
    }

    /// What the promise says: public to anybody; the place's business to our own devices; a person's data to themselves,
    /// on our own devices, shown to be who they are where that is asked for, and agreed to.
    fn due(&self, def: &IntentDef, said: bool) -> Due {
        let Some(action) = def.action.as_deref().and_then(Action::named) else {
            return if def.action.is_none() && !def.name.starts_with("dialogue.") {
                Due::Unconnected
            } else {
                Due::Public
            };
        };
        let (floor, ours) = (action.floor(), self.place != "third-party");
        let data = def.data.max(floor.data);
        let devices = matches!(self.place, "room" | "home");
        match (data, self.who) {
            (DataClass::Public, _) if floor.effect == Effect::Urgent && devices => Due::Room,
            (DataClass::Public, _) => Due::Public,
            _ if !ours => Due::Refused,
            (DataClass::Room, _) => Due::Room,
            (DataClass::Identifiable, Who::Nobody) => Due::Refused,
            (DataClass::Identifiable, Who::Known { pin, agreed, .. }) => {
                let needs = def.identity.unwrap_or(Identity::Nobody).max(floor.identity);
                let shown = self.place == "chat" || said;
                let who = match needs {
                    Identity::Nobody | Identity::Known => true,
                    Identity::Pin => shown || !pin,
                    Identity::Proven => shown,
                };
                if who && (agreed || floor.scope.is_none()) { Due::Opened } else { Due::Refused }
            }
        }
    }

    fn named(&self, def: &IntentDef) -> String {
        format!("{} through {} by {}", def.name, self.place, describe(self.who))
    }
}

/// Words for every slot, so that nothing has to be asked for first.
fn slots(catalogue: &Catalogue, def: &IntentDef) -> Vec<SlotSaid> {
    let words = |kind: &SlotKind| -> String {
        match kind {
            SlotKind::Medicine => NAMED.into(),
            SlotKind::Provider => "Doctor Lee".into(),
            SlotKind::Date => "tomorrow".into(),
            SlotKind::Time => "nine in the morning".into(),
            SlotKind::Number => "three".into(),
            SlotKind::Reading => "one twenty over eighty".into(),
            SlotKind::Duration => "two weeks".into(),
            SlotKind::Recurrence => "every day".into(),
            SlotKind::Period => "the last month".into(),
            SlotKind::Ordinal => "the first one".into(),
            SlotKind::Digits => "4 7 1 9".into(),
            SlotKind::Text => "a blanket".into(),
            SlotKind::List(list) => catalogue.list(list).and_then(|l| l.values.first().cloned()).unwrap_or_default(),
        }
    };
    let needed = def.slots.iter().filter(|slot| slot.required);
    needed.map(|slot| SlotSaid { slot: slot.name.clone(), words: words(&slot.kind), likely: None }).collect()
}

/// A line of the audit trail, as far as it is in clear.
#[derive(Deserialize)]
struct Line {
    entry: i64,
    event: String,
    channel: String,
    closes: Option<i64>,
}

/// What of the trail was looked at already.
#[derive(Default)]
struct Rows {
    last: i64,
}

impl Rows {
    /// The rows that came since have to be those of what was let and of what was not: no more and no fewer.
    async fn follow(
        &mut self,
        scratch: &Scratch,
        stand: &Stand,
        before: &Swept,
        swept: &mut Swept,
    ) -> anyhow::Result<()> {
        let database = crate::store::sqlite_path(&scratch.places.data_dir);
        let mut outline = Vec::new();
        AuditReader::open(&database.display().to_string()).await?.outline(&mut outline).await?;
        let lines: Vec<Line> = outline
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
            .filter(|line| line.entry > self.last)
            .collect();
        self.last = lines.last().map_or(self.last, |line| line.entry);
        let of = |event: &str| lines.iter().filter(|line| line.event == event && line.channel == stand.place).count();
        // Showing the PIN, where it is said first, asks for something that is refused before and let after it.
        let shows = matches!(stand.who, Who::Known { said: true, .. }) && matches!(stand.place, "room" | "home");
        let agreed = matches!(stand.who, Who::Known { agreed: true, .. });
        let (let_in, kept_out) = match (shows, agreed) {
            (false, _) => (0, 0),
            (true, true) => (1, 1),
            (true, false) => (0, 2),
        };
        let unclosed = lines
            .iter()
            .filter(|line| line.event == "opened")
            .filter(|opened| lines.iter().filter(|line| line.closes == Some(opened.entry)).count() != 1)
            .count();
        for (what, found, due) in [
            ("rows of data that was opened", of("opened"), swept.opened - before.opened + let_in),
            ("rows of refusals", of("refused"), swept.refused - before.refused + kept_out),
            ("opened rows without exactly one that closes them", unclosed, 0),
        ] {
            if found != due {
                swept.odd.push(format!("{}, {}: {found} {what}, {due} due", stand.place, describe(stand.who)));
            }
        }
        Ok(())
    }
}

fn describe(who: Who) -> String {
    match who {
        Who::Nobody => "nobody".to_owned(),
        Who::Known { pin, said, agreed } => format!("PIN {pin}, said {said}, agreed {agreed}"),
    }
}
