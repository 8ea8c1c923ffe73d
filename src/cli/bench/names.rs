//! `wellspoken bench names`: whether the name of a medicine that somebody says gets through the whole path.
//!
//! Each recording is played to a person who has so many medicines: hearing, the second listen, understanding, dialogue.
//! What is read back is answered with yes where it is what was said and with no where it is not, so an act with the
//! wrong medicine is one that nobody was asked about rightly. Makes its corpora with `names.py` beside this file.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::words::{contains, plain};
use crate::{
    app::App,
    cli::{Global, runtime, turn},
    policy::{Caller, Scope, SessionId},
    records::fhir_bundle,
    store::ImportOptions,
    turn::{Input, State, TurnRequest, TurnResult},
};

/// Measure how names of medicines are heard, over the whole path.
#[derive(Debug, clap::Args)]
pub struct NamesBenchArgs {
    /// A folder with recordings and `names.json`, as `src/cli/bench/names.py` makes it.
    #[arg(long)]
    data: PathBuf,
    /// Every so many of the recordings alone.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Medicines on the person's list.
    #[arg(long, value_delimiter = ',', default_value = "6,20")]
    lists: Vec<usize>,
    /// Print what became of each recording that did not come through.
    #[arg(long)]
    misses: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    /// The sentence, and the name said alone as one answers "Which medicine?".
    file: PathBuf,
    alone: PathBuf,
    medicine: String,
    /// Whether the person has it.
    on_list: bool,
    voice: String,
    noise: Option<String>,
    /// What the person has, where that is 6 and where it is 20.
    six: Vec<String>,
    twenty: Vec<String>,
}

/// What became of one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// What was said was read back, told or done.
    Through,
    /// The same, once it had been asked for again.
    Asked,
    /// Nothing was named: asked again to no avail, not understood, or something else was.
    Unheard,
    /// Another medicine was read back or asked about; the no was heeded.
    ReadBack,
    /// Another medicine was told about, which changes nothing.
    Told,
    /// Something was done with another medicine.
    Acted,
}

/// Turns of one conversation, at most.
const MOST_TURNS: usize = 6;

/// Runs `wellspoken bench names`.
///
/// # Errors
/// When the recordings, the models or the scratch folder cannot be used.
pub fn run(global: &Global, args: &NamesBenchArgs) -> anyhow::Result<()> {
    let text = fs::read_to_string(args.data.join("names.json")).with_context(|| args.data.display().to_string())?;
    let manifest: Manifest = serde_json::from_str(&text).context("names.json")?;
    let cases: Vec<&Case> = manifest.cases.iter().step_by(args.every.max(1)).collect();
    let reports = super::in_scratch(global, |scratch| runtime()?.block_on(measure(global, args, &cases, scratch)))?;
    print(&reports, args.json)
}

async fn measure(
    global: &Global,
    args: &NamesBenchArgs,
    cases: &[&Case],
    scratch: &Path,
) -> anyhow::Result<Vec<Report>> {
    let app = super::expected::app(global, scratch).await?;
    let mut reports = Vec::new();
    for size in &args.lists {
        let mut report = Report::new(*size);
        for (n, case) in cases.iter().enumerate() {
            let mut talk = Talk::with(&app, case, *size, n).await?;
            let came = talk.play(&args.data).await?;
            if args.misses && came != Came::Through {
                let (file, said) = (case.file.display(), &case.medicine);
                eprintln!("{size} {} {file} {said}: {came:?}; {}", case.voice, talk.log.join(" / "));
            }
            report.add(case, came, &talk);
        }
        report.finish();
        reports.push(report);
    }
    app.close().await;
    Ok(reports)
}

/// One conversation of somebody who has some medicines.
struct Talk<'a> {
    app: &'a App,
    case: &'a Case,
    has: Vec<String>,
    caller: Caller,
    session: Option<SessionId>,
    log: Vec<String>,
    cpu_ms: f64,
    clips: u64,
    listens: u64,
}

impl<'a> Talk<'a> {
    async fn with(app: &'a App, case: &'a Case, size: usize, n: usize) -> anyhow::Result<Self> {
        let from = if size <= case.six.len() { &case.six } else { &case.twenty };
        let has: Vec<String> = from.iter().take(size).cloned().collect();
        let chart = fhir_bundle::parse(bundle(&format!("{size}-{n}"), &has).to_string().as_bytes())?;
        let options =
            ImportOptions { pin: None, consent: Some(Scope::ALL.to_vec()), room: None, ..ImportOptions::default() };
        let person = app.store().import(&chart, options, app.ambient().now()).await?;
        let caller = turn::caller(app, turn::Channel::Home, "kitchen", Some(person.as_str())).await?;
        Ok(Self { app, case, has, caller, session: None, log: Vec::new(), cpu_ms: 0.0, clips: 0, listens: 0 })
    }

