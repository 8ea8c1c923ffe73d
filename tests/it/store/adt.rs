//! Messages of the admission system on both databases: what they change, what survives them, and what is left of them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use sqlx::{AssertSqlSafe, Row as _};
use wellspoken::{
    actions::Change,
    ambient::Ambient,
    fleet::{
        Admissions,
        adt::{Customs, Location},
    },
    policy::PersonId,
    store::{KeyOwner, Store, TurnCommit},
};

use super::place::{self, CANARIES, Place, admitted, at, commit, credential, room, session, turn};

super::on_both!(
    a_stay_begins_moves_and_ends,
    what_was_said_in_a_stay_ends_with_it,
    an_open_call_survives_every_message,
    a_message_that_comes_twice_counts_once,
    a_bed_that_nobody_mapped_waits,
    what_a_cancelled_discharge_brings_back,
    whoever_is_not_known_is_made_known_by_name_alone,
    what_cannot_be_read_is_kept_to_be_looked_at,
    what_was_told_last_is_forgotten_in_time,
    nothing_of_a_message_is_in_clear,
    a_stay_that_was_interrupted_in_its_end_loses_its_key_later,
);

/// A hospital with two mapped beds, 136-A and 136-B, and somebody known with the number MRN-77123.
struct Hospital {
    store: Store,
    admissions: Admissions,
    patient: PersonId,
    next: std::cell::Cell<u32>,
}

impl Hospital {
    async fn open(place: &Place) -> Self {
        let store = place.open().await;
        let patient = admitted(&store, None).await;
        let systems = BTreeMap::from([("MERCY".to_owned(), "urn:hospital".to_owned())]);
        let admissions = Admissions::new(store.clone(), Customs { zone: TimeZone::UTC, systems });
        for bed in ["136-A", "136-B"] {
            let location = Location::parse(&format!("4E^{}", bed.replace('-', "^"))).expect("a bed");
            store.map_bed(&location, Some(&room(bed)), "operator", at(0)).await.expect("mapped");
        }
        Self { store, admissions, patient, next: 1.into() }
    }

    /// Sends a message and gives the code of the answer.
    async fn send(&self, message: &str, seconds: i64) -> String {
        let answer = self.admissions.receive(message.as_bytes(), &Ambient::fixed(at(seconds), 7)).await;
        let answer = String::from_utf8(answer.concat()).expect("text");
        answer.split('\r').find_map(|line| line.strip_prefix("MSA|")).expect("an answer")[..2].to_owned()
    }

    /// A message about the patient with that number, which happened at that second.
    fn message(&self, trigger: &str, number: &str, bed: &str, seconds: i64) -> String {
        let control = self.next.replace(self.next.get() + 1);
        let when = at(seconds).strftime("%Y%m%d%H%M%S+0000");
        format!(
            "MSH|^~\\&|ADT|MERCY|WS|MERCY|{when}||ADT^{trigger}|C{control}|P|2.5.1\rEVN|{trigger}|{when}\r\
             PID|1||{number}^^^MERCY^MR||Xylander^Quetzalina\rPV1|1|I|{bed}\r"
        )
    }

    async fn happens(&self, trigger: &str, bed: &str, seconds: i64) {
        let message = self.message(trigger, "MRN-77123", bed, seconds);
        assert_eq!(self.send(&message, seconds + 1).await, "AA", "{trigger}");
    }

    async fn lies_in(&self, name: &str) -> Option<PersonId> {
        self.store.occupant(&room(name)).await.expect("read").map(|there| there.person)
    }

    /// The kind, state and note of each message so far.
    async fn told(&self) -> Vec<String> {
        let rows = self.store.messages(None).await.expect("read");
        rows.iter().map(|row| format!("{} {} {}", row.kind, row.state, row.note).trim().to_owned()).collect()
    }

    /// Something said in a room, under the key of whoever lies there, with a call to the nurse.
    async fn says(&self, name: &str, said: &str) {
        let stay = self.store.occupant(&room(name)).await.expect("read").expect("somebody").stay;
        let call = Change::CallNurse { room: room(name), need: "my secret need".into(), emergency: false };
        let said = TurnCommit {
            owner: KeyOwner::Stay(stay),
            person: None,
            room: Some(room(name)),
            ..commit(said, &self.patient, vec![call])
        };
        self.store.commit(said).await.expect("committed");
    }

    async fn remembers(&self, said: &str) -> bool {
        let (session, turn, credential) = (session("s1"), turn(said), credential("cred"));
        let opening =
            self.store.opening(&place::opening(Some(&session), &turn, &credential, None)).await.expect("read");
        opening.session.is_some() || opening.answered.is_some()
    }
}

