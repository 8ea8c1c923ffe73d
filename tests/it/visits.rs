//! Visits in conversation: other times than those offered, times that are held while somebody thinks, many who want the
//! same one, and what is not hinted at where others hear.

use jiff::{SignedDuration, Timestamp};
use wellspoken::{
    actions::Change,
    policy::{CredentialId, Event, JournalEntry, PersonId, SessionId, Surface, TurnId},
    records::{Chart, OpenSlot, Visit, demo},
    store::{ImportOptions, KeyOwner, TurnCommit},
    turn::{State, TurnResult},
};

use crate::support::{self, Scratch, Speaker, room, with_demo};

const ROSA: &str = "rosa-delgado.json";

/// Somebody else, with these visits and these times in the schedules.
async fn somebody(scratch: &Scratch, name: &str, visits: Vec<Visit>, slots: Vec<OpenSlot>) -> PersonId {
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let (_, rosa) = demo::all(support::now(), &zone).expect("demo people").remove(0);
    let chart = Chart { identifiers: vec![format!("urn:test|{name}")], visits, slots, ..rosa };
    let options = ImportOptions {
        consent: Some(wellspoken::policy::Scope::ALL.to_vec()),
        replace: true,
        ..ImportOptions::default()
    };
    scratch.app.store().import(&chart, options, support::now()).await.expect("imported")
}

fn slot(id: &str, start: &str, provider: &str) -> OpenSlot {
    let start: Timestamp = start.parse().expect("a time");
    let end = start + SignedDuration::from_mins(30);
    OpenSlot { id: id.into(), start, end, provider: provider.into(), ..OpenSlot::default() }
}

fn asks(answer: &TurnResult, words: &str) {
    assert_eq!(answer.state, State::Asks, "{}", answer.reply);
    assert_eq!(answer.intent, "appointment.book", "{}", answer.reply);
    assert!(answer.reply.contains(words), "{words}: {}", answer.reply);
}

#[tokio::test]
async fn other_times_than_those_offered() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    asks(
        &speaker.says("book me with doctor Patel on friday").await,
        "Friday, December 4th, Dr. Anita Patel has 11 AM or 3:30 PM",
    );
    asks(&speaker.says("do you have anything earlier").await, "tomorrow at 9 AM");
    asks(&speaker.says("how about another day").await, "Friday, December 4th at 11 AM");
    let afternoon = speaker.says("what about the afternoon").await;
    assert!(afternoon.state == State::Confirms && afternoon.reply.contains("3:30 PM"), "{}", afternoon.reply);
    asks(&speaker.says("anything later").await, "Dr. Anita Patel has");
    let picked = speaker.says("the first one").await;
    assert_eq!(picked.state, State::Confirms, "{}", picked.reply);
    // A doubt about what was read back: something else is looked for, not the same read back again.
    let other = speaker.says("do you have anything earlier").await;
    assert!(other.reply != picked.reply && other.state != State::Rejected, "{}", other.reply);
    let done = speaker.says("never mind").await;
    assert_eq!(done.intent, "dialogue.cancel", "{}", done.reply);
}

/// What is said to two times that are offered, and what is asked or offered next.
#[tokio::test]
async fn offers_are_answered_with_what_would_suit_better() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let later = "has Monday, December 7th at 9 AM";
    let earlier = "has tomorrow at 9 AM";
    let what_else = "Would you like something earlier, something later, or another day?";
    for (said, want) in [
        ("later", later),
        ("later please", later),
        ("that's too early", later),
        ("friday is no good", later),
        ("not friday", later),
        ("what else do you have", later),
        ("earlier", earlier),
        ("those are too late", earlier),
        ("no", what_else),
        ("none of those", what_else),
        ("those don't work for me", what_else),
        ("I can't do any of those", what_else),
    ] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        asks(&speaker.says("book me with doctor Patel on friday").await, "11 AM or 3:30 PM");
        let answer = speaker.says(said).await;
        asks(&answer, want);
        if want == what_else {
            asks(&speaker.says("later").await, later);
            speaker.says("no").await;
            assert_eq!(speaker.says("no").await.intent, "dialogue.no", "whoever wants none of it is let go");
        }
    }
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    asks(&speaker.says("book me with doctor Patel on friday").await, "11 AM or 3:30 PM");
    let eleven = speaker.says("11").await;
    assert!(eleven.state == State::Confirms && eleven.reply.contains("11 AM"), "{}", eleven.reply);
}

