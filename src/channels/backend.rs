//! What a door needs of the program behind it.

use std::{future::Future, pin::Pin, sync::Arc};

use jiff::Timestamp;

use crate::{
    policy::{Caller, Surface},
    turn::{Could, Early, Expected, Intended, TurnRequest, TurnResult},
};

/// An answer that comes later.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The program behind the doors. Declared here so that a door can be opened without knowing how a turn, a
/// credential or a database is made.
pub trait Backend: Send + Sync + 'static {
    /// Takes one turn; bad luck is an answer too.
    fn turn(&self, request: TurnRequest) -> Soon<'_, TurnResult>;

    /// Whether a decoder is free for what may be in vain.
    fn has_room(&self) -> bool {
        false
    }

    /// Hears sound (16 kHz, -1 to 1) of which nobody knows yet whether it was all, where a decoder is free for it. Nothing comes of
    /// it: it is not kept, nobody is told, and nothing is done.
    fn ahead(&self, sound: Arc<[f32]>, expected: Expected) -> Soon<'_, Option<Early>> {
        drop((sound, expected));
        Box::pin(std::future::ready(None))
    }

    /// Whom a token stands for; `None` for a token that is unknown, expired, revoked or only good for one use.
    fn authenticate<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>>;

    /// The same for a page or a device that asks by itself: that is no use of it, so a page that nobody uses ends all the same.
    fn recognize<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        self.authenticate(token)
    }

    /// Spends a one-time link for a page session; `None` when it is unknown, expired or spent.
    fn redeem<'a>(&'a self, link: &'a str) -> Soon<'a, Result<Option<Opened>, Unavailable>>;

    /// Ends the page session or credential of this token. Ending one that does not exist is no error.
    fn close<'a>(&'a self, token: &'a str) -> Soon<'a, Result<(), Unavailable>>;

    /// What the program is made of, and what is wrong with each part.
    fn readiness(&self) -> Soon<'_, Vec<Part>>;

    /// Who speaks from a unit of a platform's skill that was registered here; `None` for any other. A unit's name is
    /// no secret: whoever asks must know from elsewhere that the platform itself named it.
    fn unit<'a>(&'a self, skill: &'a str, unit: &'a str) -> Soon<'a, Result<Option<Caller>, Unavailable>>;

    /// Whether a platform's request could be answered on a surface, told without answering it.
    fn could(&self, surface: &Surface, asked: &Intended) -> Could;

    /// The time by which signatures and certificates are judged.
    fn now(&self) -> Timestamp;

    /// Recordings that wait to be heard.
    fn waiting(&self) -> usize;

    /// Changes on their way to the servers where people's records live; `None` where that cannot be told.
    fn on_their_way(&self) -> Soon<'_, Option<OnTheirWay>> {
        Box::pin(std::future::ready(None))
    }
}

/// How many changes are on their way. Counts only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnTheirWay {
    /// Not sent yet, or to be sent again.
    pub waiting: i64,
    /// Being sent.
    pub sending: i64,
    /// Refused; staff look into them.
    pub refused: i64,
    /// How many seconds ago the oldest of those that wait was said.
    pub oldest_seconds: i64,
}

/// What a verified credential entitles to.
#[derive(Debug, Clone)]
pub enum Holder {
    /// To speak, as this caller.
    Speaker(Caller),
    /// To look after the machine: metrics, and nothing that a person said.
    Operator,
}

/// A page session that a one-time link opened.
pub struct Opened {
    /// The bearer token of the session; shown to nobody but the browser that redeemed the link.
    pub token: String,
    /// What it stands for.
    pub surface: Surface,
    /// When it ends.
    pub expires: Timestamp,
}

/// One part of the program, for the readiness check.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Part {
    /// `store`, `hearing`, `voice`, …
    pub name: &'static str,
    /// What is wrong and what to do; absent when it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether turns can be taken without it: a missing voice still leaves written answers.
    pub optional: bool,
}

/// The store of credentials cannot be asked at the moment.
#[derive(Debug, thiserror::Error)]
#[error("credentials cannot be checked at the moment")]
pub struct Unavailable;
