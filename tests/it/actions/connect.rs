//! Connecting records of other organizations, as it is begun aloud.

use jiff::SignedDuration;
use wellspoken::{
    actions::{Change, Connecting, Outcome, Plan},
    policy::{Event, JournalEntry, RoomId, Surface},
    store::{CommitError, ConnectionAccess, NewConnection, Secret},
};

use super::{JUNE, ROSA, Stage, text};

const CONNECT: &str = "record.connect";

fn mercy() -> Connecting {
    let organizations = vec![("mercy".into(), "Mercy Hospital".into()), ("lake".into(), "Lake Clinic".into())];
    Connecting { page: "voice.clinic.example/connect".into(), organizations }
}

pub async fn all(stage: &Stage) {
    let words = |said: &super::stage::Said| (said.kind, said.rendered.text.clone());
    stage.offers(None);
    let none = stage.ask(ROSA, CONNECT, &[]).await;
    assert_eq!(
        words(&none),
        ("answer", "I can't connect records from other places here yet. Please ask the staff.".into())
    );
    stage.offers(Some(mercy()));
    let named = |name: &str| [("organization", text(name))];
    for (said, want) in [
        ("the university hospital", "I can't connect that place here. I can connect Mercy Hospital and Lake Clinic."),
        (
            "mercy",
            "Open your own page here and look for My health records. Choose Mercy Hospital, sign in there, and decide what I may read.",
        ),
        (
            "my other hospital",
            "Open your own page here and look for My health records. Choose the hospital or clinic, sign in there, and decide what I may read.",
        ),
    ] {
        assert_eq!(words(&stage.ask(ROSA, CONNECT, &named(said)).await), ("answer", want.into()), "{said}");
    }
    let home = Surface::Home(RoomId::parse("kitchen").expect("fits"));
    let asked = stage.ask_at(home, ROSA, CONNECT, &named("mercy hospital")).await;
    assert_eq!(
        words(&asked),
        ("confirm", "You can let me read your records from Mercy Hospital. I'll say a code aloud that you type into a page, and you sign in there. Shall I?".into())
    );
    let Outcome::Confirm { plan: Plan::Connect { organization }, .. } = &asked.outcome else { panic!("a plan") };
    assert_eq!(organization.as_deref(), Some("mercy"));
    let done = stage.perform(ROSA, CONNECT, Plan::Connect { organization: Some("mercy".into()) }).await;
    assert_eq!(
        words(&done),
        ("done", "On a phone or computer, open voice.clinic.example/connect, and type in this code: 48291357. It works for 10 minutes, once. Then sign in where your records are, and choose what I may read.".into())
    );
    let Outcome::Done { changes, .. } = done.outcome else { panic!("changes") };
    assert!(matches!(changes.as_slice(), [Change::LetConnect { code, .. }] if code == "48291357"));
    stage.commit(ROSA, changes).await.expect("it fits");
    what_came_of_it_is_said_with_where_it_is_from(stage).await;
}

