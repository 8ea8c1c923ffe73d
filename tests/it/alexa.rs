//! The door for Alexa skills over real sockets: who is let in, what a third party is told, what a registered unit may,
//! and that nothing a third party said is left anywhere. Requests are signed by an authority of the tests' own.

mod authority;
mod quiet;
mod signed;
mod speaking;
mod stage;
mod units;
