//! The store on both databases: what is kept, that it is sealed, that it happens once, that it survives.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod access;
mod adt;
mod audit;
mod backup;
mod bad_luck;
mod care_place;
pub mod child;
mod contacts;
mod device_events;
mod export;
mod fleet;
mod hold;
mod house;
mod household;
mod idle;
mod keys;
mod mailbox;
mod medicines;
mod nurse;
mod outbox;
mod patterns;
mod people;
pub mod place;
mod requests;
mod review;
mod rotation;
mod secrets;
mod source;
mod staff;
mod transit;
mod turns;
mod visits;
mod waitlist;
mod watch;

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::store::place::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::store::place::Place::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both;

/// Makes changes durable for somebody, as a turn of theirs does.
pub async fn commit_for(
    store: &wellspoken::store::Store,
    person: &wellspoken::policy::PersonId,
    changes: Vec<wellspoken::actions::Change>,
) {
    let turn = wellspoken::store::TurnCommit {
        // A turn's name acts once for a credential.
        turn: wellspoken::policy::TurnId::parse(&format!("of-{}", person.as_str())).expect("fits"),
        at: crate::support::now(),
        ..place::commit("by-itself", person, changes)
    };
    store.commit(turn).await.expect("durable");
}
