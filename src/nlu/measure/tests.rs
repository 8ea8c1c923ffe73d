use super::*;
use crate::nlu::{table, words};

/// The value that takes all the words.
fn read(said: &str) -> String {
    table::whole(said, |words| at(words).into_iter().map(|(m, used)| (m.told(), used)).collect())
}

#[test]
fn values_as_they_are_said() {
    table::holds(TABLE, read);
}

const TABLE: &[(&str, &str)] = &[
    // Blood pressure
    ("one twenty over eighty", "120/80"),
    ("120 over 80", "120/80"),
    ("120/80", "120/80"),
    ("a hundred and twenty over eighty", "120/80"),
    ("one hundred thirty five over eighty eight", "135/88"),
    ("one thirty five over ninety", "135/90"),
    ("one oh five over sixty eight", "105/68"),
    ("two ten over one fifteen", "210/115"),
    ("ninety eight over sixty", "98/60"),
    ("ninety over sixty", "90/60"),
    ("one eighteen over seventy six", "118/76"),
    ("one forty on ninety", "140/90"),
    ("1-37/over-67", "137/67"),
    ("139 on 55s", "139/55"),
    ("118/76 millimeters of mercury", "118/76 millimeters of mercury"),
    // Temperature
    ("a hundred and six point two", "106.2"),
    ("ninety eight point six degrees", "98.6 degrees"),
    ("98.6", "98.6"),
    ("98.6 degrees", "98.6 degrees"),
    ("ninety eight six", "98.6"),
    ("one oh one point two", "101.2"),
    ("one hundred and one point five degrees fahrenheit", "101.5 fahrenheit"),
    ("thirty eight point five celsius", "38.5 celsius"),
    ("38.2 degrees c", "38.2 celsius"),
    ("ninety nine point oh", "99"),
    ("a hundred and two", "102"),
    ("102.4°F", "102.4 fahrenheit"),
    ("one oh two and a half", "102.5"),
    // Weight
    ("two hundred and ten pounds", "210 pounds"),
    ("two ten pounds", "210 pounds"),
    ("one sixty five", "165"),
    ("165 lbs", "165 pounds"),
    ("165lbs", "165 pounds"),
    ("a hundred fifty four and a half pounds", "154.5 pounds"),
    ("seventy two kilos", "72 kilograms"),
    ("72.5 kg", "72.5 kilograms"),
    ("72.5kg", "72.5 kilograms"),
    ("seven pounds eight ounces", "7.5 pounds"),
    ("eleven stone four", "158 pounds"),
    // Height
    ("five foot four", "64 inches"),
    ("five feet four inches", "64 inches"),
    ("six foot", "72 inches"),
    ("5'4", "64 inches"),
    ("one hundred seventy centimeters", "170 centimeters"),
    ("sixty four inches", "64 inches"),
    // Sugar, pulse, oxygen, others
    ("one fifty", "150"),
    ("one forty two milligrams per deciliter", "142 milligrams per deciliter"),
    ("seven point eight millimoles", "7.8 millimoles per liter"),
    ("72 beats per minute", "72 beats a minute"),
    ("seventy two bpm", "72 beats a minute"),
    ("ninety five percent", "95 percent"),
    ("95%", "95 percent"),
    ("six point nine", "6.9"),
    ("seven out of ten", "7 out of ten"),
    ("eighteen breaths a minute", "18 breaths a minute"),
    ("ten thousand steps", "10000 steps"),
    ("three hundred and fifty liters a minute", "350 liters a minute"),
    ("eight hours", "8 hours"),
    ("forty", "40"),
    ("a hundred", "100"),
    // No values
    ("high", "nothing"),
    ("over eighty", "nothing"),
    ("one twenty over", "nothing"),
    ("point five", "nothing"),
    ("pounds", "nothing"),
    ("12/3", "nothing"),
    ("", "nothing"),
];

#[test]
fn numbers_that_sound_alike() {
    let other = |said: &str| {
        let normal = words::normal(said);
        let words: Vec<&str> = normal.split(' ').collect();
        let last = at(&words).pop().expect(said).0;
        last.sounds_like().iter().map(Measured::told).collect::<Vec<_>>()
    };
    assert_eq!(other("one fifty"), ["115"]);
    assert_eq!(other("one fifteen pounds"), ["150 pounds"]);
    assert_eq!(other("sixteen"), ["60"]);
    assert_eq!(other("one twenty over eighty"), Vec::<String>::new());
    assert_eq!(other("one forty over ninety"), ["114/90"]);
    assert_eq!(other("ninety eight point six"), Vec::<String>::new());
    assert_eq!(other("a hundred"), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_or_left(words in proptest::collection::vec("(one|twenty|oh|over|point|half|and|a|foot|pounds|hundred|120/80|5'4|'|/|x)", 0..12)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (_, n) in at(&words) {
            assert!(n >= 1 && n <= words.len());
        }
    }
}