async fn a_stay_begins_moves_and_ends(place: Place) {
    let hospital = Hospital::open(&place).await;
    let patient = Some(hospital.patient.clone());
    hospital.happens("A01", "4E^136^A", 10).await;
    assert_eq!(hospital.lies_in("136-A").await, patient);
    let stay = hospital.store.occupant(&room("136-A")).await.expect("read").expect("somebody").stay;
    hospital.happens("A08", "4E^136^A", 20).await;
    let same = hospital.store.occupant(&room("136-A")).await.expect("read").expect("somebody").stay;
    assert!(same == stay, "the stay goes on");
    hospital.happens("A02", "4E^136^B", 30).await;
    assert_eq!((hospital.lies_in("136-A").await, hospital.lies_in("136-B").await), (None, patient));
    let moved = hospital.store.occupant(&room("136-B")).await.expect("read").expect("somebody").stay;
    assert!(moved != stay, "another bed is another stay");
    hospital.happens("A03", "4E^136^B", 40).await;
    assert_eq!(hospital.lies_in("136-B").await, None);
    // The move arrives late, once more and from before the end.
    let late = hospital.message("A02", "MRN-77123", "4E^136^A", 35);
    assert_eq!(hospital.send(&late, 50).await, "AA");
    assert_eq!(hospital.lies_in("136-A").await, None);
    assert_eq!(hospital.told().await, ["A01 applied", "A08 applied", "A02 applied", "A03 applied", "A02 late"]);
}

async fn what_was_said_in_a_stay_ends_with_it(place: Place) {
    let hospital = Hospital::open(&place).await;
    for (n, (end, bed)) in [("A03", "4E^136^A"), ("A02", "4E^136^B"), ("A11", "4E^136^A")].into_iter().enumerate() {
        let n = i64::try_from(n).expect("small") * 100;
        hospital.happens("A01", "4E^136^A", n + 10).await;
        let said = format!("t{n}");
        hospital.says("136-A", &said).await;
        assert!(hospital.remembers(&said).await);
        let stay = hospital.store.occupant(&room("136-A")).await.expect("read").expect("somebody").stay;
        hospital.happens(end, bed, n + 20).await;
        assert!(!hospital.remembers(&said).await, "{end} ends the conversation");
        let key = hospital.store.has_key(&KeyOwner::Stay(stay));
        assert!(!key, "{end}: the stay's key is gone when the answer has been given");
        hospital.happens("A03", "", n + 30).await;
    }
}

async fn an_open_call_survives_every_message(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    hospital.says("136-A", "t1").await;
    let merge = hospital.message("A40", "MRN-1", "", 15).replace("PV1|1|I|\r", "MRG|MRN-77123^^^MERCY^MR\r");
    assert_eq!(hospital.send(&merge, 16).await, "AA");
    let swap = {
        let (one, two) =
            (hospital.message("A17", "MRN-77123", "4E^136^B", 18), hospital.message("", "MRN-2", "4E^136^A", 18));
        format!("{one}{}", &two[two.find("PID|").expect("a patient")..])
    };
    assert_eq!(hospital.send(&swap, 19).await, "AA");
    for (n, trigger) in ["A02", "A08", "A12", "A03", "A13", "A11", "A04"].into_iter().enumerate() {
        hospital.happens(trigger, "4E^136^A", 20 + i64::try_from(n).expect("small")).await;
        let board = hospital.store.board(Some(&room("136-A"))).await.expect("read");
        assert_eq!(board.len(), 1, "{trigger}");
        assert_eq!(board[0].need.as_deref(), Some("my secret need"), "{trigger}");
        assert!(
            board[0].stay_over.is_some(),
            "{trigger}: flagged, since the swap ended the stay in which it was asked"
        );
    }
    let id = hospital.store.board(None).await.expect("read")[0].id.clone();
    hospital.store.close_request(&id, "Maria", at(90)).await.expect("closed by staff");
}

async fn a_message_that_comes_twice_counts_once(place: Place) {
    let hospital = Hospital::open(&place).await;
    let first = hospital.message("A01", "MRN-77123", "4E^136^A", 10);
    assert_eq!(hospital.send(&first, 11).await, "AA");
    hospital.happens("A03", "4E^136^A", 10).await;
    assert_eq!(hospital.send(&first, 13).await, "AA", "it was taken, so it is answered the same");
    assert_eq!(hospital.lies_in("136-A").await, None, "and does not count again");
    // A sender that begins to count anew is another message.
    hospital.next.set(1);
    hospital.happens("A01", "4E^136^B", 20).await;
    assert!(hospital.lies_in("136-B").await.is_some());
    assert_eq!(hospital.told().await.len(), 3);
}

