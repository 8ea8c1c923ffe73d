//! An import that is killed, again and again, at moments nobody chose: it goes on, and in the end it is as if nobody had.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection as _, Row as _};

use crate::serve::process::wellspoken;

/// People of the export. Every tenth cannot be read, and two are one and the same.
const PEOPLE: usize = 700;

/// A Bulk Data export: people with an allergy each, faulty ones, and what is of no use.
fn export(dir: &Path) {
    let folder = dir.join("export");
    std::fs::create_dir_all(&folder).expect("made");
    let (mut people, mut allergies) = (String::new(), String::new());
    for n in 0..PEOPLE {
        // Without a name nobody can be spoken to.
        let name = if n % 10 == 3 { "" } else { r#","name":[{"family":"Moss","given":["Ann"]}]"# };
        // One who comes twice, far apart and next to each other.
        let number = if n == 41 || n == 600 { 40 } else { n };
        people += &format!(
            r#"{{"resourceType":"Patient","id":"p{n}","identifier":[{{"system":"urn:mrn","value":"{number}"}}]{name}}}"#
        );
        people.push('\n');
        allergies += &format!(
            r#"{{"resourceType":"AllergyIntolerance","id":"a{n}","patient":{{"reference":"Patient/p{n}"}},"code":{{"text":"latex {n}"}}}}"#
        );
        allergies.push('\n');
        allergies += &format!(r#"{{"resourceType":"Claim","id":"c{n}","patient":{{"reference":"Patient/p{n}"}}}}"#);
        allergies.push('\n');
    }
    allergies += "{\"resourceType\":\"Basic\",\"id\":\"b\"}\n{cut off\n";
    std::fs::write(folder.join("Patient.ndjson"), people).expect("written");
    std::fs::write(folder.join("Other.ndjson"), allergies).expect("written");
}

fn import(dir: &Path) -> Command {
    let mut command = wellspoken(dir);
    command.args(["--now", "2026-12-01T15:00:00Z", "import", "--consent", "all"]).arg(dir.join("export"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What an import that ended says: how many people, and the lines of its report.
fn said(done: &Output) -> (String, Vec<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(done.status.code(), Some(1), "every tenth was refused: {}", text(&done.stderr));
    (text(&done.stdout), text(&done.stderr).lines().map(str::to_owned).collect())
}

/// What is in the database: how much of each part of how many charts, each with how long it is, and what else there is.
async fn there(dir: &Path) -> Vec<String> {
    let url = format!("sqlite://{}?mode=rw", dir.join("data/wellspoken.db").display());
    let Ok(mut database) = sqlx::SqliteConnection::connect(&url).await else { return vec![] };
    let mut all = Vec::new();
    for sql in [
        "SELECT 'people' || '', COUNT(*) FROM person",
        "SELECT 'identifiers' || '', COUNT(*) FROM identifier",
        "SELECT 'agreed ' || agreed, COUNT(*) FROM person GROUP BY agreed",
        "SELECT 'versions of an agreement', COUNT(*) FROM consent",
        "SELECT kind || ' ' || length(sealed), COUNT(*) FROM chart GROUP BY kind, length(sealed) ORDER BY 1",
        "SELECT event || ' ' || channel, COUNT(*) FROM audit WHERE channel = 'import' GROUP BY event, channel",
        "SELECT 'unfinished' || '', COUNT(*) FROM import_state",
    ] {
        for row in sqlx::query(sql).fetch_all(&mut database).await.unwrap_or_default() {
            all.push(format!("{}: {}", row.get::<String, _>(0), row.get::<i64, _>(1)));
        }
    }
    database.close().await.expect("closed");
    all
}

/// How long a part of the longest chart is, sealed.
pub async fn longest_part(dir: &Path, kind: &str) -> i64 {
    let there = there(dir).await;
    let lengths = there.iter().filter_map(|line| line.strip_prefix(kind)?.trim().split(':').next()?.parse().ok());
    lengths.max().unwrap_or_default()
}

fn count(there: &[String], of: &str) -> i64 {
    let line = there.iter().find_map(|line| line.strip_prefix(of)?.strip_prefix(": "));
    line.map_or(0, |n| n.parse().expect("a number"))
}

/// Numbers that are the same in every run, and look like none.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_again_and_again_ends_as_if_it_had_not_been() {
    let whole = crate::residue::folder();
    export(whole.path());
    let clock = Instant::now();
    let wanted = said(&import(whole.path()).output().expect("it starts"));
    let lasts = u64::try_from(clock.elapsed().as_millis()).expect("short");
    let wanted_there = there(whole.path()).await;
    assert_eq!(wanted.0.trim(), PEOPLE.saturating_sub(PEOPLE / 10).to_string(), "{:?}", wanted.1);
    assert_eq!(count(&wanted_there, "people"), 628, "three of them are one: {wanted_there:?}");
    assert_eq!(count(&wanted_there, "agreed 3"), 1, "{wanted_there:?}");

    let killed = crate::residue::folder();
    export(killed.path());
    let mut dice = Dice(20_261_201);
    let (mut in_the_middle, mut people) = (BTreeSet::new(), 0);
    let done = loop {
        let mut process = import(killed.path()).spawn().expect("it starts");
        // A while after somebody more is there, so that it gets on however quick the machine is; at first at any moment.
        let mut until = (people == 0).then(|| Instant::now() + Duration::from_millis(dice.below(lasts / 6)));
        let ended = loop {
            if process.try_wait().expect("a child").is_some() {
                break true;
            }
            if until.is_none() && in_the_middle.len() < 8 && count(&there(killed.path()).await, "people") > people {
                until = Some(Instant::now() + Duration::from_millis(dice.below(lasts / 20)));
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if ended {
            break process.wait_with_output().expect("ended");
        }
        process.kill().expect("killed");
        process.wait().expect("ended");
        let there = there(killed.path()).await;
        let now = count(&there, "people");
        assert!(now >= people, "nobody goes: {now} after {people}");
        if now == 628 && count(&there, "unfinished") == 0 {
            // The kill came after the last commit: it is done, and only its report was lost.
            assert!(
                in_the_middle.len() >= 3,
                "it was killed in the middle too rarely to show anything: {in_the_middle:?}"
            );
            assert_eq!(there, wanted_there);
            return;
        }
        let charts: i64 = there
            .iter()
            .filter(|l| l.starts_with("profile "))
            .map(|l| count(&there, l.split(": ").next().unwrap_or(l)))
            .sum();
        assert_eq!(charts, now, "a person is there with their chart or not at all");
        people = now;
        if (1..628).contains(&now) {
            in_the_middle.insert(now);
        }
    };
    assert!(in_the_middle.len() >= 3, "it was killed in the middle too rarely to show anything: {in_the_middle:?}");
    let (out, mut lines) = said(&done);
    let before = lines.iter().position(|line| line.ends_with("of them were imported before this was stopped"));
    lines.remove(before.expect("it says that it went on"));
    assert_eq!((out, lines), wanted, "counted as if it had not been killed");
    assert_eq!(there(killed.path()).await, wanted_there);
    println!("killed with {in_the_middle:?} people there");
}
