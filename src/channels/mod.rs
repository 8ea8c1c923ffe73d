//! Doors: a wire format in, a turn, and back.
