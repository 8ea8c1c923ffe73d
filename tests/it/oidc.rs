//! Signing in by OpenID Connect, in front of a provider that says whatever a test wants, over real sockets. The same with a
//! provider as it is in the world is in tests/web.

mod admissions;
mod checks;
mod doors;
mod live;
mod people;
mod provider;
mod renewals;
mod staff;
mod stage;
mod sweep;
mod trail;

pub use staff::member;
