//! Records that are at a FHIR server: what is asked for each part of a chart, and how the answers become a bundle.
//!
//! Invariants: of a person's parts only those that are wanted are asked for, in one request; what is asked stands in its
//! body; nothing about anybody else is taken, whatever the server answers; what cannot be read whole is not read at all,
//! since half a list of medicines is a wrong one.

mod lacking;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, value::RawValue};

use super::{Chart, OpenSlot, fhir_bundle};
use crate::{
    config::RecordsConfig,
    fhir::{Ask, FhirError, Server, Session},
    store::ChartKind,
};

/// What servers are asked to give at once.
const A_PAGE: &str = "1000";
/// How long what is about nobody (a clinic, a medicine, who has which specialty) is kept in memory.
const SHARED_FOR: Duration = Duration::from_secs(600);
/// Resources about nobody that are kept at once; all go when there are more.
const MOST_SHARED: usize = 20_000;
/// How often references are followed on from what they led to: a role leads to a place, a place to a clinic.
const HOPS: usize = 3;

/// Kinds that are about no patient and that a patient's resources refer to.
const SHARED: [&str; 6] =
    ["Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService", "Medication"];

/// The servers that records may be at. Shared by all turns.
pub struct Servers {
    all: Vec<Server>,
    fresh: SignedDuration,
    shared: Mutex<HashMap<(String, String), (Instant, Shared)>>,
    /// When each server's free times were read.
    slots: Mutex<HashMap<String, Timestamp>>,
    /// Since when it is known which kinds which server has nothing of.
    lacking: Mutex<HashMap<(String, &'static str), Instant>>,
}

/// What was found under a reference, or by a practitioner's roles: texts of resources.
type Shared = Arc<Vec<Box<RawValue>>>;

/// A question about a patient.
struct Wanted {
    kind: &'static str,
    by: &'static [(&'static str, &'static str)],
    /// A server that knows no such thing has none of it.
    may_lack: bool,
}

const fn wanted(kind: &'static str, by: &'static [(&'static str, &'static str)]) -> Wanted {
    Wanted { kind, by, may_lack: false }
}

const ORDERS: Wanted = wanted("MedicationRequest", &[]);
const FILLINGS: Wanted = wanted("MedicationDispense", &[]);
const VISITS: Wanted = wanted("Appointment", &[]);
const LABS: Wanted = wanted("Observation", &[("category", "laboratory")]);
const REPORTS: Wanted = wanted("DiagnosticReport", &[]);
const ALLERGIES: Wanted = wanted("AllergyIntolerance", &[]);
const VITALS: Wanted = wanted("Observation", &[("category", "vital-signs")]);
const CONDITIONS: Wanted = wanted("Condition", &[]);
const VACCINATIONS: Wanted = wanted("Immunization", &[]);
const ENCOUNTERS: Wanted = wanted("Encounter", &[]);
const DOCUMENTS: Wanted = wanted("DocumentReference", &[]);
const TEAMS: Wanted = Wanted { may_lack: true, ..wanted("CareTeam", &[]) };

/// A server that knows no orders for food tells of no diet, and without one no food is named.
const DIETS: Wanted = Wanted { may_lack: true, ..wanted("NutritionOrder", &[]) };

/// What became of the refills that were asked for from here; a server without Tasks takes none either.
const REFILLS: Wanted = Wanted { may_lack: true, ..wanted("Task", &[("code", "fulfill")]) };

/// Which questions a part of a chart is made of. The patient is read with each.
const fn searches(kind: ChartKind) -> &'static [Wanted] {
    match kind {
        ChartKind::Profile => &[],
        ChartKind::Prescriptions => &[ORDERS, FILLINGS, REFILLS],
        ChartKind::Visits => &[VISITS],
        // Who treats a person is who is on their care teams, who prescribes, and whom visits are with.
        ChartKind::Providers => &[TEAMS, ORDERS, FILLINGS, VISITS],
        ChartKind::Results => &[LABS, REPORTS],
        ChartKind::Allergies => &[ALLERGIES],
        ChartKind::Vitals => &[VITALS],
        ChartKind::Conditions => &[CONDITIONS],
        ChartKind::Immunizations => &[VACCINATIONS],
        ChartKind::Notes => &[ENCOUNTERS, DOCUMENTS],
        // An order may name allergies, and one without a name bears on all food.
        ChartKind::Diet => &[DIETS, ALLERGIES],
        ChartKind::Source => &[
            ORDERS,
            FILLINGS,
            VISITS,
            LABS,
            REPORTS,
            ALLERGIES,
            VITALS,
            CONDITIONS,
            VACCINATIONS,
            ENCOUNTERS,
            DOCUMENTS,
            TEAMS,
            DIETS,
        ],
    }
}

