//! The voice, with its real network files.

use std::{path::PathBuf, sync::OnceLock};

use proptest::prelude::*;
use wellspoken::speech::voice::{Delivery, Lexicon, MOST_CHARACTERS, SAMPLE_RATE, Voice, VoiceError, wav};

fn voice() -> &'static Voice {
    static VOICE: OnceLock<Voice> = OnceLock::new();
    VOICE.get_or_init(|| match Voice::load(&models()) {
        Ok(voice) => voice,
        Err(e) => panic!("{e}\nrun: make models"),
    })
}

fn models() -> PathBuf {
    let cache = || PathBuf::from(std::env::var_os("HOME").expect("a home folder")).join(".cache/wellspoken/models");
    std::env::var_os("WELLSPOKEN_MODELS").map_or_else(cache, PathBuf::from)
}

fn sound(text: &str, delivery: Delivery) -> Vec<Vec<f32>> {
    voice().speak(text, delivery).unwrap().collect::<Result<_, _>>().unwrap()
}

fn seconds(sound: &[Vec<f32>]) -> f32 {
    sound.iter().map(Vec::len).sum::<usize>() as f32 / SAMPLE_RATE as f32
}

fn is_phoneme(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, 'ˈ' | 'ˌ')
}

#[test]
fn a_reply_comes_sentence_by_sentence_and_is_audible() {
    let pieces = sound("Your metformin is ready. Shall I tell the pharmacy you are coming?", Delivery::default());
    assert_eq!(pieces.len(), 3, "the first half second, the rest of the first sentence, the second");
    assert!((0.3..0.6).contains(&seconds(&pieces[..1])), "{} s", seconds(&pieces[..1]));
    assert!((3.0..8.0).contains(&seconds(&pieces)), "{} s", seconds(&pieces));
    for piece in pieces {
        let power = piece.iter().map(|s| s * s).sum::<f32>() / piece.len() as f32;
        assert!(power.sqrt() > 0.01, "too quiet: {}", power.sqrt());
        assert!(piece.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
    }
}

#[test]
fn the_same_seed_gives_the_same_samples_and_another_does_not() {
    let once = sound("Good morning.", Delivery { speed: 1.0, seed: 5 });
    assert_eq!(once, sound("Good morning.", Delivery { speed: 1.0, seed: 5 }));
    assert_ne!(once, sound("Good morning.", Delivery { speed: 1.0, seed: 6 }));
}

#[test]
fn what_was_made_ahead_sounds_as_if_made_now() {
    let text = "I didn't catch that. Please say it again.";
    let voice = Voice::load(&models()).expect("the voice loads");
    let say = |delivery| -> Vec<f32> {
        voice
            .speak(text, delivery)
            .expect("in range")
            .collect::<Result<Vec<_>, _>>()
            .expect("the networks run")
            .concat()
    };
    let (slow, seeded) = (Delivery { speed: 0.8, seed: 0 }, Delivery { speed: 1.0, seed: 7 });
    let before = [Delivery::default(), slow, seeded].map(say);
    voice.prepare(["I didn't catch that. Who is there?", "..."]).expect("the networks run");
    assert!([Delivery::default(), slow, seeded].map(say) == before, "other samples");
}

#[test]
fn speed_changes_how_long_it_takes() {
    let text = "Please take your tablet with a glass of water.";
    let [slow, own, fast] = [0.7, 1.0, 1.5].map(|speed| seconds(&sound(text, Delivery { speed, seed: 0 })));
    assert!(slow > own * 1.2 && fast < own * 0.85, "{slow} {own} {fast}");
}

#[test]
fn medicines_and_names_sound_as_listed() {
    let lines = voice().phonemes("Dr. Okafor renewed your lisinopril, Rosa.").unwrap();
    let lexicon = Lexicon::built_in().unwrap();
    for word in ["Okafor", "lisinopril", "Rosa"] {
        assert!(lines[0].contains(&lexicon.get(word).unwrap()), "{word} in {lines:?}");
    }
}

#[test]
fn a_site_adds_its_own_names() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pronunciation.toml");
    std::fs::write(&file, "[people]\nvega = \"vˈAɡə\"\nrosa = \"ɹˈɑsə\"\n").unwrap();
    let lexicon = Lexicon::with_file(&file).unwrap();
    assert_eq!(lexicon.get("Vega's").as_deref(), Some("vˈAɡəz"));
    assert_eq!(lexicon.get("Rosa").as_deref(), Some("ɹˈɑsə"), "the site's list wins");
    assert!(lexicon.get("metformin").is_some(), "the built-in list stays");
}

#[test]
fn words_that_no_list_knows_are_still_said() {
    let long = "Pneumonoultramicroscopicsilicovolcanoconiosis";
    for text in
        ["Zylotrexamab", "qzxwv", "李", "Ωμέγα", "Łukasz", "xyzzy's", "ÀÉÎ", "ﬁne", "نور", long, "I'd've", "o'o'o"]
    {
        let lines = voice().phonemes(text).unwrap();
        assert!(lines.iter().any(|l| l.chars().any(is_phoneme)), "{text}: {lines:?}");
        assert!(seconds(&sound(text, Delivery::default())) > 0.2, "{text}");
    }
}