    async fn say(&mut self, input: Input) -> anyhow::Result<TurnResult> {
        let heard = || self.app.ears().map_or(0, crate::asr::pool::Pool::listens);
        let sound = matches!(input, Input::Audio(_));
        let (cpu, before) = (cpu_ms(), heard());
        let request =
            TurnRequest { caller: self.caller.clone(), session: self.session.clone(), turn: None, input, speak: false };
        let result = self.app.turn(request).await;
        if sound {
            self.cpu_ms += cpu_ms() - cpu;
            self.clips += 1;
            self.listens += heard() - before;
        }
        self.session = Some(SessionId::parse(&result.session)?);
        let words = result.heard.as_ref().map_or("", |h| h.text.as_str());
        self.log.push(format!("{words:?} → {} {}", result.state.name(), result.reply));
        Ok(result)
    }

    async fn play(&mut self, folder: &Path) -> anyhow::Result<Came> {
        let sound = |file: &Path| fs::read(folder.join(file)).with_context(|| file.display().to_string());
        let mut result = self.say(Input::Audio(sound(&self.case.file)?)).await?;
        let (mut came, mut done, mut alone) = (Came::Unheard, Came::Through, false);
        for _ in 0..MOST_TURNS {
            let named = self.named(&result.reply);
            let right = named.iter().position(|name| *name == self.case.medicine);
            let others = named.iter().any(|name| *name != self.case.medicine);
            let wrong = right.is_none() && others;
            let next = match result.state {
                State::Done if wrong => return Ok(Came::Acted),
                State::Answered if wrong => return Ok(Came::Told),
                State::Done | State::Answered | State::Refused if right.is_some() => return Ok(done),
                State::Confirms | State::Asks if wrong => {
                    came = Came::ReadBack;
                    Input::Text("no".into())
                }
                State::Confirms | State::Asks => match right {
                    // Between two that sound alike: the place of the one that was said.
                    Some(place) if others => Input::Text(["the first one", "the second one"][place.min(1)].into()),
                    Some(_) => Input::Text("yes".into()),
                    // "Do you want more of a medicine?"
                    None if result.reply.starts_with("Do you want") && done == Came::Through => {
                        done = Came::Asked;
                        Input::Text("yes".into())
                    }
                    None if matches!(done, Came::Through | Came::Asked) && !alone => {
                        alone = true;
                        done = Came::Asked;
                        Input::Audio(sound(&self.case.alone)?)
                    }
                    None => return Ok(came),
                },
                State::Done | State::Answered | State::Refused | State::Escalated | State::Rejected => return Ok(came),
            };
            if came == Came::ReadBack && matches!(&next, Input::Text(text) if text == "no") {
                let after = self.say(next).await?;
                return Ok(if after.state == State::Done { Came::Acted } else { came });
            }
            result = self.say(next).await?;
        }
        Ok(came)
    }

    /// The medicines that an answer names, in order; not those that it says are not meant.
    fn named(&self, reply: &str) -> Vec<String> {
        let words = plain(reply);
        let mut found: Vec<(usize, String)> = Vec::new();
        for name in self.has.iter().chain([&self.case.medicine]) {
            let spelled = plain(name);
            let at = (0..words.len()).find(|&i| {
                contains(words.get(i..(i + spelled.len()).min(words.len())).unwrap_or_default(), &spelled)
                    && i.checked_sub(1).and_then(|i| words.get(i)).is_none_or(|before| before != "not")
            });
            if let Some(at) = at
                && found.iter().all(|(_, known)| known != name)
            {
                found.push((at, name.clone()));
            }
        }
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// Somebody who takes all of these, with refills left and nothing under way.
fn bundle(id: &str, medicines: &[String]) -> serde_json::Value {
    let mut entries = vec![json!({ "resource": {
        "resourceType": "Patient", "id": id, "identifier": [{ "system": "urn:bench", "value": id }],
        "name": [{ "family": "Bench", "given": ["Nora"] }], "birthDate": "1951-04-02",
    }})];
    entries.extend(medicines.iter().enumerate().map(|(n, name)| {
        json!({ "resource": {
            "resourceType": "MedicationRequest", "id": format!("m{n}"), "status": "active", "intent": "order",
            "medicationCodeableConcept": { "text": format!("{name} 10 MG Oral Tablet") },
            "subject": { "reference": format!("Patient/{id}") }, "authoredOn": "2026-01-05",
            "dosageInstruction": [{ "text": "Take one tablet every morning." }],
            "dispenseRequest": { "numberOfRepeatsAllowed": 5 },
        }})
    }));
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries })
}

