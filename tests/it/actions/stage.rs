//! A store with people in it, and a way to ask the actions as a turn does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jiff::{Timestamp, civil::date, tz::TimeZone};
use wellspoken::{
    actions::{Action, Change, Connecting, Facts, Outcome, Pass, Plan, Protection, Setting},
    ambient::system_now,
    cli::source::bind,
    config::KeysConfig,
    nlu::{Slot, SlotValue, Slots},
    policy::{
        Agreed, Agreements, Caller, CredentialId, DataClass, Event, JournalEntry, Occasion, PersonId, Proof, RoomId,
        Scope, SessionId, Surface, Task, TurnId, Verdict, admit,
    },
    records::{
        Allergy, Chart, Dispense, DispenseStage, LabFlag, LabResult, OpenSlot, Position, Prescription, Provider,
        Records, Servers, Visit, demo, fhir_bundle, sensitive::Hush,
    },
    speech::reply::{Moment, Rendered, Replies},
    store::{CommitError, ImportOptions, KeyOwner, Store, StoreOptions, TurnCommit},
};

/// The anchor of the demo people, so that their dates are right as they stand.
const NOW: &str = "2026-12-01T15:00:00Z";

/// A store with the demo people in it, and everything that was said.
pub struct Stage {
    pub store: Store,
    records: Records,
    servers: Option<Arc<Servers>>,
    protection: Protection,
    pub replies: Replies,
    zone: TimeZone,
    pub now: Timestamp,
    turns: Mutex<u32>,
    /// Where people sign up.
    pub sign_up: Mutex<Option<&'static str>>,
    /// What everybody agreed to.
    agreed: Mutex<&'static Agreed>,
    pub said: Mutex<BTreeSet<(String, String)>>,
    people: Mutex<BTreeMap<&'static str, PersonId>>,
    /// The unit of the room that everybody is in.
    pub unit: Mutex<Option<&'static str>>,
    /// Where everybody is.
    pub position: Mutex<Option<Position>>,
    /// The room that everybody is in.
    pub room: Mutex<Option<&'static RoomId>>,
    /// Whose records are at the server.
    served: BTreeSet<PersonId>,
    /// How often each action was asked where the records are that this stage is about.
    ran: Mutex<BTreeMap<&'static str, usize>>,
    /// What can be connected.
    connecting: Mutex<Option<&'static Connecting>>,
    _dir: crate::residue::Folder,
}

/// What came of a turn.
pub struct Said {
    pub kind: &'static str,
    pub rendered: Rendered,
    pub outcome: Outcome,
}

/// Nothing, for what the turn itself says.
fn unsaid() -> Rendered {
    Rendered::default()
}

impl Stage {
    /// Where records are in the store.
    pub async fn open() -> Self {
        Self::on(None).await
    }

    /// Where they are at a real FHIR server.
    pub async fn at_server() -> Self {
        let config = crate::fhir::records(crate::fhir::server(&crate::fhir::shared().base));
        Self::on(Some(Arc::new(Servers::new(&config, system_now).expect("servers")))).await
    }

    /// Both: every action must do the same on either.
    pub async fn both() -> [Self; 2] {
        [Self::open().await, Self::at_server().await]
    }

