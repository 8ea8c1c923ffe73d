use super::{
    tables::{ABBREVIATIONS, UNITS},
    *,
};

/// Sentences as text: letters in angle brackets, pauses as written.
fn read(text: &str) -> String {
    let mut out = String::new();
    for spoken in sentences(text).concat() {
        match spoken {
            Spoken::Pause(mark) => out.push(mark),
            Spoken::Word(word) => out.push_str(&format!(" {word}")),
            Spoken::Letter(letter) => out.push_str(&format!(" {letter}_")),
        }
    }
    out.trim().to_owned()
}

#[test]
fn what_a_reader_reads() {
    let cases = [
        // Doses and units
        ("Take 20 mg once a day.", "Take twenty milligrams once a day."),
        ("Take 1 mg.", "Take one milligram."),
        ("Take 20mg.", "Take twenty milligrams."),
        ("0.5 mL or 2.5 mcg", "zero point five milliliters or two point five micrograms."),
        ("Your LDL is 130 mg/dL.", "Your L_ D_ L_ is one hundred thirty milligrams per deciliter."),
        ("5 mg/kg/day", "five milligrams per kilogram per day."),
        ("Take 1/2 tablet, then 1½ tablets", "Take one half tablet, then one and one half tablets."),
        ("BP 120/80 mmHg", "B_ P_ one hundred twenty over eighty millimeters of mercury."),
        ("98.6 °F or 37°C", "ninety eight point six degrees Fahrenheit or thirty seven degrees Celsius."),
        ("5.7-6.4%", "five point seven to six point four percent."),
        ("70–99 mg/dL", "seventy to ninety nine milligrams per deciliter."),
        ("A1c below 7%", "A_ one C_ below seven percent."),
        ("vitamin B12 and vitamin D", "vitamin B_ twelve and vitamin D_."),
        ("2x daily", "two times daily."),
        ("eGFR > 60 mL/min", "eGFR more than sixty milliliters per minute."),
        ("-5 degrees", "minus five degrees."),
        ("2-3 tablets", "two to three tablets."),
        // Dates and times
        ("at 9:30 AM", "at nine thirty A_ M_."),
        ("at 9:05 p.m.", "at nine oh five P_ M_."),
        ("at 9:00", "at nine o'clock."),
        ("at 9:00 AM on Tuesday", "at nine A_ M_ on Tuesday."),
        ("at 9 a.m. Tuesday. Come early.", "at nine A_ M_ Tuesday. Come early."),
        ("at 9 a.m. Please come early.", "at nine A_ M_. Please come early."),
        ("from 9 AM - 5 PM", "from nine A_ M_ to five P_ M_."),
        ("at 14:30", "at fourteen thirty."),
        ("Tuesday, June 3, 2026, at 2:15 PM", "Tuesday, June third, twenty twenty six, at two fifteen P_ M_."),
        ("June 3rd", "June third."),
        ("Dec. 21", "December twenty first."),
        ("on 2026-12-03", "on December third, twenty twenty six."),
        ("on 12/03/2026", "on December third, twenty twenty six."),
        ("in 2026", "in twenty twenty six."),
        ("You may 3 times", "You may three times."),
        ("the 1960s", "the nineteen sixties."),
        ("your 2nd visit", "your second visit."),
        // People, places, numbers
        ("Dr. Patel", "Doctor Patel."),
        ("Dr. Anita Patel and Mr. J. Okafor", "Doctor Anita Patel and Mister J_ Okafor."),
        ("See St. Mary's on Main St. Then rest.", "See Saint Mary's on Main Street. Then rest."),
        ("Room 412, bed 2", "Room four twelve, bed two."),
        ("Room 305.", "Room three oh five."),
        ("Call 555-0123.", "Call five five five, zero one two three."),
        ("Call (212) 555-0123", "Call, two one two, five five five, zero one two three."),
        ("Call 1-800-555-0123", "Call one, eight hundred, five five five, zero one two three."),
        ("Dial 911!", "Dial nine one one!"),
        ("It costs $4.50 or $1", "It costs four dollars and fifty cents or one dollar."),
        ("1,250 steps", "one thousand two hundred fifty steps."),
        ("#3", "number three."),
        ("24/7", "twenty four seven."),
        ("bring e.g. a list", "bring for example a list."),
        ("COVID-19", "Covid nineteen."),
        ("and/or", "and or."),
        ("follow-up visit", "follow up visit."),
        ("Open voice.clinic.example/connect now", "Open voice dot clinic dot example slash connect now."),
        ("voice.clinic.example/me/news", "voice dot clinic dot example slash me slash news."),
        ("See Dr.Patel. Tea/coffee", "See Doctor Patel. Tea or coffee."),
        ("Mail me@example.com", "Mail me at example dot com."),
        ("the U.S. price", "the U_ S_ price."),
        // Sentences and pauses
        ("Yes. No? Good!", "Yes. No? Good!"),
        ("One\nTwo", "One. Two."),
        ("He said “yes.” Then left", "He said yes. Then left."),
        ("wait... what?!", "wait. what?"),
        ("Ready (almost), yes", "Ready, almost, yes."),
        ("ready — almost", "ready— almost."),
        ("can't isn't patients’", "can't isn't patients."),
        ("PLEASE CALL", "please call."),
        ("I am. A cat.", "I am. A cat."),
    ];
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|(text, spoken)| {
            let heard = read(text);
            (heard != spoken).then(|| format!("{text}\n   wanted {spoken}\n   got    {heard}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_to_say_is_no_sentence() {
    for text in ["", "   \n\t ", "...", "?!", "🙂 *", "\u{0}", "--"] {
        assert!(sentences(text).is_empty(), "{text:?}: {:?}", sentences(text));
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_written_word_and_number_is_spoken(words in proptest::collection::vec("[a-z]{3,9}|[1-9][0-9]{0,6}", 1..30), marks in proptest::collection::vec("[ ,.;:!?()-]{1,3}|/", 30)) {
            // Each written thing leaves at least one spoken thing; a plain word leaves itself.
            let text: String = words.iter().zip(&marks).map(|(w, m)| format!("{w} {m} ")).collect();
            let spoken: Vec<Spoken> = sentences(&text).concat().into_iter().filter(|s| !matches!(s, Spoken::Pause(_))).collect();
            prop_assert!(spoken.len() >= words.len(), "{text:?}: {spoken:?}");
            for word in words.iter().filter(|w| w.len() > 2 && w.chars().all(char::is_alphabetic)) {
                let known_short_form = ABBREVIATIONS.iter().any(|(short, ..)| short == word) || UNITS.iter().any(|(u, _)| u.contains(&word.as_str()));
                prop_assert!(known_short_form || spoken.contains(&Spoken::Word(word.clone())), "{word} of {text:?}: {spoken:?}");
            }
        }

        #[test]
        fn any_text_ends_and_leaves_only_words(text in "\\PC{0,200}") {
            for spoken in sentences(&text).concat() {
                match spoken {
                    Spoken::Word(word) => prop_assert!(!word.is_empty() && !word.chars().any(|c| c.is_ascii_digit() || c.is_whitespace()), "{word:?}"),
                    Spoken::Letter(letter) => prop_assert!(letter.is_ascii_uppercase()),
                    Spoken::Pause(mark) => prop_assert!(",;:—….!?".contains(mark)),
                }
            }
        }
    }
}
