use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;

/// Monday, 23 November 2026, 10:00 in New York, the week of Thanksgiving.
fn monday() -> Zoned {
    at("2026-11-23T10:00:00-05:00")
}

fn at(time: &str) -> Zoned {
    let zone = TimeZone::get("America/New_York").expect("bundled");
    time.parse::<Timestamp>().expect("RFC 3339").to_zoned(zone)
}

fn told(reading: Option<Reading>) -> String {
    let Some(reading) = reading else { return "nothing".into() };
    let Reading::Is(w, _) = reading else { return "impossible".into() };
    w.told()
}

fn read(said: &str, now: &Zoned, sense: Sense, bare: bool) -> String {
    let normal = crate::nlu::words::normal(said);
    let words: Vec<&str> = normal.split(' ').collect();
    told(parse(&words, now, sense, bare))
}

#[test]
fn phrases_that_look_ahead() {
    let mut wrong = Vec::new();
    for (said, meant) in AHEAD {
        let got = read(said, &monday(), Sense::Ahead, false);
        if got != *meant {
            wrong.push(format!("{said}: wanted {meant}, got {got}"));
        }
    }
    assert!(AHEAD.len() >= 100, "the table has {} rows", AHEAD.len());
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), AHEAD.len(), wrong.join("\n"));
}