    async fn on(servers: Option<Arc<Servers>>) -> Self {
        let dir = crate::residue::folder();
        let url = dir.path().join("test.db").display().to_string();
        let store = Store::open(StoreOptions { url, key_file: dir.path().join("key"), keys: KeysConfig::default() })
            .await
            .expect("a store");
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = NOW.parse().expect("a time");
        let (mut people, mut served) = (BTreeMap::new(), BTreeSet::new());
        let mut charts: Vec<(&str, Chart)> = demo::all(now, &zone).expect("demo people");
        let odd = odd_chart(&charts[0].1);
        charts.push(("odd", odd));
        for (name, chart) in charts {
            let options = ImportOptions { consent: Some(Scope::ALL.to_vec()), ..ImportOptions::default() };
            let Some(servers) = servers.as_ref().filter(|_| name != "odd") else {
                people.insert(name, store.import(&chart, options, now).await.expect("imported"));
                continue;
            };
            let bundle = crate::fhir::shared().load_demo(name).await;
            let alone = crate::fhir::patient_alone(&bundle).to_string();
            let alone = fhir_bundle::parse(alone.as_bytes()).expect("a patient");
            let person = store.import(&alone, options, now).await.expect("imported");
            let (server, found) = (crate::fhir::CLINIC, crate::fhir::identifier(&bundle));
            bind(&store, servers, &person, (server, &found), "tester", now).await.expect("bound");
            served.insert(person.clone());
            people.insert(name, person);
        }
        let replies = Replies::new(&wellspoken::nlu::catalogue::Catalogue::builtin().expect("the catalogue"))
            .expect("every reply compiles")
            .with_place("Lakeside Clinic", "911");
        Self {
            records: match &servers {
                Some(servers) => Records::new(store.clone()).with_servers(Arc::clone(servers)),
                None => Records::new(store.clone()),
            },
            servers,
            protection: Protection { conversation_hours: 24, answer_hours: 24, ..Protection::default() },
            store,
            replies,
            zone,
            now,
            agreed: Mutex::new(everything()),
            sign_up: Mutex::new(None),
            turns: Mutex::new(0),
            said: Mutex::new(BTreeSet::new()),
            people: Mutex::new(people),
            unit: Mutex::new(None),
            position: Mutex::new(None),
            room: Mutex::new(None),
            served,
            ran: Mutex::default(),
            connecting: Mutex::new(None),
            _dir: dir,
        }
    }

    /// What everybody agrees to from here on.
    pub fn agree(&self, uses: Agreements) {
        *self.agreed.lock().expect("agreed") = Box::leak(Box::new(Agreed { uses, version: 1 }));
    }

    /// What can be connected from here on.
    pub fn offers(&self, connecting: Option<Connecting>) {
        *self.connecting.lock().expect("connecting") = connecting.map(|one| &*Box::leak(Box::new(one)));
    }

    pub fn person(&self, name: &str) -> PersonId {
        self.people.lock().expect("people")[name].clone()
    }

    /// Somebody with these visits, and these times in the schedules.
    pub async fn add(&self, name: &'static str, visits: Vec<Visit>, slots: Vec<OpenSlot>) {
        let (_, mut chart) = demo::all(self.now, &self.zone).expect("demo people").remove(0);
        chart.identifiers = vec![format!("urn:test|{name}")];
        (chart.visits, chart.slots) = (visits, slots);
        let options = ImportOptions { consent: Some(Scope::ALL.to_vec()), replace: true, ..ImportOptions::default() };
        let person = self.store.import(&chart, options, self.now).await.expect("imported");
        self.people.lock().expect("people").insert(name, person);
    }

    /// The records, for one turn: with what it will most likely read.
    async fn turn(&self, action: Action, person: Option<&PersonId>) -> Records {
        let hush = Hush { aloud: false, named: vec![] };
        match (person, action.floor().scope) {
            (Some(person), Some(scope)) => self.records.ahead(person, scope, hush, self.now).await,
            _ => self.records.hushed(hush, self.now),
        }
    }

    /// Whether records are at a server.
    pub const fn is_at_server(&self) -> bool {
        self.servers.is_some()
    }

    /// How often an action was asked about somebody whose records are where this stage has them, or about nobody.
    pub fn ran(&self, action: &str) -> usize {
        self.ran.lock().expect("ran").get(action).copied().unwrap_or_default()
    }

    fn runs(&self, action: Action, person: Option<&PersonId>) {
        if self.servers.is_none() || person.is_none_or(|person| self.served.contains(person)) {
            *self.ran.lock().expect("ran").entry(action.name()).or_default() += 1;
        }
    }

    /// Requests to the server so far.
    pub fn asked(&self) -> u64 {
        self.servers.iter().flat_map(|servers| servers.all()).map(wellspoken::fhir::Server::sent).sum()
    }

