//! Calls as staff are shown them. None is `Debug`: they hold what people said.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    fleet::nurse::{Priority, Routes},
    store::BoardRow,
};

/// The calls of somebody's rooms, oldest first.
#[derive(Serialize, ToSchema)]
pub struct BoardView {
    /// The calls.
    pub requests: Vec<RequestView>,
}

/// One call.
#[derive(Clone, Serialize, ToSchema)]
pub struct RequestView {
    /// Its id.
    pub id: String,
    /// The room.
    pub room: String,
    /// What is needed, in the words that were heard; absent when the key they were under was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested: Timestamp,
    /// Since when the person says that it is no longer needed. Only staff close it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub patient_says_cancel: Option<Timestamp>,
    /// Since when whoever lay there then has gone. The request stays open all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stay_over: Option<Timestamp>,
    /// When somebody acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged: Option<Timestamp>,
    /// Who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Whether somebody has seen it since it was asked for last.
    pub answered: bool,
    /// Who it is for: `nurse`, `assistant`, `housekeeping`, …
    pub role: &'static str,
    /// How pressing it is: `emergency`, `urgent`, `soon`, `routine`.
    pub priority: &'static str,
    #[serde(skip)]
    pub(in crate::staff) urgency: Priority,
    /// When and how it was asked for again, oldest first.
    pub again: Vec<AgainView>,
    /// Who was told of it, oldest first.
    pub told: Vec<ToldView>,
    /// What staff said to the room, oldest first.
    pub said: Vec<SaidView>,
}

/// A call that was asked for again.
#[derive(Clone, Serialize, ToSchema)]
pub struct AgainView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// In what words; absent when the key they were under was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A step that was told.
#[derive(Clone, Serialize, ToSchema)]
pub struct ToldView {
    /// `assigned`, `charge`, `supervisor`, `pager`.
    pub step: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who was on duty for it.
    pub whom: Vec<String>,
}

/// What staff said to a room.
#[derive(Clone, Serialize, ToSchema)]
pub struct SaidView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// In what words; absent when the key they were under was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// When a device of the room was given it; absent where none took it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub spoken: Option<Timestamp>,
}

impl RequestView {
    pub(in crate::staff) fn of(row: BoardRow, routes: &Routes) -> Self {
        let route = routes.of(row.need.as_deref(), row.emergency, row.repeats);
        Self {
            answered: row.answered(),
            role: route.role.name(),
            priority: route.priority.name(),
            urgency: route.priority,
            again: row.again.into_iter().map(|one| AgainView { at: one.at, words: one.words }).collect(),
            told: row.told.into_iter().map(|one| ToldView { step: one.step, at: one.at, whom: one.whom }).collect(),
            said: row
                .said
                .into_iter()
                .map(|one| SaidView { at: one.at, by: one.by, words: one.words, spoken: one.spoken })
                .collect(),
            id: row.id,
            room: row.room,
            need: row.need,
            emergency: row.emergency,
            requested: row.requested,
            patient_says_cancel: row.patient_says_cancel,
            stay_over: row.stay_over,
            acknowledged: row.acknowledged,
            acknowledged_by: row.acknowledged_by,
        }
    }
}
