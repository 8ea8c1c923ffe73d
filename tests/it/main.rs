//! The tests that see the program from outside, in one binary so that it links once.

mod voice;
