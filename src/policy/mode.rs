//! How much of an answer may be said aloud where others may hear it. Pure.
//!
//! Invariant: of everything that applies now (what staff set, the time of day, a roommate, a visitor) the strictest
//! counts. A cry for help, the room's own business, and changes that touch no part of a record are never held back.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::{DataClass, Effect, Surface, Task};

/// How much may be said aloud, from the loosest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All that the person may hear.
    #[default]
    Aloud,
    /// The same, once they said that it is all right.
    AskFirst,
    /// Only that there is an answer, or how many things it is about.
    Headline,
    /// Nothing: it is on their page.
    Screen,
}

impl Mode {
    /// Every mode, loosest first.
    pub const ALL: [Self; 4] = [Self::Aloud, Self::AskFirst, Self::Headline, Self::Screen];

    /// Its name in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aloud => "aloud",
            Self::AskFirst => "ask-first",
            Self::Headline => "headline",
            Self::Screen => "screen",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// A mode for a part of every day, by the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From then on.
    pub from: Time,
    /// Until then, exclusive; before `from`, it ends the next day. The same as `from` is the whole day.
    pub to: Time,
    /// What holds meanwhile.
    pub mode: Mode,
}

impl Window {
    fn holds(&self, at: Time) -> bool {
        if self.from < self.to { self.from <= at && at < self.to } else { self.from <= at || at < self.to }
    }
}

/// What staff set for one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaceRules {
    /// At any time.
    pub always: Mode,
    /// At some times.
    pub windows: Vec<Window>,
    /// While somebody stays in one of the other beds; at least [`Mode::AskFirst`].
    pub roommate: Mode,
    /// While a visitor is there; at least [`Mode::AskFirst`].
    pub visitor: Mode,
    /// The other beds of the same room, by their rooms' names.
    pub shares: Vec<String>,
}

impl Default for PlaceRules {
    fn default() -> Self {
        let (roommate, visitor) = (Mode::AskFirst, Mode::AskFirst);
        Self { always: Mode::Aloud, windows: Vec::new(), roommate, visitor, shares: Vec::new() }
    }
}

/// What is so in a place now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The clock on the wall.
    pub time: Time,
    /// Somebody stays in one of the other beds.
    pub roommate: bool,
    /// Somebody said that a visitor is there.
    pub visitor: bool,
}

impl PlaceRules {
    /// What holds now: the strictest of all that applies.
    #[must_use]
    pub fn mode(&self, around: &Around) -> Mode {
        let windows = self.windows.iter().filter(|window| window.holds(around.time)).map(|window| window.mode);
        let others = [(around.roommate, self.roommate), (around.visitor, self.visitor)];
        let others = others.into_iter().filter(|(there, _)| *there).map(|(_, mode)| mode.max(Mode::AskFirst));
        windows.chain(others).fold(self.always, Mode::max)
    }
}

/// How an answer may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telling {
    /// Whole.
    Whole,
    /// Not before the person said that it may be said aloud.
    Ask,
    /// Only the headline.
    Headline,
    /// Not here.
    Screen,
}