    fn setting<'a>(&'a self, records: &'a Records, channel: &'a str) -> Setting<'a> {
        Setting {
            records,
            now: self.now,
            zone: &self.zone,
            organization: "Lakeside Clinic",
            protection: &self.protection,
            emergency_number: "911",
            phone: None,
            room: *self.room.lock().expect("room"),
            unit: *self.unit.lock().expect("unit"),
            position: *self.position.lock().expect("position"),
            sign_up: *self.sign_up.lock().expect("sign up"),
            agreed: *self.agreed.lock().expect("agreed"),
            channel,
            connecting: *self.connecting.lock().expect("connecting"),
            chance: 48_291_357,
        }
    }

    /// The pass that policy gives this caller for this action.
    async fn pass(&self, action: Action, surface: Surface, person: Option<&PersonId>) -> Pass {
        let n = {
            let mut turns = self.turns.lock().expect("turns");
            *turns += 1;
            *turns
        };
        let caller = Caller {
            surface,
            credential: CredentialId::parse("c").expect("fits"),
            person: person.cloned(),
            stay: None,
            proof: Proof::Unasked,
            house: None,
        };
        let floor = action.floor();
        let room = floor.effect == wellspoken::policy::Effect::Urgent && !matches!(caller.surface, Surface::ThirdParty);
        let data = if room { DataClass::Room } else { floor.data };
        let task =
            Task { intent: action.name(), data, effect: floor.effect, identity: floor.identity, scope: floor.scope };
        let occasion = Occasion {
            session: SessionId::parse("s").expect("fits"),
            turn: TurnId::parse(&format!("t{n}")).expect("fits"),
            at: self.now,
        };
        match admit(&task, &caller, &Scope::ALL, &occasion, &self.store).await.expect("journal") {
            Verdict::Allow(permit) => Pass::Person(permit),
            Verdict::AllowRoom(pass) => Pass::Room(pass),
            Verdict::AllowPublic => Pass::Public,
            _ => panic!("{} must be let in", action.name()),
        }
    }

    pub async fn ask(&self, name: &str, action: &str, slots: &[(&str, SlotValue)]) -> Said {
        let action = Action::named(action).expect("an action");
        let pass = self.pass(action, Surface::Chat, Some(&self.person(name))).await;
        self.run(action, pass, slots, "chat").await
    }

    /// The same, said at home or in a room.
    pub async fn ask_at(&self, surface: Surface, name: &str, action: &str, slots: &[(&str, SlotValue)]) -> Said {
        let action = Action::named(action).expect("an action");
        let channel = surface.name();
        let pass = self.pass(action, surface, Some(&self.person(name))).await;
        self.run(action, pass, slots, channel).await
    }

    pub async fn ask_from(&self, surface: Surface, action: &str, slots: &[(&str, SlotValue)]) -> Said {
        let action = Action::named(action).expect("an action");
        let channel = surface.name();
        let pass = self.pass(action, surface, None).await;
        self.run(action, pass, slots, channel).await
    }

    async fn run(&self, action: Action, pass: Pass, slots: &[(&str, SlotValue)], channel: &str) -> Said {
        let slots: Slots = slots
            .iter()
            .map(|(name, value)| {
                let spoken = match value {
                    SlotValue::Text(text) => text.clone(),
                    _ => String::new(),
                };
                // "sertraline ~ cetirizine": heard as the one, and taken for the other.
                let heard = match spoken.split_once(" ~ ") {
                    Some((said, other)) => {
                        let alike = vec![SlotValue::Text(other.to_owned())];
                        Slot { alike, ..Slot::new(said, SlotValue::Text(said.to_owned()), 0.8) }
                    }
                    None => Slot::new(spoken, value.clone(), 1.0),
                };
                ((*name).to_owned(), heard)
            })
            .collect();
        let person = match &pass {
            Pass::Person(permit) => Some(permit.subject().clone()),
            Pass::Room(_) | Pass::Public => None,
        };
        self.runs(action, person.as_ref());
        let records = self.turn(action, person.as_ref()).await;
        let outcome = action.run(pass, &slots, &self.setting(&records, channel)).await.expect("it runs");
        self.told(action, outcome)
    }

    /// After "yes".
    pub async fn perform(&self, name: &str, action: &str, plan: Plan) -> Said {
        let action = Action::named(action).expect("an action");
        let Pass::Person(permit) = self.pass(action, Surface::Chat, Some(&self.person(name))).await else {
            panic!("a permit")
        };
        self.runs(action, Some(&self.person(name)));
        let records = self.turn(action, Some(&self.person(name))).await;
        let channel = if self.room.lock().expect("room").is_some() { "room" } else { "chat" };
        let outcome = action.perform(permit, plan, &self.setting(&records, channel)).await.expect("it runs");
        self.told(action, outcome)
    }

    /// After "yes", where nobody has to be known.
    pub async fn perform_at(&self, surface: Surface, action: &str, plan: Plan) -> Said {
        let action = Action::named(action).expect("an action");
        let channel = surface.name();
        let Pass::Room(pass) = self.pass(action, surface, None).await else { panic!("a place") };
        let records = self.turn(action, None).await;
        let outcome = action.perform_in_room(&pass, plan, &self.setting(&records, channel)).expect("it runs");
        self.told(action, outcome)
    }

    fn told(&self, action: Action, outcome: Outcome) -> Said {
        let (kind, facts) = match &outcome {
            Outcome::Answer(f) => ("answer", f),
            Outcome::Ask { facts, .. } => ("ask", facts),
            Outcome::Offer { facts, .. } => ("offer", facts),
            Outcome::Confirm { facts, .. } => ("confirm", facts),
            Outcome::Done { facts, conflict, .. } => {
                self.render(action.name(), conflict);
                ("done", facts)
            }
            Outcome::Alert { facts, .. } => ("alert", facts),
            Outcome::Call(_) => return Said { kind: "call", rendered: unsaid(), outcome },
            Outcome::Work(_) => return Said { kind: "work", rendered: unsaid(), outcome },
            Outcome::Identify(_) => panic!("{} says nothing by itself", action.name()),
        };
        Said { kind, rendered: self.render(action.name(), facts), outcome }
    }

    pub fn render(&self, intent: &str, facts: &Facts) -> Rendered {
        let moment = Moment { now: self.now, zone: self.zone.clone() };
        let rendered = self.replies.render(intent, facts, &moment).unwrap_or_else(|e| panic!("{e}"));
        self.said.lock().expect("said").insert((intent.to_owned(), facts.reply.clone()));
        rendered
    }

    pub async fn commit(&self, name: &str, changes: Vec<Change>) -> Result<(), CommitError> {
        let n = {
            let mut turns = self.turns.lock().expect("turns");
            *turns += 1;
            *turns
        };
        let person = self.person(name);
        let turn = TurnId::parse(&format!("c{n}")).expect("fits");
        let session = SessionId::parse("s").expect("fits");
        let credential = CredentialId::parse("c").expect("fits");
        let closing = JournalEntry {
            event: Event::Closed,
            subject: Some(person.clone()),
            actor: Some(credential.clone()),
            intent: None,
            channel: "chat",
            session: Some(session.clone()),
            turn: Some(turn.clone()),
            closes: None,
            outcome: Some("done"),
            at: self.now,
        };
        let commit = TurnCommit {
            session,
            turn,
            credential,
            body_hash: [0; 32],
            owner: KeyOwner::Person(person.clone()),
            person: Some(person.clone()),
            door: Some(person),
            room: None,
            changes,
            session_state: vec![],
            answer: vec![],
            closing,
            also_closing: vec![],
            sends: false,
            told: vec![],
            at: self.now,
        };
        self.store.commit(commit).await.map(drop)
    }

    pub async fn renewal_id(&self, name: &str, prescription: &str) -> String {
        let person = self.person(name);
        let action = Action::PrescriptionStatus;
        let Pass::Person(permit) = self.pass(action, Surface::Chat, Some(&person)).await else { panic!("a permit") };
        let all = self.records.renewals(&person).await.expect("readable").reveal(&permit).expect("theirs");
        all.into_iter().find(|r| r.prescription == prescription).expect("asked for").id
    }

    /// Asks, agrees, commits; the words at the end.
    pub async fn agreed(&self, name: &str, action: &str, slots: &[(&str, SlotValue)]) -> String {
        let asked = self.ask(name, action, slots).await;
        let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("must be read back: {}", asked.rendered.text) };
        let done = self.perform(name, action, plan).await;
        let Outcome::Done { changes, .. } = done.outcome else { panic!("must be done: {}", done.rendered.text) };
        self.commit(name, changes).await.expect("it fits");
        done.rendered.text
    }
}

