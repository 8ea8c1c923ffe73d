//! What a chart tells besides medicines and visits, and what people measure themselves: said by who asks what.

use jiff::civil::date;
use wellspoken::{
    actions::{Change, Facts, Outcome},
    nlu::{Measured, SlotValue, Unit, When},
    policy::Surface,
    store::CommitError,
};

use super::{JUNE, ROSA, stage::Stage, text};

const MILO: &str = "milo-tran.json";

/// Every line of this file.
pub async fn all(stage: &Stage) {
    what_clinics_measured(stage).await;
    conditions_allergies_and_shots(stage).await;
    what_was_written_about_a_visit(stage).await;
    a_reading_is_noted_as_it_was_said(stage).await;
    a_reading_is_corrected(stage).await;
    dangerous_values(stage).await;
    what_the_readings_say(stage).await;
}

fn n(measured: f64, unit: Option<Unit>) -> SlotValue {
    SlotValue::Measured(Measured { measured, over: None, unit })
}

fn bp(measured: f64, over: f64) -> SlotValue {
    SlotValue::Measured(Measured { measured, over: Some(over), unit: None })
}

fn days(from: (i8, i8), to: (i8, i8)) -> SlotValue {
    let day = |(month, day)| Some(date(2026, month, day));
    SlotValue::When(When { from: day(from), to: day(to), after: None, before: None })
}

type Row<'a> = (&'a str, Vec<(&'a str, SlotValue)>, &'a str, &'a str);

async fn table(stage: &Stage, intent: &str, rows: Vec<Row<'_>>) {
    let mut wrong = Vec::new();
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, intent, &slots).await;
        if (said.kind, said.rendered.text.as_str()) != (kind, words) {
            wrong.push(format!("{} {}\nwanted {kind} {words}", said.kind, said.rendered.text));
        }
    }
    assert!(wrong.is_empty(), "{intent}: {}", wrong.join("\n"));
}

async fn what_clinics_measured(stage: &Stage) {
    #[rustfmt::skip]
    table(stage, "record.vitals", vec![
        (ROSA, vec![("measure", text("blood pressure"))], "answer", "Your blood pressure was 138 over 86 on Wednesday, October 21st, measured by Lakeside Clinic."),
        (ROSA, vec![("measure", text("weight"))], "answer", "Your weight was 71.2 kg on Wednesday, October 21st, measured by Lakeside Clinic."),
        (ROSA, vec![("measure", text("breathing rate"))], "answer", "I have no breathing rate on record here. Your care team can check."),
        (ROSA, vec![], "answer", "From Wednesday, October 21st, measured by Lakeside Clinic: blood pressure 138 over 86, heart rate 76 a minute, temperature 98.2 °F, weight 71.2 kg, height 162 cm, oxygen 97%. Your full list is on your page."),
        (JUNE, vec![], "answer", "I have no measurements on record here. Your care team can check."),
    ]).await;
}

