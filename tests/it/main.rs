//! The tests that see the program from outside, in one binary so that it links once.

mod architecture;
mod demo;
mod hear;
mod licences;
mod models;
mod spoken;
mod support;
mod turn;
mod ui;
mod voice;
