//! The store on both databases: what is kept, that it is sealed, that it happens once, that it survives.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod audit;
mod backup;
mod bad_luck;
mod export;
mod hold;
mod household;
mod idle;
mod keys;
mod outbox;
mod patterns;
mod people;
mod place;
mod requests;
mod review;
mod rotation;
mod secrets;
mod staff;
mod transit;
mod turns;

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
    store.commit(place::commit("by-itself", person, changes)).await.expect("durable");
}