async fn conditions_allergies_and_shots(stage: &Stage) {
    #[rustfmt::skip]
    table(stage, "record.conditions", vec![
        (ROSA, vec![], "answer", "3 conditions are on record here: type 2 diabetes since 2015, high blood pressure since 2012 and generalized anxiety disorder since 2020. Your full list is on your page."),
        (MILO, vec![], "answer", "1 condition is on record here: asthma. Your full list is on your page."),
        (JUNE, vec![], "answer", "I have no conditions on record here. Your full list is on your page."),
    ]).await;
    #[rustfmt::skip]
    table(stage, "record.allergies", vec![
        (ROSA, vec![], "answer", "1 allergy is on record here: penicillin with hives. Your full list is on your page."),
        (ROSA, vec![("medicine", text("penicillin"))], "answer", "Yes, penicillin is on your list of allergies here, with hives. Your full list is on your page."),
        (ROSA, vec![("medicine", text("amoxicillin"))], "answer", "I have no allergy to amoxicillin by that name on record here. That doesn't say that you have none. What I have is penicillin with hives. Ask your pharmacist or care team whether that matters for amoxicillin. Your full list is on your page."),
        (JUNE, vec![("medicine", text("penicillin"))], "answer", "I have no allergy to penicillin by that name on record here. That doesn't say that you have none. If you have one, tell your care team. Your full list is on your page."),
        (JUNE, vec![], "answer", "I have no allergies on record here. If you have any, tell your care team. Your full list is on your page."),
        (MILO, vec![("substance", text("peanuts"))], "answer", "Yes, peanut is on your list of allergies here, marked as high risk, with hives. Your full list is on your page."),
        (ROSA, vec![("substance", text("shellfish"))], "answer", "I have no allergy to shellfish by that name on record here. That doesn't say that you have none. What I have is penicillin with hives. Ask your pharmacist or care team whether that matters for shellfish. Your full list is on your page."),
        ("odd", vec![("substance", text("latex"))], "answer", "An allergy to latex is on record here as ruled out or over. Ask your care team before you take any. Your full list is on your page."),
    ]).await;
    #[rustfmt::skip]
    table(stage, "record.immunizations", vec![
        (ROSA, vec![("vaccine", text("tetanus"))], "answer", "The last tetanus shot on record here was on Wednesday, June 12th, 2019: Tdap, from Lakeside Clinic. Your full list is on your page."),
        (ROSA, vec![("vaccine", text("flu"))], "answer", "The last flu shot on record here was on Wednesday, October 21st, from Lakeside Clinic. Your full list is on your page."),
        (ROSA, vec![("vaccine", text("rabies"))], "answer", "I have no rabies shot on record here. You may have had one elsewhere. Your full list is on your page."),
        (ROSA, vec![], "answer", "The newest on record here: flu, Wednesday, October 21st; shingles, Wednesday, March 8th, 2023; Tdap, Wednesday, June 12th, 2019. Your full list is on your page."),
        (JUNE, vec![], "answer", "I have no vaccinations on record here. You may have had some elsewhere. Your full list is on your page."),
    ]).await;
}

async fn what_was_written_about_a_visit(stage: &Stage) {
    #[rustfmt::skip]
    table(stage, "record.visit_summary", vec![
        (ROSA, vec![], "answer", "Your visit on Wednesday, October 21st with Dr. Samuel Okafor, at Lakeside Clinic, for yearly checkup. Dr. Samuel Okafor wrote for you: Your blood pressure was a little above our goal today. Please keep taking your tablets and write down your pressure at home. We drew blood for your cholesterol and your average sugar. I will write to you about them. Come back in a year, or sooner if something worries you. The whole note is on your page."),
        (ROSA, vec![("provider", text("Dr. Anita Patel"))], "answer", "I have no such visit with Dr. Anita Patel on record here. Your care team can check."),
        (JUNE, vec![], "answer", "I have no visit on record here that has been. Your care team can check."),
        ("odd", vec![], "answer", "Your visit on Wednesday, October 21st with Dr. Samuel Okafor, at Lakeside Clinic, for yearly checkup. I have nothing that was written for you about it; the clinic's own notes are on your page. Your care team can tell you more."),
    ]).await;
}

