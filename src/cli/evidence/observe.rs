//! Does what the promises are about, with invented people in a scratch installation, and notes what happened. What the
//! real installation has configured is read, and its audit chain verified; nothing of it is changed.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

mod backup;
mod import;
mod outbox;
mod patterns;
mod readings;
mod speaking;

use super::{super::Global, rights::rights, seen::Seen, staff, sweep::sweep};
use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    config::Config,
    policy::{Caller, CredentialId, PersonId, Proof, RoomId, Scope, SessionId, Surface},
    records::{Chart, demo},
    store::{AuditReader, ChartKind, Grant, ImportOptions, Store, copy_with_entry_changed},
    turn::{Core, Input, State, TurnRequest, TurnResult},
};

const PIN: &str = "739146";
const PROTECTED: &str = "sertraline";
const TOKEN: &str = "evidence-token-of-a-kitchen-speaker-0001";

/// Looks.
///
/// # Errors
/// When the scratch installation cannot be made or does not work at all.
pub async fn observe(global: &Global) -> anyhow::Result<Seen> {
    let config = global.config()?;
    let mut seen = Seen {
        doors: if config.alexa.is_some() { "HTTP and Alexa" } else { "HTTP" }.into(),
        listen: format!(
            "{} {}",
            config.http.listen,
            if config.http.tls_cert.is_some() { "with TLS" } else { "without TLS, for this machine alone" }
        ),
        key_provider: format!("{:?}", config.keys.provider).to_lowercase(),
        emergency_number: config.place.emergency_number.clone(),
        staff_sign_in: match config.sign_in.as_ref().and_then(|sign_in| sign_in.staff.as_ref()) {
            Some(staff) => format!("OpenID Connect; glass {} minutes", staff.break_glass_minutes),
            None => "no sign-in for staff".into(),
        },
        review_every: format!("every {} minutes", config.alerts.review_every_minutes),
        ..Seen::default()
    };
    this_process(&mut seen)?;
    seen.plain_http_refused = {
        let mut open = Config::default();
        open.http.listen = "0.0.0.0:80".into();
        open.validated().is_err()
    };
    seen.installed = installed(global).await;
    let scratch = Scratch::make(global, &config).await?;
    let looked = look(&scratch, &config, &mut seen).await;
    scratch.end().await?;
    looked.map(|()| seen)
}

fn this_process(seen: &mut Seen) -> anyhow::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
    seen.core_limit = getrlimit(Resource::Core).current.unwrap_or(u64::MAX);
    seen.dumpable = dumpable_behavior()? != DumpableBehavior::NotDumpable;
    Ok(())
}

async fn installed(global: &Global) -> Option<Result<i64, i64>> {
    let reader = AuditReader::open(&global.database_url().ok()?).await.ok()?;
    let report = reader.verify(None, None).await.ok()?;
    Some(report.broken.map_or(Ok(report.entries), |broken| Err(broken.entry)))
}

/// An installation of its own, with invented people, that goes away.
pub(super) struct Scratch {
    pub(super) app: App,
    pub(super) places: Places,
    folder: PathBuf,
    pub(super) now: Timestamp,
}

impl Scratch {
    async fn make(global: &Global, config: &Config) -> anyhow::Result<Self> {
        let mut name = [0; 8];
        getrandom::fill(&mut name)?;
        let folder = std::env::temp_dir().join(format!("wellspoken-evidence-{}", hex::encode(name)));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let places = Places {
            data_dir: folder.join("data"),
            models_dir: global.models_dir()?,
            key_file: folder.join("keys/master.key"),
            intents_dir: None,
        };
        let now: Timestamp = "2026-12-01T15:00:00Z".parse()?;
        let mut plain = Config::default();
        plain.place.clone_from(&config.place);
        let senses = Senses { ears: false, voice: false };
        let app = App::build(plain, places.clone(), Ambient::fixed(now, 1), senses).await?;
        Ok(Self { app, places, folder, now })
    }

    pub(super) const fn core(&self) -> &Core {
        self.app.core()
    }