/// Whether a server says that somebody's records stand under another Patient by now (R4 Patient.link `replaced-by`): what is
/// left here is nobody's whole chart.
fn was_merged(patient: &RawValue) -> bool {
    let value: Value = serde_json::from_str(patient.get()).unwrap_or_default();
    let links = value["link"].as_array().map(Vec::as_slice).unwrap_or_default();
    links.iter().any(|link| link["type"] == "replaced-by")
}

impl Servers {
    /// The servers of the configuration; nothing is asked yet. `clock` is the world's time.
    ///
    /// # Errors
    /// When a key or authorities cannot be used.
    pub fn new(config: &RecordsConfig, clock: fn() -> Timestamp) -> Result<Self, FhirError> {
        let all = config.server.iter().map(|server| Server::new(server, clock)).collect::<Result<_, _>>()?;
        let fresh = SignedDuration::from_secs(config.fresh_seconds.into());
        Ok(Self { all, fresh, shared: Mutex::default(), slots: Mutex::default(), lacking: Mutex::default() })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The one of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Server> {
        self.all.iter().find(|server| server.name() == name)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Server] {
        &self.all
    }

    /// How old what was read may be to count as read now.
    pub(super) const fn fresh(&self) -> SignedDuration {
        self.fresh
    }

    /// Whether a server's free times were read too long ago to count as read now.
    pub(super) fn slots_are_old(&self, server: &Server, now: Timestamp) -> bool {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let age = slots.get(server.name()).map(|at| now.duration_since(*at));
        !age.is_some_and(|age| (SignedDuration::ZERO..self.fresh).contains(&age))
    }

    /// A server's free times were read.
    pub(super) fn slots_read(&self, server: &Server, now: Timestamp) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).insert(server.name().to_owned(), now);
    }

    /// Reads these parts of a patient's chart, all requests before `until` where that is given. The other parts of the answer are empty and mean nothing.
    ///
    /// # Errors
    /// When the server does not answer whole, or has no such patient.
    pub async fn fetch(
        &self,
        server: &Server,
        patient: &str,
        kinds: &[ChartKind],
        until: Option<Instant>,
    ) -> Result<Chart, FhirError> {
        // Two parts may be made of one kind, told apart by what is searched by.
        let mut wanted = BTreeMap::new();
        for want in kinds.iter().flat_map(|kind| searches(*kind)) {
            wanted.entry((want.kind, want.by)).or_insert(want);
        }
        let mut asks = vec![Ask::Read { kind: "Patient", id: patient.to_owned() }];
        let whose = format!("Patient/{patient}");
        asks.extend(wanted.values().map(|want| {
            let by = [("patient", whose.clone()), ("_count", A_PAGE.to_owned())];
            let more = want.by.iter().map(|(name, value)| (*name, (*value).to_owned()));
            Ask::Search { kind: want.kind, by: by.into_iter().chain(more).collect() }
        }));
        let session = server.backend().until(until);
        let mut answers = session.batch(&asks).await?.into_iter();
        let mut taken = Taken::new(server.base(), patient);
        let found = answers.next().ok_or(FhirError::NotFound)??;
        if found.iter().any(|raw| was_merged(raw)) {
            tracing::error!(server = server.name(), "a patient was merged into another there; bind the person anew");
            return Err(FhirError::Unreachable("the patient was merged into another"));
        }
        taken.add("Patient", found);
        let mut lacking = Vec::new();
        for (want, answer) in wanted.values().zip(answers) {
            match answer {
                Err(FhirError::NotFound | FhirError::Unprocessable { .. } | FhirError::Refused { .. })
                    if want.may_lack => {}
                Err(error) if self.has_no(&session, want.kind, &error).await => lacking.push(want.kind),
                answer => taken.add(want.kind, answer?),
            }
        }
        if taken.strangers > 0 {
            tracing::warn!(
                server = server.name(),
                count = taken.strangers,
                "a record server answered with resources of others; dropped"
            );
        }
        self.follow(&session, &mut taken).await?;
        Ok(Chart { lacking: lacking::parts(kinds, &lacking), ..taken.chart().await? })
    }

    /// The ids of a server's Patients that have an identifier (`system|value`).
    ///
    /// # Errors
    /// As [`Servers::fetch`].
    pub async fn patients(&self, server: &Server, identifier: &str) -> Result<Vec<String>, FhirError> {
        let by = vec![("identifier", identifier.to_owned()), ("_count", A_PAGE.to_owned())];
        let found = server.backend().search("Patient", by).await?;
        let id = |raw: Box<RawValue>| {
            let value: Value = serde_json::from_str(raw.get()).ok()?;
            let patient = value.get("resourceType").and_then(Value::as_str) == Some("Patient");
            value.get("id").and_then(Value::as_str).filter(|_| patient).map(str::to_owned)
        };
        Ok(found.into_iter().filter_map(id).collect())
    }

    /// The free times of a server's schedules between two times, read before `within` where that is given.
    ///
    /// # Errors
    /// As [`Servers::fetch`].
    pub(super) async fn slots(
        &self,
        server: &Server,
        (from, until): (Timestamp, Timestamp),
        within: Option<Instant>,
    ) -> Result<Vec<OpenSlot>, FhirError> {
        let session = server.backend().until(within);
        let by = vec![
            ("status", "free".to_owned()),
            ("start", format!("ge{}", from.strftime("%Y-%m-%dT%H:%M:%SZ"))),
            ("start", format!("lt{}", until.strftime("%Y-%m-%dT%H:%M:%SZ"))),
            ("_count", A_PAGE.to_owned()),
        ];
        let mut taken = Taken::new(server.base(), "");
        taken.add("Slot", session.search("Slot", by).await?);
        let schedules: BTreeSet<String> = taken.referred(&["Schedule"]);
        self.shared(&session, &mut taken, schedules).await?;
        self.follow(&session, &mut taken).await?;
        taken.open_slots().await
    }

    /// Follows references to what is about nobody, and looks up who has which specialty.
    async fn follow(&self, session: &Session, taken: &mut Taken) -> Result<(), FhirError> {
        for _ in 0..HOPS {
            let mut missing = taken.referred(&SHARED);
            missing.extend(taken.practitioners.iter().map(|who| format!("{ROLES}{who}")));
            missing.retain(|reference| !taken.known.contains(reference));
            if missing.is_empty() {
                break;
            }
            self.shared(session, taken, missing).await?;
        }
        Ok(())
    }

    /// Adds what is under these references, from memory or from the server: one search for each kind, in one request.
    async fn shared(
        &self,
        session: &Session,
        taken: &mut Taken,
        references: BTreeSet<String>,
    ) -> Result<(), FhirError> {
        let place = |reference: &str| (session.server().name().to_owned(), reference.to_owned());
        let mut asked: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for reference in references {
            taken.known.insert(reference.clone());
            let kept = self.kept(&place(&reference));
            match (kept, kind_of(&reference)) {
                (Some(found), kind) => taken.add(kind, found.iter().cloned().collect()),
                (None, "") => {}
                (None, kind) if reference.starts_with(ROLES) => asked.entry(kind).or_default().push(reference),
                (None, kind) => asked.entry(by_id(kind)).or_default().push(reference),
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let asks: Vec<Ask> = asked.iter().map(|(how, references)| search_of(how, references)).collect();
        for ((how, references), answer) in asked.into_iter().zip(session.batch(&asks).await?) {
            let found = match answer {
                Err(FhirError::NotFound | FhirError::Unprocessable { .. } | FhirError::Refused { .. }) => vec![],
                answer => answer?,
            };
            let mut under: HashMap<String, Vec<Box<RawValue>>> =
                references.into_iter().map(|reference| (reference, vec![])).collect();
            for raw in found {
                for key in names(&raw, how) {
                    if let Some(place) = under.get_mut(&key) {
                        place.push(raw.clone());
                    }
                }
            }
            for (reference, found) in under {
                taken.add(kind_of(&reference), found.clone());
                self.keep(place(&reference), found);
            }
        }
        Ok(())
    }

    fn kept(&self, place: &(String, String)) -> Option<Shared> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = shared.get(place)?;
        (at.elapsed() < SHARED_FOR).then(|| Arc::clone(found))
    }

    fn keep(&self, place: (String, String), found: Vec<Box<RawValue>>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.len() >= MOST_SHARED {
            shared.clear();
        }
        shared.insert(place, (Instant::now(), Arc::new(found)));
    }
}

