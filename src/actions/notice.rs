//! What somebody is told the next time they speak, without having asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Facts;
use crate::{nlu::Slots, policy::Scope};

/// Kinds of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A change that was saved went through.
    ChangeSent,
    /// A change that was saved did not.
    ChangeRefused,
    /// Staff moved a renewal on.
    RenewalMoved,
    /// A record server said that something changed, and it did.
    RecordChanged,
    /// A time came free that somebody waits for.
    EarlierTime,
    /// Another organization refuses to give some of the person's records.
    RecordUnread,
    /// Another organization takes the person's tokens no longer.
    ConnectionLapsed,
}

/// News for one person, as it is kept sealed until they hear it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// The part of the record it is about; it is told only where that may be answered with.
    pub topic: Scope,
    /// It names something that is not said where others hear it.
    pub sensitive: bool,
    /// A reply of `dialogue.common` and what it is made of.
    pub facts: Facts,
    /// What the reply offers to do next.
    pub next: Option<Next>,
}

/// Something offered at the end of news.
#[derive(Clone, Serialize, Deserialize)]
pub struct Next {
    /// The intent that a yes runs.
    pub intent: String,
    /// What is filled of it.
    pub slots: Slots,
}

/// News that was kept, with its name.
pub struct KeptNotice {
    /// Its name.
    pub id: String,
    /// When it came up.
    pub created: Timestamp,
    /// Whether the person heard that there is something.
    pub hinted: bool,
    /// The news.
    pub notice: Notice,
}