async fn a_reading_is_noted_as_it_was_said(stage: &Stage) {
    #[rustfmt::skip]
    table(stage, "reading.log", vec![
        (JUNE, vec![("measure", text("blood sugar")), ("value", n(130.0, None))], "confirm", "Blood sugar, 130 mg/dL. Shall I note that?"),
        (JUNE, vec![("measure", text("blood sugar")), ("value", n(5.5, None))], "confirm", "Blood sugar, 5.5 mmol/L. Shall I note that?"),
        (JUNE, vec![("measure", text("blood sugar")), ("value", n(25.0, None))], "ask", "Is that 25 mg/dL or 25 mmol/L? If you feel unwell, call 911 now."),
        (JUNE, vec![("measure", text("blood pressure")), ("value", bp(128.0, 82.0))], "confirm", "Blood pressure, 128 over 82. Shall I note that?"),
        (JUNE, vec![("measure", text("blood pressure")), ("value", n(128.0, None))], "ask", "A blood pressure has two numbers, like 120 over 80. What are both of yours?"),
        (JUNE, vec![("value", bp(128.0, 82.0)), ("date", days((11, 29), (11, 29)))], "confirm", "Blood pressure, 128 over 82, on Sunday, November 29th. Shall I note that?"),
        (JUNE, vec![("measure", text("weight")), ("value", n(160.5, Some(Unit::Pounds)))], "confirm", "Weight, 160.5 pounds. Shall I note that?"),
        (JUNE, vec![("measure", text("weight")), ("value", n(9000.0, Some(Unit::Pounds)))], "ask", "I understood 9000 pounds, and that can't be a weight. What does it say?"),
        (JUNE, vec![("measure", text("oxygen")), ("value", n(97.0, None))], "confirm", "Oxygen, 97%. Shall I note that?"),
        (JUNE, vec![("measure", text("temperature")), ("value", n(98.6, None))], "confirm", "Temperature, 98.6 °F. Shall I note that?"),
        (JUNE, vec![("measure", text("steps")), ("value", n(4000.0, None))], "answer", "I can't keep steps here. I note blood pressure, blood sugar, heart rate, temperature, weight and oxygen."),
        (JUNE, vec![("value", n(130.0, None))], "ask", "Which measurement is it?"),
        (JUNE, vec![("measure", text("blood sugar"))], "ask", "What is the number?"),
    ]).await;
    let words = stage.agreed(JUNE, "reading.log", &[("measure", text("blood sugar")), ("value", n(130.0, None))]).await;
    assert_eq!(words, "I've noted it: blood sugar 130 mg/dL.");
    #[rustfmt::skip]
    table(stage, "reading.last", vec![
        (JUNE, vec![("measure", text("blood sugar"))], "answer", "Your last blood sugar was 130 mg/dL today at 10 AM, as you told me."),
        (JUNE, vec![("measure", text("weight"))], "answer", "I have no weight of yours here. You can tell me one, and I'll note it."),
        (JUNE, vec![("measure", text("sleep"))], "answer", "I can't keep sleep here. I note blood pressure, blood sugar, heart rate, temperature, weight and oxygen."),
        (JUNE, vec![], "ask", "Which measurement do you mean?"),
    ]).await;
    // The newer of the clinic's and the person's own, and which it is.
    let before = [("value", bp(131.0, 84.0)), ("date", days((11, 20), (11, 20)))];
    stage.agreed(ROSA, "reading.log", &before).await;
    let asked = [("measure", text("blood pressure"))];
    let said = stage.ask(ROSA, "record.vitals", &asked).await.rendered.text;
    assert_eq!(said, "Your blood pressure was 131 over 84 on Friday, November 20th, as you told me.");
    let said = stage.ask(ROSA, "reading.last", &[("measure", text("weight"))]).await.rendered.text;
    assert_eq!(said, "Your last weight was 71.2 kg on Wednesday, October 21st, measured by Lakeside Clinic.");
}

