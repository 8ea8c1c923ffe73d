//! Signing up, and the letters that go out.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::program::{Program, fresh_token, unavailable};
use crate::{
    channels::{Access, Confirmed, Joined, Soon, Unavailable},
    mail::{Address, Post, Unsent},
};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Digits of a code.
const DIGITS: u32 = 8;
/// Who may sign up or try a code within [`WINDOW`], all together: the doors are open to anybody.
const MOST: u32 = 120;
/// The time that [`MOST`] is for.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Sending letters, and how many people came lately.
pub struct Letters {
    post: Arc<Post>,
    lately: Mutex<(Timestamp, u32)>,
}

impl Letters {
    pub fn new(post: Post) -> Self {
        Self { post: Arc::new(post), lately: Mutex::new((Timestamp::MIN, 0)) }
    }

    fn lets(&self, now: Timestamp) -> bool {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(lately.0) >= WINDOW {
            *lately = (now, 0);
        }
        lately.1 += 1;
        lately.1 <= MOST
    }
}

impl Access for Program {
    fn join<'a>(&'a self, address: &'a str) -> Soon<'a, Result<Joined, Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            let letters = self.letters.as_ref().ok_or(Unavailable)?;
            let Some(address) = Address::parse(address) else { return Ok(Joined::NoAddress) };
            if !letters.lets(now) {
                return Ok(Joined::TooMany);
            }
            let code = u64::from_be_bytes(self.app().ambient().random()) % 10_u64.pow(DIGITS);
            let code = format!("{code:0width$}", width = DIGITS as usize);
            let link = fresh_token(self.app());
            self.app().store().wants_in(&address, &code, &link, now).await.map_err(|e| unavailable(&e))?;
            Ok(Joined::Noted)
        })
    }

    fn confirm<'a>(&'a self, address: &'a str, code: &'a str) -> Soon<'a, Result<Confirmed, Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            let letters = self.letters.as_ref().ok_or(Unavailable)?;
            let Some(address) = Address::parse(address) else { return Ok(Confirmed::No) };
            if !letters.lets(now) {
                return Ok(Confirmed::TooMany);
            }
            let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
            match self.app().store().confirms(&address, &digits, now).await.map_err(|e| unavailable(&e))? {
                Some(place) => Ok(Confirmed::Yes(place)),
                None => Ok(Confirmed::No),
            }
        })
    }
}

/// Sends what is due, as long as the program runs.
pub async fn carry(program: Weak<Program>) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let Some(letters) = &program.letters else { return };
            deliver(&program, &letters.post).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn deliver(program: &Program, post: &Arc<Post>) {
    let (store, now) = (program.app().store(), program.app().ambient().now());
    let due = match store.due_letters(now).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(%error, "letters could not be looked up; it is tried again"),
    };
    for letter in due {
        match post.send(&letter.to, &letter.letter, &letter.name, now).await {
            Ok(()) => tracing::info!(letter = letter.letter.name(), "a letter is out"),
            Err(Unsent::Never) => {
                tracing::warn!(
                    letter = letter.letter.name(),
                    "a letter was refused for good; see: wellspoken access list"
                );
                if let Err(error) = store.letter_refused(&letter, now).await {
                    tracing::warn!(%error, "that a letter was refused could not be noted; it is sent once more");
                }
                continue;
            }
            Err(why) => {
                tracing::warn!(letter = letter.letter.name(), %why, "a letter did not go out; it is tried again");
                continue;
            }
        }
        if let Err(error) = store.letter_done(&letter).await {
            tracing::warn!(%error, "a letter that is out could not be taken from the queue; it may go out once more");
        }
    }
}