    pub(super) const fn store(&self) -> &Store {
        self.app.store()
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    async fn end(self) -> anyhow::Result<()> {
        self.app.close().await;
        fs::remove_dir_all(&self.folder).with_context(|| format!("cannot remove {}", self.folder.display()))
    }

    pub(super) async fn person(&self, chart: &Chart, pin: Option<&str>, consent: &[Scope]) -> anyhow::Result<PersonId> {
        let options = ImportOptions { pin, consent: Some(consent.to_vec()), room: None, ..ImportOptions::default() };
        Ok(self.app.store().import(chart, options, self.now).await?)
    }

    pub(super) async fn say(&self, who: &mut Speaker, words: &str) -> TurnResult {
        self.take(who, Input::Text(words.into())).await
    }

    pub(super) async fn take(&self, who: &mut Speaker, input: Input) -> TurnResult {
        let request =
            TurnRequest { caller: who.caller.clone(), session: who.session.clone(), turn: None, input, speak: false };
        let result = self.app.turn(request).await;
        who.session = SessionId::parse(&result.session).ok();
        result
    }

    /// Every file of the installation.
    pub(super) fn files(&self) -> Vec<Vec<u8>> {
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = fs::read(&path) {
                    found.push(bytes);
                }
            }
        }
        found
    }
}

pub(super) struct Speaker {
    caller: Caller,
    pub(super) session: Option<SessionId>,
}

impl Speaker {
    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) fn new(surface: Surface, person: Option<&PersonId>) -> anyhow::Result<Self> {
        let credential = CredentialId::parse("evidence")?;
        let caller =
            Caller { surface, credential, person: person.cloned(), stay: None, proof: Proof::None, house: None };
        Ok(Self { caller, session: None })
    }
}

fn home() -> anyhow::Result<Surface> {
    Ok(Surface::Home(RoomId::parse("kitchen")?))
}

/// The demo person of a file, under identifiers of their own.
fn invented(now: Timestamp, zone: &str, file: &str, number: usize) -> anyhow::Result<Chart> {
    let zone = jiff::tz::TimeZone::get(zone)?;
    let mut all = demo::all(now, &zone)?.into_iter();
    let mut chart = all.find(|(name, _)| *name == file).context("there are no demo people")?.1;
    if number > 0 {
        chart.identifiers = vec![format!("evidence|{number}")];
        // Free times are the same whoever brings them.
        chart.slots.clear();
    }
    Ok(chart)
}

async fn look(scratch: &Scratch, config: &Config, seen: &mut Seen) -> anyhow::Result<()> {
    let zone = scratch.app.config().place.zone.clone();
    let rosa = |n| invented(scratch.now, &zone, "rosa-delgado.json", n);
    // Boxed, each of them, because a turn is deep and together they would be more than a stack holds.
    seen.swept = Box::pin(sweep(scratch, rosa)).await?;
    Box::pin(consent(scratch, seen, &rosa(1)?)).await?;
    Box::pin(overheard(scratch, seen, rosa(2)?, rosa(3)?)).await?;
    Box::pin(pin(scratch, seen, &rosa(4)?)).await?;
    seen.rights = Box::pin(rights(scratch, &rosa(5)?, &rosa(6)?)).await?;
    credentials(scratch, seen).await?;
    Box::pin(canary(scratch, seen, &invented(scratch.now, &zone, demo::CANARY_FILE, 0)?)).await?;
    Box::pin(cry(scratch, seen)).await?;
    Box::pin(staff::look(scratch, seen, &rosa(7)?, &rosa(8)?)).await?;
    let milo = invented(scratch.now, &zone, "milo-tran.json", 9)?;
    Box::pin(speaking::look(scratch, seen, &rosa(6)?, &milo)).await?;
    seen.delivering = Box::pin(outbox::look(scratch.now)).await?;
    Box::pin(readings::look(scratch, seen, &rosa(10)?, &rosa(11)?)).await?;
    Box::pin(import::look(scratch, seen)).await?;
    audit(scratch, seen).await?;
    backup::look(scratch, seen, &rosa(5)?).await?;
    patterns::look(scratch, seen, &config.patterns).await?;
    Ok(())
}

async fn consent(scratch: &Scratch, seen: &mut Seen, chart: &Chart) -> anyhow::Result<()> {
    let person = scratch.person(chart, None, &[]).await?;
    let names: Vec<String> = chart.prescriptions.iter().map(|p| p.medicine.to_lowercase()).collect();
    let told = |result: &TurnResult| names.iter().any(|name| result.reply.to_lowercase().contains(name));
    let ask = "what medicines am I on";
    let mut page = Speaker::new(Surface::Chat, Some(&person))?;
    seen.consent.before = told(&scratch.say(&mut page, ask).await);
    scratch.say(&mut page, "never mind").await;
    scratch.say(&mut page, "you can use my appointments").await;
    scratch.say(&mut page, "yes").await;
    seen.consent.other_part = told(&scratch.say(&mut page, ask).await);
    scratch.say(&mut page, "yes").await;
    scratch.say(&mut page, "stop using all my records").await;
    scratch.say(&mut page, "yes").await;
    seen.consent.after = told(&scratch.say(&mut page, ask).await);
    Ok(())
}

