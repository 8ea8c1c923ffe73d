//! Every action against a real store, rendered with the replies that ship: who asks what, and the words that
//! come back. The last test fails when a reply is never said by any line here.

mod calls;
mod connect;
mod contacts;
mod house;
mod meals;
mod medicines;
mod notifications;
mod readings;
mod rooms;
mod stage;
mod urgent;
mod visits;
mod waits;

use std::collections::BTreeSet;

use jiff::civil::{date, time};
use stage::Stage;
use wellspoken::{
    actions::{Action, Change, Conflict, Facts, Outcome, Plan, RenewalState, Route},
    nlu::{SlotValue, When, catalogue::Catalogue},
    policy::{Agreements, RoomId, Scope, Surface, Use},
    speech::reply::Moment,
    store::{Checked, CommitError},
};

fn text(value: &str) -> SlotValue {
    SlotValue::Text(value.into())
}

fn on(month: i8, day: i8) -> SlotValue {
    let day = Some(date(2026, month, day));
    SlotValue::When(When { from: day, to: day, after: None, before: None })
}

fn at(hour: i8, minute: i8) -> SlotValue {
    let time = Some(time(hour, minute, 0, 0));
    SlotValue::When(When { from: None, to: None, after: time, before: time })
}

fn week(month: i8, day: i8) -> SlotValue {
    let (from, to) = (Some(date(2026, month, day)), Some(date(2026, month, day + 4)));
    SlotValue::When(When { from, to, after: None, before: None })
}

const ROSA: &str = "rosa-delgado.json";
const JUNE: &str = "empty-chart.json";

