//! Short answers in our own voice, heard with the real model in the light of what was asked: a no, a PIN, a time, a day.

use std::sync::OnceLock;

use wellspoken::{
    app::Senses,
    asr::wav,
    policy::SessionId,
    speech::voice::{self, Delivery, Voice},
    turn::{Expected, Input, State, TurnRequest, TurnResult},
};

use crate::support::{Speaker, add_demo_with_pin, home, models_dir, shown, with_senses};

/// A WAV file of our own voice.
fn spoken(text: &str) -> Vec<u8> {
    static VOICE: OnceLock<Voice> = OnceLock::new();
    let voice = VOICE.get_or_init(|| match Voice::load(&models_dir()) {
        Ok(voice) => voice,
        Err(e) => panic!("{e}\nrun: make models"),
    });
    let samples = voice.speak(text, Delivery::default()).unwrap().collect::<Result<Vec<_>, _>>().unwrap().concat();
    voice::wav(&samples, voice::SAMPLE_RATE).unwrap()
}

async fn says_aloud(speaker: &mut Speaker<'_>, text: &str) -> TurnResult {
    let (caller, session) = (speaker.caller.clone(), speaker.session.clone());
    let input = Input::Audio(spoken(text));
    let result = speaker.app.turn(TurnRequest { caller, session, turn: None, input, speak: false }).await;
    speaker.session = SessionId::parse(&result.session).ok();
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_a_pin_are_heard_where_they_are_asked_for() {
    let scratch = with_senses(Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: make models", scratch.app.warnings);

    // While somebody may still go on. "No." of this voice sounds like "Number." to the model.
    let ahead = async |text: &str, expected| {
        let samples = wav::decode(&spoken(text)).expect("a recording");
        scratch.app.ahead(samples.into(), expected).await.expect("a decoder is free").shown()
    };
    assert_eq!(ahead("No.", Expected::Anything).await.as_deref(), Some("Number."));
    assert_eq!(ahead("No.", Expected::YesNo).await.as_deref(), Some("No."));
    assert_eq!(ahead("Yes.", Expected::YesNo).await.as_deref(), Some("Yes."));
    // Digits are not shown; without the question there are none.
    assert_eq!(ahead("four oh seven one", Expected::Anything).await, None);
    assert_eq!(ahead("four oh seven one", Expected::Digits).await.as_deref(), Some("…"));

    // A time and a day.
    let value = |intent: &str, slot: &str| Expected::Value { intent: intent.into(), slot: slot.into() };
    assert_eq!(ahead("Noon.", Expected::Anything).await.as_deref(), Some("Nune."));
    assert_eq!(ahead("Noon.", value("medicine.remind", "time")).await.as_deref(), Some("Noon"));
    assert_eq!(ahead("The ninth.", Expected::Anything).await, None);
    assert_eq!(ahead("The ninth.", value("appointment.book", "date")).await.as_deref(), Some("The 9th"));
    // What somebody clearly said is left as it is, whatever was asked.
    for slot in [value("medicine.remind", "time"), value("reading.log", "value")] {
        assert_eq!(ahead("Never mind.", slot).await.as_deref(), Some("Never mind."));
    }

    // A whole turn.
    let rosa = add_demo_with_pin(&scratch, "rosa-delgado.json", "all", "4071").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = speaker.says("refill my metformin").await;
    assert_eq!(asked.state, State::Asks, "{}", asked.reply);
    let read_back = says_aloud(&mut speaker, "four oh seven one").await;
    assert_eq!(read_back.state, State::Confirms, "{}", shown(&read_back));
    assert_eq!(read_back.heard.as_ref().map(|heard| heard.text.as_str()), Some("[PIN]"));
    assert!(!shown(&read_back).contains("4071") && !shown(&read_back).contains("4 0 7 1"), "{}", shown(&read_back));
    let left = says_aloud(&mut speaker, "No.").await;
    assert_eq!(left.intent, "dialogue.no", "{}", shown(&left));
    assert!(left.reply.contains("Nothing was changed"), "{}", left.reply);

    // A time that was looked for is read back before anything is done.
    let when = speaker.says("remind me to take my metformin").await;
    assert_eq!((when.intent.as_str(), when.state), ("medicine.remind", State::Asks), "{}", when.reply);
    let read_back = says_aloud(&mut speaker, "Noon.").await;
    assert_eq!(read_back.state, State::Confirms, "{}", shown(&read_back));
    assert_eq!(read_back.heard.as_ref().map(|heard| heard.text.as_str()), Some("Noon"));
    assert!(read_back.reply.contains("noon") || read_back.reply.contains("12"), "{}", read_back.reply);
}