const AHEAD: &[(&str, &str)] = &[
    // Days near by
    ("today", "2026-11-23"),
    ("tomorrow", "2026-11-24"),
    ("the day after tomorrow", "2026-11-25"),
    ("yesterday", "2026-11-22"),
    ("tonight", "2026-11-23 17:00-23:00"),
    ("this afternoon", "2026-11-23 12:00-18:00"),
    ("this evening", "2026-11-23 17:00-21:00"),
    ("tomorrow morning", "2026-11-24 06:00-12:00"),
    ("tomorrow night", "2026-11-24 18:00-23:00"),
    ("tomorrow first thing", "2026-11-24 06:00-10:00"),
    ("first thing tomorrow morning", "2026-11-24 06:00-10:00"),
    ("first thing in the morning", "06:00-10:00"),
    ("first thing Monday morning", "2026-11-30 06:00-10:00"),
    ("late tomorrow afternoon", "nothing"),
    ("tomorrow late afternoon", "2026-11-24 16:00-18:00"),
    ("early morning", "06:00-08:00"),
    ("later today", "2026-11-23"),
    // Days that go by a name
    ("christmas", "2026-12-25"),
    ("christmas eve", "2026-12-24"),
    ("on thanksgiving", "2026-11-26"),
    ("the day after thanksgiving", "2026-11-27"),
    ("the day before christmas", "2026-12-24"),
    ("two days after christmas", "2026-12-27"),
    ("a week from thanksgiving", "2026-12-03"),
    ("new year's eve", "2026-12-31"),
    ("new year's day", "2027-01-01"),
    ("easter", "2027-03-28"),
    ("the fourth of july", "2027-07-04"),
    ("halloween at six", "2027-10-31 18:00"),
    // Weekdays
    ("tuesday", "2026-11-24"),
    ("on Friday", "2026-11-27"),
    ("monday", "2026-11-30"),
    ("this friday", "2026-11-27"),
    ("this coming thursday", "2026-11-26"),
    ("next tuesday", "2026-12-01"),
    ("next tuesday morning", "2026-12-01 06:00-12:00"),
    ("next monday", "2026-11-30"),
    ("the friday after next", "2026-12-11"),
    ("tuesday at 3", "2026-11-24 15:00"),
    ("wednesday afternoon", "2026-11-25 12:00-18:00"),
    ("tuesday next week", "2026-12-01"),
    ("next week on tuesday", "2026-12-01"),
    ("on thursday of next week", "2026-12-03"),
    ("friday week", "2026-12-04"),
    // Counting
    ("in two weeks", "2026-12-07"),
    ("in 2 weeks", "2026-12-07"),
    ("two weeks from today", "2026-12-07"),
    ("in three days", "2026-11-26"),
    ("three days from now", "2026-11-26"),
    ("three days from now around noon", "2026-11-26 11:30-12:30"),
    ("a week from today", "2026-11-30"),
    ("a week from thursday", "2026-12-03"),
    ("a week from tomorrow", "2026-12-01"),
    ("two weeks from friday", "2026-12-11"),
    ("in a couple of weeks", "2026-12-07"),
    ("in a few days", "2026-11-26..2026-11-27"),
    ("in a month", "2026-12-23"),
    ("in six months", "2027-05-23"),
    ("in two weeks at 3 pm", "2026-12-07 15:00"),
    ("in two weeks on wednesday", "2026-12-09"),
    ("ten days from now", "2026-12-03"),
    // Weeks and months
    ("this week", "2026-11-23..2026-11-29"),
    ("next week", "2026-11-30..2026-12-06"),
    ("the week after next", "2026-12-07..2026-12-13"),
    ("this weekend", "2026-11-28..2026-11-29"),
    ("the weekend", "2026-11-28..2026-11-29"),
    ("next weekend", "2026-12-05..2026-12-06"),
    ("this month", "2026-11-23..2026-11-30"),
    ("next month", "2026-12-01..2026-12-31"),
    ("end of next month", "2026-12-21..2026-12-31"),
    ("the end of the month", "2026-11-20..2026-11-30"),
    ("early next week", "2026-11-30..2026-12-01"),
    ("later this week", "2026-11-24..2026-11-29"),
    ("the end of the week", "2026-11-26..2026-11-27"),
    ("mid december", "2026-12-11..2026-12-20"),
    ("in december", "2026-12-01..2026-12-31"),
    ("in march", "2027-03-01..2027-03-31"),
    ("next january", "2027-01-01..2027-01-31"),
    ("early january", "2027-01-01..2027-01-10"),
    ("the week of december seventh", "2026-12-07..2026-12-13"),
    // Dates
    ("december third", "2026-12-03"),
    ("the third of december", "2026-12-03"),
    ("December 3rd", "2026-12-03"),
    ("december 3", "2026-12-03"),
    ("on the 3rd of December", "2026-12-03"),
    ("december third twenty twenty six", "2026-12-03"),
    ("December 3, 2027", "2027-12-03"),
    ("march ninth", "2027-03-09"),
    ("may fourth", "2027-05-04"),
    ("november twenty third", "2026-11-23"),
    ("november twenty second", "2027-11-22"),
    ("december twenty first", "2026-12-21"),
    ("on the fifteenth", "2026-12-15"),
    ("on the thirtieth", "2026-11-30"),
    ("friday the fourth of december", "2026-12-04"),
    ("friday december fourth at two thirty in the afternoon", "2026-12-04 14:30"),
    ("friday the fourth of december at two thirty in the afternoon", "2026-12-04 14:30"),
    ("12/3", "2026-12-03"),
    ("12/3/2026", "2026-12-03"),
    ("2026-12-03", "2026-12-03"),
    ("february twenty ninth", "2028-02-29"),
    // What does not exist is not bent
    ("february thirtieth", "impossible"),
    ("the thirty first of november", "impossible"),
    ("february 29th 2027", "impossible"),
    ("friday december third", "impossible"),
    ("12/32", "nothing"),
    ("april 31st", "impossible"),
    ("13 o'clock pm", "nothing"),
    // Clock times
    ("at three", "15:00"),
    ("at nine", "09:00"),
    ("3 pm", "15:00"),
    ("3pm", "15:00"),
    ("8 a.m.", "08:00"),
    ("at eight p.m.", "20:00"),
    ("at eight in the evening", "20:00"),
    ("seven tonight", "2026-11-23 19:00"),
    ("nine tomorrow morning", "2026-11-24 09:00"),
    ("noon", "12:00"),
    ("midnight", "00:00"),
    ("half past nine", "09:30"),
    ("at half past nine", "09:30"),
    ("tomorrow at half past nine", "2026-11-24 09:30"),
    ("quarter to five", "16:45"),
    ("quarter to five this evening", "2026-11-23 16:45"),
    ("a quarter past two", "14:15"),
    ("ten past two", "14:10"),
    ("ten to four", "15:50"),
    ("twenty five minutes to three", "14:35"),
    ("two thirty", "14:30"),
    ("at four fifteen", "16:15"),
    ("three oh five", "15:05"),
    ("2:30", "14:30"),
    ("14:30", "14:30"),
    ("ten o'clock", "10:00"),
    ("one o'clock", "13:00"),
    ("twelve thirty", "12:30"),
    ("twelve thirty am", "00:30"),
    ("quarter to one", "12:45"),
    // Ranges
    ("between two and four", "14:00-16:00"),
    ("between two and four p.m. on wednesday", "2026-11-25 14:00-16:00"),
    ("two to four pm", "14:00-16:00"),
    ("from ten to two", "10:00-14:00"),
    ("from eleven to one pm", "11:00-13:00"),
    ("between nine and eleven in the morning", "09:00-11:00"),
    ("after three", "15:00-"),
    ("after three on tuesday", "2026-11-24 15:00-"),
    ("tuesday after 3:30", "2026-11-24 15:30-"),
    ("before noon", "-12:00"),
    ("before ten", "-10:00"),
    ("by five", "-17:00"),
    ("around noon", "11:30-12:30"),
    ("around ten thirty", "10:00-11:00"),
    ("three or later", "nothing"),
    ("3 pm or later", "15:00-"),
    ("tomorrow after lunch", "2026-11-24 13:00-"),
    ("any time on friday", "2026-11-27"),
    ("friday any time after two", "2026-11-27 14:00-"),
    ("thursday morning before eleven", "2026-11-26 06:00-11:00"),
    ("the end of the day", "16:00-18:00"),
    ("in two hours", "2026-11-23 12:00"),
    ("in half an hour", "2026-11-23 10:30"),
    ("in twenty minutes", "2026-11-23 10:20"),
    // Not a time
    ("three", "nothing"),
    ("two weeks", "nothing"),
    ("may", "nothing"),
    ("for", "nothing"),
    ("the second", "nothing"),
    ("half a tablet", "nothing"),
    ("one twenty over eighty", "nothing"),
    ("wait a second", "nothing"),
];

