use super::*;
use crate::asr::wav;

/// A recording of the repository.
fn recording(name: &str) -> Vec<f32> {
    let path = format!("{}/audio-fixtures/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    wav::decode(&std::fs::read(path).expect("a recording")).expect("sound")
}

#[test]
fn bands_are_those_the_network_learned_from() {
    // Made by `make.py bands` of this very sound: a tone that rises, over half a second.
    let sound: Vec<f32> = (0..8000).map(|i| (i as f32 * i as f32 * 0.000_05).sin() * 0.3).collect();
    let bands = bands::Bands::new().of(&sound);
    let learned: Vec<f32> =
        include_str!("bands.txt").split_whitespace().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(bands.len(), learned.len());
    for (at, (ours, theirs)) in bands.iter().zip(&learned).enumerate() {
        assert!((ours - theirs).abs() < 2e-3, "{at}: {ours} is not {theirs}");
    }
}

#[test]
fn cries_are_spotted_and_everyday_words_are_not() {
    let spotter = Spotter::new().expect("a network");
    let cases = [
        ("help-breathe", true),
        ("help-one-word", true),
        ("nurse-bathroom-babble", true),
        ("next-visit", false),
        ("yes", false),
        ("list-medicines", false),
        ("joke", false),
        ("take-metformin", false),
    ];
    for (name, urgent) in cases {
        let spotted = spotter.spot(&recording(name));
        assert_eq!(spotted.urgent(), urgent, "{name}: {spotted:?}");
    }
}

#[test]
fn staff_are_told_of_a_cry_and_of_a_call_for_the_nurse() {
    // How likely a cry and "nurse" are, whether it is heard first, whether staff are told where nobody understood.
    for (cry, nurse, urgent, cried) in [
        (0.0, 0.0, false, false),
        (0.5, 0.0, true, false),
        (0.9, 0.0, true, true),
        (0.0, 0.79, false, false),
        (0.0, 0.8, true, false),
        (0.0, 0.95, true, true),
        (0.5, 0.94, true, false),
    ] {
        let spotted = Spotted { cry, nurse };
        assert_eq!((spotted.urgent(), spotted.cried()), (urgent, cried), "{spotted:?}");
    }
    let spotter = Spotter::new().expect("a network");
    for name in ["yes", "next-visit", "list-medicines", "joke", "take-metformin"] {
        assert!(!spotter.spot(&recording(name)).cried(), "{name}");
    }
}

#[test]
fn a_cry_is_spotted_wherever_it_stands_in_a_long_clip() {
    let spotter = Spotter::new().expect("a network");
    let cry = recording("help-one-word");
    for seconds in [0, 1, 2, 3, 5, 8] {
        let mut clip = vec![0.0; seconds * RATE as usize];
        clip.extend(&cry);
        clip.resize(12 * RATE as usize, 0.0);
        assert!(spotter.spot(&clip).urgent(), "after {seconds} s");
    }
}

#[test]
fn any_clip_is_looked_at() {
    let spotter = Spotter::new().expect("a network");
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::MIN_POSITIVE];
    let clips = [vec![], vec![0.5], vec![0.0; 64_000], odd.repeat(5_000), vec![1.0; 64_001], vec![-1.0; 200_000]];
    for clip in clips {
        let spotted = spotter.spot(&clip);
        assert!(
            (0.0..=1.0).contains(&spotted.cry) && (0.0..=1.0).contains(&spotted.nurse),
            "{} {spotted:?}",
            clip.len()
        );
    }
}