async fn a_bed_that_nobody_mapped_waits(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    hospital.happens("A02", "ICU^1^1^MERCY", 20).await;
    assert_eq!(hospital.lies_in("136-A").await, None, "whoever was moved is not here any more");
    let waiting = hospital.store.messages(Some("waiting")).await.expect("read");
    assert_eq!((waiting.len(), waiting[0].waits.as_str()), (1, "ICU^1^1^MERCY"));
    let bed = Location::parse("ICU^1^1^MERCY").expect("a bed");
    hospital.store.map_bed(&bed, Some(&room("icu-1")), "operator", at(30)).await.expect("mapped");
    hospital.admissions.work_off(&Ambient::fixed(at(31), 7)).await.expect("worked off");
    assert_eq!(hospital.lies_in("icu-1").await, Some(hospital.patient.clone()));

    // Whoever has gone before the bed was mapped does not come back with it.
    hospital.happens("A02", "ICU^1^2^MERCY", 40).await;
    hospital.happens("A03", "ICU^1^2^MERCY", 50).await;
    let bed = Location::parse("ICU^1^2^MERCY").expect("a bed");
    hospital.store.map_bed(&bed, Some(&room("icu-2")), "operator", at(60)).await.expect("mapped");
    hospital.admissions.work_off(&Ambient::fixed(at(61), 7)).await.expect("worked off");
    assert_eq!((hospital.lies_in("icu-1").await, hospital.lies_in("icu-2").await), (None, None));
    assert!(hospital.store.messages(Some("waiting")).await.expect("read").is_empty());
}

async fn what_a_cancelled_discharge_brings_back(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    hospital.says("136-A", "t1").await;
    hospital.happens("A03", "4E^136^A", 20).await;
    hospital.happens("A13", "4E^136^A", 30).await;
    assert_eq!(hospital.lies_in("136-A").await, Some(hospital.patient.clone()), "the bed");
    assert!(hospital.store.person_exists(&hospital.patient).await.expect("read"), "what is theirs was never gone");
    assert_eq!(hospital.store.board(Some(&room("136-A"))).await.expect("read").len(), 1, "the call was never gone");
    assert!(!hospital.remembers("t1").await, "what was said in the room does not come back");
    // The other way round: the discharge that it takes back comes last.
    let late = hospital.message("A03", "MRN-77123", "4E^136^A", 25);
    assert_eq!(hospital.send(&late, 35).await, "AA");
    assert_eq!(hospital.lies_in("136-A").await, Some(hospital.patient.clone()));
    // Somebody else has the bed by then.
    hospital.happens("A03", "4E^136^A", 40).await;
    let other = hospital.message("A01", "MRN-2", "4E^136^A", 50);
    assert_eq!(hospital.send(&other, 51).await, "AA");
    hospital.happens("A13", "4E^136^A", 60).await;
    assert_eq!(hospital.lies_in("136-A").await, None, "two in one bed: nobody is known to lie there");
    assert_eq!(hospital.told().await.last().map(String::as_str), Some("A13 review two-in-one-bed"));
}

async fn whoever_is_not_known_is_made_known_by_name_alone(place: Place) {
    let hospital = Hospital::open(&place).await;
    let message = hospital.message("A01", "MRN-2", "4E^136^A", 10).replace("Xylander^Quetzalina", "Rivera^Maria");
    assert_eq!(hospital.send(&message, 11).await, "AA");
    let person = hospital.lies_in("136-A").await.expect("somebody");
    assert!(person != hospital.patient);
    assert!(hospital.store.consent(&person).await.expect("read").is_empty(), "they agreed to nothing");
    let profile =
        hospital.store.chart_rows::<wellspoken::records::Profile>(&person, wellspoken::store::ChartKind::Profile);
    let profile = profile.await.expect("read");
    let profile = profile.reveal(&place::permit(&hospital.store, &person).await);
    assert_eq!(
        profile.map(|all| (all[0].given.clone(), all[0].family.clone())).ok(),
        Some(("Maria".into(), "Rivera".into()))
    );
    // Two who are both admitted anew at once are one.
    let again = hospital.message("A02", "MRN-2", "4E^136^B", 20);
    assert_eq!(hospital.send(&again, 21).await, "AA");
    assert_eq!(hospital.lies_in("136-B").await, Some(person));
}