async fn how_far_a_prescription_is(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![], "answer", "Your lisinopril is ready at Lakeside Pharmacy."),
        (ROSA, vec![("medicine", text("lisinopril"))], "answer", "Your lisinopril is ready at Lakeside Pharmacy."),
        (ROSA, vec![("medicine", text("metformin"))], "answer", "Your metformin was picked up on Wednesday, November 4th. It has 3 refills left."),
        (ROSA, vec![("medicine", text("amoxicillin"))], "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        (ROSA, vec![("medicine", text("eliquis"))], "answer", "I don't see eliquis on your list here. Your pharmacy or care team can check."),
        (JUNE, vec![], "answer", "I don't see anything being filled right now. Your full list is on your page."),
        ("odd", vec![], "answer", "Your losartan is on its way. Your furosemide is being filled. Your gabapentin is on hold at the pharmacy. Your full list is on your page."),
        ("odd", vec![("medicine", text("warfarin"))], "ask", "I see 2 of those: warfarin 5 mg tablet and warfarin 2.5 mg tablet. Which one do you mean?"),
        ("odd", vec![("medicine", text("losartan"))], "answer", "Your losartan is on its way. It was sent on Thursday, October 1st."),
        ("odd", vec![("medicine", text("furosemide"))], "answer", "The pharmacy is working on your furosemide. It isn't ready yet."),
        ("odd", vec![("medicine", text("gabapentin"))], "answer", "The pharmacy has put your gabapentin on hold. Please call them to ask why."),
        ("odd", vec![("medicine", text("cetirizine"))], "answer", "The last fill of your cetirizine was cancelled. Please ask your pharmacy why."),
        ("odd", vec![("medicine", text("digoxin"))], "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
        ("odd", vec![("medicine", text("sertraline"))], "answer", "I have no fill of sertraline on record here. Your pharmacy can check."),
        ("odd", vec![("medicine", text("sertraline ~ cetirizine"))], "ask", "Those names sound alike. Do you mean sertraline or cetirizine?"),
        ("odd", vec![("medicine", text("setraline ~ cetirizine"))], "ask", "I see cetirizine on your list. Is that the one you mean?"),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "prescription.status", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn what_can_be_renewed(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![("medicine", text("lisinopril"))], "answer", "Your lisinopril is filled and ready at Lakeside Pharmacy."),
        (ROSA, vec![("medicine", text("metformin"))], "confirm", "Metformin, 500 mg tablet. You have 3 refills left. Shall I ask the pharmacy for one?"),
        (ROSA, vec![("medicine", text("atorvastatin"))], "confirm", "Atorvastatin, 20 mg tablet. You have no refills left. Shall I ask Dr. Anita Patel?"),
        (ROSA, vec![("medicine", text("zolpidem"))], "confirm", "Zolpidem, 5 mg tablet. This one always needs the prescriber's okay. Shall I ask Dr. Samuel Okafor?"),
        (ROSA, vec![("medicine", text("amlodipine"))], "answer", "It's too soon for more amlodipine. You can ask again on Thursday, February 4th, 2027. If you're running short, call your pharmacy."),
        (ROSA, vec![("medicine", text("amoxicillin"))], "answer", "Amoxicillin is marked as stopped on your record, so I can't ask for more. Please talk to Dr. Samuel Okafor first."),
        (ROSA, vec![("medicine", text("eliquis"))], "answer", "I don't see eliquis on your list here, so I can't ask for it. Your pharmacy or care team can check."),
        ("odd", vec![("medicine", text("warfarin"))], "ask", "I see 2 of those: warfarin 5 mg tablet and warfarin 2.5 mg tablet. Which one do you mean?"),
        ("odd", vec![("medicine", text("warfarin 2.5 mg tablet"))], "confirm", "Warfarin, 2.5 mg tablet. You have 1 refill left. Shall I ask the pharmacy for one?"),
        ("odd", vec![("medicine", text("digoxin"))], "answer", "Digoxin is on hold on your record, so I can't ask for more. Please talk to your care team first."),
        ("odd", vec![("medicine", text("sertraline ~ cetirizine"))], "ask", "Those names sound alike. Do you mean sertraline or cetirizine?"),
        (ROSA, vec![("medicine", text("metformin ~ metronidazole"))], "confirm", "Metformin, 500 mg tablet. You have 3 refills left. Shall I ask the pharmacy for one?"),
        ("odd", vec![("medicine", text("sertraline"))], "confirm", "Sertraline, 1 mg tablet. The prescriber decides about more of it. Shall I ask your prescriber?"),
        ("odd", vec![("medicine", text("omeprazole"))], "confirm", "Omeprazole, 1 mg tablet. The prescription has run out. Shall I ask your prescriber?"),
        ("odd", vec![("medicine", text("losartan"))], "answer", "Your losartan is on its way."),
        ("odd", vec![("medicine", text("furosemide"))], "answer", "The pharmacy is working on your furosemide now."),
        ("odd", vec![("medicine", text("gabapentin"))], "answer", "The pharmacy has put your gabapentin on hold. Please call them to ask why."),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "prescription.renew", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn the_list_of_medicines(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![], "answer", "You have 5 medicines on your list: lisinopril, metformin, atorvastatin, zolpidem and amlodipine. Your full list is on your page."),
        (JUNE, vec![], "answer", "I have no medicines on record here. Your full list is on your page."),
        ("odd", vec![], "answer", "You have 9 medicines on your list: warfarin, sertraline, prednisone, omeprazole, losartan and furosemide, and 3 more. Your full list is on your page."),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "prescription.list", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn how_to_take_it(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![("medicine", text("lisinopril"))], "answer", "Lisinopril, 10 mg tablet. Dr. Anita Patel wrote: Take one tablet by mouth every morning."),
        (ROSA, vec![("medicine", text("amoxicillin"))], "answer", "Amoxicillin is marked as stopped on your record. Ask your care team before you take any."),
        (ROSA, vec![("medicine", text("eliquis"))], "answer", "I don't see eliquis on your list here. Please ask your pharmacist before you take it."),
        ("odd", vec![("medicine", text("warfarin"))], "ask", "I see 2 of those: warfarin 5 mg tablet and warfarin 2.5 mg tablet. Which one do you mean?"),
        ("odd", vec![("medicine", text("digoxin"))], "answer", "Digoxin is on hold on your record. Ask your care team before you take any."),
        ("odd", vec![("medicine", text("sertraline ~ cetirizine"))], "ask", "Those names sound alike. Do you mean sertraline or cetirizine?"),
        ("odd", vec![("medicine", text("sertraline"))], "answer", "I have no written directions for sertraline on record here. Please ask your pharmacist."),
        ("odd", vec![("medicine", text("prednisone"))], "answer", "The directions for prednisone are too long to read out. You'll find them on the label and on your page."),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "medicine.instructions", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn the_next_visit(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![], "answer", "Your next visit is Thursday, December 10th at 10:30 AM with Dr. Anita Patel, at Lakeside Clinic, second floor. The clinic says: Please do not eat for 8 hours before this visit. You may drink water, and take your morning medicines as usual."),
        (ROSA, vec![("provider", text("Dr. Samuel Okafor"))], "answer", "I have no coming visit with Dr. Samuel Okafor on record here."),
        (JUNE, vec![], "answer", "I have no coming visits on record here. You can ask me to book one."),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "appointment.next", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn what_can_be_booked(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![("date", on(12, 3))], "ask", "On Thursday, December 3rd, I have 9:30 AM with Dr. Anita Patel, 1:30 PM with Dr. Anita Patel or 4 PM with Dr. Samuel Okafor. Which one would you like?"),
        (ROSA, vec![("date", on(12, 3)), ("provider", text("Dr. Anita Patel"))], "ask", "On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM or 1:30 PM. Which one would you like?"),
        (ROSA, vec![("date", on(12, 3)), ("time", at(9, 0)), ("provider", text("Dr. Anita Patel"))], "ask", "Nothing is free then. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM or 1:30 PM. Which one would you like?"),
        (ROSA, vec![("date", on(12, 6)), ("provider", text("Dr. Anita Patel"))], "ask", "Nothing is free then. Dr. Anita Patel has Friday, December 4th at 11 AM, Monday, December 7th at 9 AM, or Tuesday, December 8th at 10 AM. Which one would you like?"),
        (ROSA, vec![("date", week(12, 7)), ("specialty", text("cardiologist"))], "ask", "Dr. Anita Patel has Monday, December 7th at 9 AM, Tuesday, December 8th at 10 AM, or Wednesday, December 9th at 9 AM. Which one would you like?"),
        (ROSA, vec![("date", on(11, 30))], "ask", "That day is over. Which day would suit you?"),
        (ROSA, vec![("date", on(12, 3)), ("provider", text("Dr. Nobody"))], "answer", "I can't book with Dr. Nobody from here. Please call the clinic."),
        (ROSA, vec![], "ask", "Which day would suit you?"),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "appointment.book", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn laboratory_results(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, vec![], "answer", "I've asked your care team to go over your potassium result from yesterday with you. If you feel unwell, call them now."),
        (ROSA, vec![("test", text("cholesterol"))], "answer", "Your lipid panel from Thursday, November 19th. Total cholesterol 211 mg/dL, above the lab's range of up to 200; LDL cholesterol 131, above the lab's range of up to 100, down from 150 on Tuesday, November 18th, 2025; HDL cholesterol 52, in range; Triglycerides 140, in range. It measures all the cholesterol in the blood, LDL and HDL together. LDL is called the bad cholesterol, because most of what builds up in arteries comes from it. Dr. Samuel Okafor wrote: Your LDL cholesterol is a little above the goal we set together. Please keep taking your atorvastatin, and we will check it again in three months. Your full list is on your page."),
        (ROSA, vec![("test", text("LDL"))], "answer", "Your LDL cholesterol was 131 mg/dL on Thursday, November 19th. That is above the lab's range, up to 100. It was 150 mg/dL the time before, on Tuesday, November 18th, 2025. LDL is called the bad cholesterol, because most of what builds up in arteries comes from it. Dr. Samuel Okafor wrote: Your LDL cholesterol is a little above the goal we set together. Please keep taking your atorvastatin, and we will check it again in three months."),
        (ROSA, vec![("test", text("A1C"))], "answer", "Your hemoglobin A1c was 6.8% on Thursday, November 19th. That is above the lab's range, 4 to 5.6. It tells the average of the blood sugar over the last three months. Dr. Samuel Okafor wrote: Your average sugar is close to where we want it. Keep going with the walks and the metformin."),
        (ROSA, vec![("test", text("kidney function"))], "answer", "Your creatinine was 0.8 mg/dL on Thursday, November 19th. That is in the lab's range, 0.5 to 1.1. Creatinine is a waste product that the kidneys filter out. Your care team can tell you what it means for you."),
        (ROSA, vec![("test", text("potassium"))], "answer", "I've asked your care team to go over your potassium result from yesterday with you. If you feel unwell, call them now."),
        (ROSA, vec![("test", text("vitamin D"))], "answer", "I have no vitamin D result on record here. Your care team can check."),
        (JUNE, vec![], "answer", "I have no lab results on record here. Your care team can check."),
        ("odd", vec![("test", text("sodium"))], "answer", "Your sodium was 120 mg/dL on Thursday, November 19th. That is below the lab's range, 135 and up. Your care team can tell you what it means for you."),
        ("odd", vec![("test", text("culture"))], "answer", "Your culture was odd on Thursday, November 19th. The lab marked it as out of the ordinary. It's an early result and may still change. Your care team can tell you what it means for you."),
        ("odd", vec![("test", text("strep"))], "answer", "Your strep was negative on Thursday, November 19th. The lab gave no range that I can compare it with. There is a long note with it. You'll find it on your page."),
        ("odd", vec![], "answer", "Your lab results from Thursday, November 19th. Sodium 120 mg/dL, below the lab's range from 135 up; Culture odd, marked by the lab; Strep negative. Some of it is early and may still change. There are long notes with them. Your full list is on your page."),
    ];
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, "record.lab_result", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

/// Asked for, approved or denied, ready, picked up: what is said at each step, and what a second request meets.
async fn a_renewal_on_its_way(stage: &Stage) {
    let of = |medicine: &str| vec![("medicine", text(medicine))];
    let words = stage.agreed(ROSA, "prescription.renew", &of("metformin")).await;
    assert_eq!(words, "I've put in your request for more metformin. Lakeside Pharmacy still has to fill it.");
    assert_eq!(
        stage.ask(ROSA, "prescription.status", &of("metformin")).await.rendered.text,
        "Your request for more metformin is still waiting for an answer. You asked today."
    );
    let words = stage.agreed(ROSA, "prescription.renew", &of("atorvastatin")).await;
    assert_eq!(words, "I've put in your request to Dr. Anita Patel for more atorvastatin. They still have to say yes.");
    let again = stage.ask(ROSA, "prescription.renew", &of("metformin")).await;
    assert_eq!(
        again.rendered.text,
        "You asked for more metformin today, so I won't ask twice. It's still waiting for an answer."
    );
    // A second yes to the same read-back, as when two devices are open, finds the request and does not ask twice.
    let plan =
        || Plan::Renew { prescription: "rosa-metformin".into(), medicine: "metformin".into(), route: Route::Pharmacy };
    assert_eq!(stage.perform(ROSA, "prescription.renew", plan()).await.kind, "answer");
    let change = || Change::Renew {
        prescription: "rosa-metformin".into(),
        medicine: "metformin".into(),
        strength: None,
        prescriber: None,
        pharmacy: None,
        route: Route::Pharmacy,
    };
    let refused = stage.commit(ROSA, vec![change()]).await;
    assert!(matches!(refused, Err(CommitError::Conflict(Conflict::AlreadyOpen))));

    use RenewalState::{Approved, Denied, PickedUp, Ready, Shipped};
    let person = stage.person(ROSA).clone();
    let id = stage.renewal_id(ROSA, "rosa-metformin").await;
    let other = stage.renewal_id(ROSA, "rosa-atorvastatin").await;
    #[rustfmt::skip]
    let steps = [
        (&id, Approved, "metformin", "Your metformin was approved today. The pharmacy hasn't marked it ready yet.", "It's approved, and not ready yet."),
        (&id, Ready, "metformin", "Your metformin is ready at Lakeside Pharmacy.", "It's ready."),
        (&id, PickedUp, "metformin", "Your metformin was picked up today.", "Shall I ask the pharmacy for one?"),
        (&other, Denied, "atorvastatin", "pharmacist said no to more atorvastatin today. Please call your care team about what to do next.", "Shall I ask Dr. Anita Patel?"),
    ];
    assert_eq!(
        stage.ask(ROSA, "prescription.status", &of("atorvastatin")).await.rendered.text,
        "I've put it to Dr. Anita Patel. You asked for more atorvastatin today, and there is no answer yet."
    );
    for (id, to, medicine, status, renew) in steps {
        stage.store.advance_renewal(&person, id, to, "pharmacist", stage.now).await.expect("a step");
        assert_eq!(stage.ask(ROSA, "prescription.status", &of(medicine)).await.rendered.text, status);
        let words = stage.ask(ROSA, "prescription.renew", &of(medicine)).await.rendered.text;
        assert!(words.ends_with(renew), "{words}");
    }
    let words = stage.agreed("odd", "prescription.renew", &of("montelukast")).await;
    assert!(words.starts_with("I've put in your request"), "{words}");
    let person = stage.person("odd").clone();
    let id = stage.renewal_id("odd", "r1").await;
    for to in [Approved, Shipped] {
        stage.store.advance_renewal(&person, &id, to, "pharmacist", stage.now).await.expect("a step");
    }
    let words = stage.ask("odd", "prescription.renew", &of("montelukast")).await.rendered.text;
    assert_eq!(words, "You asked for more montelukast today, so I won't ask twice. It's on its way.");

    let gone = Plan::Renew { prescription: "none".into(), medicine: "x".into(), route: Route::Pharmacy };
    let said = stage.perform(ROSA, "prescription.renew", gone).await;
    assert_eq!(said.rendered.text, "I can't find that prescription any more, so I didn't ask. Your pharmacy can help.");
    // What was agreed to no longer fits: it is read back afresh, not done another way.
    let stale =
        Plan::Renew { prescription: "rosa-zolpidem".into(), medicine: "zolpidem".into(), route: Route::Pharmacy };
    assert_eq!(stage.perform(ROSA, "prescription.renew", stale).await.kind, "confirm");
}

/// Three free times, one picked, read back, booked; whoever comes too late gets others.
async fn a_visit_gets_booked(stage: &Stage) {
    let day = vec![("date", on(12, 3)), ("provider", text("Dr. Anita Patel"))];
    let offered = stage.ask(ROSA, "appointment.book", &day).await;
    let Outcome::Ask { slot, options, .. } = offered.outcome else { panic!("times are offered") };
    assert_eq!((slot.as_str(), options.len()), ("slot", 2));
    let mut picked = day.clone();
    picked.push(("slot", options[1].value.clone()));
    picked.push(("reason", text("my knee")));
    let read_back = stage.ask(ROSA, "appointment.book", &picked).await;
    assert_eq!(
        read_back.rendered.text,
        "Thursday, December 3rd at 1:30 PM with Dr. Anita Patel, about my knee. Shall I book it?"
    );
    let Outcome::Confirm { plan, .. } = read_back.outcome else { panic!("read back") };
    let Plan::Book { slot, .. } = &plan else { panic!("a booking") };
    let slot = slot.clone();

    // June is as quick as Rosa: both are past the last look when the first of them commits.
    let hers = stage.perform(ROSA, "appointment.book", plan.clone()).await;
    let theirs = stage.perform(JUNE, "appointment.book", plan.clone()).await;
    let (Outcome::Done { changes: hers_changes, .. }, Outcome::Done { changes, conflict, .. }) =
        (hers.outcome, theirs.outcome)
    else {
        panic!("both looked free")
    };
    assert_eq!(
        hers.rendered.text,
        "You're booked with Dr. Anita Patel on Thursday, December 3rd at 1:30 PM, at Lakeside Clinic, second floor."
    );
    stage.commit(ROSA, hers_changes).await.expect("the first gets it");
    let refused = stage.commit(JUNE, changes).await;
    assert!(matches!(refused, Err(CommitError::Conflict(Conflict::SlotTaken))));
    assert_eq!(
        stage.render("appointment.book", &conflict).text,
        "Somebody just took that time, so nothing is booked. Tell me another day or time and I'll look again."
    );
    let late = stage.perform(JUNE, "appointment.book", plan).await;
    assert_eq!(late.kind, "ask");
    assert_eq!(
        late.rendered.text,
        "That time is no longer free. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM. Would that work?"
    );

    let next = stage.ask(ROSA, "appointment.next", &[]).await.rendered.text;
    assert!(next.starts_with("Your next visit is Thursday, December 3rd at 1:30 PM with Dr. Anita Patel"), "{next}");
    // Rosa is not offered another doctor's time while she is with this one.
    let elsewhere = stage.ask(ROSA, "appointment.book", &[("date", on(12, 3)), ("time", at(13, 30))]).await;
    assert!(elsewhere.rendered.text.starts_with("Nothing is free then."), "{}", elsewhere.rendered.text);
    assert!(!elsewhere.rendered.text.contains("1:30"), "{slot_id}", slot_id = slot.id);

    let nobody =
        stage.ask("odd", "appointment.book", &[("date", on(12, 3)), ("provider", text("Dr. Lee Quiet"))]).await;
    assert_eq!(
        nobody.rendered.text,
        "I don't see any free times with Dr. Lee Quiet in the next two months. Please call the clinic."
    );
}

/// Nurse and emergency: what goes on the board, what is said, and what is never said.
async fn help_in_a_room_and_elsewhere(stage: &Stage) {
    let room = || Surface::Room(RoomId::parse("12").expect("fits"));
    let home = || Surface::Home(RoomId::parse("kitchen").expect("fits"));
    let kind = |k: &str| vec![("kind", text(k)), ("need", text("help me"))];
    #[rustfmt::skip]
    let rows = vec![
        (room(), "nurse.request", vec![("need", text("a blanket"))], "done", "I've put your call on the nurses' board. If it can't wait, press your call button."),
        (home(), "nurse.request", vec![], "answer", "I can't call a nurse from here. Please call your care team. In an emergency, call 911."),
        (room(), "emergency.help", kind("breathing"), "done", "I've put this on the nurses' board as an emergency. Press your call button too."),
        (home(), "emergency.help", kind("breathing"), "answer", "Call 911 now. I can't call for you."),
        (home(), "emergency.help", kind("suicidal"), "answer", "Call 911 now. I can't call for you. You can also call or text 988 and talk to someone at any hour."),
        (Surface::Chat, "emergency.help", vec![], "answer", "Call 911 now. I can't call for you."),
        (Surface::ThirdParty, "emergency.help", vec![], "answer", "Call 911 now. I can't call for you from this speaker."),
        (room(), "emergency.cancel", vec![], "done", "The nurses' board now says that you are okay. Only the staff can close the call."),
        (home(), "emergency.cancel", vec![], "answer", "I haven't called anyone. If you called 911, please tell them that you are okay."),
        (room(), "human.talk", vec![], "done", "I've put it on the nurses' board that you want to talk to a person. If it can't wait, press your call button."),
        (Surface::Chat, "human.talk", vec![], "answer", "Please call your care team to talk to a person. In an emergency, call 911."),
        (Surface::Chat, "privacy.how_protected", vec![], "answer", "What you say stays with Lakeside Clinic. The sound isn't kept. Your words are locked with a key of their own and go after 24 hours. Every look at your record is logged. None of this has been checked on this system yet."),
        (Surface::ThirdParty, "privacy.how_protected", vec![], "answer", "This speaker belongs to another company, and it may keep what you say. I don't keep it, and I won't talk about your health here."),
    ];
    for (surface, action, slots, kind, words) in rows {
        let said = stage.ask_from(surface, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
        for promise in ["coming", "on the way", "on their way", "someone will", "be there"] {
            assert!(!said.rendered.text.contains(promise), "{words}");
        }
        let Outcome::Done { changes, .. } = said.outcome else { continue };
        match (action, &changes[..]) {
            ("nurse.request", [Change::CallNurse { need, emergency: false, .. }]) => assert_eq!(need, "a blanket"),
            ("emergency.help", [Change::CallNurse { need, emergency: true, .. }]) => assert_eq!(need, "help me"),
            ("emergency.cancel", [Change::PatientSaysCancel { .. }]) => {}
            ("human.talk", [Change::CallNurse { need, emergency: false, .. }]) => assert!(need.contains("a person")),
            _ => panic!("{action} changes something else"),
        }
    }
}

/// Agreeing and taking it back: always a named part, read back; improving by itself.
async fn what_is_agreed_to(stage: &Stage) {
    let part = |p: &str| vec![("scope", text(p))];
    let visits = || Agreements::to_answer(&[Scope::Visits]);
    let both = || visits().with([Use::Improve]);
    let improve = || Agreements::default().with([Use::Improve]);
    #[rustfmt::skip]
    let rows = vec![
        (visits(), "consent.give",   part("medicines"),   "confirm", "You want me to use your medicines to answer you. Is that right?"),
        (both(),   "consent.give",   part("everything"),  "confirm", "You want me to use your medicines and records to answer you. Is that right?"),
        (visits(), "consent.give",   part("visits"),      "answer",  "You already let me use your visits."),
        (visits(), "consent.give",   part("coverage"),    "answer",  "I don't use that part of your record, so there is nothing to agree to."),
        (visits(), "consent.give",   part("improvement"), "confirm", "You want what you say to be counted together with what many others say, without your name, so that I get better at understanding. Is that right?"),
        (both(),   "consent.give",   part("improvement"), "answer",  "You already let me learn from what you say."),
        (visits(), "consent.revoke", part("visits"),      "confirm", "You no longer want me to use your visits. Is that right?"),
        (visits(), "consent.revoke", vec![],              "confirm", "You no longer want me to use your visits. Is that right?"),
        (both(),   "consent.revoke", vec![],              "confirm", "You no longer want me to use your visits, nor to learn from what you say. Is that right?"),
        (both(),   "consent.revoke", part("improvement"), "confirm", "You no longer want me to learn from what you say. Is that right?"),
        (improve(), "consent.revoke", part("everything"), "confirm", "You no longer want me to learn from what you say. Is that right?"),
        (visits(), "consent.revoke", part("medicines"),   "answer",  "I don't use that, so there is nothing to take back."),
    ];
    for (agreed, action, slots, kind, words) in rows {
        stage.agree(agreed);
        let said = stage.ask(ROSA, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
    #[rustfmt::skip]
    let plans = [
        ("consent.give", visits(), vec![Use::Answer(Scope::Medicines)], "answer.medicines,answer.visits,recognize.visits", "Thank you. From now on I may use your medicines. You can take that back at any time."),
        ("consent.give", visits(), vec![Use::Improve], "answer.visits,recognize.visits,improve", "Thank you. From now on what you say helps me get better, counted without your name. You can take that back at any time."),
        ("consent.revoke", both(), vec![Use::Answer(Scope::Visits), Use::Recognize(Scope::Visits)], "improve", "All right. From now on I don't use your visits."),
        ("consent.revoke", both(), vec![Use::Improve], "answer.visits,recognize.visits", "All right. From now on I don't learn from what you say."),
        ("consent.revoke", both(), both().iter().collect(), "", "All right. From now on I don't use your visits, and I don't learn from what you say."),
    ];
    for (action, before, uses, after, words) in plans {
        stage.agree(before);
        let said = stage.perform(ROSA, action, Plan::Consent { given: action == "consent.give", uses }).await;
        assert_eq!(said.rendered.text, words);
        let Outcome::Done { changes, .. } = said.outcome else { panic!("{action} is done") };
        assert!(matches!(&changes[..], [Change::Consent { agreed, seen: 1 }] if agreed.written() == after), "{action}");
    }
    stage.agree(Agreements::to_answer(&Scope::ALL));
}

/// Where saying who one is changes nobody.
async fn who_speaks(stage: &Stage) {
    let room = || Surface::Room(RoomId::parse("7").expect("fits"));
    for (surface, words) in [
        (
            room(),
            "In this room I answer for the person who is staying here, whoever is speaking. For anybody else, please use their own page.",
        ),
        (Surface::Chat, "This page is for whoever signed in to it. To change that, please close it and sign in again."),
    ] {
        let said = stage.ask_from(surface, "account.switch", &[("person", text("Maria"))]).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("answer", words));
    }
    for (surface, action, words) in [
        (
            Surface::Chat,
            "account.link",
            "You're signed in on this page. To sign in on a device, get a code here and say it there.",
        ),
        (
            Surface::Chat,
            "account.pin",
            "You can set a PIN on your own page, in its part for codes and PINs. Please don't write it to me.",
        ),
        (
            room(),
            "account.pin",
            "A PIN is not for others to hear, so I don't take a new one aloud. Please set it on your own page.",
        ),
    ] {
        let said = stage.ask_from(surface, action, &[]).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("answer", words));
    }
}

/// Somebody else is there to hear it.
async fn visitors(stage: &Stage) {
    let room = || Surface::Room(RoomId::parse("7").expect("fits"));
    #[rustfmt::skip]
    let rows = [
        (room(),        "room.visitor",      "done",   "All right. For the next two hours I'll ask before I say anything about you aloud. Tell me when they leave."),
        (room(),        "room.visitor_gone", "done",   "All right."),
        (Surface::Chat, "room.visitor",      "answer", "On this page I answer in writing, to you alone."),
        (Surface::Chat, "room.visitor_gone", "answer", "On this page I answer in writing, to you alone."),
    ];
    for (surface, action, kind, words) in rows {
        let said = stage.ask_from(surface, action, &[]).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
        if let Outcome::Done { changes, .. } = said.outcome {
            let [Change::Visitor { until, .. }] = &changes[..] else { panic!("{action} changes something else") };
            assert_eq!(until.is_some(), action == "room.visitor");
        }
    }
}

/// What a person may know and have done about what is known about them.
async fn what_is_theirs_by_right(stage: &Stage) {
    let days = |from: i8, to: i8| {
        let (from, to) = (Some(date(2026, 11, from)), Some(date(2026, 11, to)));
        vec![("scope", SlotValue::When(When { from, to, after: None, before: None }))]
    };
    let part = |p: &str| vec![("part", text(p))];
    let person = stage.person("odd").clone();
    let hold = stage.store.place_hold(&person, "a lawsuit", "legal", stage.now).await.expect("placed");
    #[rustfmt::skip]
    let rows = vec![
        ("odd", "privacy.forget", part("everything"), "answer", "The law or your care team requires that nothing of yours is deleted for now, so I can't. Your page says whom to ask."),
        (ROSA, "privacy.forget", vec![], "ask", "I can delete this conversation, what you said today, or everything you ever said to me. Which is it?"),
        (ROSA, "privacy.forget", part("conversation"), "confirm", "I'll delete what was said in this conversation. That can't be undone. Shall I?"),
        (JUNE, "privacy.forget", days(29, 29), "answer", "I have nothing of that any more, so there is nothing to delete."),
        (ROSA, "privacy.export", vec![], "confirm", "I'll put a copy of everything I have about you on your own page, where you can download it. I don't read it aloud, and I send it nowhere. Shall I?"),
        (JUNE, "privacy.what_stored", vec![], "answer", "From your record I can name no medicines, no visits and no test results here. Of our earlier talks I have nothing any more; they go after 24 hours. You asked me for no things that the staff can see, and what you agreed to changed 1 time. Your record and the log of who looked at it stay as long as you are known here. Your page shows all of it."),
    ];
    for (who, action, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
    stage.store.lift_hold(&person, Some(&hold), "settled", "legal", stage.now).await.expect("lifted");
    stage.commit(ROSA, vec![]).await.expect("something was said");
    #[rustfmt::skip]
    let rows = vec![
        ("everything", "I'll delete everything you said to me that I still have. That can't be undone. Shall I?"),
        ("today", "I'll delete what you said today. That can't be undone. Shall I?"),
    ];
    for (what, words) in rows {
        let slots = if what == "today" { vec![("scope", on(12, 1))] } else { part(what) };
        let said = stage.ask(ROSA, "privacy.forget", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("confirm", words));
        let Outcome::Confirm { plan, .. } = said.outcome else { panic!("read back") };
        let done = stage.perform(ROSA, "privacy.forget", plan).await;
        assert!(done.rendered.text.starts_with("It's deleted. What stays is what you asked me to do"));
        let Outcome::Done { changes, .. } = done.outcome else { panic!("done") };
        stage.commit(ROSA, changes).await.expect("deleted");
        stage.commit(ROSA, vec![]).await.expect("something else was said");
    }
    let copy = stage.perform(ROSA, "privacy.export", Plan::Copy).await;
    assert_eq!(copy.rendered.text, "It's waiting on your page. Sign in there to download it.");
    let Outcome::Done { changes, .. } = copy.outcome else { panic!("done") };
    stage.commit(ROSA, changes).await.expect("noted");
    let looked = stage.ask(JUNE, "privacy.who_accessed", &[]).await.rendered.text;
    // Once by an import, and where they are at a server once more from there.
    let sent = if stage.asked() > 0 { "2 times" } else { "1 time" };
    let end = format!(
        " on your page. Nobody else opened it. Your care team sent in records {sent}. The full list is on your page."
    );
    assert!(looked.starts_with("In the last 30 days your record was opened ") && looked.ends_with(&end), "{looked}");
    let none = stage.ask(JUNE, "privacy.who_accessed", &[("period", on(11, 3))]).await.rendered.text;
    assert_eq!(none, "On Tuesday, November 3rd nobody opened your record. The full list is on your page.");
}

/// What is said of the protection hangs on what is configured and on the last check, and a broken promise is not
/// promised again.
async fn how_it_is_protected(stage: &Stage) {
    let ask = async || stage.ask_from(Surface::Chat, "privacy.how_protected", &[]).await.rendered.text;
    let at = |hours| stage.now - jiff::SignedDuration::from_hours(hours);
    let check = |hours, broken, unchecked| Checked { at: at(hours), checks: 17, broken, unchecked };
    assert!(ask().await.ends_with("None of this has been checked on this system yet."));
    stage.store.record_check(check(72, 0, 0), "tester").await.expect("kept");
    let held = ask().await;
    assert!(held.ends_with("All 17 promises were last checked on Saturday, November 28th, and held."), "{held}");
    stage.store.record_check(check(48, 0, 1), "tester").await.expect("kept");
    let some = ask().await;
    assert!(some.ends_with("16 of 17 promises held, and the rest could not be looked at."), "{some}");
    stage.store.record_check(check(24, 2, 0), "tester").await.expect("kept");
    assert_eq!(
        ask().await,
        "When the promises about your privacy were last checked, yesterday, 2 of 17 did not hold. Whoever runs this system must look into that first."
    );
    stage.store.record_check(check(0, 0, 0), "tester").await.expect("kept");
    assert!(ask().await.starts_with("What you say stays with Lakeside Clinic. The sound isn't kept."));
}

async fn every_table(stage: &Stage) {
    visitors(stage).await;
    who_speaks(stage).await;
    how_far_a_prescription_is(stage).await;
    what_can_be_renewed(stage).await;
    the_list_of_medicines(stage).await;
    how_to_take_it(stage).await;
    the_next_visit(stage).await;
    what_can_be_booked(stage).await;
    laboratory_results(stage).await;
}

#[tokio::test]
async fn what_is_asked_and_what_is_said() {
    for stage in Stage::both().await {
        every_table(&stage).await;
    }
}

/// Once the server and what is about nobody are known: each question in a request, and where free times are needed in two.
#[tokio::test]
async fn a_question_asks_a_server_at_most_twice() {
    let stage = Stage::at_server().await;
    for (action, slots) in [
        ("prescription.list", vec![]),
        ("prescription.status", vec![("medicine", text("metformin"))]),
        ("prescription.renew", vec![("medicine", text("metformin"))]),
        ("medicine.instructions", vec![("medicine", text("lisinopril"))]),
        ("appointment.next", vec![]),
        ("appointment.book", vec![("date", on(12, 3))]),
        ("record.lab_result", vec![("test", text("LDL cholesterol"))]),
    ] {
        stage.ask(ROSA, action, &slots).await;
        let before = stage.asked();
        stage.ask(ROSA, action, &slots).await;
        let asked = stage.asked() - before;
        println!("{action}: {asked}");
        assert!((1..=2).contains(&asked), "{action} asked {asked} times");
    }
}

#[tokio::test]
async fn a_renewal_is_asked_for_once_and_followed_to_the_end() {
    for stage in Stage::both().await {
        a_renewal_on_its_way(&stage).await;
    }
}

#[tokio::test]
async fn medicines_are_told_of_and_followed() {
    for stage in Stage::both().await {
        medicines::all(&stage).await;
    }
}

#[tokio::test]
async fn other_organizations_are_connected_and_named() {
    for stage in Stage::both().await {
        connect::all(&stage).await;
    }
}

#[tokio::test]
async fn a_room_hears_of_its_own_calls() {
    for stage in Stage::both().await {
        calls::all(&stage).await;
    }
}

#[tokio::test]
async fn news_is_told_and_kept_quiet() {
    for stage in Stage::both().await {
        notifications::all(&stage).await;
    }
}

#[tokio::test]
async fn the_record_and_readings_are_told_of() {
    for stage in Stage::both().await {
        readings::all(&stage).await;
    }
}

#[tokio::test]
async fn a_free_time_is_booked_once() {
    for stage in Stage::both().await {
        a_visit_gets_booked(&stage).await;
    }
}

#[tokio::test]
async fn a_right_needs_no_agreement() {
    for stage in Stage::both().await {
        what_is_theirs_by_right(&stage).await;
        how_it_is_protected(&stage).await;
    }
}

#[tokio::test]
async fn help_is_recorded_and_never_promised() {
    for stage in Stage::both().await {
        help_in_a_room_and_elsewhere(&stage).await;
    }
}

/// Every reply of the catalogue has been said by a line above with the facts its action really gives, or needs
/// no facts at all. A template that names a missing value fails here, not in front of a patient.
#[tokio::test]
async fn every_reply_is_said_by_some_line() {
    // Two of each besides, where nothing was booked yet.
    let local = [Stage::open().await, Stage::open().await, Stage::open().await];
    let server = [Stage::at_server().await, Stage::at_server().await, Stage::at_server().await];
    for stages in [&local, &server] {
        everything(stages).await;
        let said = stages.iter().flat_map(|stage| stage.said.lock().expect("said").clone()).collect();
        all_said(&stages[0], &said);
    }
    every_action_ran_on_both(&local, &server);
}

async fn everything([stage, other, third]: &[Stage; 3]) {
    every_table(stage).await;
    a_renewal_on_its_way(stage).await;
    medicines::all(stage).await;
    a_visit_gets_booked(stage).await;
    help_in_a_room_and_elsewhere(stage).await;
    what_is_agreed_to(stage).await;
    what_is_theirs_by_right(stage).await;
    notifications::all(stage).await;
    calls::all(stage).await;
    readings::all(stage).await;
    connect::all(stage).await;
    visits::all(other).await;
    waits::all(third).await;
    urgent::all(third).await;
    rooms::all(third).await;
    house::all(third).await;
    meals::all(third).await;
    contacts::all(third).await;
}

/// Actions that ask a record and that no line asks about somebody whose records are at a server, and why not.
const NOT_AT_A_SERVER: [(&str, &str); 0] = [];

/// Prints which actions ran where, and fails where one that asks a record ran on one backend alone.
fn every_action_ran_on_both(local: &[Stage], server: &[Stage]) {
    let mut missing = Vec::new();
    println!("{:<28} {:>5} {:>6}", "action", "local", "server");
    for action in Action::ALL {
        let name = action.name();
        let ran = |stages: &[Stage]| stages.iter().map(|stage| stage.ran(name)).sum::<usize>();
        let (here, there) = (ran(local), ran(server));
        let why = NOT_AT_A_SERVER.iter().find(|(action, _)| *action == name).map(|(_, why)| *why);
        let note = why.or(action.floor().scope.is_none().then_some("asks no part of a record")).unwrap_or_default();
        println!("{name:<28} {here:>5} {there:>6} {note}");
        if here == 0 || (there == 0) != why.is_some() {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "not asked on both backends, or with a reason that is none: {missing:?}");
}

fn all_said(stage: &Stage, said: &BTreeSet<(String, String)>) {
    let moment = Moment { now: stage.now, zone: jiff::tz::TimeZone::UTC };
    let mut unsaid = Vec::new();
    // What nothing is connected to says only that, whatever replies wait for the day it is.
    for def in Catalogue::builtin().expect("the catalogue").intents().iter().filter(|def| def.action.is_some()) {
        for reply in def.replies.keys() {
            let needs_nothing = def.name.starts_with("dialogue.")
                || reply == "meant"
                || reply == "headline"
                || reply.starts_with("ask_");
            if needs_nothing {
                // What the conversation itself says of policy, with what it gives.
                let facts = Facts::new(reply).with("part", "visits").with("minutes", 5).with("count", 3);
                let facts = facts.with("read", stage.now).with("today", true);
                let facts = facts.with("start", stage.now).with("to", stage.now).with("saved", stage.now);
                let facts = facts.with("provider", "Dr. Patel").with("medicine", "metformin");
                let facts = facts.with("zone", ());
                let facts = facts.with("from", "Mercy Hospital").with("fetched", stage.now);
                let facts = facts.with("pharmacy", "Harbor Pharmacy").with("carrier", "UPS").with("due", stage.now);
                let facts = facts.with("prescriber", "Dr. Patel").with("paused", true).with("test", "lipid panel");
                let facts = facts
                    .with("parts", ["lab results"])
                    .with("changed", true)
                    .with("by", "Dr. Patel")
                    .with("reason", "A test comes first.");
                let rendered = stage.replies.render(&def.name, &facts, &moment);
                assert!(rendered.is_ok(), "{}", rendered.err().map(|e| e.to_string()).unwrap_or_default());
            } else if !said.contains(&(def.name.clone(), reply.clone())) {
                unsaid.push(format!("{}.{reply}", def.name));
            }
        }
    }
    // What the turn itself says where it asks whether it is an emergency.
    for reply in ["perhaps", "if_so", "stood_down", "stood_down_room"] {
        for (kind, number) in [("suicidal", "911"), ("breathing", "112"), ("", "911")] {
            let facts = Facts::new(reply).with("kind", kind).with("emergency_number", number);
            let rendered = stage.replies.render("emergency.help", &facts, &moment);
            assert!(rendered.is_ok(), "{reply}: {}", rendered.err().map(|e| e.to_string()).unwrap_or_default());
        }
        unsaid.retain(|name| *name != format!("emergency.help.{reply}"));
    }
    // A part that other replies include.
    let parts = [
        "appointment.book.options",
        "medicine.next_dose.span",
        "medicine.next_dose.twice",
        "reading.log.alarm",
        "record.lab_result.purpose",
        "room.control.be",
        "room.control.amount",
        "stay.plan.home",
        "urgent_care.find.now",
        "urgent_care.find.emergency",
    ];
    unsaid.retain(|name| !parts.contains(&name.as_str()) && name != "appointment.list.visits");
    assert!(unsaid.is_empty(), "no line says {unsaid:?}");
}