/// A correction of what was read back never leads to the old thing being done.
#[tokio::test]
async fn what_was_corrected_is_not_booked() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for (said, then, want) in [
        ("actually make it the second one", "yes", Some("3:30 PM")),
        ("no wait, the other one", "yes", None),
        ("wait, make that friday", "yes", None),
        ("no wait, thursday", "yes", None),
        ("I said the wrong day", "yes", None),
        ("no wait, purple elephants", "yes", None),
    ] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        asks(&speaker.says("book me with doctor Patel on friday").await, "11 AM or 3:30 PM");
        assert_eq!(speaker.says("the first one").await.state, State::Confirms);
        let corrected = speaker.says(said).await;
        assert!(!corrected.reply.contains("at 11 AM"), "{said}: {}", corrected.reply);
        let after = speaker.says(then).await;
        match want {
            Some(time) => assert!(after.state == State::Done && after.reply.contains(time), "{said}: {}", after.reply),
            None => assert_ne!(after.state, State::Done, "{said}: {}", after.reply),
        }
        if let Some(time) = want {
            speaker.says("cancel my visit on friday").await;
            assert_eq!(speaker.says("yes").await.state, State::Done, "{time}");
        }
    }
}

#[tokio::test]
async fn the_soonest_needs_no_day() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = speaker.says("book me with doctor Patel").await;
    asks(&asked, "Which day would suit you?");
    asks(&speaker.says("as soon as possible").await, "tomorrow at 9 AM");
}

#[tokio::test]
async fn a_time_is_held_while_somebody_thinks() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let other = somebody(&scratch, "other", vec![], vec![]).await;
    let mut hers = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let mut theirs = Speaker::new(&scratch.app, Surface::Chat, Some(&other));
    let want = "book me with doctor Patel on december third at nine thirty";
    let asked = hers.says(want).await;
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    let told = theirs.says(want).await;
    assert!(
        told.state == State::Asks && told.reply.contains("1:30 PM") && !told.reply.contains("9:30"),
        "{}",
        told.reply
    );
    // Something in between does not let go of it, and neither does her other device.
    hers.says("is my lisinopril ready").await;
    let mut elsewhere = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    assert_eq!(elsewhere.says(want).await.state, State::Confirms);
    elsewhere.says("no").await;
    hers.says("no").await;
    let mut again = Speaker::new(&scratch.app, Surface::Chat, Some(&other));
    let free = again.says(want).await;
    assert_eq!(free.state, State::Confirms, "let go of at no: {}", free.reply);
    again.says("goodbye").await;
    let asked = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says(want).await;
    assert_eq!(asked.state, State::Confirms, "and at the end of the conversation: {}", asked.reply);
}

/// Books past the conversation, as another device does whose time has run on.
async fn takes(scratch: &Scratch, person: &PersonId, slot: OpenSlot, at: Timestamp) {
    let (session, turn) = (SessionId::parse("late").expect("fits"), TurnId::parse("late").expect("fits"));
    let credential = CredentialId::parse("late").expect("fits");
    let closing = JournalEntry {
        event: Event::Closed,
        subject: Some(person.clone()),
        actor: Some(credential.clone()),
        intent: None,
        channel: "chat",
        session: Some(session.clone()),
        turn: Some(turn.clone()),
        closes: None,
        outcome: Some("done"),
        at,
    };
    let commit = TurnCommit {
        session,
        turn,
        credential,
        body_hash: [0; 32],
        owner: KeyOwner::Person(person.clone()),
        person: Some(person.clone()),
        door: Some(person.clone()),
        room: None,
        changes: vec![Change::Book { slot, reason: None }],
        sends: false,
        told: vec![],
        session_state: vec![],
        answer: vec![],
        closing,
        also_closing: vec![],
        at,
    };
    scratch.app.store().commit(commit).await.expect("its hold had ended");
}