fn everything() -> &'static Agreed {
    Box::leak(Box::new(Agreed { uses: Agreements::to_answer(&Scope::ALL), version: 1 }))
}

/// Cases that no demo person has.
fn odd_chart(like: &Chart) -> Chart {
    let at = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
    let base = like.prescriptions[0].clone();
    let rx = |id: &str, medicine: &str, strength: &str| Prescription {
        id: id.into(),
        medicine: medicine.into(),
        aliases: vec![format!("{medicine} as written {id}")],
        strength: Some(strength.into()),
        controlled: false,
        dispenses: vec![],
        prescriber: None,
        ..base.clone()
    };
    let filled = |p: Prescription, stage| Prescription {
        dispenses: vec![Dispense {
            stage,
            at: at("2026-10-01T15:00:00Z"),
            days_supply: Some(30),
            pharmacy: None,
            carrier: None,
            due: None,
        }],
        ..p
    };
    let mut over = base.dosing.clone();
    if let Some(timing) = over.iter_mut().find_map(|line| line.timing.as_mut()) {
        timing.until = Some(date(2026, 11, 1));
    }
    let mut chart = like.clone();
    chart.identifiers = vec!["urn:test|odd".into()];
    chart.prescriptions = vec![
        rx("w1", "warfarin", "5 mg tablet"),
        rx("w2", "warfarin", "2.5 mg tablet"),
        Prescription { active: false, on_hold: true, ..rx("h1", "digoxin", "1 mg tablet") },
        Prescription { instructions: None, refills_left: None, ..rx("b1", "sertraline", "1 mg tablet") },
        Prescription { instructions: Some("Very long. ".repeat(90)), ..rx("l1", "prednisone", "1 mg tablet") },
        Prescription { valid_until: Some(date(2026, 11, 30)), ..rx("e1", "omeprazole", "1 mg tablet") },
        Prescription { dosing: over, ..filled(rx("s1", "losartan", "1 mg tablet"), DispenseStage::Shipped) },
        filled(rx("p1", "furosemide", "1 mg tablet"), DispenseStage::InProgress),
        filled(rx("o1", "gabapentin", "1 mg tablet"), DispenseStage::OnHold),
        filled(rx("c1", "cetirizine", "1 mg tablet"), DispenseStage::Cancelled),
        filled(rx("r1", "montelukast", "1 mg tablet"), DispenseStage::PickedUp),
    ];
    chart.providers.push(Provider {
        name: "Dr. Lee Quiet".into(),
        specialty: None,
        role: None,
        origin: Default::default(),
    });
    chart.visits = vec![];
    chart.history.notes.retain_mut(|note| note.words.take().is_some());
    chart.allergies.push(Allergy {
        substance: "latex".into(),
        reactions: vec![],
        category: vec![],
        severe: false,
        active: false,
        origin: wellspoken::records::Origin::default(),
    });
    let lab = like.results.iter().find(|r| r.test == "creatinine").cloned().expect("Rosa's creatinine");
    let noted = |r: LabResult| LabResult { panel: None, ..r };
    chart.results = vec![
        LabResult {
            test: "sodium".into(),
            value: "120".into(),
            low: Some(135.0),
            high: None,
            flag: Some(LabFlag::Low),
            ..noted(lab.clone())
        },
        LabResult {
            test: "culture".into(),
            value: "odd".into(),
            unit: None,
            low: None,
            high: None,
            flag: Some(LabFlag::Abnormal),
            preliminary: true,
            ..noted(lab.clone())
        },
        LabResult {
            test: "strep".into(),
            value: "negative".into(),
            unit: None,
            low: None,
            high: None,
            flag: None,
            comment: Some("Long. ".repeat(200)),
            ..noted(lab)
        },
    ];
    chart
}
