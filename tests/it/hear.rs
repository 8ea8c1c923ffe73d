//! Hearing with the real model: speech, what is not speech, and what is not even sound.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::{Duration, Instant},
};

use serde_json::Value;
use wellspoken::{
    asr::{
        BadAudio, Heard, RejectionReason,
        model::Models,
        pool::{HearRequest, Load, Pool, PoolLimits, Priority},
        tongues::Tongues,
        wav,
        weigh::{Candidate, Retell, Weighed},
        whisper::Stop,
    },
    config::HearConfig,
    speech::voice::{self, Delivery, Voice},
};

fn models() -> PathBuf {
    let cache = || PathBuf::from(std::env::var_os("HOME").expect("a home folder")).join(".cache/wellspoken/models");
    std::env::var_os("WELLSPOKEN_MODELS").map_or_else(cache, PathBuf::from)
}

fn weights(dir: &Path) -> Vec<u8> {
    match Models::in_dir(dir).unwrap().read_whisper("tiny.en") {
        Ok(weights) => weights,
        Err(e) => panic!("{e}\nrun: make models"),
    }
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::load(weights(&models()), PoolLimits::new(&HearConfig::default(), 2)).unwrap())
}

/// Speech at 24 kHz.
fn speech(text: &str) -> Vec<f32> {
    static VOICE: OnceLock<Voice> = OnceLock::new();
    let voice = VOICE.get_or_init(|| match Voice::load(&models()) {
        Ok(voice) => voice,
        Err(e) => panic!("{e}\nrun: make models"),
    });
    voice.speak(text, Delivery::default()).unwrap().collect::<Result<Vec<_>, _>>().unwrap().concat()
}

fn at_16_khz(samples: &[f32]) -> Arc<[f32]> {
    wav::decode(&voice::wav(samples, voice::SAMPLE_RATE).unwrap()).unwrap().into()
}

fn request(samples: Arc<[f32]>) -> HearRequest {
    let deadline = Instant::now() + Duration::from_secs(120);
    HearRequest { samples, priority: Priority::Interactive, deadline, names: vec![], retell: None, likely: None }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || *c == ' ').flat_map(char::to_lowercase).collect()
}

/// The words of a transcript, without case and punctuation.
fn words(heard: &Heard) -> String {
    match &heard.outcome {
        Ok(transcript) => plain(&transcript.text),
        Err(rejection) => panic!("{rejection:?}"),
    }
}

fn reason(heard: &Heard) -> RejectionReason {
    heard.outcome.as_ref().expect_err("should be rejected").reason
}

/// Uniform noise from a fixed seed.
fn noise(seconds: f64, level: f32) -> Vec<f32> {
    let mut seed = 12_345_u64;
    (0..(seconds * 16_000.0) as usize)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 40) as f32 / (1 << 23) as f32 - 1.0) * level
        })
        .collect()
}

