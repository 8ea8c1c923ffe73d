//! `record.lab_result`: the latest result of a test or panel, with the laboratory's own range, the result before it, what
//! the test measures, and a clinician's own words.
//!
//! What a test measures is said in a sentence with a published source (the reply `purpose`); what a value means for the
//! person is for clinicians to say. Never is the first to tell a critical value: without a clinician's
//! words on it, the care team goes over it.

use jiff::{Timestamp, tz::TimeZone};

use super::super::{
    ActionError, Change, Facts, HeldResult, Outcome, Pass, SPEAKABLE, Setting, further, of_a_person, permit, source,
    text, when, words,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Scope},
    records::{Decimal, LabFlag, LabResult, Review, lab_name},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

/// Most results said in one breath.
const SAID: usize = 4;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.results(permit.subject()).await?.reveal(&permit)?;
    let (facts, held) = lab_result(&all, text(slots, "test"), when(slots, "date"), further(slots), setting.zone);
    let mut facts = with_source(facts, &all, setting.now);
    if source::nothing(&facts) {
        let unread = setting.records.unread(permit.subject(), "Observation").await?;
        facts = facts.with("unread", unread.reveal(&permit)?);
    }
    let unasked = held.into_iter().filter(|r| r.review == Review::None);
    let results: Vec<HeldResult> = unasked.map(HeldResult::of).collect();
    Ok(if results.is_empty() {
        Outcome::Answer(facts)
    } else {
        // Somebody else asked in between: then it is so anyway.
        let conflict = facts.clone();
        Outcome::Done { facts, changes: vec![Change::AskClinician { results }], conflict }
    })
}

/// Replies: `one`, `panel`, `care_team`, `none`, `none_of` (test). With those that are held back for the clinician.
fn lab_result<'a>(
    all: &'a [LabResult],
    test: Option<&str>,
    date: Option<When>,
    further: usize,
    zone: &TimeZone,
) -> (Facts, Vec<&'a LabResult>) {
    let of_the_test = test.map_or_else(|| all.iter().collect(), |test| named(all, test));
    let then = |r: &&LabResult| date.is_none_or(|d| on(r.taken, d, zone));
    let mut found: Vec<&LabResult> = of_the_test.iter().copied().filter(then).collect();
    let mut asked_day = None;
    if found.is_empty()
        && let Some(from) = date.and_then(|d| d.from)
    {
        // "Two weeks ago" is seldom that very day: the nearest one is told, and of which day it is.
        let away = |r: &LabResult| from.duration_until(r.taken.to_zoned(zone.clone()).date()).abs();
        found.extend(of_the_test.iter().copied().min_by_key(|r| away(r)));
        asked_day = Some(from);
    }
    let Some(newest) = found.iter().max_by_key(|r| r.taken) else {
        let facts = match test {
            Some(test) => Facts::new("none_of").with("test", test),
            None => Facts::new("none"),
        };
        return (facts, vec![]);
    };
    if asked_day.is_some() {
        let same = |r: &&LabResult| r.taken == newest.taken && r.panel == newest.panel;
        found = of_the_test.iter().copied().filter(same).collect();
    }
    let Some(newest) = found.first() else { return (Facts::new("none"), vec![]) };
    let newest = found.iter().max_by_key(|r| r.taken).unwrap_or(newest);
    // A test asked for by its own name is that one alone; by the name of its panel, the panel of that day.
    let day = |r: &LabResult| r.taken.to_zoned(zone.clone()).date();
    let mut group: Vec<&LabResult> =
        found.iter().copied().filter(|r| day(r) == day(newest) && r.panel == newest.panel).collect();
    let mut seen: Vec<&str> = Vec::new();
    group.retain(|r| {
        let fresh = !seen.contains(&r.test.as_str());
        seen.push(&r.test);
        fresh
    });
    let (told, held): (Vec<&LabResult>, Vec<&LabResult>) = group.into_iter().partition(|r| tellable(r));
    let facts = match told.as_slice() {
        [] => Facts::new("care_team").with("test", held.first().map(|r| &r.test)).with("on", newest.taken),
        [one] if held.is_empty() => of_one(one, all),
        several => of_panel(several, all, further, !held.is_empty()),
    };
    (facts.with("not_then", asked_day.map(|day| day.to_string())), held)
}

