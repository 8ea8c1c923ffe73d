//! Medicines: how a renewal is followed to the door, what is due and was taken, reminders, pairs on the list.

use jiff::civil::date;
use wellspoken::{
    actions::{Facts, Moved, Outcome, Plan, RenewalState},
    nlu::{Recurring, SlotValue, TimeUnit},
    policy::{RoomId, Surface},
};

use super::{JUNE, ROSA, at, on, stage::Stage, text};

const MILO: &str = "milo-tran.json";

/// Every line about medicines.
pub async fn all(stage: &Stage) {
    what_is_on_its_way(stage).await;
    a_no_is_told_with_its_reason(stage).await;
    from_the_prescriber_to_the_door(stage).await;
    which_pharmacy(stage).await;
    what_is_due(stage).await;
    what_is_due_at_a_time_that_is_asked_about(stage).await;
    what_was_taken(stage).await;
    what_to_be_reminded_of(stage).await;
    which_go_together(stage).await;
    which_go_with_ones_own(stage).await;
    names_in_doubt_are_asked_about(stage).await;
    in_a_hospital_room_the_nurse_gives_them(stage).await;
}

fn every(of: TimeUnit, every: u16, times: u16) -> SlotValue {
    SlotValue::Recurring(Recurring { every, of, times, on: vec![], after: None, before: None })
}

type Row<'a> = (&'a str, Vec<(&'a str, SlotValue)>, &'a str, &'a str);

async fn each(stage: &Stage, action: &str, rows: Vec<Row<'_>>) {
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words), "{action}");
    }
}

async fn which_pharmacy(stage: &Stage) {
    let to = |name: &str| vec![("pharmacy", text(name))];
    #[rustfmt::skip]
    each(stage, "prescription.pharmacy", vec![
        (ROSA, vec![], "ask", "As far as I can see, your prescriptions go to Lakeside Pharmacy. To change that, tell me the name of the pharmacy you'd like."),
        (JUNE, vec![], "ask", "I have no pharmacy on record for you here. Tell me the name of the one you'd like."),
        (ROSA, to("Walgreens"), "ask", "I don't know a pharmacy called Walgreens. The ones I know are Gloamwick Apothecary and Lakeside Pharmacy. For any other, please call your care team."),
        (ROSA, to("the pharmacy on Harbor Street"), "confirm", "Your renewals to Lakeside Pharmacy, 3 Harbor Street, from now on. Shall I change it?"),
    ]).await;
    assert_eq!(
        stage.agreed(ROSA, "prescription.pharmacy", &to("apothecary")).await,
        "From now on, what I ask for goes to Gloamwick Apothecary. What is already on its way stays where it is."
    );
    #[rustfmt::skip]
    each(stage, "prescription.pharmacy", vec![
        (ROSA, vec![], "ask", "Your renewals go to Gloamwick Apothecary, 9 Gloamwick Row. To change that, tell me the name of the pharmacy you'd like."),
        (ROSA, to("Gloamwick Apothecary"), "answer", "Your renewals already go to Gloamwick Apothecary, 9 Gloamwick Row."),
        (ROSA, to("gloamwick lakeside"), "ask", "I don't know a pharmacy called gloamwick lakeside. The ones I know are Gloamwick Apothecary and Lakeside Pharmacy. For any other, please call your care team."),
    ]).await;
    let twice = Facts::new("which").with("options", ["Lakeside Pharmacy", "Lakeside Pharmacy North"]);
    let words = stage.render("prescription.pharmacy", &twice).text;
    assert_eq!(words, "I know 2 of those: Lakeside Pharmacy or Lakeside Pharmacy North. Which one do you mean?");
}

