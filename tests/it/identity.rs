//! Who is speaking, as a person in a room or at home meets it: the PIN, and agreeing by voice.

use wellspoken::{
    policy::{Scope, Surface},
    turn::{State, TurnResult},
};

use crate::support::{Scratch, Speaker, add_demo_with_pin, empty, home, room, shown, with_demo};

const ROSA: &str = "rosa-delgado.json";
const PIN: &str = "4077";

async fn with_pin(consent: &str) -> (Scratch, wellspoken::policy::PersonId) {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, consent, PIN).await;
    (scratch, rosa)
}

/// Nothing that is shown or kept holds the PIN.
fn unspoken(result: &TurnResult) {
    let shown = shown(result).to_lowercase();
    for digits in ["4077", "4 0 7 7", "four oh double seven", "double seven", "four zero"] {
        assert!(!shown.contains(digits), "{digits}: {shown}");
    }
}

#[tokio::test]
async fn a_change_waits_for_the_pin_and_then_goes_on() {
    let (scratch, rosa) = with_pin("all").await;
    for said in ["four oh double seven", "it's four, oh, um, double seven", "My PIN is 4077.", "4 0 7 7"] {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        let asked = speaker.says("refill my metformin").await;
        assert_eq!((asked.intent.as_str(), asked.state), ("prescription.renew", State::Asks), "{}", asked.reply);
        assert!(asked.reply.contains("PIN") && !asked.reply.to_lowercase().contains("metformin"), "{}", asked.reply);
        let read_back = speaker.says(said).await;
        assert_eq!(read_back.state, State::Confirms, "{said}: {}", read_back.reply);
        assert!(read_back.reply.to_lowercase().contains("metformin"), "{}", read_back.reply);
        unspoken(&read_back);
        assert!(read_back.heard.as_ref().is_some_and(|h| h.text.contains("[PIN]")), "{said}");
    }
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("refill my metformin").await;
    speaker.says("4077").await;
    assert_eq!(speaker.says("yes").await.state, State::Done);
    // What was shown holds for a while.
    let more = speaker.says("what medicines am I on").await;
    assert_eq!(more.state, State::Answered, "{}", more.reply);
}

#[tokio::test]
async fn a_wrong_pin_opens_nothing_and_three_of_them_close_the_door() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    let short = speaker.says("four oh").await;
    assert_ne!(short.state, State::Answered, "{}", short.reply);
    unspoken(&short);
    // A digit that was misheard as a word is asked for again, as often as it takes, and counts as no try.
    for _ in 0..4 {
        let broken = speaker.says("4-0-7-8-U-3").await;
        assert_eq!(broken.state, State::Asks, "{}", broken.reply);
        assert!(broken.reply.contains("all the digits"), "{}", broken.reply);
        assert!(!shown(&broken).contains("4078"), "{}", shown(&broken));
    }
    for _ in 0..3 {
        let wrong = speaker.says("4078").await;
        assert_eq!(wrong.state, State::Asks, "{}", wrong.reply);
        assert!(!wrong.reply.contains("lisinopril"));
    }
    let locked = speaker.says("4077").await;
    assert_eq!(locked.state, State::Refused, "{}", locked.reply);
    assert!(locked.reply.contains("minute"), "{}", locked.reply);
    unspoken(&locked);
    // What needs no PIN goes on.
    let visit = speaker.says("when is my next appointment").await;
    assert_eq!(visit.state, State::Answered, "{}", visit.reply);
    // And an emergency never waits.
    let cry = speaker.says("I can't breathe").await;
    assert_eq!(cry.state, State::Escalated, "{}", cry.reply);
}

#[tokio::test]
async fn an_emergency_comes_before_the_pin() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    speaker.says("refill my metformin").await;
    let cry = speaker.says("help I can't breathe").await;
    assert_eq!(cry.state, State::Escalated, "{}", cry.reply);
}

#[tokio::test]
async fn somebody_else_cannot_go_on_where_the_pin_was_said() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    assert_eq!(speaker.says("4077").await.state, State::Answered);
    let mut elsewhere = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = elsewhere.says("what medicines am I on").await;
    assert_eq!(asked.state, State::Asks, "another conversation shows it anew: {}", asked.reply);
    let mut other = Speaker::new(&scratch.app, home(), Some(&rosa));
    other.caller.credential = wellspoken::policy::CredentialId::parse("another-device").expect("fits");
    other.session = speaker.session.clone();
    let asked = other.says("what medicines am I on").await;
    assert_eq!(asked.state, State::Asks, "another device does not inherit it: {}", asked.reply);
}

