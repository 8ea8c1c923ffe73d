//! Saying: facts in, words out.