/// Whether a machine may read it out: not critical, or a clinician has said something about it, or staff have closed what
/// asked them to.
fn tellable(r: &LabResult) -> bool {
    !r.waits_for_clinician() || r.review == Review::Told
}

fn on(taken: Timestamp, date: When, zone: &TimeZone) -> bool {
    let day = taken.to_zoned(zone.clone()).date();
    date.from.is_none_or(|from| (from..=date.to.unwrap_or(from)).contains(&day))
}

/// The results of what was asked for: those of that very name, else of another name or panel, else, where the words name
/// no test that is known, those in whose names all of them stand. Hemoglobin is never answered with hemoglobin A1c.
fn named<'a>(all: &'a [LabResult], said: &str) -> Vec<&'a LabResult> {
    let asked = lab_name::plain(said);
    let of = |fits: &dyn Fn(&LabResult) -> bool| all.iter().filter(|r| fits(r)).collect::<Vec<_>>();
    let is = |name: &String| lab_name::plain(name) == asked;
    let own = of(&|r| is(&r.test));
    let known = lab_name::asked_for(said);
    // "Cholesterol" is a panel, though one test of it has no other name.
    let others = of(&|r| {
        r.aliases.iter().chain(r.panel.as_ref()).any(is)
            || known.contains(&r.test.as_str())
            || r.panel.as_ref().is_some_and(|panel| words(panel).contains(&asked))
    });
    match (own.is_empty(), others.is_empty()) {
        (false, _) => own,
        (true, false) => others,
        (true, true) if known.is_empty() => {
            let telling = words(&asked);
            let names = |r: &LabResult| {
                let all = r.aliases.iter().chain([&r.test]).chain(r.panel.as_ref());
                all.map(|name| words(name)).any(|name| telling.iter().all(|word| name.contains(word)))
            };
            of(&names)
        }
        (true, true) => Vec::new(),
    }
}

/// How a value lies to the laboratory's own range: its own flag, or where it gave none, plain comparison.
fn place(r: &LabResult) -> &'static str {
    // What lies beyond a limit is beyond it only where the limit of the meter is.
    let compared = r.value.starts_with(['<', '>']);
    let bare = r.value.trim_start_matches(['<', '>', '=']).trim().parse::<f64>().ok();
    let value = match (r.value.chars().next(), bare) {
        (Some('>'), Some(v)) if r.high.is_some_and(|high| v >= high) => Some(f64::INFINITY),
        (Some('<'), Some(v)) if r.low.is_some_and(|low| v <= low) => Some(f64::NEG_INFINITY),
        (Some('>'), Some(v)) if r.high.is_none() && r.low.is_some_and(|low| v >= low) => Some(v),
        (Some('<'), Some(v)) if r.low.is_none_or(|low| low <= 0.0) && r.high.is_some_and(|high| v <= high) => Some(v),
        (_, bare) => bare.filter(|_| !compared),
    };
    match (r.flag, value) {
        (Some(LabFlag::Normal), _) => "in",
        (Some(LabFlag::Low), _) => "below",
        (Some(LabFlag::High), _) => "above",
        (Some(LabFlag::Abnormal | LabFlag::Critical), Some(v)) if r.low.is_some_and(|low| v < low) => "below",
        (Some(LabFlag::Abnormal | LabFlag::Critical), Some(v)) if r.high.is_some_and(|high| v > high) => "above",
        (Some(LabFlag::Abnormal | LabFlag::Critical), _) => "abnormal",
        (None, Some(v)) if r.low.is_some_and(|low| v < low) => "below",
        (None, Some(v)) if r.high.is_some_and(|high| v > high) => "above",
        (None, Some(_)) if r.low.is_some() || r.high.is_some() => "in",
        (None, _) => "unknown",
    }
}

/// Where what is told came from, where that is another organization.
fn with_source(facts: Facts, all: &[LabResult], now: Timestamp) -> Facts {
    let told = facts.values.get("result").and_then(|r| r.get("test")).and_then(|t| t.as_str());
    let on = facts.values.get("on").and_then(|on| on.as_str()).and_then(|on| on.parse::<Timestamp>().ok());
    let of = told.and_then(|test| all.iter().find(|r| r.test == test && Some(r.taken) == on));
    let source = of.and_then(|r| source::told(&r.origin, now));
    if facts.reply == "one" { facts.with("elsewhere", source) } else { facts }
}

