//! Killed at any instant, a full disk, a locked database: what was said to be done stays done, and the store
//! goes on when it can.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use sqlx::Connection;
use wellspoken::{
    config::KeysConfig,
    policy::{Event, Journal},
    records::SlotQuery,
    store::{Store, StoreError, StoreOptions, TurnCommit},
};

use super::{
    child::{child_after, opened_by_parent, set},
    place::{self, Place, admitted, at, commit, credential, entry, opening, renew, session, turn},
};

super::on_both!(what_was_said_to_be_done_survives_kill_9);

async fn what_was_said_to_be_done_survives_kill_9(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let mut done = HashSet::new();
    for round in 0..6 {
        let mut process = child_after("", "store::bad_luck::commits_until_killed", &place)
            .env("WELLSPOKEN_TEST_PERSON", person.as_str())
            .env("WELLSPOKEN_TEST_ROUND", round.to_string())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut said = 0;
        // Killed in the middle of the work, right after a line, at another place each round.
        while said < 5 + round * 7 {
            let line = lines.next().expect("a line").expect("text");
            if let Some(name) = line.strip_prefix("done ") {
                done.insert(name.to_owned());
                said += 1;
            }
        }
        process.kill().expect("killed");
        process.wait().expect("ended");
        done.extend(lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("done ").map(str::to_owned)));
    }
    assert!(done.len() > 100, "{} turns were said to be done", done.len());
    let (s, c) = (session("s1"), credential("cred"));
    for name in &done {
        let t = turn(name);
        let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read");
        assert_eq!(
            found.answered.unwrap_or_else(|| panic!("{name} is lost")).answer,
            format!("answer to {name}").as_bytes()
        );
    }
    let renewals = store.renewals(&person).await.expect("read");
    let renewals = renewals.reveal(&place::permit(&store, &person).await).expect("theirs");
    let renewed: HashSet<_> = renewals.into_iter().map(|r| r.prescription).collect();
    assert!(done.is_subset(&renewed), "what was answered was done");
    assert!(store.audit_verify().await.expect("read").whole());
    store.append(entry(Event::Opened, Some(&person), 1)).await.expect("and goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by what_was_said_to_be_done_survives_kill_9"]
async fn commits_until_killed() {
    let store = opened_by_parent().await;
    let name = set("WELLSPOKEN_TEST_PERSON");
    let person = wellspoken::policy::PersonId::parse(&name).expect("fits");
    let round = set("WELLSPOKEN_TEST_ROUND");
    let tasks: Vec<_> = (0..4)
        .map(|lane| {
            let (store, person, round) = (store.clone(), person.clone(), round.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let name = format!("r{round}-{lane}-{n}");
                    store.commit(commit(&name, &person, vec![renew(&name)])).await.expect("committed");
                    // One write, so that lines of several lanes never mix.
                    let line = format!("done {name}\n");
                    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).expect("said");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ran");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_gone_when_there_is_space() {
    let place = Place::sqlite();
    let before = admitted(&place.open().await, None).await;
    // A limit on file sizes stands for the disk; the signal that comes with it is ignored, as servers do.
    let out = child_after("trap '' XFSZ; ulimit -S -f 4000;", "store::bad_luck::writes_until_full", &place)
        .env("WELLSPOKEN_TEST_PERSON", before.as_str())
        .stderr(Stdio::inherit())
        .output()
        .expect("ran");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    let store = place.open().await;
    assert!(store.audit_verify().await.expect("read").whole());
    assert!(store.person_exists(&before).await.expect("read"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_full_disk_is_told_and_gone_when_there_is_space"]
async fn writes_until_full() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let store = opened_by_parent().await;
    let name = set("WELLSPOKEN_TEST_PERSON");
    let person = wellspoken::policy::PersonId::parse(&name).expect("fits");
    let mut done = 0;
    let error = loop {
        let mut turn: TurnCommit = commit(&format!("t{done}"), &person, vec![renew(&format!("rx-{done}"))]);
        turn.answer = vec![0; 20_000];
        match store.commit(turn).await {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
        assert!(done < 5000, "the disk never fills");
    };
    let wellspoken::store::CommitError::Store(error) = error else { panic!("{error}") };
    assert!(matches!(error, StoreError::Full | StoreError::Disk(_)), "{error}");
    let (s, t, c) = (session("s1"), turn(&format!("t{done}")), credential("cred"));
    let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("reading goes on");
    assert!(found.answered.is_none(), "the turn that failed left nothing");
    assert!(store.append(entry(Event::Opened, Some(&person), 1)).await.is_ok() || done > 0);
    let limit = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: limit.maximum, maximum: limit.maximum }).expect("space is made");
    store.append(entry(Event::Opened, Some(&person), 1)).await.expect("and the store goes on");
    assert!(store.audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_locked_by_another_process_is_told_and_waited_for() {
    let place = Place::sqlite();
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let mut other = place.raw().await;
    let hold = sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await;
    hold.expect("held");
    let began = Instant::now();
    let refused = store.append(entry(Event::Opened, Some(&person), 1)).await.expect_err("locked");
    assert!(refused.to_string().contains("another process keeps the database locked"), "{refused}");
    assert!(began.elapsed() >= Duration::from_secs(4), "it was waited for");
    let slots = SlotQuery { from: at(0), until: at(1), provider: None, specialty: None, limit: 1, held_for: None };
    store.free_slots(&slots).await.expect("reading goes on");
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("let go");
    store.append(entry(Event::Opened, Some(&person), 2)).await.expect("goes on");
    assert!(store.audit_verify().await.expect("read").whole());
    other.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let place = Place::sqlite();
    std::fs::create_dir_all(place.dir.path().join("data")).expect("made");
    std::fs::write(&place.url, b"this is a letter, not a database, and somebody wants to keep it. ".repeat(100))
        .expect("written");
    let before = std::fs::read(&place.url).expect("read");
    let error = Store::open(place.options()).await.err().expect("refused");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read(&place.url).expect("read"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_server_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let options = StoreOptions {
        url: format!("postgres://nobody@localhost/none?host={}", dir.path().display()),
        key_file: dir.path().join("master.key"),
        keys: KeysConfig::default(),
    };
    let error = Store::open(options).await.err().expect("refused");
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_database_is_left_alone() {
    let place = Place::sqlite();
    place.open().await.close().await;
    let mut raw = place.raw().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, X'00', 0)",
    )
    .execute(&mut raw)
    .await
    .expect("written");
    raw.close().await.expect("closed");
    assert!(matches!(Store::open(place.options()).await, Err(StoreError::Newer)));
}
