//! What the conversation does next: ask for a slot, confirm, perform, answer, hand over.
//!
//! Invariant: pure. A move never happens here; [`crate::turn`] asks policy first and then carries it out.
//! A change happens only by [`Move::Perform`], which only a yes to its own read-back gives.

mod moves;
mod state;

pub(crate) use moves::run_or_ask;
pub use moves::{MAYBE, Move, PATIENCE, Volume, next};
pub use state::{Needs, Open, PROOF_LASTS, QUESTION_LASTS, Request, SESSION_LASTS, Said, Speaker, State, Wait};