#[tokio::test]
async fn a_third_party_is_never_asked_for_a_pin() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, Surface::ThirdParty, Some(&rosa));
    let refused = speaker.says("refill my metformin").await;
    assert_eq!(refused.state, State::Refused);
    assert!(!refused.reply.contains("PIN"), "{}", refused.reply);
    let told = speaker.says("my pin is 4077").await;
    unspoken(&told);
    assert_ne!(told.state, State::Confirms, "{}", told.reply);
}

#[tokio::test]
async fn an_unasked_pin_is_masked() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    for said in ["my pin is 4077", "my code is four oh double seven", "the passcode is 4077 in case you need it"] {
        unspoken(&speaker.says(said).await);
    }
}

#[tokio::test]
async fn a_pin_beside_a_cry_is_masked_on_the_board_and_everywhere() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    for said in ["my pin is four oh, um, double seven and I can't breathe", "help me, I took 20 pills, my code is 4077"]
    {
        let cry = speaker.says(said).await;
        assert_eq!(cry.state, State::Escalated, "{said}: {}", cry.reply);
        unspoken(&cry);
    }
    speaker.says("what medicines am I on").await;
    let cry = speaker.says("4077 help I can't breathe, I took 20 pills").await;
    assert_eq!(cry.state, State::Escalated, "{}", cry.reply);
    unspoken(&cry);
    let perhaps = speaker.says("my pin is 4077 and I have no chest pain, maybe").await;
    unspoken(&perhaps);
    let needs: Vec<String> =
        scratch.app.store().board(None).await.expect("the board").into_iter().filter_map(|row| row.need).collect();
    let told = needs.join(" | ");
    assert!(needs.len() >= 3 && told.contains("[PIN]"), "{told}");
    assert!(!told.contains("4077") && !told.contains("double seven") && !told.contains("four oh"), "{told}");
    assert_eq!(told.matches("20 pills").count(), 2, "what matters to staff stays: {told}");
}

#[tokio::test]
async fn a_pin_inside_another_request_is_masked() {
    let (scratch, rosa) = with_pin("all").await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    for said in
        ["tell the nurse my pin is 4077", "ask the nurse to bring me water and my passcode is four oh double seven"]
    {
        unspoken(&speaker.says(said).await);
        unspoken(&speaker.says("say that again").await);
    }
    let board = scratch.app.store().board(None).await.expect("the board");
    let told = board.iter().filter_map(|row| row.need.as_deref()).collect::<Vec<_>>().join(" | ");
    assert!(!told.contains("4077") && !told.contains("double seven"), "{told}");
}

#[tokio::test]
async fn agreeing_by_voice_opens_one_part_at_once_and_taking_it_back_closes_it() {
    let (scratch, rosa) = with_demo(ROSA, "none", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = speaker.says("what medicines am I on").await;
    assert_eq!(asked.state, State::Asks, "{}", asked.reply);
    assert!(asked.reply.contains("medicines") && !asked.reply.contains("lisinopril"), "{}", asked.reply);
    let no = speaker.says("no").await;
    assert!(!no.reply.contains("lisinopril"), "{}", no.reply);
    speaker.says("what medicines am I on").await;
    let told = speaker.says("yes").await;
    assert_eq!(told.state, State::Answered, "{}", told.reply);
    assert!(told.reply.contains("lisinopril"), "{}", told.reply);
    assert_eq!(scratch.app.store().consent(&rosa).await.expect("read"), [Scope::Medicines]);
    let visits = speaker.says("when is my next appointment").await;
    assert_eq!(visits.state, State::Asks, "only the part that was asked for: {}", visits.reply);
    speaker.says("never mind").await;

    let sure = speaker.says("stop using my medicines").await;
    assert_eq!((sure.intent.as_str(), sure.state), ("consent.revoke", State::Confirms), "{}", sure.reply);
    let gone = speaker.says("yes").await;
    assert_eq!(gone.state, State::Done, "{}", gone.reply);
    assert!(scratch.app.store().consent(&rosa).await.expect("read").is_empty());
    assert_eq!(speaker.says("what medicines am I on").await.state, State::Asks, "at once");
    assert_eq!(scratch.app.store().consent_versions(&rosa).await.expect("read").len(), 2);
}

#[tokio::test]
async fn improving_is_agreed_to_by_itself_and_taken_back_by_itself() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let store = scratch.app.store();
    assert!(!store.improves(&rosa).await.expect("read"), "nobody agreed to that by default");
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let sure = speaker.says("you may use what I say to get better").await;
    assert_eq!((sure.intent.as_str(), sure.state), ("consent.give", State::Confirms), "{}", sure.reply);
    assert!(!store.improves(&rosa).await.expect("read"), "not before a yes");
    assert_eq!(speaker.says("yes").await.state, State::Done);
    assert!(store.improves(&rosa).await.expect("read"));
    let sure = speaker.says("don't use what I say to improve").await;
    assert_eq!((sure.intent.as_str(), sure.state), ("consent.revoke", State::Confirms), "{}", sure.reply);
    assert_eq!(speaker.says("yes").await.state, State::Done);
    assert!(!store.improves(&rosa).await.expect("read"));
    assert_eq!(store.consent(&rosa).await.expect("read"), Scope::ALL, "the rest is as it was");
}