async fn what_is_due(stage: &Stage) {
    let of = |medicine: &str| vec![("medicine", text(medicine))];
    // Ten in the morning.
    #[rustfmt::skip]
    each(stage, "medicine.next_dose", vec![
        (ROSA, vec![], "answer", "It's time for lisinopril, 1 tablet, in the morning. I have no note that you took metformin earlier today. Don't take extra to catch up: the label or your pharmacist can tell you what to do. I have no set time for amlodipine: please go by the label. I leave out zolpidem: it is as needed."),
        (MILO, vec![], "answer", "It's time for fluticasone, 2 puffs, in the morning. I leave out albuterol: it is as needed."),
        (JUNE, vec![], "answer", "I have no set times for your medicines on record here. Please go by the label."),
        (ROSA, of("metformin"), "answer", "Your next metformin is today at 6 PM, 1 tablet. I have no note of an earlier one today. Don't take extra to catch up: the label or your pharmacist can tell you what to do."),
        (ROSA, of("lisinopril"), "answer", "It's time for your lisinopril, 1 tablet: in the morning."),
        (ROSA, of("zolpidem"), "answer", "I can't say when: zolpidem is as needed. Dr. Samuel Okafor wrote: Take one tablet by mouth at bedtime as needed for sleep."),
        (ROSA, of("amlodipine"), "answer", "I have no set time for amlodipine on record here. Dr. Anita Patel wrote: Take one tablet by mouth every day at the same time."),
        (ROSA, of("amoxicillin"), "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        ("odd", of("digoxin"), "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
        ("odd", of("losartan"), "answer", "I have no more losartan coming on record here. Your pharmacist or care team can check."),
        (ROSA, of("eliquis"), "answer", "I don't see eliquis on your list here. Please ask your pharmacist before you take it."),
    ]).await;
}

async fn what_is_due_at_a_time_that_is_asked_about(stage: &Stage) {
    let part = |part: &str| vec![("part", text(part))];
    let mut tomorrow = part("morning");
    tomorrow.push(("date", on(12, 2)));
    let left_out = "I have no set time for amlodipine: please go by the label. I leave out zolpidem: it is as needed.";
    let (tonight, morning) = (
        format!("Tonight: metformin, 1 tablet, at 6 PM; atorvastatin, 1 tablet, at bedtime. {left_out}"),
        format!(
            "Tomorrow in the morning: metformin, 1 tablet, at 8 AM; lisinopril, 1 tablet, in the morning. {left_out}"
        ),
    );
    let noon = format!("Around noon today I have nothing with a set time. {left_out}");
    #[rustfmt::skip]
    each(stage, "medicine.next_dose", vec![
        (ROSA, part("night"), "answer", &tonight),
        (ROSA, tomorrow, "answer", &morning),
        (ROSA, part("noon"), "answer", &noon),
        (JUNE, part("dinner"), "answer", "Around dinner today I have nothing with a set time."),
    ]).await;
    let day = Facts::new("none_then").with("day", date(2026, 12, 9)).with("noted", true).with("part", "evening");
    let twice = day.with("twice", ["metoprolol"]).with("open", [""; 0]).with("needed", [""; 0]);
    assert_eq!(
        stage.render("medicine.next_dose", &twice).text,
        "Wednesday, December 9th in the evening I have nothing with a set time that you haven't noted as taken. I see more than \
         one order of metoprolol, so I can't tell which one to take: please ask your pharmacist before you take any."
    );
}

async fn what_was_taken(stage: &Stage) {
    let of = |medicine: &str| vec![("medicine", text(medicine))];
    #[rustfmt::skip]
    each(stage, "medicine.history", vec![
        (ROSA, of("metformin"), "answer", "I have no note of metformin today. That doesn't mean that you didn't take it. Check your pill box, and if you aren't sure, ask your pharmacist before you take it again."),
        (ROSA, of("eliquis"), "answer", "I don't see eliquis on your list here. Your pharmacist can check."),
    ]).await;
    // "I took my pills", at ten in the morning: what is due then, together.
    let words = stage.agreed(ROSA, "medicine.taken", &[]).await;
    assert_eq!(words, "I've noted it: lisinopril and metformin, today at 10 AM.");
    let words = stage.agreed(ROSA, "medicine.taken", &[("medicine", text("atorvastatin")), ("date", on(11, 30))]).await;
    assert_eq!(words, "I've noted it: atorvastatin, yesterday at some time.");
    #[rustfmt::skip]
    each(stage, "medicine.taken", vec![
        (ROSA, of("amlodipine"), "confirm", "Amlodipine, taken today at 10 AM. Shall I note that?"),
        (ROSA, vec![("medicine", text("amlodipine")), ("time", at(8, 0))], "confirm", "Amlodipine, taken today at 8 AM. Shall I note that?"),
        (ROSA, of("metformin"), "answer", "I already have a note of metformin for about that time, so I won't note it twice. If you took it a second time, call your pharmacist now."),
        (ROSA, vec![], "answer", "I already have a note of lisinopril and metformin for about that time, so I won't note it twice. If you took it a second time, call your pharmacist now."),
        (ROSA, vec![("medicine", text("amlodipine")), ("date", on(12, 1)), ("time", at(23, 0))], "answer", "That time hasn't come yet, so I noted nothing."),
        (ROSA, vec![("medicine", text("amlodipine")), ("date", on(11, 2))], "answer", "I only note the last seven days, so I noted nothing."),
        (ROSA, of("amoxicillin"), "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        ("odd", of("digoxin"), "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
        (ROSA, of("eliquis"), "answer", "I don't see eliquis on your list here, so I can't note it. Your pharmacist can check."),
        (JUNE, vec![], "ask", "Which medicine did you take?"),
    ]).await;
    // A second yes to what was read back before, as when two devices are open, notes nothing twice.
    let doses =
        vec![wellspoken::actions::TakenDose { prescription: "rosa-metformin".into(), medicine: "metformin".into() }];
    let again = stage.perform(ROSA, "medicine.taken", Plan::Taken { doses, at: stage.now, part: None }).await;
    assert_eq!(again.kind, "answer", "{}", again.rendered.text);
    let gone = vec![wellspoken::actions::TakenDose { prescription: "none".into(), medicine: "x".into() }];
    let gone = stage.perform(ROSA, "medicine.taken", Plan::Taken { doses: gone, at: stage.now, part: None }).await;
    assert_eq!(
        gone.rendered.text,
        "I can't find that on your list any more, so I noted nothing. Your pharmacist can help."
    );
    #[rustfmt::skip]
    each(stage, "medicine.history", vec![
        (ROSA, of("metformin"), "answer", "You noted metformin at 10 AM, today."),
        (ROSA, vec![], "answer", "You noted lisinopril at 10 AM and metformin at 10 AM, today."),
        (ROSA, vec![("date", on(11, 30))], "answer", "You noted atorvastatin at some time, yesterday."),
    ]).await;
    // What is noted is not asked for a second time.
    #[rustfmt::skip]
    each(stage, "medicine.next_dose", vec![
        (ROSA, vec![], "answer", "Nothing is due right now. Next, today: metformin, 1 tablet, at 6 PM. I have no set time for amlodipine: please go by the label. I leave out zolpidem: it is as needed."),
        (ROSA, of("metformin"), "answer", "Your next metformin is today at 6 PM, 1 tablet."),
    ]).await;
    #[rustfmt::skip]
    each(stage, "medicine.missed", vec![
        (ROSA, of("metformin"), "answer", "I can't tell you what to do about a missed metformin. Dr. Samuel Okafor wrote: Take one tablet by mouth twice a day with meals. Your last note of it is today at 10 AM. Don't take two doses at once. The leaflet says what to do, and your pharmacist can tell you."),
        (ROSA, vec![], "answer", "I can't tell you what to do about a missed dose. Don't take two doses at once. The leaflet of that medicine says what to do, and your pharmacist can tell you."),
        (ROSA, of("eliquis"), "answer", "I don't see eliquis on your list here. Please ask your pharmacist, and don't take two doses at once."),
        (ROSA, of("amoxicillin"), "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        ("odd", of("digoxin"), "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
    ]).await;
}

async fn what_to_be_reminded_of(stage: &Stage) {
    let of = |medicine: &str| vec![("medicine", text(medicine)), ("time", at(8, 0))];
    let daily = |medicine: &str| {
        let mut slots = of(medicine);
        slots.push(("recurrence", every(TimeUnit::Day, 1, 1)));
        slots
    };
    let mut twice = of("metformin");
    twice.push(("recurrence", every(TimeUnit::Day, 1, 2)));
    #[rustfmt::skip]
    each(stage, "medicine.remind", vec![
        (ROSA, of("metformin"), "confirm", "A reminder for metformin, tomorrow at 8 AM. Shall I set it?"),
        (ROSA, daily("metformin"), "confirm", "A reminder for metformin, every day at 8 AM. Shall I set it?"),
        (ROSA, vec![("time", at(20, 0))], "confirm", "A reminder for your medicines, today at 8 PM. Shall I set it?"),
        (ROSA, daily("vitamin D"), "confirm", "A reminder for vitamin D, every day at 8 AM. Shall I set it?"),
        (ROSA, vec![("medicine", text("metformin"))], "ask", "At what time exactly?"),
        (ROSA, twice, "answer", "I can ring once, every day, every few days or on days of the week, at one time each. Please tell me one time, and set another reminder for the next."),
        (ROSA, of("amoxicillin"), "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        ("odd", of("digoxin"), "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
    ]).await;
    #[rustfmt::skip]
    each(stage, "reminder.list", vec![(JUNE, vec![], "answer", "You have no reminders here.")]).await;
    #[rustfmt::skip]
    each(stage, "reminder.cancel", vec![
        (JUNE, vec![], "answer", "I don't find a reminder like that. You can ask me which ones there are."),
        (JUNE, vec![("medicine", text("metformin"))], "answer", "I have no reminder for metformin. You can ask me which ones there are."),
    ]).await;
    let words = stage.agreed(ROSA, "medicine.remind", &daily("metformin")).await;
    assert_eq!(words, "I'll remind you of metformin, every day at 8 AM.");
    stage.agreed(ROSA, "medicine.remind", &[("time", at(20, 0))]).await;
    #[rustfmt::skip]
    each(stage, "reminder.list", vec![
        (ROSA, vec![], "answer", "You have 2 reminders: your medicines today at 8 PM; metformin every day at 8 AM."),
    ]).await;
    let words = stage.agreed(ROSA, "reminder.cancel", &[("medicine", text("metformin"))]).await;
    assert_eq!(words, "I've ended that reminder.");
    #[rustfmt::skip]
    each(stage, "reminder.cancel", vec![
        (ROSA, vec![], "confirm", "1 reminder: your medicines today at 8 PM. Shall I end it?"),
    ]).await;
    let Outcome::Confirm { plan, .. } = stage.ask(ROSA, "medicine.remind", &daily("lisinopril")).await.outcome else {
        panic!("read back")
    };
    let Plan::Remind { reminder } = &plan else { panic!("a reminder") };
    let many = vec![wellspoken::actions::Change::Remind { reminder: reminder.clone() }; 40];
    stage.commit("odd", many).await.expect("they fit");
    let words = stage.perform("odd", "medicine.remind", plan).await.rendered.text;
    assert_eq!(words, "You have as many reminders as I can keep. Please end one first.");
    let ended = Facts::new("list").with("count", 1).with("more", 0).with("silent", ["simvastatin"]);
    let item = serde_json::json!({"medicine": "simvastatin", "at": stage.now, "every": "day", "n": 1, "days": []});
    assert_eq!(
        stage.render("reminder.list", &ended.with("items", [item])).text,
        "You have 1 reminder: simvastatin every day at 10 AM. I don't ring for simvastatin any more: your record says that it \
         was stopped or is on hold."
    );
    // What a device says when it rings.
    for (facts, words) in [
        (Facts::new("ring"), "You have a reminder."),
        (Facts::new("ring_of").with("medicine", "metformin"), "It's time for your metformin."),
        (Facts::new("ring_all"), "It's time for your medicines."),
    ] {
        assert_eq!(stage.render("reminder.list", &facts).text, words);
    }
}

async fn which_go_together(stage: &Stage) {
    let pair = |one: &str, other: &str| vec![("medicine", text(one)), ("medicine2", text(other))];
    for (slots, words) in [
        (
            pair("sertraline", "phenelzine"),
            "Sertraline with phenelzine is on a list of pairs that should not be taken together: the national high-priority list of 2012, number 8. Please talk to your pharmacist before you take both. If you are taking both already, call them today, and don't stop anything on your own.",
        ),
        (
            pair("ibuprofen", "warfarin"),
            "I have nothing on ibuprofen together with warfarin. That doesn't mean that they go together: please ask your pharmacist.",
        ),
        (
            pair("acetaminophen", "acetaminophen"),
            "Those look like the same medicine to me: acetaminophen. Please ask your pharmacist before you take both.",
        ),
    ] {
        let said = stage.ask_from(Surface::ThirdParty, "medicine.interaction", &slots).await;
        assert_eq!(said.rendered.text, words);
    }
}

/// The same against the person's own list: the order for sertraline is in it.
async fn which_go_with_ones_own(stage: &Stage) {
    let ask = "medicine.interaction_own";
    each(
        stage,
        ask,
        vec![
            (
                "odd",
                vec![("medicine", text("phenelzine"))],
                "answer",
                "Phenelzine with sertraline is on a list of pairs that should not be taken together: the national high-priority list of 2012, number 8. Please talk to your pharmacist before you take phenelzine. If you are taking both already, call them today, and don't stop anything on your own.",
            ),
            (
                ROSA,
                vec![("medicine", text("ibuprofen"))],
                "answer",
                "I have nothing on ibuprofen together with the 5 medicines on your list here. That doesn't mean that they go together, and your list here may not be whole: please ask your pharmacist.",
            ),
            (
                ROSA,
                vec![],
                "answer",
                "I have nothing on the 5 medicines on your list here together. That doesn't mean that they go together, and your list here may not be whole: please ask your pharmacist.",
            ),
        ],
    )
    .await;
    let unsure = Facts::new("alike").with("doubt", "heard").with("options", ["phenylephrine"]);
    for ask in [ask, "medicine.interaction"] {
        assert_eq!(stage.render(ask, &unsure).text, "Did you say phenylephrine?");
    }
    let nobody = Facts::new("no_list").with("medicine", "ibuprofen").with("own", false);
    assert_eq!(
        stage.render(ask, &nobody).text,
        "I see no medicine of yours here to check ibuprofen against. Please ask your pharmacist."
    );
}

/// Each intent that looks a medicine up asks first where its name is taken for another, or two of it are on the list.
async fn names_in_doubt_are_asked_about(stage: &Stage) {
    for action in ["medicine.next_dose", "medicine.taken", "medicine.history", "medicine.missed", "medicine.remind"] {
        for (medicine, words) in [
            ("sertraline ~ cetirizine", "Those names sound alike. Do you mean sertraline or cetirizine?"),
            ("setraline ~ cetirizine", "I see cetirizine on your list. Is that the one you mean?"),
            ("warfarin", "I see 2 of those: warfarin 5 mg tablet and warfarin 2.5 mg tablet. Which one do you mean?"),
        ] {
            let said = stage.ask("odd", action, &[("medicine", text(medicine)), ("time", at(8, 0))]).await;
            assert_eq!((said.kind, said.rendered.text.as_str()), ("ask", words), "{action}");
        }
    }
}

async fn in_a_hospital_room_the_nurse_gives_them(stage: &Stage) {
    for (action, words) in [
        (
            "medicine.next_dose",
            "Here in the hospital your nurse gives you your medicines and knows when the next one is due.",
        ),
        (
            "medicine.taken",
            "Here in the hospital your nurse keeps track of your medicines. Please tell your nurse what you took.",
        ),
        ("medicine.history", "Here in the hospital your nurse keeps track of your medicines. Please ask your nurse."),
        ("medicine.interaction_own", "Here in the hospital please ask your nurse before you take anything."),
        ("medicine.missed", "Here in the hospital please tell your nurse about it right away."),
        ("medicine.remind", "Here in the hospital your nurse gives you your medicines, so I set no reminder."),
    ] {
        let room = Surface::Room(RoomId::parse("room-7").expect("fits"));
        let said = stage.ask_at(room, ROSA, action, &[("medicine", text("metformin"))]).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("answer", words), "{action}");
    }
}

async fn status(stage: &Stage, who: &str, medicine: &str) -> String {
    stage.ask(who, "prescription.status", &[("medicine", text(medicine))]).await.rendered.text
}

/// What somebody will be told of a medicine without having asked.
async fn news_of(stage: &Stage, who: &str, medicine: &str) -> Vec<String> {
    let person = stage.person(who);
    let permit = crate::store::place::permit(&stage.store, &person).await;
    let news = stage.store.untold(&person).await.expect("read").reveal(&permit).expect("theirs");
    let words = news.into_iter().map(|kept| stage.render("dialogue.common", &kept.notice.facts).text);
    words.filter(|words| words.contains(medicine)).collect()
}

async fn what_is_on_its_way(stage: &Stage) {
    let words = status(stage, MILO, "fluticasone").await;
    assert_eq!(words, "Your fluticasone is on its way. It was sent yesterday with UPS, due on Thursday, December 3rd.");
}

async fn a_no_is_told_with_its_reason(stage: &Stage) {
    stage.agreed(ROSA, "prescription.renew", &[("medicine", text("zolpidem"))]).await;
    let words = status(stage, ROSA, "zolpidem").await;
    assert_eq!(
        words,
        "I've put it to Dr. Samuel Okafor. You asked for more zolpidem today, and there is no answer yet."
    );
    let (person, id) = (stage.person(ROSA).clone(), stage.renewal_id(ROSA, "rosa-zolpidem").await);
    let no = Moved {
        reason: Some("please come in so that we can talk about your sleep".into()),
        ..RenewalState::Denied.into()
    };
    stage.store.advance_renewal(&person, &id, no, "Dr. Patel", stage.now).await.expect("a step");
    assert_eq!(
        news_of(stage, ROSA, "zolpidem").await,
        ["By the way, Dr. Patel said no to more zolpidem: please come in so that we can talk about your sleep. \
          Please call your care team about what to do next."]
    );
    let words = status(stage, ROSA, "zolpidem").await;
    assert_eq!(
        words,
        "Dr. Patel said no to more zolpidem today: please come in so that we can talk about your sleep. \
         Please call your care team about what to do next."
    );
}

async fn from_the_prescriber_to_the_door(stage: &Stage) {
    use RenewalState::{Approved, Delivered, Filled, Shipped};
    stage.agreed("odd", "prescription.renew", &[("medicine", text("omeprazole"))]).await;
    let (person, id) = (stage.person("odd").clone(), stage.renewal_id("odd", "e1").await);
    let sent = Moved { carrier: Some("UPS".into()), due: Some(date(2026, 12, 4)), ..Shipped.into() };
    #[rustfmt::skip]
    let steps: [(Moved, &str, &str); 4] = [
        (Approved.into(), "Your omeprazole was approved today. The pharmacy hasn't marked it ready yet.", "It's approved, and not ready yet."),
        (Filled.into(), "Lakeside Pharmacy has filled your omeprazole. It isn't ready to pick up yet.", "It's filled, and not ready yet."),
        (sent, "Your omeprazole is on its way. It was sent today with UPS, due on Friday, December 4th.", "It's on its way."),
        (Delivered.into(), "Your omeprazole was delivered today.", "Shall I ask your prescriber?"),
    ];
    let yes = "By the way, Kim said yes to more omeprazole. The pharmacy hasn't marked it ready yet.";
    let sent_off = "By the way, your omeprazole is on its way with UPS, due on Friday, December 4th.";
    let news = [yes, yes, sent_off, "By the way, your omeprazole was delivered."];
    for ((moved, told, again), news) in steps.into_iter().zip(news) {
        stage.store.advance_renewal(&person, &id, moved, "Kim", stage.now).await.expect("a step");
        assert_eq!(news_of(stage, "odd", "omeprazole").await, [news]);
        assert_eq!(status(stage, "odd", "omeprazole").await, told);
        let asked = stage.ask("odd", "prescription.renew", &[("medicine", text("omeprazole"))]).await;
        assert!(asked.rendered.text.ends_with(again), "{}", asked.rendered.text);
    }
}