/// A prescription and a result of June's, fetched from elsewhere so many days ago.
async fn connected(stage: &Stage, organization: &str, days: i64) {
    let (person, fetched) = (stage.person(JUNE).clone(), stage.now - SignedDuration::from_hours(24 * days));
    let entry = |event| JournalEntry {
        event,
        subject: Some(person.clone()),
        actor: None,
        intent: None,
        channel: "import",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        // What was connected first comes first.
        at: stage.now + SignedDuration::from_secs(days),
    };
    let secret = || Secret(zeroize::Zeroizing::new("a-token".to_owned()));
    let new = NewConnection {
        organization,
        name: organization,
        patient: "p",
        access: ConnectionAccess { access: secret(), refresh: None, expires: stage.now },
        granted: &[],
    };
    let id = stage.store.keep_connection(new, &entry(Event::Connection)).await.expect("kept");
    let mut held = stage.store.claim_connection(&id, stage.now).await.expect("asked").expect("claimed");
    held.details.fetched = Some(fetched);
    let kinds = ["MedicationRequest", "Observation", "Condition", "AllergyIntolerance", "Immunization"];
    held.details.used = kinds.map(|kind| (kind.to_owned(), 1)).into();
    let old = days > 30;
    let bundle = serde_json::json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "resource": { "resourceType": "Patient", "id": "p", "birthDate": "1984-08-09", "name": [{ "family": "Whitlock", "given": ["June"] }] } },
        { "resource": {
            "resourceType": "MedicationRequest", "id": "1", "status": "active", "intent": "order",
            "medicationCodeableConcept": { "text": if old { "montelukast 10 MG Oral Tablet" } else { "levothyroxine 50 MCG Oral Tablet" } },
            "subject": { "reference": "Patient/p" },
        } },
        { "resource": {
            "resourceType": "Observation", "id": "2", "status": "final", "category": [{ "coding": [{ "code": "laboratory" }] }],
            "code": { "text": if old { "Ferritin" } else { "Calcium" } }, "effectiveDateTime": "2026-03-02T10:00:00Z",
            "valueQuantity": { "value": 42, "unit": "ng/mL" }, "subject": { "reference": "Patient/p" },
        } },
        { "resource": {
            "resourceType": "Observation", "id": "3", "status": "final", "category": [{ "coding": [{ "code": "vital-signs" }] }],
            "code": { "coding": [{ "code": if old { "8302-2" } else { "9279-1" } }] }, "effectiveDateTime": "2026-03-02T10:00:00Z",
            "valueQuantity": { "value": if old { 170 } else { 16 }, "code": if old { "cm" } else { "/min" } },
            "subject": { "reference": "Patient/p" },
        } },
        { "resource": {
            "resourceType": "Condition", "id": "4", "code": { "text": if old { "gout" } else { "asthma" } },
            "clinicalStatus": { "coding": [{ "code": "active" }] },
            "verificationStatus": { "coding": [{ "code": "confirmed" }] }, "subject": { "reference": "Patient/p" },
        } },
        { "resource": {
            "resourceType": "AllergyIntolerance", "id": "5", "code": { "text": if old { "latex" } else { "penicillin" } },
            "clinicalStatus": { "coding": [{ "code": "active" }] }, "patient": { "reference": "Patient/p" },
        } },
        { "resource": {
            "resourceType": "Immunization", "id": "6", "status": "completed", "patient": { "reference": "Patient/p" },
            "vaccineCode": { "text": if old { "Tdap" } else { "Influenza, seasonal" } },
            "occurrenceDateTime": if old { "2019-06-12" } else { "2025-10-21" },
        } },
        { "resource": {
            "resourceType": "Appointment", "id": "7", "status": "booked", "end": "2026-12-22T16:00:00Z",
            "start": if old { "2026-12-22T15:30:00Z" } else { "2026-12-21T15:30:00Z" },
            "participant": [{ "actor": { "reference": "Patient/p" }, "status": "accepted" }],
        } },
    ] });
    let chart = wellspoken::records::fhir_bundle::parse(bundle.to_string().as_bytes()).expect("a chart");
    assert!(stage.store.keep_fetched(&held, &chart, stage.now, &entry(Event::Imported)).await.expect("kept"));
}

async fn what_is_connected(stage: &Stage) {
    let said = async |who: &'static str, slots: &[_]| {
        let said = stage.ask(who, "record.connections", slots).await;
        assert_eq!(said.kind, "answer");
        said.rendered.text
    };
    let of = |name: &str| [("organization", text(name))];
    let from = |name: &str| [("medicine", text(name))];
    assert_eq!(
        said(ROSA, &[]).await,
        "You haven't connected records of any other place here. To do that, say: connect my health records."
    );
    let all = said(JUNE, &[]).await;
    assert!(all.starts_with("Mercy Hospital is connected, and your records came in"), "{all}");
    assert!(all.contains(" Lake Clinic is connected, and your records came in"), "{all}");
    for part in ["medicines", "results", "conditions", "allergies", "vaccines"] {
        assert_eq!(all.matches(part).count(), 2, "{all}");
    }
    let lake = said(JUNE, &of("lake clinic")).await;
    assert!(lake.starts_with("Lake Clinic is connected") && !lake.contains("Mercy"), "{lake}");
    assert_eq!(
        said(JUNE, &of("the university hospital")).await,
        "You haven't connected that place here. What is connected is Mercy Hospital and Lake Clinic."
    );
    assert_eq!(said(JUNE, &from("levothyroxine")).await, "Your levothyroxine is from the records of Mercy Hospital.");
    assert_eq!(
        said(ROSA, &from("lisinopril")).await,
        "Your lisinopril is in the record kept here. Dr. Anita Patel prescribed it."
    );
    assert_eq!(
        said(JUNE, &from("eliquis")).await,
        "I don't see eliquis on your list here. Your pharmacy or care team can check."
    );
}