#[tokio::test]
async fn agreeing_to_something_else_is_no_yes() {
    let (scratch, rosa) = with_demo(ROSA, "none", None).await;
    for said in ["you can use my visits", "you may use what I say to get better"] {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        assert_eq!(speaker.says("what medicines am I on").await.state, State::Asks);
        let other = speaker.says(said).await;
        assert!(!other.reply.contains("lisinopril"), "{said}: {}", other.reply);
        assert!(scratch.app.store().consent(&rosa).await.expect("read").is_empty(), "{said}");
    }
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    assert!(speaker.says("you can use my medicines").await.reply.contains("lisinopril"));
}

#[tokio::test]
async fn what_was_changed_elsewhere_meanwhile_is_not_overwritten() {
    use wellspoken::policy::{Agreements, Event, JournalEntry, Use};
    let (scratch, rosa) = with_demo(ROSA, "none", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("you can use my medicines").await;
    let entry = JournalEntry {
        event: Event::ConsentChanged,
        subject: Some(rosa.clone()),
        actor: None,
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: Some("changed"),
        at: crate::support::now(),
    };
    let store = scratch.app.store();
    let elsewhere = Agreements::default().with([Use::Improve]);
    store.set_consent(&rosa, &elsewhere, Some(0), &entry).await.expect("set");
    assert_eq!(speaker.says("yes").await.state, State::Done, "the yes looks at what is there now");
    let agreed = store.agreed(&rosa).await.expect("read");
    assert_eq!((agreed.uses.improve(), agreed.uses.answer()), (true, vec![Scope::Medicines]));
    assert!(store.set_consent(&rosa, &elsewhere, Some(1), &entry).await.is_err());
}

#[tokio::test]
async fn agreement_that_ends_in_the_middle_ends_the_rest() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let read_back = speaker.says("refill my metformin").await;
    assert_eq!(read_back.state, State::Confirms, "{}", read_back.reply);
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    page.says("stop using my medicines").await;
    assert_eq!(page.says("yes").await.state, State::Done);
    let refused = speaker.says("yes").await;
    assert_ne!(refused.state, State::Done, "{}", refused.reply);
    assert!(scratch.app.store().renewal_states(&rosa).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_visitor_cannot_agree_for_whoever_has_a_pin() {
    let (scratch, rosa) = with_pin("none").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    for said in ["when is my next appointment", "yes", "you can use my visits", "yes"] {
        let result = speaker.says(said).await;
        assert!(matches!(result.state, State::Asks | State::Answered | State::Rejected), "{said}: {}", result.reply);
    }
    assert!(scratch.app.store().consent(&rosa).await.expect("read").is_empty());
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("you can use my visits").await;
    assert_eq!(speaker.says("4077").await.state, State::Confirms);
    assert_eq!(speaker.says("yes").await.state, State::Done);
    assert_eq!(scratch.app.store().consent(&rosa).await.expect("read"), [Scope::Visits]);
}

/// Rosa with something protected in every part of her chart.
async fn with_protected(pin: Option<&str>) -> (Scratch, wellspoken::policy::PersonId) {
    use wellspoken::{records::demo, store::ImportOptions};
    let scratch = empty().await;
    let now = crate::support::now();
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let mut chart = demo::all(now, &zone).expect("demo people").into_iter().next().expect("one").1;
    let mut secret = chart.prescriptions[0].clone();
    (secret.id, secret.medicine, secret.aliases) = ("secret".into(), "sertraline".into(), vec!["Zoloft".into()]);
    chart.prescriptions.push(secret);
    let mut unknown = chart.prescriptions[0].clone();
    (unknown.id, unknown.medicine, unknown.aliases) = ("unknown".into(), "zorblaxine".into(), vec![]);
    chart.prescriptions.push(unknown);
    let mut result = chart.results[0].clone();
    (result.test, result.aliases, result.panel) = ("HIV antibody".into(), vec![], None);
    result.taken = now;
    chart.results.push(result);
    let mut visit = chart.visits.iter().find(|v| v.start > now).expect("a coming visit").clone();
    visit.id = "secret".into();
    visit.start = now + jiff::SignedDuration::from_hours(1);
    visit.end = None;
    (visit.provider, visit.specialty) = (Some("Dr. Quill Freud".into()), Some("Psychiatry".into()));
    chart.visits.push(visit);
    let options = ImportOptions { pin, consent: Some(Scope::ALL.to_vec()), room: None, ..ImportOptions::default() };
    let rosa = scratch.app.store().import(&chart, options, now).await.expect("imported");
    (scratch, rosa)
}

#[tokio::test]
async fn what_is_protected_is_not_said_where_others_hear_it() {
    let (scratch, rosa) = with_protected(None).await;
    let asked = [
        "what medicines am I on",
        "when is my next appointment",
        "read me my latest lab results",
        "what is my HIV result",
        "how do I take my sertraline",
        "refill my zoloft",
        "is my sertraline ready",
        "when do I see the psychiatrist",
        "how do I take my zorblaxine",
    ];
    for words in asked {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        let reply = speaker.says(words).await.reply.to_lowercase();
        for secret in ["sertraline", "zoloft", "hiv antibody", "freud", "psychiatry", "zorblaxine 10", "negative"] {
            assert!(!reply.contains(secret), "{words}: {reply}");
        }
    }
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let all = page.says("what medicines am I on").await.reply;
    assert!(all.contains("sertraline") && all.contains("7 medicines"), "their own page keeps nothing back: {all}");
}

#[tokio::test]
async fn whether_there_is_such_a_thing_makes_no_difference_to_the_answer() {
    let (with, hers) = with_protected(None).await;
    let (without, rosa) = with_demo(ROSA, "all", None).await;
    for words in ["how do I take my sertraline", "refill my zoloft", "what is my HIV result", "what medicines am I on"]
    {
        let one = Speaker::new(&with.app, home(), Some(&hers)).says(words).await;
        let other = Speaker::new(&without.app, home(), Some(&rosa)).says(words).await;
        assert_eq!((one.reply, one.state), (other.reply, other.state), "{words}");
    }
}

#[tokio::test]
async fn what_is_protected_is_said_by_its_name_to_whom_it_belongs() {
    let (scratch, rosa) = with_protected(Some(PIN)).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = speaker.says("how do I take my sertraline").await;
    assert_eq!(asked.state, State::Asks, "{}", asked.reply);
    let told = speaker.says("four oh double seven").await;
    assert_eq!(told.state, State::Answered, "{}", told.reply);
    assert!(told.reply.to_lowercase().contains("sertraline"), "{}", told.reply);
    let list = speaker.says("what medicines am I on").await;
    assert!(!list.reply.contains("sertraline"), "not unless asked for by its name: {}", list.reply);
}

/// Digits that are told to be tried are masked whatever they are called, in what was heard and in the slot.
#[tokio::test]
async fn digits_that_are_told_are_masked_whatever_they_are_called() {
    let (scratch, rosa) = with_pin("all").await;
    for said in ["my sign in number is 4077 1288", "my confirmation number is 4077 1288"] {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        let result = speaker.says(said).await;
        unspoken(&result);
        let heard = result.heard.as_ref().map(|heard| heard.text.as_str());
        assert!(heard.is_some_and(|text| text.contains("[PIN]") && !text.contains("1288")), "{heard:?}");
        if let Some(code) = result.slots.get("code") {
            assert_eq!(code.spoken, "[PIN]", "{said}");
        }
    }
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let result = speaker.says("my sign in number is 4077 1288").await;
    assert_eq!(result.intent, "account.link", "understood as what it is");
    // A number that is no secret stays.
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let result = speaker.says("my weight is 160 pounds").await;
    assert!(result.heard.as_ref().is_some_and(|heard| heard.text.contains("160")), "{:?}", result.intent);
}
