//! `wellspoken bench import`: how fast many people are imported, and how much memory that takes.
//!
//! The people are made up here, as a Bulk Data export: NDJSON files by type, with what is read and what is left out.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use crate::{
    ambient::system_now,
    cli::{Global, import, runtime},
    policy::Scope,
    store::{Store, StoreOptions, sqlite_path},
};

/// Measure the import of many people.
#[derive(Debug, clap::Args)]
pub struct ImportBenchArgs {
    /// People to make up.
    #[arg(long, default_value_t = 10_000)]
    people: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    people: u64,
    resources: u64,
    bytes: u64,
    index_seconds: f64,
    index_mb: f64,
    import_seconds: f64,
    people_a_second: f64,
    /// The most memory that was resident at any time of the run.
    peak_mb: f64,
}

/// Runs `wellspoken bench import`.
///
/// # Errors
/// When the scratch folder cannot be made, or a person cannot be imported.
pub fn run(global: &Global, args: &ImportBenchArgs) -> anyhow::Result<()> {
    let report = super::in_scratch(global, |scratch| measure(global, args.people, scratch))?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!("{} people, {} resources, {:.0} MB of NDJSON", report.people, report.resources, mb(report.bytes));
    println!("looked through: {:.1} s; resident then {:.0} MB", report.index_seconds, report.index_mb);
    println!("imported: {:.1} s, {:.0} people a second", report.import_seconds, report.people_a_second);
    println!("at most {:.0} MB resident", report.peak_mb);
    Ok(())
}

fn measure(global: &Global, people: u64, scratch: &Path) -> anyhow::Result<Report> {
    let export = scratch.join("export");
    std::fs::create_dir_all(&export)?;
    let (resources, bytes) = make_up(people, &export)?;
    let clock = Instant::now();
    let (source, files) = import::Source::of(&[export])?.context("an export")?;
    let source = Arc::new(source);
    let (index_seconds, index_mb) = (clock.elapsed().as_secs_f64(), resident("VmRSS:"));
    let data = scratch.join("data");
    let keys = global.config()?.keys;
    let clock = Instant::now();
    let how = import::How { consent: Some(Scope::ALL.to_vec()), replace: false };
    let tally = runtime()?.block_on(async {
        let url = sqlite_path(&data).display().to_string();
        let store = Store::open(StoreOptions { url, key_file: scratch.join("keys/master.key"), keys }).await?;
        let tally = import::everybody(&store, source, &files, &how, system_now()).await;
        store.close().await;
        tally
    })?;
    anyhow::ensure!(tally.failed.is_empty(), "some were not imported: {:?}", tally.failed);
    let import_seconds = clock.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a count of people")]
    let people_a_second = tally.people as f64 / import_seconds;
    Ok(Report {
        people,
        resources,
        bytes,
        index_seconds,
        index_mb,
        import_seconds,
        people_a_second,
        peak_mb: resident("VmHWM:"),
    })
}

/// An export of invented people; how many resources and bytes it has.
fn make_up(people: u64, folder: &Path) -> anyhow::Result<(u64, u64)> {
    let kinds = [
        "Patient",
        "Observation",
        "Condition",
        "Immunization",
        "AllergyIntolerance",
        "MedicationRequest",
        "Encounter",
        "Claim",
    ];
    let open = |kind: &&str| -> anyhow::Result<(PathBuf, BufWriter<File>)> {
        let path = folder.join(format!("{kind}.ndjson"));
        Ok((path.clone(), BufWriter::new(File::create(path)?)))
    };
    let mut files = kinds.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let mut resources = 0;
    for n in 0..people {
        for resource in somebody(n) {
            let kind = resource["resourceType"].as_str().unwrap_or_default();
            let at = kinds.iter().position(|k| *k == kind).context("a kind")?;
            writeln!(files[at].1, "{resource}")?;
            resources += 1;
        }
    }
    let mut bytes = 0;
    for (path, file) in &mut files {
        file.flush()?;
        bytes += std::fs::metadata(path)?.len();
    }
    Ok((resources, bytes))
}

/// One invented person: twenty resources, as a small chart has.
fn somebody(n: u64) -> Vec<serde_json::Value> {
    let me = json!({ "reference": format!("Patient/p{n}") });
    let day = |back: u64| format!("2026-{:02}-{:02}T09:00:00Z", 1 + (n + back) % 11, 1 + (n * 7 + back) % 28);
    let category = |code: &str| json!([{ "coding": [{ "code": code }] }]);
    let loinc =
        |code: &str, text: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }], "text": text });
    let mut all = vec![json!({
        "resourceType": "Patient", "id": format!("p{n}"), "birthDate": "1960-01-01",
        "identifier": [
            { "system": "urn:bench:mrn", "value": n.to_string() },
            { "type": { "coding": [{ "code": "SS" }] }, "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999" },
            // As Synthea's: of so many people some share one.
            { "type": { "coding": [{ "code": "DL" }] }, "system": "urn:oid:2.16.840.1.113883.4.3.25", "value": format!("S999{:05}", n % 10_000) },
        ],
        "name": [{ "family": format!("Family{n}"), "given": ["Given"] }],
    })];
    for k in 0..8 {
        all.push(json!({
            "resourceType": "Observation", "id": format!("l{n}-{k}"), "status": "final", "category": category("laboratory"),
            "code": loinc("2823-3", "Potassium"), "subject": me, "effectiveDateTime": day(k),
            "valueQuantity": { "value": 4.1, "unit": "mmol/L", "code": "mmol/L" },
            "referenceRange": [{ "low": { "value": 3.5 }, "high": { "value": 5.1 } }],
        }));
    }
    for k in 0..4 {
        all.push(json!({
            "resourceType": "Observation", "id": format!("v{n}-{k}"), "status": "final", "category": category("vital-signs"),
            "code": loinc("29463-7", "Body weight"), "subject": me, "effectiveDateTime": day(k),
            "valueQuantity": { "value": 71.2, "unit": "kg", "code": "kg" },
        }));
    }
    all.push(json!({ "resourceType": "Condition", "id": format!("c{n}"), "subject": me, "code": { "text": "Hypertension" } }));
    all.push(json!({
        "resourceType": "Immunization", "id": format!("i{n}"), "status": "completed", "patient": me,
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "115" }], "text": "Tdap" },
        "occurrenceDateTime": "2019-06-12",
    }));
    all.push(json!({ "resourceType": "AllergyIntolerance", "id": format!("a{n}"), "patient": me, "code": { "text": "latex" } }));
    for k in 0..2 {
        all.push(json!({
            "resourceType": "MedicationRequest", "id": format!("m{n}-{k}"), "status": "active", "intent": "order",
            "subject": me, "medicationCodeableConcept": { "text": "lisinopril 10 MG Oral Tablet" }, "authoredOn": day(k),
        }));
    }
    all.push(json!({
        "resourceType": "Encounter", "id": format!("e{n}"), "status": "finished", "subject": me,
        "period": { "start": day(0) },
    }));
    all.push(json!({ "resourceType": "Claim", "id": format!("x{n}"), "status": "active", "patient": me }));
    all
}

#[allow(clippy::cast_precision_loss, reason = "megabytes")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A line of the process's memory in megabytes; 0 where the system does not tell.
fn resident(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(line));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