#[test]
fn days_that_do_not_exist_are_asked_about() {
    for said in [
        "february thirtieth",
        "april thirty first",
        "the thirty first of november",
        "february 29 2027",
        "13/45/2026 at nine",
        "friday november twenty fourth",
        "2026-02-30",
        "june thirty first at ten",
    ] {
        let got = read(said, &monday(), Sense::Ahead, true);
        assert!(got == "impossible" || got == "nothing", "{said}: {got}");
    }
}

#[test]
fn phrases_that_look_behind() {
    for (said, meant) in [
        ("last tuesday", "2026-11-17"),
        ("tuesday", "2026-11-17"),
        ("yesterday", "2026-11-22"),
        ("last week", "2026-11-16..2026-11-22"),
        ("last month", "2026-10-01..2026-10-31"),
        ("two weeks ago", "2026-11-09"),
        ("three days ago", "2026-11-20"),
        ("in october", "2026-10-01..2026-10-31"),
        ("in december", "2025-12-01..2025-12-31"),
        ("october fifth", "2026-10-05"),
        ("december third", "2025-12-03"),
        ("last night", "2026-11-22 18:00-23:00"),
        ("this morning", "2026-11-23 06:00-12:00"),
        ("the fifth of may", "2026-05-05"),
        ("last year", "2025-01-01..2025-12-31"),
        ("a month ago", "2026-10-23"),
    ] {
        assert_eq!(read(said, &monday(), Sense::Behind, false), meant, "{said}");
    }
}

#[test]
fn answers_may_be_bare() {
    for (said, meant) in [
        ("three", "15:00"),
        ("nine", "09:00"),
        ("the fifteenth", "2026-12-15"),
        ("tuesday or so", "2026-11-24"),
        ("may", "2027-05-01..2027-05-31"),
        ("thirteen", "nothing"),
        ("three or later", "15:00-"),
        // As hearing writes them.
        ("615", "18:15"),
        ("1115", "11:15"),
        ("10.15", "10:15"),
        ("at 4.30", "16:30"),
        ("February 17th at 4.30", "2027-02-17 16:30"),
        ("on Friday at 615", "2026-11-27 18:15"),
        ("1075", "nothing"),
        ("1315", "nothing"),
        ("2026", "nothing"),
        ("15", "nothing"),
        ("10.155", "nothing"),
        ("quarter pass nine", "09:15"),
        ("half passed nine", "09:30"),
        ("15 November", "2027-11-15"),
        ("15. July", "2027-07-15"),
        ("3 May", "2027-05-03"),
        ("January this 3rd", "2027-01-03"),
        ("45 July", "impossible"),
    ] {
        assert_eq!(read(said, &monday(), Sense::Ahead, true), meant, "{said}");
    }
}

#[test]
fn clock_changes_do_not_bend_time() {
    // Clocks go back at 2:00 on 1 November 2026: in two hours it is one o'clock again plus one.
    assert_eq!(read("in two hours", &at("2026-11-01T00:30:00-04:00"), Sense::Ahead, false), "2026-11-01 01:30");
    // Clocks go forward at 2:00 on 8 March 2026.
    assert_eq!(read("in two hours", &at("2026-03-08T01:30:00-05:00"), Sense::Ahead, false), "2026-03-08 04:30");
    assert_eq!(read("tomorrow", &at("2026-03-07T23:30:00-05:00"), Sense::Ahead, false), "2026-03-08");
    // Late in the evening in New York it is tomorrow in Greenwich.
    assert_eq!(read("today", &at("2026-11-24T03:00:00Z"), Sense::Ahead, false), "2026-11-23");
}

