//! What a person hears: done, saved, or that somebody else was first; the same when the turn is repeated; and the news.

use jiff::SignedDuration;
use wellspoken::{
    app::{App, Senses},
    config::Config,
    outbox::Courier,
    policy::PersonId,
    store::ImportOptions,
    turn::TurnResult,
};

use super::{
    proxy::{Fault, Proxy},
    stage::{Clinic, NAME, ambient, chart, configured, outbox},
};
use crate::{
    residue::{self, Folder},
    support::{self, Speaker, now, places},
};

/// A program whose people's records are at a real server, behind a way that fails as told.
struct Talk {
    clinic: Clinic,
    proxy: Proxy,
    app: App,
    person: PersonId,
    _dir: Folder,
}

impl Talk {
    async fn new() -> Self {
        Self::reading_every(60).await
    }

    /// The same, of which what was read counts as read now for so many seconds.
    async fn reading_every(seconds: u32) -> Self {
        let clinic = Clinic::start().await;
        let proxy = Proxy::to(clinic.origin()).await;
        let dir = residue::folder();
        let mut config = Config { records: configured(&proxy.origin), outbox: outbox(), ..Config::default() };
        config.records.fresh_seconds = seconds;
        config.place.zone = "America/New_York".into();
        config.place.organization = NAME.into();
        let senses = Senses { ears: false, voice: false };
        let app = App::build(config, places(dir.path()), ambient(now()), senses).await.expect("the program starts");
        let chart = chart();
        let options =
            ImportOptions { consent: Some(wellspoken::policy::Scope::ALL.to_vec()), ..ImportOptions::default() };
        let person = app.store().import(&chart, options, now()).await.expect("imported");
        app.store().bind_source(&person, (NAME, "quetzalina"), &chart, "Kim", now()).await.expect("bound");
        Self { clinic, proxy, app, person, _dir: dir }
    }

    fn speaker(&self) -> Speaker<'_> {
        Speaker::new(&self.app, wellspoken::policy::Surface::Chat, Some(&self.person))
    }

    fn courier(&self) -> &Courier {
        self.app.core().courier.as_ref().expect("there is a server")
    }

    /// What the worker does an hour later.
    async fn an_hour_passes(&self) {
        let later = now() + SignedDuration::from_hours(1);
        self.courier().send_due(&ambient(later)).await.expect("it works");
    }

    async fn made(&self, kind: &str) -> usize {
        let rows = self.app.store().outbox_rows(true).await.expect("read");
        let mut many = 0;
        for row in rows {
            many += self.clinic.made(kind, &row.id).await.len();
        }
        many
    }
}