#[tokio::test]
async fn who_comes_too_late_is_offered_others_at_once() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let other = somebody(&scratch, "other", vec![], vec![]).await;
    let mut hers = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = hers.says("book me with doctor Patel on december third at nine thirty").await;
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    let gone = OpenSlot { id: "patel-2026-12-03-0930".into(), ..slot("", "2026-12-03T14:30:00Z", "Dr. Anita Patel") };
    takes(&scratch, &other, gone, support::now() + SignedDuration::from_mins(5)).await;
    let late = hers.says("yes").await;
    assert_eq!(late.state, State::Asks, "{}", late.reply);
    assert_eq!(
        late.reply,
        "That time is no longer free. On Thursday, December 3rd, Dr. Anita Patel has 1:30 PM. Would that work?"
    );
    assert_eq!(hers.says("yes").await.state, State::Confirms);
    assert_eq!(hers.says("yes").await.state, State::Done);
    assert!(scratch.app.store().audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_the_same_time_one_gets_it() {
    let scratch = support::empty().await;
    let mut people = Vec::new();
    for n in 0..6 {
        let slots = vec![
            slot("first", "2026-12-03T14:30:00Z", "Dr. Fielding"),
            slot("second", "2026-12-10T14:30:00Z", "Dr. Fielding"),
        ];
        people.push(somebody(&scratch, &format!("p{n}"), vec![], slots).await);
    }
    let mut speakers: Vec<Speaker<'_>> =
        people.iter().map(|person| Speaker::new(&scratch.app, Surface::Chat, Some(person))).collect();
    let want = "book me with doctor Fielding on december third";
    let asked: Vec<TurnResult> = futures_util::future::join_all(speakers.iter_mut().map(|s| s.says(want))).await;
    let firsts = asked.iter().filter(|a| a.state == State::Confirms && a.reply.contains("December 3rd")).count();
    assert_eq!(firsts, 1, "{:?}", asked.iter().map(|a| &a.reply).collect::<Vec<_>>());
    for answer in &asked {
        assert!(matches!(answer.state, State::Confirms | State::Asks | State::Answered), "{}", answer.reply);
    }
    let answered = futures_util::future::join_all(speakers.iter_mut().map(|s| s.says("yes"))).await;
    let done: Vec<&TurnResult> = answered.iter().filter(|a| a.state == State::Done).collect();
    assert!((1..=2).contains(&done.len()), "two times, so two visits at most");
    assert_eq!(done.iter().filter(|a| a.reply.contains("December 3rd")).count(), 1);
}

fn sensitive_and_ordinary() -> Vec<Visit> {
    let visit = |id: &str, start: &str, provider: &str, specialty: &str| Visit {
        id: id.into(),
        start: start.parse().expect("a time"),
        provider: Some(provider.into()),
        specialty: Some(specialty.into()),
        prepare: Some(format!("Bring the {specialty} form.")),
        booked: true,
        ..Visit::default()
    };
    vec![
        visit("quiet", "2026-12-03T14:30:00Z", "Dr. Otto Quiet", "psychiatry"),
        visit("plain", "2026-12-10T15:30:00Z", "Dr. Anita Patel", "cardiology"),
    ]
}

/// What is withheld where others hear it leaves no trace: not in a count, not in a question, not by a clash.
#[tokio::test]
async fn a_withheld_visit_is_not_hinted_at() {
    let scratch = support::empty().await;
    let slots = || vec![slot("clash", "2026-12-03T14:30:00Z", "Dr. Anita Patel")];
    let with_both = somebody(&scratch, "both", sensitive_and_ordinary(), slots()).await;
    let with_one = somebody(&scratch, "one", sensitive_and_ordinary().split_off(1), slots()).await;
    let questions = [
        "list my appointments",
        "what appointments do I have this month",
        "do I have any appointments on thursday",
        "how do I get ready for my visit",
        "cancel my appointment",
        "no",
        "cancel my visit on december third",
        "move my visit on december third to december eighth",
        "when is my next appointment",
        "book me with doctor Patel on december third",
        "no",
    ];
    let mut told = Vec::new();
    for person in [&with_both, &with_one] {
        let mut speaker = Speaker::new(&scratch.app, room(), Some(person));
        let mut replies = Vec::new();
        for question in questions {
            replies.push(speaker.says(question).await.reply);
        }
        told.push(replies);
    }
    for (n, question) in questions.iter().enumerate() {
        assert_eq!(told[0][n], told[1][n], "{question}");
        let reply = told[0][n].to_lowercase();
        assert!(!reply.contains("quiet") && !reply.contains("psychiatr"), "{question}: {reply}");
    }
    // On their own page they are told, and kept from being in two places.
    let mut own = Speaker::new(&scratch.app, Surface::Chat, Some(&with_both));
    let listed = own.says("list my appointments").await.reply;
    assert!(listed.contains("2 visits") && listed.contains("Dr. Otto Quiet"), "{listed}");
    let booked = own.says("book me with doctor Patel on december third").await;
    assert!(booked.state != State::Confirms, "{}", booked.reply);
}

/// "Which one?", by day, by name, by place in the row; and what was read back is what happens.
#[tokio::test]
async fn a_visit_is_called_off_and_moved_in_words() {
    let scratch = support::empty().await;
    let slots = vec![
        slot("a", "2026-12-07T14:30:00Z", "Dr. Anita Patel"),
        slot("b", "2026-12-07T19:30:00Z", "Dr. Anita Patel"),
    ];
    let person = somebody(&scratch, "both", sensitive_and_ordinary(), slots).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&person));
    let which = speaker.says("cancel my appointment").await;
    assert!(which.state == State::Asks && which.reply.ends_with("Which one do you want to cancel?"), "{}", which.reply);
    let confirm = speaker.says("the one with doctor Patel").await;
    assert!(confirm.state == State::Confirms && confirm.reply.contains("Dr. Anita Patel"), "{}", confirm.reply);
    speaker.says("no").await;
    speaker.says("cancel my appointment").await;
    let confirm = speaker.says("the first one").await;
    assert!(confirm.state == State::Confirms && confirm.reply.contains("Dr. Otto Quiet"), "{}", confirm.reply);
    let done = speaker.says("yes").await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    let offered = speaker.says("move my appointment to monday").await;
    assert!(offered.state == State::Asks && offered.reply.contains("9:30 AM or 2:30 PM"), "{}", offered.reply);
    let read_back = speaker.says("the second one").await;
    assert_eq!(
        read_back.reply,
        "Your visit with Dr. Anita Patel on Thursday, December 10th at 10:30 AM moves to Monday, December 7th at 2:30 PM. Shall I move it?"
    );
    let moved = speaker.says("yes").await;
    assert_eq!(moved.state, State::Done, "{}", moved.reply);
    let next = speaker.says("when is my next appointment").await;
    assert!(next.reply.contains("Monday, December 7th at 2:30 PM"), "{}", next.reply);
}

