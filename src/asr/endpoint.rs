//! Where an utterance ends: after a pause, when nobody speaks, or at the limit. That somebody begins is told by loudness or by
//! [`super::vad`], so that a cry is not missed; from where a voice was certain on, where it pauses is told by that alone, since noise of
//! a kitchen is as loud as many a word. How long a pause must be may be told from outside, by what was said.
//!
//! Invariant: what was said ([`Endpointer::spoken`]) depends on the samples alone up to the pause that ended it, not on how they came
//! nor on how long that pause was, so that an utterance that is sent again and ends in the same pause is the same utterance.

use std::{collections::VecDeque, time::Duration};

use super::vad::{Vad, is_speech};

/// Samples of one look: 20 ms at 16 kHz.
const WINDOW: usize = 320;
const LOOK_MS: u64 = 20;
/// So much louder than the quietest of the last looks is speech, in decibels.
const ABOVE: f32 = 9.0;
/// Below this nothing is speech, in decibels of full scale.
const LOWEST: f32 = -55.0;
/// Until there was time to hear the room, it is taken to be no louder than this.
const ROOM: f32 = -40.0;
/// Looks that tell how loud the room is: 3 seconds.
const MEMORY: usize = 150;
/// Looks after which the room is known: 1 second.
const KNOWN: usize = 50;
/// Looks in a row that make it speech: 60 ms, longer than a click.
const START: u32 = 3;
/// Looks of a voice after which it is certain: 0.1 seconds.
const CERTAIN: u32 = 5;
/// Looks without speech that end it: 0.8 seconds. Shorter cuts into thinking, longer makes everybody wait.
const PAUSE: u32 = 40;
/// Looks without speech that belong to what was said, for a last sound that fades: 60 ms.
const TAIL: u32 = 3;
/// Looks after which nobody is expected to speak any more: 8 seconds.
const NOTHING: u32 = 400;
/// Samples of the longest utterance: 30 seconds.
pub const LONGEST: usize = 30 * 16_000;

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Somebody spoke, and then nobody.
    Pause,
    /// Nobody spoke.
    Nothing,
    /// It was too long.
    Limit,
}

/// Listens to one utterance.
pub struct Endpointer {
    /// Samples of a look that is not whole yet.
    part: Vec<i16>,
    vad: Vad,
    /// Looks that were a voice, as far as they count.
    voiced: u32,
    /// How loud the last looks were.
    levels: VecDeque<f32>,
    looks: u32,
    loud: u32,
    quiet: u32,
    /// Looks until the last of speech; 0 where nobody spoke.
    spoken: u32,
    pause: u32,
    ends: Option<(Over, usize)>,
}

impl Default for Endpointer {
    fn default() -> Self {
        Self {
            part: Vec::new(),
            vad: Vad::default(),
            voiced: 0,
            levels: VecDeque::new(),
            looks: 0,
            loud: 0,
            quiet: 0,
            spoken: 0,
            pause: PAUSE,
            ends: None,
        }
    }
}

impl Endpointer {
    /// Listens to what ended there when it came before.
    #[must_use]
    pub fn again(ends: (Over, usize)) -> Self {
        Self { ends: Some(ends), ..Self::default() }
    }

    /// Takes more samples (16 kHz). Once it is over, tells why, and after how many samples of all; the rest is not looked at.
    pub fn push(&mut self, samples: impl IntoIterator<Item = i16>) -> Option<(Over, usize)> {
        for sample in samples {
            self.part.push(sample);
            if self.part.len() == WINDOW
                && let Some(over) = self.look()
            {
                return Some((over, self.looks as usize * WINDOW));
            }
        }
        None
    }

    /// Whether somebody spoke and is quiet now for so long, so that this may have been all.
    #[must_use]
    pub fn may_be_over(&self, after: Duration) -> bool {
        self.spoken > 0 && self.quiet > 0 && Duration::from_millis(u64::from(self.quiet) * LOOK_MS) >= after
    }

    /// How long there was a voice so far, pauses left out.
    #[must_use]
    pub fn voiced(&self) -> Duration {
        Duration::from_millis(u64::from(self.voiced) * LOOK_MS)
    }

    /// Has this pause, and no other, so long. Tells as [`Self::push`] where it has been so long already.
    pub fn wait(&mut self, pause: Duration) -> Option<(Over, usize)> {
        self.pause = u32::try_from(pause.as_millis() / u128::from(LOOK_MS)).unwrap_or(PAUSE);
        self.over().map(|over| (over, self.looks as usize * WINDOW))
    }

    /// How many samples of all belong to what was said; `None` where nobody spoke.
    #[must_use]
    pub fn spoken(&self) -> Option<usize> {
        (self.spoken > 0).then(|| (self.spoken + TAIL).min(self.looks) as usize * WINDOW)
    }

