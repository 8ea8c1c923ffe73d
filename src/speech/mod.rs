//! Saying: facts in, words out.

pub mod voice;