async fn overheard(scratch: &Scratch, seen: &mut Seen, mut with: Chart, without: Chart) -> anyhow::Result<()> {
    let mut secret = with.prescriptions.first().context("the demo person takes something")?.clone();
    (secret.id, secret.medicine, secret.aliases) = ("secret".into(), PROTECTED.into(), vec![]);
    with.prescriptions.push(secret);
    let hers = scratch.person(&with, None, &Scope::ALL).await?;
    let other = scratch.person(&without, None, &Scope::ALL).await?;
    let mut aloud = Speaker::new(home()?, Some(&hers))?;
    let list = scratch.say(&mut aloud, "what medicines am I on").await;
    let named = format!("how do I take my {PROTECTED}");
    let one = scratch.say(&mut Speaker::new(home()?, Some(&hers))?, &named).await;
    let two = scratch.say(&mut Speaker::new(home()?, Some(&other))?, &named).await;
    seen.overheard.said = [&list, &one].iter().any(|r| r.reply.to_lowercase().contains(PROTECTED));
    seen.overheard.same_answer = one.reply == two.reply && one.state == two.state;
    Ok(())
}

async fn pin(scratch: &Scratch, seen: &mut Seen, chart: &Chart) -> anyhow::Result<()> {
    let person = scratch.person(chart, Some(PIN), &Scope::ALL).await?;
    let ask = "what medicines am I on";
    let mut aloud = Speaker::new(home()?, Some(&person))?;
    let asked = scratch.say(&mut aloud, ask).await;
    let told = scratch.say(&mut aloud, PIN).await;
    let one = chart.prescriptions.first().map(|p| p.medicine.to_lowercase()).unwrap_or_default();
    seen.pin.silent_before = asked.state == State::Asks && !asked.reply.to_lowercase().contains(&one);
    seen.pin.told_after = told.state == State::Answered && told.reply.to_lowercase().contains(&one);
    let shown = serde_json::to_string(&told)?.contains(PIN);
    // Ten minutes later, on the same installation.
    let later = Ambient::fixed(scratch.now + SignedDuration::from_mins(10), 2);
    let request = TurnRequest {
        caller: aloud.caller.clone(),
        session: aloud.session.clone(),
        turn: None,
        input: Input::Text(ask.into()),
        speak: false,
    };
    let again = {
        let mut config = Config::default();
        config.place.clone_from(&scratch.app.config().place);
        let senses = Senses { ears: false, voice: false };
        let app = App::build(config, scratch.places.clone(), later, senses).await?;
        let again = app.turn(request).await;
        app.close().await;
        again
    };
    seen.asked_again = again.state == State::Asks && !again.reply.to_lowercase().contains(&one);
    let mut guesser = Speaker::new(home()?, Some(&person))?;
    scratch.say(&mut guesser, ask).await;
    let mut guess = 100_000;
    while seen.pin.wrong_allowed < 20 {
        guess += 1;
        let result = scratch.say(&mut guesser, &guess.to_string()).await;
        if result.state != State::Asks {
            break;
        }
        seen.pin.wrong_allowed += 1;
    }
    let mut speaker = Speaker::new(home()?, Some(&person))?;
    scratch.say(&mut speaker, ask).await;
    let closed = scratch.say(&mut speaker, PIN).await;
    seen.pin.refused_while_closed = closed.state == State::Refused && !closed.reply.to_lowercase().contains(&one);
    seen.pin.shown = shown || found(&scratch.files(), PIN);
    Ok(())
}

async fn credentials(scratch: &Scratch, seen: &mut Seen) -> anyhow::Result<()> {
    let store = scratch.app.store();
    let grant = || -> anyhow::Result<Grant> {
        let expires = scratch.now + SignedDuration::from_hours(1);
        Ok(Grant { surface: home()?, person: None, label: "kitchen".into(), one_time: false, expires })
    };
    let one = store.issue(&grant()?, TOKEN, scratch.now).await?;
    let two = store.issue(&grant()?, "evidence-token-of-another-speaker-0002", scratch.now).await?;
    let in_first = store.authenticate(TOKEN, scratch.now).await?.map(|caller| caller.credential);
    seen.credentials.distinct = one != two && in_first.as_ref() == Some(&one);
    store.revoke(&one, scratch.now).await?;
    seen.credentials.withdrawn_refused = store.authenticate(TOKEN, scratch.now).await?.is_none();
    seen.credentials.in_clear = found(&scratch.files(), TOKEN);
    Ok(())
}

