//! What a person's record says of what they may eat: orders for their diet, and their allergies beside them.
//!
//! Invariant: what of an order is not understood is told as such (`unread`), never left out; whoever decides about food then
//! knows that something is there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Allergy, Origin};

/// An order for somebody's diet that is in force, in the words it is written in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct DietOrder {
    /// All that it names and that food has to fit: diets, textures, thickness of fluids, nutrients, preferences.
    pub named: Vec<String>,
    /// Foods that it forbids.
    pub without: Vec<String>,
    /// Nothing by mouth. Holds as long as the order is in force, whatever times it names.
    pub nothing: bool,
    /// Something in it, or about the person's food beside it, cannot be read.
    pub unread: bool,
    /// From when; `None` where it does not say.
    pub from: Option<Timestamp>,
    /// Until when; `None` where it does not say.
    pub until: Option<Timestamp>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// All that bears on what somebody may eat, as it is on record now.
#[derive(Clone)]
pub struct Eating {
    /// Orders for their diet.
    pub orders: Vec<DietOrder>,
    /// Their allergies: all of them, also those whose names are not said aloud.
    pub allergies: Vec<Allergy>,
}