async fn a_reading_is_corrected(stage: &Stage) {
    #[rustfmt::skip]
    table(stage, "reading.correct", vec![
        (JUNE, vec![("value", n(113.0, None))], "confirm", "Blood sugar: 113 mg/dL instead of 130 mg/dL. Shall I change that?"),
        (JUNE, vec![("measure", text("weight"))], "answer", "I have no weight of yours here, so there is nothing to correct."),
        (JUNE, vec![], "ask", "The last one is blood sugar, 130 mg/dL. What should it be? Or say: take it out."),
        (JUNE, vec![("value", text("take it out"))], "confirm", "I'll take out your blood sugar of 130 mg/dL, today. Shall I?"),
        (JUNE, vec![("value", n(25.0, None))], "alert", "Blood sugar: 25 mg/dL instead of 130 mg/dL. That is very low. Follow your plan for low sugar right now, and have somebody stay with you. If you're confused, can't swallow or feel you may pass out, call 911 now. Shall I change that?"),
        (JUNE, vec![("value", n(9000.0, None))], "ask", "I understood 9000, and that can't be a blood sugar. What does it say?"),
        (JUNE, vec![("measure", text("sleep"))], "answer", "I can't keep sleep here. I note blood pressure, blood sugar, heart rate, temperature, weight and oxygen."),
        (ROSA, vec![("value", n(131.0, None))], "ask", "A blood pressure has two numbers, like 120 over 80. What are both of yours?"),
    ]).await;
    let words = stage.agreed(JUNE, "reading.correct", &[("value", n(113.0, None))]).await;
    assert_eq!(words, "I've changed it. Blood sugar is 113 mg/dL now.");
    let asked = stage.ask(JUNE, "reading.correct", &[("value", text("take it out"))]).await;
    let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("read back") };
    let done = stage.perform(JUNE, "reading.correct", plan.clone()).await;
    assert_eq!(done.rendered.text, "It's taken out.");
    let Outcome::Done { changes, .. } = done.outcome else { panic!("done") };
    stage.commit(JUNE, changes.clone()).await.expect("it is there");
    assert!(matches!(stage.commit(JUNE, changes).await, Err(CommitError::Conflict(_))), "it is taken out once");
    let gone = stage.perform(JUNE, "reading.correct", plan).await;
    assert_eq!(gone.rendered.text, "That reading is no longer there, so I changed nothing. Please ask again.");
    // A weight that jumped is asked about.
    stage.agreed(JUNE, "reading.log", &[("measure", text("weight")), ("value", n(160.0, Some(Unit::Pounds)))]).await;
    let asked = stage.ask(JUNE, "reading.correct", &[("value", n(72.0, None))]).await.rendered.text;
    assert_eq!(asked, "Is that 72 pounds or 72 kg?");
}

async fn dangerous_values(stage: &Stage) {
    let low = [("measure", text("blood sugar")), ("value", n(48.0, None))];
    let said = stage.ask(JUNE, "reading.log", &low).await;
    assert_eq!(said.kind, "alert");
    assert_eq!(
        said.rendered.text,
        "Blood sugar, 48 mg/dL. That is very low. Follow your plan for low sugar right now, and have somebody stay with you. \
         If you're confused, can't swallow or feel you may pass out, call 911 now. Shall I note that?"
    );
    let Outcome::Alert { plan, .. } = said.outcome else { panic!("an alert") };
    let done = stage.perform(JUNE, "reading.log", plan).await;
    assert_eq!(done.rendered.text, "I've noted it: blood sugar 48 mg/dL. Please don't wait with what I said about it.");
    let Outcome::Done { changes, .. } = done.outcome else { panic!("done") };
    assert!(matches!(&changes[..], [Change::KeepReading { .. }]), "and it is kept");
    stage.commit(JUNE, changes).await.expect("it fits");
    // In a room the board says it before anybody has said yes.
    let said = stage
        .ask_at(Surface::Room(wellspoken::policy::RoomId::parse("12").expect("fits")), JUNE, "reading.log", &low)
        .await;
    assert_eq!(
        said.rendered.text,
        "Blood sugar, 48 mg/dL. That needs somebody now. I've put it on the nurses' board as an emergency. Press your call \
         button too. Shall I note that?"
    );
    // Every alarm has words of its own at home.
    #[rustfmt::skip]
    let rows = vec![
        ("blood pressure", bp(185.0, 100.0), "alert", "chest pain"),
        ("blood pressure", bp(85.0, 50.0), "confirm", "call your care team today"),
        ("blood sugar", n(65.0, None), "confirm", "call your care team today"),
        ("blood sugar", n(320.0, None), "confirm", "call your care team today"),
        ("blood sugar", n(640.0, None), "alert", "very sleepy"),
        ("oxygen", n(85.0, None), "alert", "lips look blue"),
        ("oxygen", n(91.0, None), "confirm", "care team today"),
        ("temperature", n(106.0, None), "alert", "stiff neck"),
        ("temperature", n(103.5, None), "confirm", "care team today"),
        ("temperature", n(93.0, None), "alert", "in the cold"),
        ("heart rate", n(150.0, None), "alert", "very fast"),
        ("heart rate", n(35.0, None), "alert", "very slow"),
    ];
    for (measure, value, kind, words) in rows {
        let said = stage.ask(MILO, "reading.log", &[("measure", text(measure)), ("value", value)]).await;
        assert_eq!(said.kind, kind, "{}", said.rendered.text);
        assert!(said.rendered.text.contains(words), "{}", said.rendered.text);
        assert!(!said.rendered.text.contains("normal"));
    }
    // Where it is not known yet who speaks, the turn says the same.
    let facts = Facts::new("danger")
        .with("measure", "blood sugar")
        .with("amount", serde_json::json!({"value": "48", "unit": "mg/dL"}))
        .with("alarm", "sugar_very_low")
        .with("emergency", true)
        .with("again", false)
        .with("room", true)
        .with("emergency_number", "911");
    assert!(stage.render("reading.log", &facts).text.contains("on the nurses' board"));
    // High once is a call, high again within a day an emergency.
    let high = [("measure", text("blood sugar")), ("value", n(310.0, None))];
    stage.agreed(MILO, "reading.log", &high).await;
    let said = stage.ask(MILO, "reading.log", &high).await;
    assert_eq!((said.kind, said.rendered.text.contains("high sugar that stays can be an emergency")), ("alert", true));
}

