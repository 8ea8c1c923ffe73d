//! What is counted: only of whom agreed, sealed until then, told once for one price.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::Row as _;
use wellspoken::{
    config::PatternsConfig,
    patterns::{Item, period},
    policy::{Agreements, Event, PersonId, Use},
    store::{ImportOptions, PatternsError, Store},
};

use super::place::{Place, at, chart, entry};

super::on_both!(
    only_who_agreed_is_counted_and_only_while_they_do,
    a_period_is_released_once_and_the_budget_outlives_a_restart,
    what_nobody_releases_is_deleted,
    two_at_once_release_a_period_once,
);

/// So little noise that few people are enough; and `k` as it must be.
fn sharp() -> PatternsConfig {
    PatternsConfig { epsilon: 10.0, items: 2, budget: 20.0, ..PatternsConfig::default() }
}

fn phrase(words: &str) -> Item {
    Item::Phrase { failure: "missed".into(), words: words.into() }
}

async fn somebody(store: &Store, n: usize, improve: bool) -> PersonId {
    let mut chart = chart("x");
    chart.identifiers = vec![format!("urn:hospital|counted-{n}")];
    chart.slots.clear();
    let person = store.import(&chart, ImportOptions::default(), at(0)).await.expect("imported");
    if improve {
        agree(store, &person, true).await;
    }
    person
}

async fn agree(store: &Store, person: &PersonId, improve: bool) {
    let uses: Agreements = if improve { [Use::Improve].into_iter().collect() } else { Agreements::default() };
    store.set_consent(person, &uses, None, &entry(Event::ConsentChanged, Some(person), 1)).await.expect("set");
}

async fn rows(place: &Place) -> i64 {
    let mut raw = place.raw().await;
    let count = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM pattern";
    sqlx::query(count).fetch_one(&mut raw).await.expect("read").try_get("n").expect("a number")
}

/// A time when the period of `at(10)` is over.
fn later() -> Timestamp {
    at(10) + jiff::SignedDuration::from_hours(24 * 40)
}

fn words(release: &wellspoken::store::Release) -> BTreeSet<String> {
    let words = release.told.iter().filter_map(|told| match &told.item {
        Item::Phrase { words, .. } => Some(words.clone()),
        Item::Turn { .. } => None,
    });
    words.collect()
}

async fn only_who_agreed_is_counted_and_only_while_they_do(place: Place) {
    let (store, config) = (place.open().await, sharp());
    let mut people = vec![];
    for n in 0..60 {
        people.push(somebody(&store, n, n < 50).await);
    }
    let collect = |n: usize, item: Item| store.collect(&people[n], [item], at(10), config.period_days);
    for n in 0..30 {
        collect(n, phrase("scripts"));
    }
    // Forty who take it back, are destroyed, or never agreed; ten who stay.
    for n in 20..60 {
        collect(n, phrase("withdrawn"));
    }
    for n in 0..10 {
        collect(n, phrase("withdrawn"));
    }
    store.settle_patterns().await;
    assert_eq!(rows(&place).await, 50, "of whoever did not agree there is nothing");
    if place.is_sqlite() {
        for name in ["wellspoken.db", "wellspoken.db-wal"] {
            let bytes = std::fs::read(place.dir.path().join("data").join(name)).unwrap_or_default();
            for clear in ["scripts", "withdrawn"] {
                assert!(!bytes.windows(clear.len()).any(|window| window == clear.as_bytes()), "{clear} in {name}");
            }
        }
    }
    for person in &people[30..40] {
        agree(&store, person, false).await;
    }
    assert_eq!(rows(&place).await, 40, "taken out with the agreement, in the same commit");
    for person in &people[40..50] {
        assert!(store.destroy_person(person, "uid 7", at(20)).await.expect("destroyed"));
    }
    // What still waits when somebody takes it back is not written either.
    collect(0, phrase("late"));
    agree(&store, &people[0], false).await;
    store.settle_patterns().await;
    let released = store.release_patterns(&config, &|_| true, "uid 7", later()).await.expect("released");
    // Of "scripts", 29 of the 30 are left; of "withdrawn" nine and ten, which is enough.
    assert!(words(&released).contains("scripts"), "{released:?}");
    let most = released.told.iter().map(|told| told.people).max().expect("something");
    assert!(most <= 29 + 6, "{released:?}");
    assert_eq!(rows(&place).await, 0, "what it was made of is gone");
    assert_eq!(store.pattern_releases().await.expect("read"), [released]);
}