    fn look(&mut self) -> Option<Over> {
        let level = level(&self.part);
        let likely = self.vad.look(&self.part);
        self.part.clear();
        self.looks += 1;
        if self.levels.len() == MEMORY {
            self.levels.pop_front();
        }
        self.levels.push_back(level);
        let quietest = self.levels.iter().copied().fold(0.0, f32::min);
        let room = if self.levels.len() < KNOWN { quietest.min(ROOM) } else { quietest };
        let voice = level >= LOWEST && is_speech(likely, level - room);
        self.voiced = if voice { self.voiced.saturating_add(1) } else { self.voiced };
        let stands_out = level >= (room + ABOVE).max(LOWEST);
        if voice || (self.voiced < CERTAIN && stands_out) {
            self.loud += 1;
            if self.loud >= START {
                (self.spoken, self.quiet, self.pause) = (self.looks, 0, PAUSE);
            }
        } else {
            (self.loud, self.quiet) = (0, self.quiet + 1);
        }
        self.over()
    }

    fn over(&self) -> Option<Over> {
        let heard = self.looks as usize * WINDOW;
        if let Some((over, at)) = self.ends {
            return (heard >= at).then_some(over);
        }
        if heard >= LONGEST {
            return Some(Over::Limit);
        }
        match self.spoken > 0 {
            true => (self.quiet >= self.pause).then_some(Over::Pause),
            false => (self.looks >= NOTHING).then_some(Over::Nothing),
        }
    }
}