/// A list that is longer than a breath goes on where it stopped, and ends.
#[tokio::test]
async fn more_goes_on_with_the_list() {
    let scratch = support::empty().await;
    let visit = |day: i8| {
        let start = format!("2026-12-{day:02}T15:00:00Z").parse().expect("a time");
        Visit {
            id: format!("v{day}"),
            start,
            provider: Some(format!("Dr. Number {day}")),
            booked: true,
            ..Visit::default()
        }
    };
    let person = somebody(&scratch, "many", (3..15).map(visit).collect(), vec![]).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&person));
    let nothing = speaker.says("more").await;
    assert!(nothing.reply.contains("nothing more"), "{}", nothing.reply);
    let first = speaker.says("what appointments do I have").await;
    assert!(first.reply.contains("You have 12 visits") && first.reply.contains("and 7 more"), "{}", first.reply);
    let second = speaker.says("more").await;
    assert!(second.reply.starts_with("After those: ") && second.reply.contains("Dr. Number 8"), "{}", second.reply);
    assert!(second.reply.contains("and 2 more") && !second.reply.contains("Dr. Number 7"), "{}", second.reply);
    let last = speaker.says("go on").await;
    assert!(last.reply.contains("Dr. Number 14") && !last.reply.contains("more"), "{}", last.reply);
    let over = speaker.says("what else").await;
    assert!(over.reply.contains("nothing more"), "{}", over.reply);
    // Another question about the same begins at the beginning.
    let again = speaker.says("what appointments do I have").await;
    assert_eq!(again.reply, first.reply);
}
