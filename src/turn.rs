//! One turn, from what was said to what is answered.
