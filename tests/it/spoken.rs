//! Every recording of `audio-fixtures/` through the whole path: what is heard, understood and answered.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use wellspoken::{
    app::Senses,
    config::Config,
    nlu::SlotValue,
    policy::{RoomId, Surface},
    turn::{Input, State, TurnRequest, TurnResult},
};

use crate::support::{add_demo, caller, home, room, with_config, with_senses};

#[derive(Deserialize)]
struct Expected {
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
struct Recording {
    file: String,
    hears: Vec<String>,
    intent: String,
    slots: BTreeMap<String, String>,
    answer: Option<String>,
    /// The recording spoken just before this one, in the same conversation.
    after: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recording_is_heard_understood_and_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures");
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("audio-fixtures/expected.json is there");
    let expected: Expected = serde_json::from_str(&text).expect("expected.json is well formed");
    let scratch = with_senses(Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: make models", scratch.app.warnings);
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", Some("room-7")).await;
    let mut wrong = Vec::new();
    for recording in &expected.recordings {
        let say = async |file: &str, session| {
            let audio = std::fs::read(folder.join(file)).expect("the recording is there");
            let caller = caller(room(), Some(&rosa));
            scratch
                .app
                .turn(TurnRequest { caller, session, turn: None, input: Input::Audio(audio), speak: false })
                .await
        };
        let session = match &recording.after {
            Some(before) => wellspoken::policy::SessionId::parse(&say(before, None).await.session).ok(),
            None => None,
        };
        let result = say(&recording.file, session).await;
        for what in differences(recording, &result) {
            let heard = result.heard.as_ref().map_or("", |h| h.text.as_str());
            wrong.push(format!(
                "{}: {what}; heard {heard:?}, understood {}, answered {:?}",
                recording.file, result.intent, result.reply
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} recordings:\n{}", wrong.len(), expected.recordings.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_another_language_is_known_for_it_and_a_cry_in_it_is_a_cry() {
    let mut config = Config::default();
    config.hear.other_languages = true;
    let scratch = with_config(config, Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: wellspoken models get base", scratch.app.warnings);
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", Some("room-7")).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures");
    let seven = RoomId::parse("room-7").expect("a room");
    // What is said, of what intent that is, whether it is a language that is not spoken here, and what is on the board then: all of
    // it, and emergencies.
    for (file, intent, foreign, all, emergencies) in [
        ("next-visit.wav", "appointment.next", false, 0, 0),
        ("other-languages/es-appointment.wav", "dialogue.none", true, 1, 0),
        ("other-languages/es-breathe.wav", "emergency.help", false, 2, 1),
    ] {
        let audio = std::fs::read(folder.join(file)).expect("the recording is there");
        let (caller, input) = (caller(room(), Some(&rosa)), Input::Audio(audio));
        let result = scratch.app.turn(TurnRequest { caller, session: None, turn: None, input, speak: false }).await;
        assert_eq!(result.intent, intent, "{file}: {}", result.reply);
        assert_eq!(result.reply.contains("another language"), foreign, "{file}: {}", result.reply);
        let board = scratch.app.store().board(Some(&seven)).await.expect("readable");
        let urgent = board.iter().filter(|row| row.emergency).count();
        assert_eq!((board.len(), urgent), (all, emergencies), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cry_that_words_are_made_of_is_still_one_in_a_room() {
    let scratch = with_senses(Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: make models", scratch.app.warnings);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures/cries/nurse-as-yes.wav");
    let audio = std::fs::read(file).expect("the recording is there");
    let seven = RoomId::parse("room-7").expect("a room");
    // Nobody asked anything; there are no staff at home.
    for (surface, rejected, told) in [(home(), false, 0), (room(), true, 1)] {
        let (caller, input) = (caller(surface.clone(), None), Input::Audio(audio.clone()));
        let result = scratch.app.turn(TurnRequest { caller, session: None, turn: None, input, speak: false }).await;
        let heard = result.heard.as_ref().map(|heard| heard.text.to_lowercase()).unwrap_or_default();
        assert!(!heard.contains("nurse"), "{heard:?} needs no second thought");
        assert_eq!(result.state == State::Rejected, rejected, "{surface:?}: {}", result.reply);
        let board = scratch.app.store().board(Some(&seven)).await.expect("readable");
        assert_eq!(board.iter().filter(|row| row.emergency).count(), told, "{surface:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_before_the_end_is_not_heard_again() {
    let scratch = with_senses(Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: make models", scratch.app.warnings);
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", Some("room-7")).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures");
    let sound = |file: &str| std::fs::read(folder.join(file)).expect("the recording is there");
    let samples = wellspoken::asr::wav::decode(&sound("next-visit.wav")).expect("a recording");
    let early =
        scratch.app.ahead(samples.into(), wellspoken::turn::Expected::Anything).await.expect("a decoder is free");
    let shown = early.shown().expect("words");
    // Another recording, so that it shows which one counts.
    let input = Input::Streamed(sound("joke.wav"), early);
    let caller = caller(room(), Some(&rosa));
    let result = scratch.app.turn(TurnRequest { caller, session: None, turn: None, input, speak: false }).await;
    assert_eq!(result.heard.map(|heard| heard.text), Some(shown));
    assert_eq!(result.intent, "appointment.next");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_speech_is_answered_without_inventing_words() {
    let scratch = with_senses(Senses { ears: true, voice: false }).await;
    assert!(scratch.app.warnings.is_empty(), "{:?}; run: make models", scratch.app.warnings);
    let mut noise = 1_u32;
    let hiss: Vec<i16> = (0..32_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (i32::from((noise >> 16) as u16) - 32_768).clamp(-2_000, 2_000) as i16
        })
        .collect();
    for (what, samples) in [("silence", vec![0_i16; 32_000]), ("50 ms", vec![3_000; 800]), ("noise", hiss)] {
        let result = scratch
            .app
            .turn(TurnRequest {
                caller: caller(Surface::Chat, None),
                session: None,
                turn: None,
                input: Input::Audio(wav(&samples)),
                speak: false,
            })
            .await;
        assert_eq!(result.state, State::Rejected, "{what}: {}", result.reply);
        assert_eq!(result.intent, "dialogue.none", "{what}");
    }
    for (what, bytes) in
        [("empty", vec![]), ("not a WAV", b"GIF89a".to_vec()), ("cut short", wav(&[5; 4_000])[..600].to_vec())]
    {
        let result = scratch
            .app
            .turn(TurnRequest {
                caller: caller(Surface::Chat, None),
                session: None,
                turn: None,
                input: Input::Audio(bytes),
                speak: false,
            })
            .await;
        assert_eq!(result.state, State::Rejected, "{what}: {}", result.reply);
    }
}

fn differences(recording: &Recording, result: &TurnResult) -> Vec<String> {
    let mut out = Vec::new();
    let heard = result.heard.as_ref().map(|h| h.text.to_lowercase()).unwrap_or_default();
    out.extend(
        recording.hears.iter().filter(|word| !heard.contains(*word)).map(|word| format!("{word:?} was not heard")),
    );
    if result.intent != recording.intent {
        out.push(format!("should be {}", recording.intent));
    }
    for (slot, want) in &recording.slots {
        let got = result.slots.get(slot).map(|slot| match &slot.value {
            SlotValue::Text(text) => text.to_lowercase(),
            SlotValue::When(when) => when.from.map(|day| day.to_string()).unwrap_or_default(),
            other => other.told(),
        });
        if !got.as_deref().unwrap_or_default().contains(&want.to_lowercase()) {
            out.push(format!("{slot} should be {want:?} and is {got:?}"));
        }
    }
    if let Some(answer) = &recording.answer
        && !result.reply.to_lowercase().contains(&answer.to_lowercase())
    {
        out.push(format!("the answer should hold {answer:?}"));
    }
    out
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut out, spec).expect("a WAV in memory");
    for sample in samples {
        writer.write_sample(*sample).expect("in memory");
    }
    writer.finalize().expect("in memory");
    out.into_inner()
}