#[test]
fn short_words_change_with_their_neighbours() {
    let the = voice().phonemes("the apple, the pear").unwrap();
    assert!(the[0].contains("ði") && the[0].contains("ðə"), "{the:?}");
}

#[test]
fn text_without_words_gives_no_sound() {
    for text in ["", "  ", "...", "🙂"] {
        assert!(sound(text, Delivery::default()).is_empty(), "{text:?}");
    }
}

#[test]
fn a_text_or_speed_out_of_range_is_refused() {
    let long = "a ".repeat(MOST_CHARACTERS);
    let refused = voice().speak(&long, Delivery::default()).err();
    assert!(matches!(refused, Some(VoiceError::TooLong { length }) if length == 2 * MOST_CHARACTERS));
    for speed in [0.0, -1.0, 2.5, f32::NAN, f32::INFINITY] {
        let refused = voice().speak("Hi.", Delivery { speed, seed: 0 }).err();
        assert!(matches!(refused, Some(VoiceError::Speed(_))), "{speed}");
    }
}

#[test]
fn the_longest_sentence_is_said_in_bounded_pieces_to_its_end() {
    let lines = voice().phonemes(&format!("{}end", "word ".repeat(300))).unwrap();
    assert!(lines.len() > 1 && lines.iter().all(|l| l.chars().count() <= 410), "{}", lines.len());
    let words: usize = lines.iter().map(|l| l.split_whitespace().count()).sum();
    assert_eq!(words, 301);
}

#[test]
fn one_endless_word_is_said_to_its_end() {
    let lines = voice().phonemes(&"ba".repeat(1000)).unwrap();
    assert!(lines.iter().map(String::len).sum::<usize>() > 2000, "{}", lines.len());
    assert!(lines.iter().all(|l| l.chars().count() <= 410));
}

#[test]
fn a_missing_or_broken_file_says_how_to_get_it() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Voice::load(dir.path()).err().unwrap();
    let helpful = missing.to_string().contains("wellspoken models get");
    assert!(matches!(missing, VoiceError::Read { .. }) && helpful, "{missing}");

    let broken = dir.path().join("voice");
    let names = ["vocab.json", "oov.json", "oov.onnx", "hibari.onnx"];
    std::fs::create_dir(&broken).unwrap();
    for name in names {
        std::fs::copy(models().join("voice").join(name), broken.join(name)).expect("run: make models");
    }
    for name in names {
        let good = std::fs::read(broken.join(name)).unwrap();
        for bad in [&b""[..], b"{}", &good[..good.len() / 2]] {
            std::fs::write(broken.join(name), bad).unwrap();
            let error =
                Voice::load(dir.path()).err().unwrap_or_else(|| panic!("{name} of {} bytes was taken", bad.len()));
            assert!(matches!(error, VoiceError::Broken { .. }) && error.to_string().contains(name), "{error}");
        }
        std::fs::write(broken.join(name), good).unwrap();
    }
    assert!(Voice::load(dir.path()).is_ok());
}

#[test]
fn a_wav_holds_the_samples() {
    let bytes = wav(&[0.0, 0.5, -1.0, 2.0], SAMPLE_RATE).unwrap();
    let mut reader = hound::WavReader::new(&bytes[..]).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate, reader.spec().bits_per_sample), (1, 24_000, 16));
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    assert_eq!(samples, [0, 16_384, -32_767, 32_767]);
    let spoken = voice().to_wav("Yes.", 1.0).unwrap();
    assert!(hound::WavReader::new(&spoken[..]).unwrap().duration() > SAMPLE_RATE / 4);
}

#[test]
fn the_voice_can_be_shared_between_threads() {
    let say = || sound("Your visit is on Tuesday.", Delivery::default());
    let alone = say();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(say)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), alone);
        }
    });
}

#[test]
fn speaking_is_much_faster_than_listening() {
    let text = "Your lisinopril is ready for pickup at the pharmacy until Friday evening.";
    let mut best = f32::MAX;
    for seed in 0..5 {
        let start = std::time::Instant::now();
        let said = seconds(&sound(text, Delivery { speed: 1.0, seed }));
        best = best.min(start.elapsed().as_secs_f32() / said);
    }
    // About 0.013 on one free core; the bound leaves room for a busy machine, and still catches a slow build.
    assert!(best < 0.15, "{best} seconds of work for each second of speech");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_word_of_any_text_is_dropped(
        words in proptest::collection::vec("[a-zA-Z]{1,14}|\\p{L}{1,6}|[a-z]{2,5}'[a-z]{1,2}", 1..8),
    ) {
        // A space among the phonemes stands between two words: there are at least as many as were written.
        let lines = voice().phonemes(&words.join(" ")).unwrap();
        let spoken = lines.iter().flat_map(|l| l.split_whitespace()).filter(|w| w.chars().any(is_phoneme)).count();
        prop_assert!(spoken >= words.len(), "{words:?}: {lines:?}");
    }

    #[test]
    fn any_text_is_spoken_never_a_panic(text in "\\PC{0,60}") {
        for piece in voice().speak(&text, Delivery { speed: 2.0, seed: 1 }).unwrap() {
            prop_assert!(piece.unwrap().iter().all(|s| s.is_finite()));
        }
    }
}