fn value(r: &LabResult, all: &[LabResult]) -> serde_json::Value {
    serde_json::json!({
        "test": r.test, "range": r.range, "value": r.value, "unit": r.unit, "low": r.low, "high": r.high, "place": place(r),
        "before": before(r, all),
    })
}

/// The result before this one, of the same test in the same unit, and which way it went from there. A machine tells it
/// only where it may tell it by itself, and compares only what are plain numbers.
fn before(r: &LabResult, all: &[LabResult]) -> Option<serde_json::Value> {
    let now = Decimal::read(&r.value)?;
    let alike = |o: &LabResult| {
        let known = !lab_name::asked_for(&r.test).is_empty();
        o.test == r.test && (known || o.loinc.is_none() || r.loinc.is_none() || o.loinc == r.loinc)
    };
    let comparable = |o: &&LabResult| alike(o) && o.unit == r.unit && o.taken < r.taken && tellable(o);
    let last = all.iter().filter(comparable).filter(|o| !o.preliminary).max_by_key(|o| o.taken)?;
    let way = match now.cmp(&Decimal::read(&last.value)?) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => "same",
    };
    Some(serde_json::json!({ "value": last.value, "on": last.taken, "way": way }))
}

fn of_one(r: &LabResult, all: &[LabResult]) -> Facts {
    commented(Facts::new("one"), &[r])
        .with("result", value(r, all))
        .with("on", r.taken)
        .with("preliminary", r.preliminary)
        .with("corrected", r.corrected)
        .with("source", &r.source)
}

/// Those out of range first; of those in range, names alone.
fn of_panel(results: &[&LabResult], all: &[LabResult], from: usize, held: bool) -> Facts {
    let (within, outside): (Vec<&LabResult>, Vec<&LabResult>) =
        results.iter().copied().partition(|r| matches!(place(r), "in" | "unknown"));
    let sorted: Vec<&LabResult> = outside.into_iter().chain(within).collect();
    let from = if from < sorted.len() { from } else { 0 };
    let told = sorted.iter().skip(from).take(SAID);
    let rest: Vec<&LabResult> = told.clone().copied().collect();
    let first = results.first();
    // What was written with all of it was told with the first of it.
    commented(Facts::new("panel"), if from > 0 { &rest } else { results })
        .with("panel", first.and_then(|r| r.panel.as_ref()))
        .with("on", first.map(|r| r.taken))
        .with("one_unit", told.clone().all(|r| rest.first().is_some_and(|first| r.unit == first.unit)))
        .in_breaths("results", sorted.iter().map(|r| value(r, all)).collect(), SAID, from)
        .with("preliminary", results.iter().any(|r| r.preliminary))
        .with("held", held)
}