/// Processor time of all threads of this process.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// How it went with lists of one length.
#[derive(Serialize)]
struct Report {
    medicines_on_list: usize,
    /// Of recordings whose medicine is on the list.
    on_list: Tally,
    /// Of those whose is not. Right is to say so, or to ask again.
    off_list: Tally,
    /// Share of recordings on the list that came through, by voice and by noise.
    by_voice: BTreeMap<String, Share>,
    by_noise: BTreeMap<String, Share>,
    cpu_ms_a_clip: f64,
    /// Listens beyond the first, of 100 clips.
    extra_listens: f64,
    #[serde(skip)]
    cost: (f64, u64, u64),
}

#[derive(Default, Serialize)]
struct Tally {
    recordings: usize,
    through: usize,
    /// Of those that came through, so many after it was asked for again.
    asked_again: usize,
    unheard: usize,
    read_back_wrong: usize,
    told_wrong: usize,
    acted_wrong: usize,
}

#[derive(Default, Serialize)]
struct Share {
    through: usize,
    of: usize,
}

impl Tally {
    fn add(&mut self, came: Came) {
        self.recordings += 1;
        let came = match came {
            Came::Through => &mut self.through,
            Came::Asked => {
                self.asked_again += 1;
                &mut self.through
            }
            Came::Unheard => &mut self.unheard,
            Came::ReadBack => &mut self.read_back_wrong,
            Came::Told => &mut self.told_wrong,
            Came::Acted => &mut self.acted_wrong,
        };
        *came += 1;
    }
}

impl Report {
    fn new(medicines_on_list: usize) -> Self {
        Self {
            medicines_on_list,
            on_list: Tally::default(),
            off_list: Tally::default(),
            by_voice: BTreeMap::new(),
            by_noise: BTreeMap::new(),
            cpu_ms_a_clip: 0.0,
            extra_listens: 0.0,
            cost: (0.0, 0, 0),
        }
    }

    fn add(&mut self, case: &Case, came: Came, talk: &Talk<'_>) {
        let (cpu, clips, listens) = self.cost;
        self.cost = (cpu + talk.cpu_ms, clips + talk.clips, listens + talk.listens);
        if !case.on_list {
            self.off_list.add(came);
            return;
        }
        self.on_list.add(came);
        let noise = case.noise.clone().unwrap_or_else(|| "quiet".to_owned());
        let voice = self.by_voice.entry(case.voice.clone()).or_default();
        for share in [voice, self.by_noise.entry(noise).or_default()] {
            share.of += 1;
            share.through += usize::from(matches!(came, Came::Through | Came::Asked));
        }
    }

    fn finish(&mut self) {
        let (cpu, clips, listens) = self.cost;
        let clips_or_one = clips.max(1) as f64;
        self.cpu_ms_a_clip = cpu / clips_or_one;
        self.extra_listens = (listens as f64 - clips as f64) / clips_or_one * 100.0;
    }
}

fn print(reports: &[Report], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(reports)?);
        return Ok(());
    }
    let percent = |part: usize, of: usize| part as f64 * 100.0 / of.max(1) as f64;
    for r in reports {
        let (on, off) = (&r.on_list, &r.off_list);
        println!(
            "{} medicines: {} of {} came through ({:.1} %), {} of them asked again",
            r.medicines_on_list,
            on.through,
            on.recordings,
            percent(on.through, on.recordings),
            on.asked_again
        );
        println!(
            "  else: not heard {}, another read back and denied {}, another told about {}, another acted on {}",
            on.unheard, on.read_back_wrong, on.told_wrong, on.acted_wrong
        );
        println!(
            "  not on the list, {}: said so {}, not heard {}, another read back and denied {}, told about {}, acted on {}",
            off.recordings, off.through, off.unheard, off.read_back_wrong, off.told_wrong, off.acted_wrong
        );
        println!("  cpu {:.0} ms a clip, {:.0} extra listens in 100 clips", r.cpu_ms_a_clip, r.extra_listens);
        for (name, share) in r.by_voice.iter().chain(&r.by_noise) {
            println!("    {name:<24} {:>3} of {:>3}", share.through, share.of);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_what_it_says() {
        let has = ["lisinopril".to_owned(), "folic acid".to_owned()];
        let chart = fhir_bundle::parse(bundle("6-1", &has).to_string().as_bytes()).expect("a bundle");
        let names: Vec<&str> = chart.prescriptions.iter().map(|p| p.medicine.as_str()).collect();
        assert_eq!(names, ["lisinopril", "folic acid"]);
    }
}