/// Decibels of full scale, -90 for silence. A constant offset is not sound.
fn level(samples: &[i16]) -> f32 {
    let n = samples.len().max(1) as f32;
    let mean = samples.iter().map(|s| f32::from(*s)).sum::<f32>() / n;
    let power = samples.iter().map(|s| (f32::from(*s) - mean).powi(2)).sum::<f32>() / n;
    (10.0 * (power / (32_768.0 * 32_768.0)).log10()).max(-90.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// So many seconds of a tone, in decibels of full scale.
    fn tone(seconds: f32, db: f32) -> Vec<i16> {
        let level = 32_768.0 * 10_f32.powf(db / 20.0) * std::f32::consts::SQRT_2;
        (0..(seconds * 16_000.0) as usize).map(|i| (level * (i as f32 * 0.3).sin()) as i16).collect()
    }

    fn over(parts: &[(f32, f32)]) -> Option<(Over, f32)> {
        let clip: Vec<i16> = parts.iter().flat_map(|(seconds, db)| tone(*seconds, *db)).collect();
        Endpointer::default().push(clip).map(|(over, at)| (over, at as f32 / 16_000.0))
    }

    #[test]
    fn it_ends_where_somebody_stops_speaking() {
        for (what, parts, expected) in [
            ("speech and silence", vec![(1.0, -25.0), (2.0, -90.0)], Some((Over::Pause, 1.8))),
            ("speech in a quiet room", vec![(0.5, -60.0), (1.0, -30.0), (2.0, -60.0)], Some((Over::Pause, 2.3))),
            (
                "a pause for thought",
                vec![(1.0, -25.0), (0.6, -60.0), (1.0, -25.0), (1.5, -60.0)],
                Some((Over::Pause, 3.4)),
            ),
            ("speech over a fan", vec![(2.0, -38.0), (1.0, -20.0), (2.0, -38.0)], Some((Over::Pause, 3.8))),
            ("a click is no speech", vec![(0.5, -70.0), (0.02, -10.0), (9.0, -70.0)], Some((Over::Nothing, 8.0))),
            ("silence", vec![(9.0, -90.0)], Some((Over::Nothing, 8.0))),
            ("still speaking", vec![(1.0, -25.0), (0.5, -90.0)], None),
            ("nothing yet", vec![(2.0, -90.0)], None),
        ] {
            let got = over(&parts);
            let close = match (got, expected) {
                (Some((a, at)), Some((b, wanted))) => a == b && (at - wanted).abs() < 0.1,
                (got, expected) => got.is_none() && expected.is_none(),
            };
            assert!(close, "{what}: {got:?}");
        }
    }

    #[test]
    fn a_pause_may_be_the_end_until_somebody_goes_on() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/audio-fixtures/yes.wav");
        let mut reader = hound::WavReader::open(file).expect("a recording");
        let word: Vec<i16> = reader.samples().map(|sample| sample.expect("whole")).collect();
        let loud = |sample: &i16| sample.unsigned_abs() > 500;
        let (first, last) = (word.iter().position(loud), word.iter().rposition(loud));
        let word = &word[first.expect("somebody speaks")..last.expect("somebody speaks")];
        let quiet = |seconds| tone(seconds, -90.0);
        let mut endpointer = Endpointer::default();
        for (what, sound, expected) in [
            ("nobody yet", quiet(1.0), false),
            ("a word", word.to_vec(), false),
            ("a stop inside a word", quiet(0.04), false),
            ("the rest of it", word.to_vec(), false),
            ("a pause", quiet(0.35), true),
            ("longer", quiet(0.2), true),
            ("goes on", word.to_vec(), false),
            ("another pause", quiet(0.35), true),
        ] {
            assert_eq!(endpointer.push(sound), None, "{what}");
            assert_eq!(endpointer.may_be_over(Duration::from_millis(60)), expected, "{what}");
        }
    }

    #[test]
    fn a_pause_is_as_long_as_it_is_told_to_be_and_no_other() {
        let said = |endpointer: &mut Endpointer, seconds, db| {
            endpointer.push(tone(seconds, db)).map(|(over, at)| (over, at as f32 / 16_000.0))
        };
        let ms = Duration::from_millis;
        let mut endpointer = Endpointer::default();
        assert_eq!(said(&mut endpointer, 1.0, -25.0), None);
        assert_eq!(said(&mut endpointer, 0.3, -90.0), None);
        assert_eq!(endpointer.wait(ms(1600)), None, "not yet");
        assert_eq!(said(&mut endpointer, 0.9, -90.0), None, "longer than usual");
        assert_eq!(said(&mut endpointer, 0.5, -25.0), None, "goes on");
        assert_eq!(said(&mut endpointer, 0.2, -90.0), None);
        assert_eq!(endpointer.wait(ms(500)), None);
        let (over, at) = said(&mut endpointer, 0.5, -90.0).expect("over");
        assert!(over == Over::Pause && (at - 3.2).abs() < 0.1, "{at}");
        let mut endpointer = Endpointer::default();
        assert_eq!(said(&mut endpointer, 0.5, -25.0), None);
        assert_eq!(said(&mut endpointer, 0.3, -90.0), None);
        assert!(matches!(endpointer.wait(ms(160)), Some((Over::Pause, _))), "it has been so long");
    }

    #[test]
    fn what_was_said_is_the_same_however_long_the_pause_was_and_ends_there_again() {
        let clip = [tone(0.5, -60.0), tone(1.0, -25.0), tone(3.0, -60.0)].concat();
        let mut spoken = Vec::new();
        for pause in [200, 500, 800, 1600] {
            let mut endpointer = Endpointer::default();
            let begin = 16_000 * 17 / 10;
            assert_eq!(endpointer.push(clip[..begin].iter().copied()), None);
            let ended = endpointer.wait(Duration::from_millis(pause));
            let (over, at) =
                ended.or_else(|| endpointer.push(clip[begin..].iter().copied())).unwrap_or_else(|| panic!("{pause}"));
            let mut again = Endpointer::again((over, at));
            assert_eq!(again.push(clip.iter().copied()), Some((over, at)), "{pause}");
            assert_eq!(again.spoken(), endpointer.spoken(), "{pause}");
            spoken.push(endpointer.spoken());
        }
        assert!(spoken.iter().all(|samples| *samples == spoken[0]), "{spoken:?}");
        let seconds = spoken[0].expect("somebody spoke") as f32 / 16_000.0;
        assert!((1.5..1.65).contains(&seconds), "{seconds}");
        let mut nobody = Endpointer::default();
        nobody.push(tone(1.0, -90.0));
        assert_eq!(nobody.spoken(), None);
    }

    #[test]
    fn whoever_never_pauses_is_heard_to_the_limit() {
        let words: Vec<(f32, f32)> = (0..80).flat_map(|_| [(0.4, -20.0), (0.2, -60.0)]).collect();
        assert_eq!(over(&words), Some((Over::Limit, 30.0)));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_samples_come(
            parts in prop::collection::vec((0.02_f32..1.5, -70_f32..-10.0), 1..8),
            sizes in prop::collection::vec(1_usize..5000, 1..6),
        ) {
            let clip: Vec<i16> = parts.iter().flat_map(|(seconds, db)| tone(*seconds, *db)).collect();
            let whole = Endpointer::default().push(clip.iter().copied());
            let mut endpointer = Endpointer::default();
            let (mut rest, mut pieces, mut found) = (clip.as_slice(), sizes.iter().cycle(), None);
            while !rest.is_empty() && found.is_none() {
                let (piece, after) = rest.split_at(rest.len().min(*pieces.next().expect("cycles")));
                found = endpointer.push(piece.iter().copied());
                rest = after;
            }
            prop_assert_eq!(found, whole);
            let mut once = Endpointer::default();
            once.push(clip.iter().copied());
            prop_assert_eq!(endpointer.spoken(), once.spoken());
            prop_assert!(whole.is_none_or(|(_, at)| at <= LONGEST && at <= clip.len()));
        }
    }
}