#[rustfmt::skip]
async fn disconnected_aloud(stage: &Stage) {
    const DISCONNECT: &str = "record.disconnect";
    let said = async |who: &'static str, slots: &[_]| {
        let said = stage.ask(who, DISCONNECT, slots).await;
        (said.kind, said.rendered.text)
    };
    let named = |name: &str| [("organization", text(name))];
    for (who, slots, want) in [
        (ROSA, vec![], ("answer", "I have no records from other places, so there is nothing to disconnect.")),
        (JUNE, vec![], ("ask", "You have connected Mercy Hospital and Lake Clinic. Which of them shall I disconnect? You can also say all of them.")),
        (JUNE, named("all of them").to_vec(), ("confirm", "I'll delete what I fetched from Mercy Hospital and Lake Clinic, and tell them that I no longer read your records there. Shall I?")),
        (JUNE, named("the university hospital").to_vec(), ("answer", "You haven't connected that place here. What is connected is Mercy Hospital and Lake Clinic.")),
        (JUNE, named("lake").to_vec(), ("confirm", "I'll delete what I fetched from Lake Clinic, and tell them that I no longer read your records there. Shall I?")),
    ] {
        assert_eq!(said(who, &slots).await, (want.0, want.1.to_owned()));
    }
    let person = stage.person(JUNE);
    let hold = stage.store.place_hold(&person, "a lawsuit", "legal", stage.now).await.expect("placed");
    let kept = said(JUNE, &[]).await;
    assert!(kept.0 == "answer" && kept.1.contains("nothing of yours is deleted"), "{}", kept.1);
    stage.store.lift_hold(&person, Some(&hold), "settled", "legal", stage.now).await.expect("lifted");
    let Outcome::Confirm { plan, .. } = stage.ask(JUNE, DISCONNECT, &named("lake")).await.outcome else {
        panic!("read back")
    };
    let (once, twice) = (stage.perform(JUNE, DISCONNECT, plan.clone()).await, stage.perform(JUNE, DISCONNECT, plan).await);
    assert_eq!(
        once.rendered.text,
        "It's done. I have nothing from Lake Clinic any more. You can connect them again at any time."
    );
    let changes = |outcome| match outcome {
        Outcome::Done { changes, .. } => changes,
        _ => panic!("done"),
    };
    stage.commit(JUNE, changes(once.outcome)).await.expect("it fits");
    assert!(matches!(stage.commit(JUNE, changes(twice.outcome)).await, Err(CommitError::Conflict(_))), "once");
    let left = stage.ask(JUNE, "prescription.list", &[]).await.rendered.text;
    assert!(left.contains("levothyroxine") && !left.contains("montelukast"), "{left}");
    assert_eq!(stage.store.connections(&person).await.expect("read").len(), 1);
}

async fn what_came_of_it_is_said_with_where_it_is_from(stage: &Stage) {
    let said = async |action: &str, slots: &[_]| stage.ask(JUNE, action, slots).await.rendered.text;
    connected(stage, "Mercy Hospital", 1).await;
    connected(stage, "Lake Clinic", 200).await;
    assert_eq!(
        said("prescription.list", &[]).await,
        "You have 2 medicines on your list: levothyroxine and montelukast. Levothyroxine is from Mercy Hospital. \
         Montelukast is from Lake Clinic, fetched on Friday, May 15th. Your full list is on your page."
    );
    let renew = said("prescription.renew", &[("medicine", text("levothyroxine"))]).await;
    assert_eq!(
        renew,
        "Your levothyroxine is from Mercy Hospital, so nobody here can fill it. Please ask Mercy Hospital for more."
    );
    let old = said("record.lab_result", &[("test", text("ferritin"))]).await;
    assert!(old.contains("It's from Lake Clinic, fetched on Friday, May 15th."), "{old}");
    let fresh = said("record.lab_result", &[("test", text("calcium"))]).await;
    assert!(fresh.contains("It's from Mercy Hospital."), "{fresh}");
    let (here, there) = ("from Mercy Hospital", "from Lake Clinic, fetched on Friday, May 15th");
    for (action, slots, parts) in [
        ("record.conditions", vec![], [format!("Asthma is {here}."), format!("Gout is {there}.")]),
        ("record.allergies", vec![], [format!("Penicillin is {here}."), format!("Latex is {there}.")]),
        ("record.allergies", vec![("medicine", text("latex"))], [format!("It's {there}."), "latex".into()]),
        ("record.immunizations", vec![], [format!(" is {here}."), format!(" is {there}.")]),
        ("record.immunizations", vec![("vaccine", text("tetanus"))], [format!("It's {there}."), "Tdap".into()]),
        ("record.vitals", vec![("measure", text("breathing rate"))], [format!("It's {here}."), "16".into()]),
        ("record.vitals", vec![("measure", text("height"))], [format!("It's {there}."), "170".into()]),
        ("record.vitals", vec![], [format!("Breathing rate is {here}."), format!("Height is {there}.")]),
        ("appointment.next", vec![], [format!("It's {here}."), "December 21st".into()]),
        ("appointment.list", vec![], [format!(", {here};"), ", from Lake Clinic.".into()]),
    ] {
        let words = said(action, &slots).await;
        assert!(parts.iter().all(|part| words.contains(part.as_str())), "{action}: {words}");
    }
    what_is_connected(stage).await;
    disconnected_aloud(stage).await;
    for connection in stage.store.connections(&stage.person(JUNE)).await.expect("readable") {
        let entry = JournalEntry {
            event: Event::Connection,
            subject: Some(stage.person(JUNE).clone()),
            actor: None,
            intent: None,
            channel: "chat",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("disconnected"),
            at: stage.now,
        };
        stage.store.disconnect(&stage.person(JUNE), &connection.id, &entry).await.expect("done").expect("there");
    }
    assert!(said("prescription.list", &[]).await.starts_with("I have no medicines on record here."));
}