async fn what_the_readings_say(stage: &Stage) {
    for (day, upper) in [(24, 142.0), (26, 138.0), (28, 136.0)] {
        stage.agreed(ROSA, "reading.log", &[("value", bp(upper, 84.0)), ("date", days((11, day), (11, day)))]).await;
    }
    #[rustfmt::skip]
    table(stage, "reading.trend", vec![
        (ROSA, vec![("measure", text("blood pressure"))], "answer", "You told me 4 readings of blood pressure in the last 30 days. The average is 137 over 84, the lowest 131 over 84, the highest 142 over 84. The earlier and the later ones average the same."),
        (ROSA, vec![("measure", text("blood pressure")), ("period", days((11, 23), (11, 30)))], "answer", "You told me 3 readings of blood pressure from Monday, November 23rd to yesterday. The average is 139 over 84, the lowest 136 over 84, the highest 142 over 84."),
        (ROSA, vec![("measure", text("blood pressure")), ("period", days((11, 28), (11, 30)))], "answer", "You told me one blood pressure in that time: 136 over 84, Saturday, November 28th."),
        (ROSA, vec![("measure", text("blood pressure")), ("period", days((10, 1), (10, 5)))], "answer", "You told me no blood pressure from Thursday, October 1st to Monday, October 5th."),
        (ROSA, vec![("measure", text("weight"))], "answer", "I have no weight of yours here. You can tell me one, and I'll note it."),
        (ROSA, vec![("measure", text("sleep"))], "answer", "I can't keep sleep here. I note blood pressure, blood sugar, heart rate, temperature, weight and oxygen."),
        (ROSA, vec![], "ask", "Which measurement do you mean?"),
    ]).await;
    #[rustfmt::skip]
    table(stage, "reading.insight", vec![
        (ROSA, vec![("measure", text("blood pressure"))], "answer", "Your 4 blood pressures of the last 14 days average 137 over 84. The American Heart Association suggests to talk with your care team about averages of 130 over 80 or more. You told me 3 blood pressures in the last 7 days. The American Heart Association suggests to measure at the same times each day, twice with a minute between. What it means for you, your care team can tell."),
        (ROSA, vec![("measure", text("weight"))], "answer", "I have no weight of yours here. You can tell me one, and I'll note it."),
        (ROSA, vec![("measure", text("sleep"))], "answer", "I can't keep sleep here. I note blood pressure, blood sugar, heart rate, temperature, weight and oxygen."),
        (MILO, vec![("measure", text("blood sugar"))], "answer", "Nothing in your readings falls under a rule that I have. That doesn't say that they're fine. What they mean for you, your care team can tell."),
    ]).await;
}
