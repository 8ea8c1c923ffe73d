use super::*;
use crate::records::fhir_bundle;

fn export(files: &[&str]) -> (tempfile::TempDir, anyhow::Result<Export>) {
    let dir = tempfile::tempdir().expect("a folder");
    let paths = files.iter().enumerate().map(|(n, text)| {
        let path = dir.path().join(format!("{n}.ndjson"));
        std::fs::write(&path, text).expect("written");
        path
    });
    let paths = paths.collect();
    let export = Export::index(paths);
    (dir, export)
}

const PATIENTS: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Moss","given":["Ann"]}]}
{"resourceType":"Patient","id":"b","name":[{"family":"Reed","given":["Ben"]}]}
"#;

#[test]
fn each_person_gets_their_own_and_what_it_refers_to() {
    let others = r#"{"resourceType":"AllergyIntolerance","id":"1","patient":{"reference":"Patient/b"},"code":{"text":"latex"}}
{"resourceType":"AllergyIntolerance","id":"2","patient":{"reference":"https://x.example/fhir/Patient/a"},"code":{"text":"nuts"}}
{"resourceType":"Appointment","id":"3","status":"booked","start":"2026-12-10T10:00:00Z","participant":[{"actor":{"reference":"PractitionerRole/r"}},{"actor":{"reference":"Patient/a"}}]}
{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/d"}}
{"resourceType":"Practitioner","id":"d","name":[{"prefix":["Dr."],"given":["Lee"],"family":"Okafor"}]}
{"resourceType":"AllergyIntolerance","id":"4","patient":{"reference":"Patient/nobody"}}
{"resourceType":"Basic","id":"5"}
{cut off

"#;
    // Whichever file comes first.
    for files in [[PATIENTS, others], [others, PATIENTS]] {
        let (_dir, export) = export(&files);
        let export = export.expect("an export");
        assert_eq!(export.people(), 2);
        let chart = |n| fhir_bundle::parse(&export.bundle(n).expect("read")).unwrap_or_else(|e| panic!("{e}"));
        let (ann, ben) = (chart(0), chart(1));
        assert_eq!((ann.profile.given.as_str(), ann.allergies[0].substance.as_str()), ("Ann", "nuts"));
        assert_eq!(ann.visits[0].provider.as_deref(), Some("Dr. Lee Okafor"), "through the role");
        assert_eq!((ben.profile.given.as_str(), ben.allergies.len(), ben.visits.len()), ("Ben", 1, 0));
        let left: Vec<_> = export.left_out.iter().map(|(why, n)| format!("{why} {n}")).collect();
        assert_eq!(
            left,
            ["AllergyIntolerance: about nobody in the export 1", "Basic: about nobody 1", "no FHIR resource in JSON 1"]
        );
        assert!(export.faults[0].ends_with("line 8: no FHIR resource in JSON"), "{:?}", export.faults);
    }
}

#[test]
fn what_exports_hold_besides_is_read_or_named() {
    let long = format!("{{\"resourceType\":\"Basic\",\"x\":\"{}\"}}\n", "x".repeat(50 << 20));
    let others = format!(
        r#"{long}{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"DELETE","url":"Condition/9"}}}},{{"request":{{"method":"DELETE","url":"Patient/a"}}}}]}}
{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"not-found","diagnostics":"Ann Moss"}}]}}
{{oops
"#
    );
    let (_dir, export) = export(&[&format!("\u{feff}{PATIENTS}{PATIENTS}"), &others]);
    let export = export.expect("an export");
    assert_eq!(export.people(), 2, "the first line is read, and lines that come again are nobody else's");
    let ann = fhir_bundle::parse(&export.bundle(0).expect("read")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(ann.profile.given, "Ann");
    assert_eq!(export.removed, HashSet::from(["Condition/9".to_owned()]));
    let left: Vec<_> = export.left_out.iter().map(|(why, n)| format!("{why} {n}")).collect();
    assert_eq!(
        left,
        [
            "OperationOutcome: the server says error, not-found 1",
            "Patient: a deletion; nobody is forgotten by an import 1",
            "a line of more than 16 MiB 1",
            "no FHIR resource in JSON 1"
        ]
    );
    assert_eq!(
        export.faults,
        ["file 2, line 1: a line of more than 16 MiB", "file 2, line 4: no FHIR resource in JSON"]
    );
}

#[test]
fn packed_files_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("Patient.ndjson.gz");
    let file = File::create(&path).expect("made");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, PATIENTS.as_bytes()).expect("written");
    packed.finish().expect("written");
    let export = Export::index(vec![path.clone()]).expect("an export");
    let ben = fhir_bundle::parse(&export.bundle(1).expect("read")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((export.people(), ben.profile.given.as_str()), (2, "Ben"));
    let whole = std::fs::read(&path).expect("read");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("cut off");
    assert!(Export::index(vec![path]).is_err_and(|e| e.to_string().contains("file 1 cannot be unpacked")));
}

#[test]
fn files_without_people_are_none() {
    let (_dir, export) = export(&["", "{}\n", r#"{"resourceType":"Basic"}"#]);
    assert!(export.is_err_and(|e| e.to_string().contains("no Patient")));
}