fn found(said: &str) -> Vec<String> {
    let normal = crate::nlu::words::normal(said);
    let words: Vec<&str> = normal.split(' ').collect();
    let spans = find(&words, &monday(), Sense::Ahead);
    let longest = spans.iter().filter(|s| s.when.is_some()).max_by_key(|s| (s.end - s.start, usize::MAX - s.start));
    longest.map(|s| words[s.start..s.end].join(" ")).into_iter().collect()
}

#[test]
fn phrases_are_found_among_other_words() {
    for (said, phrase) in [
        ("book me with doctor patel next tuesday morning please", "next tuesday morning"),
        ("can i come by between two and four on wednesday or not", "between two and four on wednesday"),
        ("the one on the fifteenth", "on the fifteenth"),
    ] {
        assert_eq!(found(said), [phrase], "{said}");
    }
    for none in [
        "book me on february thirtieth",
        "i have had it after three days",
        "take two tablets",
        "may i see the doctor",
        "half a tablet",
        "the second one",
        "one of them",
    ] {
        assert_eq!(found(none), Vec::<String>::new(), "{none}");
    }
}

proptest! {
    #[test]
    fn any_words_are_read_without_a_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
        for sense in [Sense::Ahead, Sense::Behind] {
            for bare in [false, true] {
                if let Some(Reading::Is(w, sure)) = parse(&words, &monday(), sense, bare) {
                    prop_assert!(w.from <= w.to, "{words:?}: {w:?}");
                    prop_assert!(w.from.is_some() == w.to.is_some());
                    prop_assert!((0.0..=1.0).contains(&sure));
                    prop_assert!(w.from.is_some() || w.after.is_some() || w.before.is_some() || !words.is_empty());
                }
            }
            for span in find(&words, &monday(), sense) {
                prop_assert!(span.start < span.end && span.end <= words.len());
            }
        }
    }

    #[test]
    fn every_date_said_in_full_is_that_date(days in 0_i64..3000) {
        let date = monday().date().checked_add(jiff::Span::new().days(days)).expect("in range");
        let said = date.strftime("%B %-d %Y").to_string();
        prop_assert_eq!(read(&said, &monday(), Sense::Ahead, false), date.to_string());
        let said = date.strftime("the %-dth of %B %Y").to_string();
        prop_assert_eq!(read(&said, &monday(), Sense::Ahead, false), date.to_string());
    }

    #[test]
    fn every_clock_time_is_that_time(hour in 1_i8..=12, minute in 0_i8..60, pm: bool) {
        let said = format!("at {hour}:{minute:02} {}", if pm { "pm" } else { "am" });
        let wanted = format!("{:02}:{minute:02}", hour % 12 + if pm { 12 } else { 0 });
        prop_assert_eq!(read(&said, &monday(), Sense::Ahead, false), wanted);
    }
}

const WORDS: &[&str] = &[
    "the",
    "a",
    "in",
    "on",
    "at",
    "of",
    "from",
    "to",
    "two",
    "three",
    "thirty",
    "twenty",
    "twelve",
    "first",
    "second",
    "thirty",
    "first",
    "next",
    "last",
    "this",
    "week",
    "weeks",
    "month",
    "day",
    "after",
    "before",
    "tomorrow",
    "today",
    "monday",
    "friday",
    "february",
    "may",
    "december",
    "morning",
    "night",
    "noon",
    "midnight",
    "half",
    "past",
    "quarter",
    "between",
    "and",
    "pm",
    "am",
    "2:30",
    "25:99",
    "12/3",
    "99/99",
    "2026-02-30",
    "9999",
    "hundred",
    "tonight",
    "end",
    "early",
    "weekend",
    "hours",
    "minutes",
    "oclock",
    "couple",
    "few",
    "ago",
    "any",
    "time",
    "thing",
    "year",
    "9999999999999",
    "é",
];

#[test]
fn an_hour_without_its_half_is_open() {
    for (words, open) in [
        ("seven", true),
        ("tomorrow at half past seven", true),
        ("around 7", true),
        ("at 7:30", true),
        ("between seven and eight", true),
        ("7pm", false),
        ("seven p.m.", false),
        ("7 a m", false),
        ("tomorrow morning at seven", false),
        ("19:30", false),
        ("07:00", false),
        ("in two hours", false),
        ("after lunch", false),
        ("thursday", true),
    ] {
        assert_eq!(super::half_open(words), open, "{words}");
    }
}