/// Clinicians' words, whole, with whose they are and, where they are not about all that is told, what they are
/// about. What is too long together is pointed to.
fn commented(facts: Facts, results: &[&LabResult]) -> Facts {
    let mut comments: Vec<serde_json::Value> = Vec::new();
    let mut length = 0;
    for (n, r) in results.iter().enumerate() {
        let Some(words) = r.comment.as_deref() else { continue };
        let same = |o: &&LabResult| o.comment.as_deref() == Some(words);
        if results[..n].iter().any(same) {
            continue;
        }
        length += words.chars().count();
        let about = (!results.iter().all(same)).then_some(&r.test);
        comments.push(serde_json::json!({"about": about, "by": r.commenter, "words": words}));
    }
    let long = length > SPEAKABLE;
    facts.with("comments_long", long).with("comments", if long { vec![] } else { comments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(test: &str, value: &str, taken: &str) -> LabResult {
        LabResult {
            test: test.into(),
            aliases: vec![],
            loinc: None,
            panel: None,
            value: value.into(),
            unit: Some("mg/dL".into()),
            low: None,
            high: Some(100.0),
            range: None,
            flag: None,
            taken: taken.parse().expect("a time"),
            preliminary: false,
            corrected: false,
            comment: None,
            commenter: None,
            source: None,
            origin: crate::records::Origin::default(),
            review: Review::None,
        }
    }

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn lipids() -> Vec<LabResult> {
        let of = |test: &str, value: &str, more: &[&str]| LabResult {
            panel: Some("lipid panel".into()),
            aliases: more.iter().map(|m| (*m).to_owned()).collect(),
            comment: Some("A little high.".into()),
            commenter: Some("Dr. Samuel Okafor".into()),
            ..lab(test, value, "2026-11-18T14:00:00Z")
        };
        vec![
            LabResult {
                flag: Some(LabFlag::Critical),
                comment: None,
                ..lab("potassium", "6.4", "2026-11-30T14:00:00Z")
            },
            of("total cholesterol", "211", &["cholesterol"]),
            of("LDL cholesterol", "131", &["LDL", "bad cholesterol", "cholesterol"]),
            of("HDL cholesterol", "52", &["HDL", "cholesterol"]),
            of("triglycerides", "90", &["cholesterol"]),
            lab("LDL cholesterol", "150", "2025-11-18T14:00:00Z"),
        ]
    }

    fn ask(test: Option<&str>) -> Facts {
        lab_result(&lipids(), test, None, 0, &zone()).0
    }

    #[test]
    fn by_name_panel_or_newest() {
        for (said, want) in [
            (Some("cholesterol"), "panel"),
            (Some("my lipid panel"), "panel"),
            (Some("LDL"), "one"),
            (Some("bad cholesterol"), "one"),
            (Some("potassium"), "care_team"),
            (None, "care_team"),
            (Some("vitamin D"), "none_of"),
        ] {
            assert_eq!(ask(said).reply, want, "{said:?}");
        }
        assert_eq!(lab_result(&[], None, None, 0, &zone()).0.reply, "none");
        assert_eq!(ask(Some("LDL")).values["result"]["value"], "131", "the latest");
    }

    #[test]
    fn a_test_is_answered_with_itself_and_never_with_one_that_has_its_name_in_its_own() {
        let of = |test: &str, taken: &str| lab(test, "5", taken);
        let all = [
            of("hemoglobin A1c", "2026-11-20T14:00:00Z"),
            of("microalbumin/creatinine ratio", "2026-11-20T14:00:00Z"),
            of("urine glucose", "2026-11-20T14:00:00Z"),
            of("creatinine", "2026-11-01T14:00:00Z"),
            of("glucose", "2026-11-01T14:00:00Z"),
        ];
        for (said, tests) in [
            ("hemoglobin", vec![]),
            ("A1C", vec![]),
            ("hemoglobin A1c", vec!["hemoglobin A1c"]),
            ("creatinine", vec!["creatinine"]),
            ("glucose", vec!["glucose"]),
            ("blood glucose", vec!["glucose"]),
            ("microalbumin", vec!["microalbumin/creatinine ratio"]),
        ] {
            let found: Vec<&str> = named(&all, said).iter().map(|r| r.test.as_str()).collect();
            let tests = if said == "A1C" { vec!["hemoglobin A1c"] } else { tests };
            assert_eq!(found, tests, "{said}");
        }
    }

    #[test]
    fn a_panel_says_what_is_out_of_range_first_and_the_words_once() {
        let facts = ask(Some("cholesterol"));
        let told: Vec<_> = facts.values["results"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| (r["test"].as_str().unwrap_or_default(), r["place"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(
            told,
            [
                ("total cholesterol", "above"),
                ("LDL cholesterol", "above"),
                ("HDL cholesterol", "in"),
                ("triglycerides", "in")
            ]
        );
        let said = serde_json::json!([{"about": null, "by": "Dr. Samuel Okafor", "words": "A little high."}]);
        assert_eq!(facts.values["comments"], said);
    }

    #[test]
    fn the_result_before_is_of_the_same_test_in_the_same_unit_and_one_that_may_be_told() {
        let now = lab("glucose", "100", "2026-11-18T14:00:00Z");
        let old = |value: &str, taken: &str| lab("glucose", value, taken);
        let other_unit = LabResult { unit: Some("mmol/L".into()), ..old("5", "2026-11-01T14:00:00Z") };
        let critical = LabResult { flag: Some(LabFlag::Critical), ..old("400", "2026-10-30T14:00:00Z") };
        let early = LabResult { preliminary: true, ..old("90", "2026-10-29T14:00:00Z") };
        let all = [
            now.clone(),
            other_unit,
            critical,
            early,
            lab("sodium", "140", "2026-10-28T14:00:00Z"),
            old("110", "2026-05-01T14:00:00Z"),
            old("90", "2025-05-01T14:00:00Z"),
        ];
        let found = before(&now, &all).expect("one before");
        assert_eq!((&found["value"], &found["way"]), (&"110".into(), &"down".into()));
        assert!(before(&now, &all[..5]).is_none());
        assert!(before(&LabResult { value: "<100".into(), ..now }, &all).is_none(), "not a plain number");
    }

    #[test]
    fn words_about_one_test_are_not_said_of_another() {
        let of = |test: &str, comment: Option<&str>| LabResult {
            comment: comment.map(str::to_owned),
            ..lab(test, "90", "2026-11-18T14:00:00Z")
        };
        let all = [of("glucose", Some("Close to the goal.")), of("creatinine", None)];
        let facts = lab_result(&all, None, None, 0, &zone()).0;
        assert_eq!(facts.values["comments"][0]["about"], "glucose");
        let long = "x".repeat(SPEAKABLE);
        let facts =
            lab_result(&[of("glucose", Some(&long)), of("creatinine", Some("And more."))], None, None, 0, &zone()).0;
        assert_eq!((&facts.values["comments_long"], &facts.values["comments"]), (&true.into(), &serde_json::json!([])));
    }

    #[test]
    fn a_critical_value_is_told_only_with_a_clinicians_words() {
        let critical = LabResult { flag: Some(LabFlag::Critical), ..lab("potassium", "6.4", "2026-11-30T14:00:00Z") };
        let said = |r: &LabResult| lab_result(std::slice::from_ref(r), Some("potassium"), None, 0, &zone()).0;
        let facts = said(&critical);
        assert_eq!(facts.reply, "care_team");
        assert!(!serde_json::to_string(&facts.values).expect("JSON").contains("6.4"), "the value is not even given");
        let asked = LabResult { review: Review::Asked, ..critical.clone() };
        assert_eq!(said(&asked).reply, "care_team", "until staff close it");
        let closed = LabResult { review: Review::Told, ..critical.clone() };
        assert_eq!(said(&closed).reply, "one");
        let reviewed = LabResult { comment: Some("We have spoken.".into()), ..critical };
        assert_eq!(said(&reviewed).reply, "one");
    }

    #[test]
    fn flags_are_the_laboratorys_and_only_then_comparison() {
        let r = |value: &str, flag, low| LabResult { flag, low, ..lab("x", value, "2026-11-30T14:00:00Z") };
        for (result, want) in [
            (r("99", None, None), "in"),
            (r("101", None, None), "above"),
            (r("3", None, Some(4.0)), "below"),
            (r("101", Some(LabFlag::Normal), None), "in"),
            (r("3", Some(LabFlag::Critical), Some(4.0)), "below"),
            (r("odd", Some(LabFlag::Abnormal), None), "abnormal"),
            (r("positive", None, None), "unknown"),
            (r(">100", None, None), "above"),
            (r(">90", None, None), "unknown"),
            (r("<5", None, None), "in"),
            (r("<4", None, Some(4.0)), "below"),
            (LabResult { high: None, ..r(">90", None, Some(60.0)) }, "in"),
        ] {
            assert_eq!(place(&result), want);
        }
    }

    #[test]
    fn a_day_is_a_day_on_the_speakers_wall() {
        let late = lab("glucose", "90", "2026-11-19T03:00:00Z");
        let d = |day| When { from: Some(jiff::civil::date(2026, 11, day)), to: None, after: None, before: None };
        let reply = |day| lab_result(std::slice::from_ref(&late), None, Some(d(day)), 0, &zone()).0.reply;
        assert_eq!((reply(18), reply(19)), ("one".to_owned(), "one".to_owned()));
        let facts = |day| lab_result(std::slice::from_ref(&late), None, Some(d(day)), 0, &zone()).0;
        assert_eq!(facts(18).values["not_then"], serde_json::Value::Null);
        assert_eq!(facts(3).values["not_then"], "2026-11-03", "the nearest one, and that it is not of that day");
    }
}
