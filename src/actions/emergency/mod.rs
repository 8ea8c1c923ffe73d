//! Emergencies. Nothing stands before them, and nothing here says that help is coming: only a person who
//! acknowledged can say that.

pub mod cancel;
pub mod help;
