//! What is asked for or told of somebody else: nothing is looked up, nothing is changed, and a danger is answered all the same.

use wellspoken::{policy::Surface, turn::State};

use crate::support::{Speaker, room, with_demo};

const ROSA: &str = "rosa-delgado.json";

#[tokio::test]
async fn somebody_elses_data_is_refused_and_nothing_of_it_is_kept() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for words in [
        "what is my husband allergic to",
        "my son's last tetanus shot",
        "when is my mom's appointment",
        "refill my husband's metformin",
        "my husband's sugar is 140",
    ] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        let refused = speaker.says(words).await;
        assert_eq!(refused.state, State::Refused, "{words}: {}", refused.reply);
        assert!(refused.reply.starts_with("I can only tell you about yourself here"), "{words}: {}", refused.reply);
        let yes = speaker.says("yes").await;
        assert!(!matches!(yes.state, State::Done | State::Confirms), "{words}: {}", yes.reply);
    }
    let store = scratch.app.store();
    assert!(store.renewal_states(&rosa).await.expect("readable").is_empty());
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let own = speaker.says("my mother has diabetes, what am I allergic to").await;
    assert!(!own.reply.contains("about yourself here"), "{}", own.reply);

    let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
    let alarm = bed.says("my wife's heart rate is one fifty").await;
    assert!(alarm.reply.contains("That needs somebody now"), "{}", alarm.reply);
    assert!(alarm.reply.contains("about yourself here"), "{}", alarm.reply);

    // A question that is open is asked again, and what it asked about is still the speaker's own.
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = speaker.says("refill my metformin").await;
    let aside = speaker.says("what is my husband allergic to").await;
    assert!(aside.reply.contains("about yourself") && aside.reply.ends_with(&asked.reply), "{}", aside.reply);
}