/// A person whose words occur nowhere else is known, speaks, is spoken to, and is looked for in every file.
async fn canary(scratch: &Scratch, seen: &mut Seen, chart: &Chart) -> anyhow::Result<()> {
    let person = scratch.person(chart, Some("77190425"), &Scope::ALL).await?;
    let mut page = Speaker::new(Surface::Chat, Some(&person))?;
    for words in ["what medicines am I on", "when is my next appointment", "what are my lab results"] {
        let told = scratch.say(&mut page, words).await;
        seen.audit.disclosures += usize::from(told.state == State::Answered);
    }
    scratch.say(&mut page, "I talked to Gloamwick about the ossiquent").await;
    scratch.say(&mut Speaker::new(Surface::ThirdParty, Some(&person))?, "what medicines am I on").await;
    let sound = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00";
    scratch.take(&mut page, Input::Audio(sound.to_vec())).await;
    let files = scratch.files();
    (seen.files, seen.bytes) = (files.len(), files.iter().map(Vec::len).sum());
    seen.words = demo::CANARY_WORDS.len();
    seen.in_clear = demo::CANARY_WORDS.iter().filter(|word| found(&files, word)).map(|w| (*w).to_owned()).collect();
    seen.recordings = files.iter().filter(|bytes| bytes.windows(4).any(|w| w == b"RIFF")).count();
    seen.identifiers = [
        ("given name", "Quillon"),
        ("family name", "Zephyrantha"),
        ("street", "Thistlewhim"),
        ("city", "Umberfjord"),
        ("postal code", "12399-"),
        ("telephone number", "555-0142-7719"),
        ("medical record number", "QZ-77190425"),
        ("date of birth", "1951-09-26"),
    ]
    .map(|(kind, value)| (kind, found(&files, value)))
    .to_vec();
    let store = scratch.app.store();
    let readable = || store.chart_rows::<crate::records::Prescription>(&person, ChartKind::Prescriptions);
    let before = readable().await.is_ok();
    store.destroy_person(&person, "evidence", scratch.now).await?;
    seen.gone = before && readable().await.is_err();
    Ok(())
}

async fn cry(scratch: &Scratch, seen: &mut Seen) -> anyhow::Result<()> {
    let room = RoomId::parse("evidence-1")?;
    let mut bed = Speaker::new(Surface::Room(room.clone()), None)?;
    scratch.say(&mut bed, "help I can't breathe").await;
    let board = scratch.app.store().board(Some(&room)).await?;
    seen.emergency.on_board = board.iter().any(|row| row.emergency);
    let told = scratch.say(&mut Speaker::new(Surface::ThirdParty, None)?, "help I can't breathe").await;
    seen.emergency.number_said_elsewhere = told.reply.contains(&seen.emergency_number);
    Ok(())
}

/// Rows of what was done above; then one entry after the other is changed in a copy, and looked for.
async fn audit(scratch: &Scratch, seen: &mut Seen) -> anyhow::Result<()> {
    let database = crate::store::sqlite_path(&scratch.places.data_dir);
    let reader = AuditReader::open(&database.display().to_string()).await?;
    let mut outline = Vec::new();
    reader.outline(&mut outline).await?;
    let text = String::from_utf8_lossy(&outline);
    let rows = |event: &str| text.lines().filter(|line| line.contains(&format!("\"{event}\""))).count();
    (seen.audit.opened, seen.audit.closed, seen.audit.refused) = (rows("opened"), rows("closed"), rows("refused"));
    seen.integrity.whole = reader.verify(None, None).await?.whole();
    for n in 0..8 {
        let copy = scratch.folder.join(format!("copy-{n}.db"));
        copy_with_entry_changed(&database, &copy, n * 3).await?;
        let report = AuditReader::open(&copy.display().to_string()).await?.verify(None, None).await?;
        seen.integrity.changed += 1;
        seen.integrity.caught += usize::from(!report.whole());
    }
    Ok(())
}

pub(super) fn found(files: &[Vec<u8>], text: &str) -> bool {
    let text = text.to_lowercase().into_bytes();
    files.iter().any(|bytes| bytes.to_ascii_lowercase().windows(text.len()).any(|window| window == text))
}