/// How the answer to a task may be given on a surface. `asked`: the person has said that it may be said aloud.
#[must_use]
pub fn telling(task: &Task<'_>, surface: &Surface, mode: Mode, asked: bool) -> Telling {
    let heard_by_others = matches!(surface, Surface::Room(_) | Surface::Home(_));
    // Agreeing, taking it back, having things deleted: what is read back is what was just said.
    let of_no_record = task.effect == Effect::Change && task.scope.is_none();
    if !heard_by_others || task.data != DataClass::Identifiable || task.effect == Effect::Urgent || of_no_record {
        return Telling::Whole;
    }
    match mode {
        Mode::Aloud => Telling::Whole,
        Mode::AskFirst if asked => Telling::Whole,
        Mode::AskFirst => Telling::Ask,
        // What is read back before a change has no headline.
        Mode::Headline if task.effect == Effect::Change => Telling::Screen,
        Mode::Headline => Telling::Headline,
        Mode::Screen => Telling::Screen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Identity, RoomId, Scope};

    #[test]
    fn every_mode_on_every_surface_for_every_kind_of_intent() {
        use DataClass::{Identifiable as I, Public as P, Room as R};
        use Effect::{Change, Local, Read, Urgent};
        use Telling::{Ask, Headline, Screen, Whole};
        let place = || RoomId::parse("r1").expect("fits");
        let some = Some(Scope::Records);
        #[rustfmt::skip]
        let table = [
            // data, effect, scope, asked before: told in the modes aloud, ask first, headline, screen
            (I, Read,   some, false, [Whole, Ask,   Headline, Screen]),
            (I, Read,   some, true,  [Whole, Whole, Headline, Screen]),
            (I, Change, some, false, [Whole, Ask,   Screen,   Screen]),
            (I, Change, some, true,  [Whole, Whole, Screen,   Screen]),
            (I, Read,   None, false, [Whole, Ask,   Headline, Screen]),
            (I, Change, None, false, [Whole, Whole, Whole,    Whole]),
            (I, Urgent, some, false, [Whole, Whole, Whole,    Whole]),
            (R, Read,   None, false, [Whole, Whole, Whole,    Whole]),
            (R, Change, None, false, [Whole, Whole, Whole,    Whole]),
            (R, Urgent, None, false, [Whole, Whole, Whole,    Whole]),
            (P, Local,  None, false, [Whole, Whole, Whole,    Whole]),
        ];
        for (n, (data, effect, scope, asked, want)) in table.into_iter().enumerate() {
            let task = Task { intent: "x", data, effect, identity: Identity::Known, scope };
            for (mode, want) in Mode::ALL.into_iter().zip(want) {
                for aloud in [Surface::Room(place()), Surface::Home(place())] {
                    assert_eq!(telling(&task, &aloud, mode, asked), want, "line {n}, {mode:?}");
                }
                for alone in [Surface::Chat, Surface::ThirdParty] {
                    assert_eq!(telling(&task, &alone, mode, asked), Whole, "line {n}, {mode:?}: nobody else hears it");
                }
            }
        }
    }

    fn rules() -> PlaceRules {
        let at = |hour, minute| jiff::civil::time(hour, minute, 0, 0);
        let night = Window { from: at(21, 0), to: at(7, 0), mode: Mode::Screen };
        let rounds = Window { from: at(9, 0), to: at(10, 30), mode: Mode::Headline };
        PlaceRules { windows: vec![night, rounds], visitor: Mode::Headline, ..PlaceRules::default() }
    }

    #[test]
    fn the_strictest_of_all_that_applies_counts() {
        use Mode::{Aloud, AskFirst, Headline, Screen};
        for (hour, minute, roommate, visitor, want) in [
            (12, 0, false, false, Aloud),
            (12, 0, true, false, AskFirst),
            (12, 0, false, true, Headline),
            (12, 0, true, true, Headline),
            (20, 59, false, false, Aloud),
            (21, 0, false, false, Screen),
            (23, 59, false, true, Screen),
            (0, 0, false, false, Screen),
            (6, 59, true, false, Screen),
            (7, 0, false, false, Aloud),
            (9, 0, false, false, Headline),
            (10, 30, false, false, Aloud),
        ] {
            let time = jiff::civil::time(hour, minute, 0, 0);
            assert_eq!(rules().mode(&Around { time, roommate, visitor }), want, "{hour}:{minute} {roommate} {visitor}");
        }
        let loose = PlaceRules { roommate: Aloud, visitor: Aloud, ..PlaceRules::default() };
        let time = jiff::civil::time(12, 0, 0, 0);
        assert_eq!(loose.mode(&Around { time, roommate: true, visitor: false }), AskFirst, "never looser than asking");
        let all_day = Window { from: time, to: time, mode: Screen };
        let always = PlaceRules { windows: vec![all_day], ..PlaceRules::default() };
        assert_eq!(always.mode(&Around { time, roommate: false, visitor: false }), Screen);
    }

    #[test]
    fn a_window_is_by_the_wall_clock_when_clocks_change() {
        let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
        let mode = |at: &str| {
            let time = at.parse::<jiff::Timestamp>().expect("a time").to_zoned(zone.clone()).time();
            rules().mode(&Around { time, roommate: false, visitor: false })
        };
        // Clocks go back on 1 November 2026 and forward on 14 March 2027: the night is an hour longer, then shorter.
        for (at, want) in [
            ("2026-11-01T00:59:00Z", Mode::Aloud),
            ("2026-11-01T01:00:00Z", Mode::Screen),
            ("2026-11-01T05:30:00Z", Mode::Screen),
            ("2026-11-01T06:30:00Z", Mode::Screen),
            ("2026-11-01T11:59:00Z", Mode::Screen),
            ("2026-11-01T12:00:00Z", Mode::Aloud),
            ("2027-03-14T10:59:00Z", Mode::Screen),
            ("2027-03-14T11:00:00Z", Mode::Aloud),
        ] {
            assert_eq!(mode(at), want, "{at}");
        }
    }
}
