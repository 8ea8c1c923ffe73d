//! What nobody understood may be another language.
//!
//! Invariant: a cry in it is a cry; nothing else of it is acted on. It is only listened for where a site asked for it.

use std::{
    ops::ControlFlow,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use super::{
    Turn, TurnResult,
    hear::{Hearing, Unheard},
    millis,
};
use crate::asr::{tongues::Foreign, whisper::Stop};

/// Nobody is kept waiting longer than this to be told that they were not understood.
const LONGEST: Duration = Duration::from_secs(3);

/// What the board says of it.
const UNHEARD: Unheard =
    Unheard { need: "Somebody spoke in another language and was not understood.", emergency: false };

impl Turn<'_> {
    /// What was said, where it was in another language.
    pub(super) async fn in_another_language(&mut self, heard: &Hearing) -> Option<Foreign> {
        let (tongues, clip) = (self.core.tongues.clone()?, heard.clip()?);
        let clock = Instant::now();
        let foreign = tokio::task::spawn_blocking(move || {
            let stop = Stop { deadline: clock + LONGEST, cancelled: &AtomicBool::new(false) };
            tongues.listen(&clip, stop)
        });
        let foreign = foreign.await.ok().flatten();
        self.timings.asr += millis(clock);
        foreign
    }

    /// A cry for help is one in any language that triage knows; whoever said something else is told what is spoken here.
    pub(super) async fn said_in_another_language(self, foreign: Foreign) -> TurnResult {
        let heard = Hearing::foreign(foreign.text, foreign.confidence, |text| self.for_the_board(text));
        let turn = match self.alarmed(&heard).await {
            ControlFlow::Break(answer) => return answer,
            ControlFlow::Continue(turn) => turn,
        };
        let staff = turn.in_room().then_some(UNHEARD);
        turn.rejected("other_language", staff).await
    }
}