async fn what_cannot_be_read_is_kept_to_be_looked_at(place: Place) {
    let hospital = Hospital::open(&place).await;
    let nobody = hospital.message("A01", "", "4E^136^A", 10);
    assert_eq!(hospital.send(&nobody, 11).await, "AE");
    assert_eq!(hospital.send("garbage", 12).await, "AE");
    let results = hospital.message("A01", "MRN-77123", "", 13).replace("ADT^A01", "ORU^R01");
    assert_eq!(hospital.send(&results, 14).await, "AR");
    assert_eq!(
        hospital.told().await,
        [
            "A01 unreadable PID-3: no identifier",
            "unreadable not an HL7 version 2 message",
            "R01 unreadable MSH-9: only ADT is taken here",
        ]
    );
    let rows = hospital.store.messages(Some("unreadable")).await.expect("read");
    let shown = hospital.store.read_message(&rows[1].id, "operator", at(20)).await.expect("read");
    assert_eq!(&*shown.raw, b"garbage");
    for row in &rows {
        hospital.store.message_looked_at(&row.id, "operator", at(21)).await.expect("settled");
    }
    assert!(hospital.store.message_looked_at(&rows[0].id, "operator", at(22)).await.is_err(), "once");
    let keep = jiff::SignedDuration::from_hours(1);
    assert_eq!(hospital.store.forget_messages(keep, at(30)).await.expect("read"), 0);
    assert_eq!(hospital.store.forget_messages(keep, at(4000)).await.expect("deleted"), 3);
}

async fn what_was_told_last_is_forgotten_in_time(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    hospital.happens("A03", "4E^136^A", 20).await;
    let mut raw = place.raw().await;
    let mut count = async |what: &'static str| {
        let row = sqlx::query(what).fetch_one(&mut raw).await;
        row.expect("read").get::<i64, _>("n")
    };
    const NOTES: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM adt_last";
    let (day, hours) = (86_400, jiff::SignedDuration::from_hours);
    let all = count(NOTES).await;
    assert!(all > 0);
    assert_eq!(hospital.store.forget_messages(hours(24), at(3 * day)).await.expect("deleted"), 2, "the messages alone");
    // However soon messages go: one that comes late is known by these.
    assert_eq!(hospital.store.forget_messages(hours(1), at(29 * day)).await.expect("looked"), 0);
    assert_eq!(hospital.store.forget_messages(hours(40 * 24), at(31 * day)).await.expect("looked"), 0);
    assert_eq!(count(NOTES).await, all);
    assert_eq!(hospital.store.forget_messages(hours(24), at(31 * day)).await.expect("deleted"), all);
    assert_eq!(count(NOTES).await, 0);
    let told = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM audit WHERE event = 'forgotten'";
    assert_eq!(count(told).await, 2, "and it is in the trail");
}

async fn nothing_of_a_message_is_in_clear(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    hospital.happens("A02", "ICU^1^1^MERCY", 20).await;
    hospital.happens("A03", "4E^136^A", 30).await;
    let mut raw = place.raw().await;
    for table in ["adt_message", "adt_last", "adt_bed", "room", "stay_over", "request", "audit"] {
        let all = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
        for row in all.fetch_all(&mut raw).await.expect("read") {
            let cells = (0..row.len()).map(|cell| {
                let bytes = row.try_get::<Vec<u8>, _>(cell);
                bytes.or_else(|_| row.try_get::<String, _>(cell).map(String::into_bytes)).unwrap_or_default()
            });
            let cells: Vec<u8> = cells.flatten().collect();
            let text = String::from_utf8_lossy(&cells);
            for canary in CANARIES {
                assert!(!text.contains(canary), "{table} holds {canary}");
            }
        }
    }
}

async fn a_stay_that_was_interrupted_in_its_end_loses_its_key_later(place: Place) {
    let hospital = Hospital::open(&place).await;
    hospital.happens("A01", "4E^136^A", 10).await;
    let stay = KeyOwner::Stay(hospital.store.occupant(&room("136-A")).await.expect("read").expect("somebody").stay);
    // As after a kill between the commit and the key's end: the row is there, and nobody is in the room.
    let mut raw = place.raw().await;
    for sql in ["INSERT INTO stay_over (owner, at) SELECT owner, 1 FROM room", "DELETE FROM room"] {
        sqlx::query(sql).execute(&mut raw).await.expect("written");
    }
    assert!(hospital.store.has_key(&stay));
    assert_eq!(hospital.store.finish_stays(at(30)).await.expect("finished"), 1);
    assert!(!hospital.store.has_key(&stay));
    assert_eq!(hospital.store.finish_stays(at(31)).await.expect("finished"), 0);
}