/// In front of a practitioner whose roles are looked for.
const ROLES: &str = "roles of ";

/// The kind that a reference, or a question for roles, leads to; empty for any that is not followed.
fn kind_of(reference: &str) -> &'static str {
    if reference.starts_with(ROLES) {
        return "PractitionerRole";
    }
    let kind = reference.split('/').next().unwrap_or_default();
    SHARED.into_iter().chain(["Schedule"]).find(|known| *known == kind).unwrap_or("")
}

/// Roles are looked for by practitioner, everything else by id; the two questions for roles are told apart by this.
const fn by_id(kind: &'static str) -> &'static str {
    if matches!(kind.as_bytes(), b"PractitionerRole") { "PractitionerRole by id" } else { kind }
}

fn search_of(how: &'static str, references: &[String]) -> Ask {
    let tails = |references: &[String]| {
        references.iter().filter_map(|r| r.rsplit_once('/')).map(|(_, id)| id).collect::<Vec<_>>().join(",")
    };
    let (kind, by) = match how {
        "PractitionerRole" => {
            let whose: Vec<&str> = references.iter().filter_map(|r| r.strip_prefix(ROLES)).collect();
            ("PractitionerRole", ("practitioner", whose.join(",")))
        }
        "PractitionerRole by id" => ("PractitionerRole", ("_id", tails(references))),
        kind => (kind, ("_id", tails(references))),
    };
    Ask::Search { kind, by: vec![by, ("_count", A_PAGE.to_owned())] }
}

/// Under which of the references asked for a resource was found.
fn names(raw: &RawValue, how: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { return vec![] };
    match (how, value.get("id").and_then(Value::as_str)) {
        ("PractitionerRole", _) => {
            let whose = value.pointer("/practitioner/reference").and_then(Value::as_str).and_then(tail);
            whose.map(|whose| format!("{ROLES}{whose}")).into_iter().collect()
        }
        (_, Some(id)) => {
            let kind = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
            vec![format!("{kind}/{id}")]
        }
        (_, None) => vec![],
    }
}

/// `Type/id` of a reference, without a version.
fn tail(reference: &str) -> Option<String> {
    let text = reference.split("/_history/").next()?;
    let mut parts = text.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some(format!("{kind}/{id}"))
}

/// What was taken of a server's answers.
struct Taken {
    base: String,
    patient: String,
    /// Each with its address.
    entries: Vec<(String, Box<RawValue>)>,
    /// Addresses that are there.
    there: BTreeSet<String>,
    /// References that were followed already.
    known: BTreeSet<String>,
    referred: BTreeSet<String>,
    practitioners: BTreeSet<String>,
    /// Resources that were not what was asked for.
    strangers: usize,
}

impl Taken {
    fn new(base: &str, patient: &str) -> Self {
        Self {
            base: base.to_owned(),
            patient: patient.to_owned(),
            entries: vec![],
            there: BTreeSet::new(),
            known: BTreeSet::new(),
            referred: BTreeSet::new(),
            practitioners: BTreeSet::new(),
            strangers: 0,
        }
    }

    /// Takes those of a kind, each once. Another kind than was asked for and another patient are left; whose the others
    /// are is looked at when the bundle is read.
    fn add(&mut self, kind: &str, found: Vec<Box<RawValue>>) {
        for raw in found {
            let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { continue };
            let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
            let whose = kind != "Patient" || id == self.patient;
            if value.get("resourceType").and_then(Value::as_str) != Some(kind) || id.is_empty() || !whose {
                self.strangers += 1;
                continue;
            }
            let reference = format!("{kind}/{id}");
            if !self.there.insert(reference.clone()) {
                continue;
            }
            if kind == "Practitioner" {
                self.practitioners.insert(reference.clone());
            }
            self.collect(&value);
            self.entries.push((format!("{}/{reference}", self.base), raw));
        }
    }

    /// References to this server's own resources.
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("reference") {
                    let own = reference.strip_prefix(self.base.as_str()).map(|rest| rest.trim_start_matches('/'));
                    let relative = own.unwrap_or(reference);
                    if !relative.contains(':')
                        && let Some(reference) = tail(relative)
                    {
                        if reference.starts_with("Practitioner/") {
                            self.practitioners.insert(reference.clone());
                        }
                        self.referred.insert(reference);
                    }
                }
                fields.values().for_each(|field| self.collect(field));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    /// References to these kinds that lead to nothing yet.
    fn referred(&self, kinds: &[&str]) -> BTreeSet<String> {
        let of_these = |reference: &&String| kinds.iter().any(|kind| kind_of(reference) == *kind);
        let missing = |reference: &&String| !self.there.contains(*reference) && !self.known.contains(*reference);
        self.referred.iter().filter(of_these).filter(missing).cloned().collect()
    }

    /// The bundle, resources as they are written.
    fn bundle(&self) -> String {
        let entry = |(address, raw): &(String, Box<RawValue>)| {
            format!("{{\"fullUrl\":{},\"resource\":{}}}", Value::from(address.as_str()), raw.get())
        };
        let entries: Vec<String> = self.entries.iter().map(entry).collect();
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{}]}}", entries.join(","))
    }

    async fn chart(self) -> Result<Chart, FhirError> {
        let reading = move || fhir_bundle::parse(self.bundle().as_bytes());
        let read = tokio::task::spawn_blocking(reading).await.map_err(|_| FhirError::Unanswered("interrupted"))?;
        read.map_err(|error| {
            tracing::warn!(%error, "a record server's answer cannot be used");
            FhirError::Wrong("is not a chart that can be used")
        })
    }

    async fn open_slots(self) -> Result<Vec<OpenSlot>, FhirError> {
        let reading = move || fhir_bundle::open_slots(self.bundle().as_bytes());
        let read = tokio::task::spawn_blocking(reading).await.map_err(|_| FhirError::Unanswered("interrupted"))?;
        read.map_err(|_| FhirError::Wrong("is not a schedule that can be used"))
    }
}