async fn a_period_is_released_once_and_the_budget_outlives_a_restart(place: Place) {
    let (store, config) = (place.open().await, sharp());
    let person = somebody(&store, 1, true).await;
    store.collect(&person, [phrase("mine alone")], at(10), config.period_days);
    let first = period(at(10), config.period_days);
    let release = async |store: &Store, first: i64, now: Timestamp| {
        store.release_period(first, &config, &|_| true, "uid 7", now).await
    };
    let soon = release(&store, first, at(10) + jiff::SignedDuration::from_hours(1)).await;
    assert!(matches!(soon, Err(PatternsError::NotOver)));
    let released = release(&store, first, later()).await.expect("released");
    assert!(released.told.is_empty(), "one person's words are nobody's business: {released:?}");
    assert!(matches!(release(&store, first, later()).await, Err(PatternsError::Released)));
    release(&store, first - 28, later()).await.expect("the other half of the budget");
    let entries = store.audit_verify().await.expect("read").entries;
    let refused = release(&store, first - 56, later()).await;
    assert!(matches!(refused, Err(PatternsError::Spent { left, .. }) if left < 1e-9), "{refused:?}");
    store.close().await;
    let store = place.open().await;
    assert!(matches!(release(&store, first - 56, later()).await, Err(PatternsError::Spent { .. })), "after a restart");
    assert_eq!(store.audit_verify().await.expect("read").entries, entries, "what is refused leaves nothing");
    let status = store.patterns_status(&config, later()).await.expect("read");
    assert_eq!((status.releases, status.spent, status.left), (2, 20.0, 0.0));
    let next_year = later() + jiff::SignedDuration::from_hours(24 * 366);
    release(&store, first - 56, next_year).await.expect("what was spent is too old to weigh");
    assert!(matches!(store.release_patterns(&config, &|_| true, "x", next_year).await, Err(PatternsError::Nothing)));
    let mut raw = place.raw().await;
    assert!(sqlx::query("DELETE FROM pattern_release").execute(&mut raw).await.is_err(), "what was spent stays spent");
}

async fn what_nobody_releases_is_deleted(place: Place) {
    let (store, config) = (place.open().await, sharp());
    let person = somebody(&store, 1, true).await;
    store.collect(&person, [phrase("mine alone")], at(10), config.period_days);
    store.settle_patterns().await;
    assert_eq!(store.forget_patterns(&config, later()).await.expect("looked"), 0);
    let much_later = later() + jiff::SignedDuration::from_hours(24 * 120);
    assert_eq!(store.forget_patterns(&config, much_later).await.expect("deleted"), 1);
    assert_eq!(rows(&place).await, 0);
}

async fn two_at_once_release_a_period_once(place: Place) {
    let (one, config) = (place.open().await, sharp());
    let person = somebody(&one, 1, true).await;
    one.collect(&person, [phrase("mine alone")], at(10), config.period_days);
    one.settle_patterns().await;
    let two = place.open().await;
    let first = period(at(10), config.period_days);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (store, config) = (if n % 2 == 0 { one.clone() } else { two.clone() }, config.clone());
        tasks.spawn(async move { store.release_period(first, &config, &|_| true, "uid 7", later()).await.is_ok() });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|ok| **ok).count(), 1, "{done:?}");
    assert_eq!(one.pattern_releases().await.expect("read").len(), 1);
    assert!(one.audit_verify().await.expect("read").whole());
}