fn tone(seconds: f64, hz: f32, level: f32) -> Vec<f32> {
    (0..(seconds * 16_000.0) as usize)
        .map(|i| level * (i as f32 * hz * std::f32::consts::TAU / 16_000.0).sin())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_heard_with_confidence_in_each_word() {
    let heard = pool().hear(request(at_16_khz(&speech("When is my next appointment?")))).await;
    assert_eq!(words(&heard), "when is my next appointment");
    let t = heard.outcome.unwrap();
    assert!(t.confidence > 0.6 && t.no_speech < 0.3, "{t:?}");
    assert_eq!(t.words.len(), 5);
    assert!(t.words.iter().all(|w| w.confidence > 0.1 && w.confidence <= 1.0), "{t:?}");
    assert_eq!(heard.timings.passes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_cry_for_help_is_heard() {
    let cry = at_16_khz(&speech("Help!"));
    let heard = pool().hear(request(cry.clone())).await;
    assert!(words(&heard).contains("help"), "{heard:?}");
    // Without the silence around it.
    let loud = |s: &f32| s.abs() > 0.02;
    let (first, last) = (cry.iter().position(loud).unwrap(), cry.iter().rposition(loud).unwrap());
    let heard = pool().hear(request(cry[first..=last].into())).await;
    assert!(words(&heard).contains("help"), "{} ms: {heard:?}", (last - first) / 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_help_a_medicine_to_be_heard() {
    let mut asked = request(at_16_khz(&speech("I need to refill my metformin.")));
    asked.names = vec!["lisinopril".into(), "metformin".into(), "atorvastatin".into()];
    let heard = pool().hear(asked).await;
    assert!(words(&heard).contains("metformin"), "{heard:?}");
}

/// What these texts weigh for a clip, in lots of so many.
async fn weighed(clip: &Arc<[f32]>, texts: &[(&str, f32)], lots_of: usize) -> Vec<f32> {
    let wanted: Vec<Candidate> =
        texts.iter().map(|(text, floor)| Candidate { text: (*text).to_owned(), floor: *floor }).collect();
    let lots = wanted.clone();
    let next = move |_: &str, before: &[Weighed]| lots.iter().skip(before.len()).take(lots_of).cloned().collect();
    let retell = Some(Retell(Arc::new(next)));
    let heard = pool().hear(HearRequest { retell, ..request(Arc::clone(clip)) }).await;
    let weighed = heard.outcome.expect("a sentence").weighed;
    assert!(weighed.iter().map(|w| &w.text).eq(wanted.iter().map(|c| &c.text)), "{weighed:?}");
    weighed.into_iter().map(|w| w.log_probability).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_weighs_the_same_beside_others_and_nothing_below_its_floor() {
    let clip = at_16_khz(&speech("Please refill my metformin today."));
    let texts = [
        "Please refill my metformin today.",
        "Please refill my metoprolol today.",
        "Please refill my metformin.",
        "Is my metformin ready?",
        "Please refill my melatonin today.",
        "Please refuse my metformin today.",
    ];
    let free: Vec<(&str, f32)> = texts.iter().map(|text| (*text, f32::NEG_INFINITY)).collect();
    let alone = weighed(&clip, &free, 1).await;
    let together = weighed(&clip, &free, free.len()).await;
    let near = |a: f32, b: f32| (a - b).abs() < 0.01;
    for (n, text) in texts.iter().enumerate() {
        // By itself, with nothing before it that it could begin with.
        let single = weighed(&clip, &free[n..=n], 1).await[0];
        assert!(single.is_finite() && near(single, alone[n]) && near(single, together[n]), "{text}: {single}");
        assert!(n == 0 || single < alone[0], "{text} is said to be likelier than what was said");
        for (floor, kept) in [(single - 0.1, true), (single + 0.1, false), (0.1, false)] {
            let others: Vec<_> =
                (0..texts.len()).map(|i| (texts[i], if i == n { floor } else { f32::NEG_INFINITY })).collect();
            let with = weighed(&clip, &others, 4).await;
            assert_eq!(with[n].is_finite(), kept, "{text} at {floor}: {with:?}");
            assert!(
                (0..texts.len()).all(|i| i == n || near(with[i], together[i])),
                "beside {text} at {floor}: {with:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_may_hold_anything() {
    let mut asked = request(at_16_khz(&speech("Call the nurse.")));
    asked.names = vec!["a\0b".into(), String::new(), "\u{1f600}".into(), "x".repeat(100_000), "<|endoftext|>".into()];
    assert_ne!(reason_or_none(&pool().hear(asked).await), Some(RejectionReason::Failed));
}

fn reason_or_none(heard: &Heard) -> Option<RejectionReason> {
    heard.outcome.as_ref().err().map(|r| r.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_speech_never_becomes_a_sentence() {
    let mut clips: Vec<(String, Vec<f32>)> = vec![];
    for seconds in [0.3, 1.0, 3.0] {
        for level in [0.003, 0.03, 0.3] {
            clips.push((format!("white noise {seconds} s at {level}"), noise(seconds, level)));
        }
        clips.push((format!("hum {seconds} s"), tone(seconds, 60.0, 0.1)));
        clips.push((format!("beep {seconds} s"), tone(seconds, 880.0, 0.2)));
    }
    clips.push(("full-scale square".into(), tone(2.0, 200.0, 1.0).iter().map(|s| s.signum()).collect()));
    for (what, clip) in clips {
        let heard = pool().hear(request(clip.into())).await;
        let reason = reason(&heard);
        assert!(
            matches!(
                reason,
                RejectionReason::Noise | RejectionReason::NoVoice | RejectionReason::Silence | RejectionReason::Unclear
            ),
            "{what}: {heard:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_clicks_cost_no_decode() {
    let cases = [
        (vec![0.0; 16_000 * 5], RejectionReason::Silence),
        (noise(300.0, 0.000_1), RejectionReason::Silence),
        (tone(0.05, 440.0, 0.5), RejectionReason::TooShort),
        (vec![], RejectionReason::TooShort),
    ];
    for (clip, expected) in cases {
        let heard = pool().hear(request(clip.into())).await;
        assert_eq!((reason(&heard), heard.timings.passes), (expected, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_minutes_are_heard_from_end_to_end() {
    let mut clip = noise(300.0, 0.000_1);
    let (first, last) =
        (at_16_khz(&speech("Is my prescription ready?")), at_16_khz(&speech("I would like to see the nurse.")));
    clip[16_000..16_000 + first.len()].copy_from_slice(&first);
    let end = clip.len() - 16_000;
    clip[end - last.len()..end].copy_from_slice(&last);
    let heard = pool().hear(request(clip.into())).await;
    assert_eq!(words(&heard), "is my prescription ready i would like to see the nurse");
    assert!(heard.timings.passes <= 4, "silence is not decoded: {heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_stops_the_model_and_the_decoder_lives_on() {
    let long = at_16_khz(&speech("Please tell me what my doctor wrote about the results of my blood test. ").repeat(5));
    let began = Instant::now();
    let deadline = began + Duration::from_millis(60);
    for _ in 0..4 {
        let heard = pool().hear(HearRequest { deadline, ..request(long.clone()) }).await;
        assert!(matches!(reason(&heard), RejectionReason::DeadlinePassed | RejectionReason::Overloaded), "{heard:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(words(&pool().hear(request(at_16_khz(&speech("Call the nurse.")))).await), "call the nurse");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_hear_what_each_hears_alone() {
    let clips: Vec<_> = ["Is my prescription ready?", "Call the nurse.", "When is my next appointment?"]
        .map(|t| at_16_khz(&speech(t)))
        .into();
    let mut alone = vec![];
    for clip in &clips {
        alone.push(words(&pool().hear(request(clip.clone())).await));
    }
    let together = clips.iter().cycle().take(9).map(|clip| pool().hear(request(clip.clone())));
    for (heard, expected) in futures_util::future::join_all(together).await.iter().zip(alone.iter().cycle()) {
        assert_eq!(words(heard), *expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_removed_while_running_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("tiny.en")).unwrap();
    fs::write(dir.path().join("tiny.en/ggml-tiny.en.bin"), weights(&models())).unwrap();
    let pool = Pool::load(weights(dir.path()), PoolLimits { states: 1, queue: 4, cores: 1 }).unwrap();
    drop(dir);
    assert_eq!(words(&pool.hear(request(at_16_khz(&speech("Call the nurse.")))).await), "call the nurse");
    assert_eq!(pool.load_now(), Load { waiting: 0, busy: 0 });
}

#[test]
fn a_model_that_knows_one_language_tells_no_other() {
    let tongues = Tongues::load(weights(&models())).unwrap();
    let listen = |clip: &[f32], cancelled| {
        tongues.listen(clip, Stop { deadline: Instant::now() + Duration::from_secs(120), cancelled: &cancelled })
    };
    let clip = at_16_khz(&speech("Necesito ayuda, por favor."));
    assert_eq!(listen(&clip, AtomicBool::new(false)), None);
    assert_eq!(listen(&clip, AtomicBool::new(true)), None, "it was told to stop, and can go on with the next");
    assert_eq!(listen(&clip[..800], AtomicBool::new(false)), None, "too short for a word");
    assert_eq!(listen(&clip.repeat(20), AtomicBool::new(false)), None, "longer than one pass");
    assert!(Tongues::load(b"not a model".to_vec()).is_err());
}

#[test]
fn weights_that_are_not_a_model_are_an_error() {
    let limits = PoolLimits { states: 1, queue: 4, cores: 1 };
    for bytes in [&b""[..], b"not a model", &weights(&models())[..1_000_000]] {
        assert!(Pool::load(bytes.to_vec(), limits).is_err());
    }
}

/// The same sentence in every supported kind of file, and every kind of bad file, in one run of the command.
#[test]
fn the_command_hears_good_files_and_names_bad_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut files: Vec<(PathBuf, Option<&str>)> = vec![];
    let mut add = |name: &str, bytes: &[u8], rejected| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        files.push((path, rejected));
    };
    let sentence = at_16_khz(&speech("When is my next appointment?"));
    for (rate, channels, bits, float) in [
        (8_000, 1, 16, false),
        (44_100, 2, 16, false),
        (48_000, 2, 24, false),
        (16_000, 1, 32, false),
        (48_000, 1, 32, true),
    ] {
        add(&format!("{rate}-{channels}-{bits}-{float}.wav"), &encode(&sentence, rate, channels, bits, float), None);
    }
    let good = encode(&sentence, 16_000, 1, 16, false);
    let mut liar = good.clone();
    liar[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    add("silence.wav", &encode(&[0.0; 32_000], 16_000, 1, 16, false), Some("silence"));
    add("noise.wav", &encode(&noise(2.0, 0.1), 16_000, 1, 16, false), Some("noise"));
    add("short.wav", &encode(&sentence[8_000..8_800], 16_000, 1, 16, false), Some("too_short"));
    add("empty", b"", Some("not_wav"));
    add("text.wav", "This is not a recording.".repeat(50).as_bytes(), Some("not_wav"));
    add("liar.wav", &liar, Some("truncated"));
    add("cut.wav", &good[..good.len() / 2], Some("truncated"));
    add("no sound.wav", &encode(&[], 16_000, 1, 16, false), Some("empty"));
    add("long.wav", &encode(&vec![0.0; 331 * 16_000], 16_000, 1, 16, false), Some("too_long"));
    files.push((dir.path().join("absent.wav"), Some("unreadable")));
    files.push((dir.path().to_owned(), Some("unreadable")));

    let out = Command::new(env!("CARGO_BIN_EXE_wellspoken"))
        .arg("--models")
        .arg(models())
        .args(["hear", "--jsonl"])
        .args(files.iter().map(|(path, _)| path))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<Value> =
        String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), files.len());
    for (line, (path, rejected)) in lines.iter().zip(&files) {
        assert_eq!(line["file"], path.to_str().unwrap());
        assert_eq!(line["rejected"], rejected.map_or(Value::Null, Value::from), "{line}");
        let text = if rejected.is_some() { "" } else { "when is my next appointment" };
        assert_eq!(plain(line["text"].as_str().unwrap()), text, "{line}");
        assert!(line["timings_ms"]["total"].as_f64().unwrap() >= 0.0);
    }
}

/// 16 kHz samples as a WAV of another kind; up by repetition, down by leaving out, which is rough and enough.
fn encode(samples: &[f32], rate: u32, channels: u16, bits: u16, float: bool) -> Vec<u8> {
    let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for i in 0..samples.len() as u64 * u64::from(rate) / 16_000 {
        let s = samples[usize::try_from(i * 16_000 / u64::from(rate)).unwrap()];
        for _ in 0..channels {
            if float {
                writer.write_sample(s).unwrap();
            } else {
                writer.write_sample((f64::from(s) * ((1_i64 << (bits - 1)) - 1) as f64) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

#[test]
fn bad_audio_says_what_to_do() {
    assert!(BadAudio::Unsupported.to_string().contains("8 to 48 kHz"));
    assert!(BadAudio::TooLong.to_string().contains("330 seconds"));
}
