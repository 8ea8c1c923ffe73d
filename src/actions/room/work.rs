//! An order to things of one room, and what came of it.

use crate::{policy::RoomId, records::RoomThing};

/// What is to be done with a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Turn it on, or off.
    Switch(bool),
    /// Open it, or close it.
    Open(bool),
    /// Set it to so much.
    Set(f64),
    /// More, or less, by so much.
    By(f64),
}

/// An order to some things of one room, all of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The room.
    pub room: RoomId,
    /// The things.
    pub things: Vec<RoomThing>,
    /// What is to be done.
    pub order: Order,
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Worked {
    /// The thing told that it did it; how much it is set to now, where that was asked.
    Done(Option<f64>),
    /// The broker has it, and the thing does not tell what it does.
    Sent,
    /// The broker has it, and the thing did not answer.
    NoAnswer,
    /// It does not tell how much it is set to, so there is no more and no less.
    Unknown,
    /// It is as far as it goes.
    AtEnd(f64),
    /// It could not be sent.
    NotSent,
}

impl Worked {
    /// The one of two that must be told.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |worked: &Self| match worked {
            Self::Done(_) => 0,
            Self::AtEnd(_) => 1,
            Self::Sent => 2,
            Self::Unknown => 3,
            Self::NoAnswer => 4,
            Self::NotSent => 5,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}