async fn asks_for_a_renewal(speaker: &mut Speaker<'_>, turn: &str) -> TurnResult {
    let asked = speaker.says("renew my fluorozepamol").await;
    assert_eq!(asked.state.name(), "confirms", "{}", asked.reply);
    speaker.says_as("yes", Some(turn)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn done_is_said_of_what_the_server_has() {
    let talk = Talk::new().await;
    let mut speaker = talk.speaker();
    let done = asks_for_a_renewal(&mut speaker, "t1").await;
    assert_eq!(done.state.name(), "done", "{}", done.reply);
    assert!(!done.reply.contains("saved"), "{}", done.reply);
    assert_eq!(talk.made("Task").await, 1);
    let again = speaker.says_as("yes", Some("t1")).await;
    assert_eq!(again.reply, done.reply);
    assert_eq!(talk.made("Task").await, 1);
    let said = speaker.says("what medicines do I take").await;
    assert!(!said.reply.contains("By the way"), "what was heard is no news: {}", said.reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_sent_is_saved_and_told_when_it_went_through_once() {
    let talk = Talk::new().await;
    let mut speaker = talk.speaker();
    let asked = speaker.says("renew my fluorozepamol").await;
    assert_eq!(asked.state.name(), "confirms", "{}", asked.reply);
    talk.proxy.fails(0, Fault::StatusAfter(500));
    let saved = speaker.says_as("yes", Some("t1")).await;
    assert!(saved.reply.contains("I've saved it and will send it"), "{}", saved.reply);
    let again = speaker.says_as("yes", Some("t1")).await;
    assert_eq!(again.reply, saved.reply, "the same turn, and it is still true");
    let meanwhile = speaker.says("is my fluorozepamol ready").await;
    assert!(meanwhile.reply.contains("hasn't reached"), "{}", meanwhile.reply);
    let visits = speaker.says("when is my next visit").await;
    assert!(!visits.reply.contains("hasn't reached"), "another part: {}", visits.reply);
    talk.proxy.heals();
    talk.an_hour_passes().await;
    assert_eq!(talk.made("Task").await, 1);
    let told = speaker.says("what medicines do I take").await;
    assert!(told.reply.contains("By the way, the renewal of your fluorozepamol"), "{}", told.reply);
    let later = speaker.says("what medicines do I take").await;
    assert!(!later.reply.contains("By the way") && !later.reply.contains("hasn't reached"), "{}", later.reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_answers_is_told_and_ends_the_request() {
    let talk = Talk::reading_every(0).await;
    let mut speaker = talk.speaker();
    let done = asks_for_a_renewal(&mut speaker, "t1").await;
    assert_eq!(done.state.name(), "done", "{}", done.reply);
    let open = speaker.says("renew my fluorozepamol").await;
    assert!(open.reply.contains("won't ask twice"), "{}", open.reply);
    let row = talk.app.store().outbox_rows(true).await.expect("read").remove(0);
    let mut task = talk.clinic.made("Task", &row.id).await.remove(0);
    task["status"] = "rejected".into();
    task["statusReason"] = serde_json::json!({ "text": "A blood test comes first." });
    talk.clinic.write(&task).await;
    let told = speaker.says("is my fluorozepamol ready").await;
    assert!(told.reply.contains("said no") && told.reply.contains("A blood test comes first."), "{}", told.reply);
    let again = speaker.says("renew my fluorozepamol").await;
    assert_eq!(again.state.name(), "confirms", "{}", again.reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_is_not_said_where_others_hear_what_is_protected() {
    let talk = Talk::new().await;
    let mut speaker = talk.speaker();
    speaker.says("renew my fluorozepamol").await;
    talk.proxy.fails(0, Fault::Status(500));
    speaker.says("yes").await;
    talk.proxy.heals();
    talk.an_hour_passes().await;
    // Nobody has said that a medicine of this name is an ordinary one.
    let mut aloud = Speaker::new(&talk.app, support::home(), Some(&talk.person));
    let said = aloud.says("what medicines do I take").await;
    assert!(said.reply.contains("there is news for you") && !said.reply.contains("was sent"), "{}", said.reply);
    let said = aloud.says("what medicines do I take").await;
    assert!(!said.reply.contains("news for you"), "not again: {}", said.reply);
    let said = speaker.says("what medicines do I take").await;
    assert!(said.reply.contains("was sent"), "on their own page: {}", said.reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_somebody_else_was_first_is_said_at_once_and_nothing_is_kept() {
    let talk = Talk::new().await;
    let mut speaker = talk.speaker();
    let asked = speaker.says("book a visit on December 31st at 10 am").await;
    assert_eq!(asked.state.name(), "confirms", "{}", asked.reply);
    talk.clinic.somebody_takes(0).await;
    let taken = speaker.says_as("yes", Some("t1")).await;
    assert_eq!(taken.state.name(), "answered", "{}", taken.reply);
    assert!(!taken.reply.contains("booked") || taken.reply.contains("not"), "{}", taken.reply);
    assert_eq!(speaker.says_as("yes", Some("t1")).await.reply, taken.reply, "and said again as it was");
    assert_eq!(talk.made("Appointment").await, 0);
    let visits = talk.app.store().booked_visits(&talk.person).await.expect("read");
    let permit = crate::store::place::permit(talk.app.store(), &talk.person).await;
    assert!(visits.reveal(&permit).expect("theirs").is_empty());
    assert!(talk.app.store().waiting_news(&talk.person).await.expect("read").is_empty(), "they heard it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_was_taken_later_is_told_and_another_offered() {
    let talk = Talk::new().await;
    let mut speaker = talk.speaker();
    let asked = speaker.says("book a visit on December 31st at 10 am").await;
    assert_eq!(asked.state.name(), "confirms", "{}", asked.reply);
    talk.proxy.fails(0, Fault::Status(503));
    let saved = speaker.says("yes").await;
    assert!(saved.reply.contains("I've saved it"), "{}", saved.reply);
    talk.clinic.somebody_takes(0).await;
    talk.proxy.heals();
    talk.an_hour_passes().await;
    let told = speaker.says("what medicines do I take").await;
    assert!(
        told.reply.contains("could not be booked: the time was taken. Shall I look for another?"),
        "{}",
        told.reply
    );
    assert_eq!(told.state.name(), "asks");
    let next = speaker.says("yes").await;
    assert_eq!(next.intent, "appointment.book", "{}", next.reply);
}
