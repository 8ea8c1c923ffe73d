//! `wellspoken serve` as a process of its own: what it prints, whom it lets in, how it ends, and that nothing of
//! what was said is left where it does not belong.

pub mod process;

use std::{fs, os::unix::process::ExitStatusExt as _, path::Path, time::Duration};

use process::{Server, collect, scratch, wellspoken};
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::records::demo::CANARY_WORDS;

#[tokio::test]
async fn it_says_where_it_listens_and_lets_the_demo_people_in_by_link() {
    let server = Server::demo(&[]).await;
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    let link = server.link();
    let redeemed = server.redeem(&link).await;
    assert_eq!(redeemed.status(), 200);
    let cookie =
        redeemed.headers()["set-cookie"].to_str().expect("ASCII").split(';').next().expect("a pair").to_owned();
    let body: Value = redeemed.json().await.expect("JSON");
    assert_eq!(body["channel"], "room");
    assert_eq!(server.redeem(&link).await.status(), 403, "a link works once");

    let turn = server
        .request(Method::POST, "/v1/turns")
        .header("cookie", cookie)
        .header("origin", &server.url)
        .json(&json!({ "text": "is my lisinopril ready" }));
    let answer: Value = turn.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&answer["intent"], &answer["state"]), (&"prescription.status".into(), &"answered".into()), "{answer}");
    assert!(answer["reply"].as_str().expect("text").contains("lisinopril"), "{answer}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn credentials_made_beside_the_running_server_work_at_once_and_end_at_once() {
    let server = Server::demo(&[]).await;
    let token = server.credential(&["new", "--channel", "third-party", "--label", "smart speaker"]);
    let ask = |token: String| {
        let request = server.request(Method::POST, "/v1/turns").bearer_auth(token);
        async move { request.json(&json!({ "text": "is my lisinopril ready" })).send().await.expect("an answer") }
    };
    let answer: Value = ask(token.clone()).await.json().await.expect("JSON");
    assert_eq!(answer["state"], "refused", "a third party's channel gets public answers only: {answer}");

    let operator = server.credential(&["new", "--channel", "operator"]);
    let metrics = |token: &str| {
        let request = server.request(Method::GET, "/metrics").bearer_auth(token);
        async move { request.send().await.expect("an answer") }
    };
    assert_eq!(metrics(&token).await.status(), 403);
    let counted = metrics(&operator).await.text().await.expect("a body");
    assert!(counted.contains(r#"wellspoken_turns_total{channel="third-party",state="refused"} 1"#), "{counted}");
    assert_eq!(ask(operator).await.status(), 403, "an operator speaks for nobody");

    let listed = server.credential(&["list"]);
    let line = listed.lines().find(|l| l.contains("smart speaker")).expect("it is listed").to_owned();
    assert!(!listed.contains(&token), "a listed credential shows no secret");
    let id = line.split_whitespace().next().expect("an id");
    server.credential(&["revoke", id]);
    assert_eq!(ask(token).await.status(), 401);
}

#[tokio::test]
async fn a_code_and_a_pin_are_made_on_ones_own_page_alone() {
    let server = Server::start(&[], &[]).await;
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/canary.json");
    let imported =
        wellspoken(server.dir()).args(["import", "--consent", "all"]).arg(&bundle).output().expect("it runs");
    let person = String::from_utf8(imported.stdout).expect("UTF-8").trim().to_owned();
    let own = server.credential(&["new", "--channel", "chat", "--as", &person]);
    let page = |method: Method, path: &str| server.request(method, path).bearer_auth(&own);
    let device = server.credential(&["new", "--channel", "home", "--room", "hall"]);
    let answer = page(Method::POST, "/v1/me/code").send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["cache-control"].to_str().expect("text")),
        (200, "no-store")
    );
    let made: Value = answer.json().await.expect("JSON");
    let code = made["code"].as_str().expect("digits").to_owned();
    let turn = server.request(Method::POST, "/v1/turns").bearer_auth(&device);
    let turn = turn.json(&json!({ "text": format!("my code is {code}") })).send().await.expect("an answer");
    let told = turn.text().await.expect("a body");
    assert!(told.contains("May I know you here") && !told.contains(&code), "{told}");
    let nobody = server.request(Method::POST, "/v1/me/code").bearer_auth(&device).send().await.expect("an answer");
    assert_eq!(nobody.status(), 403, "a device has no page");
    assert_eq!(server.request(Method::POST, "/v1/me/code").send().await.expect("an answer").status(), 401);
    for (body, status, what) in [
        (json!({ "new": "1234" }), 400, "no_pin"),
        (json!({ "new": "12" }), 400, "no_pin"),
        (json!({ "pin": "40771963" }), 400, "wrong_field"),
        (json!({ "new": "40771963" }), 204, ""),
        (json!({ "new": "51882074" }), 403, "wrong_pin"),
        (json!({ "current": "40781963", "new": "51882074" }), 403, "wrong_pin"),
        (json!({ "current": "40771963", "new": "51882074" }), 204, ""),
        (json!({ "current": "40771963", "new": "62993185" }), 403, "wrong_pin"),
        (json!({ "current": "40771963", "new": "62993185" }), 403, "wrong_pin"),
        (json!({ "current": "40771963", "new": "62993185" }), 403, "wrong_pin"),
        (json!({ "current": "51882074", "new": "62993185" }), 429, "pin_locked"),
    ] {
        let answer = page(Method::PUT, "/v1/me/pin").json(&body).send().await.expect("an answer");
        let (got, told) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!(got == status && told.contains(what), "{got} {told}");
    }
    let log = server.log();
    // Shorter ones stand in a log by chance.
    for secret in [code.as_str(), "40771963", "51882074", "62993185"] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn credentials_that_make_no_sense_are_refused_with_what_to_do() {
    let dir = scratch();
    for (arguments, says) in [
        (&["new", "--channel", "room"][..], "--room"),
        (&["new", "--channel", "chat", "--room", "7"], "--channel room or home"),
        (&["new", "--channel", "room", "--room", "7", "--as", "x"], "whoever lies there"),
        (&["new", "--channel", "third-party", "--as", "x"], "public answers only"),
        (&["new", "--channel", "chat", "--as", "nobody-here"], "import"),
        (&["new", "--channel", "operator", "--link", "http://127.0.0.1:1"], "/metrics"),
        (&["new", "--link", "somewhere"], "address"),
        (&["new", "--days", "0"], "1..="),
        (&["revoke", "no-such-id"], "credential list"),
    ] {
        let output = wellspoken(dir.path()).arg("credential").args(arguments).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(says), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn nothing_that_was_said_is_left_in_logs_metrics_or_answers_to_others() {
    let mut server =
        Server::start(&[], &[("WELLSPOKEN_LOG", "debug"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")]).await;
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/canary.json");
    let imported = wellspoken(server.dir())
        .args(["import", "--consent", "all", "--room", "room-9"])
        .arg(&bundle)
        .output()
        .expect("it runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let person = String::from_utf8(imported.stdout).expect("UTF-8").trim().to_owned();
    let room = server.credential(&["new", "--channel", "room", "--room", "room-9"]);
    let chat = server.credential(&["new", "--channel", "chat", "--as", &person]);
    let stranger = server.credential(&["new", "--channel", "third-party"]);
    let operator = server.credential(&["new", "--channel", "operator"]);
    let (mut sessions, mut answered) = (vec![], String::new());
    for token in [&room, &chat, &stranger] {
        for text in [
            "what medicines am i on",
            "is my velmoradine ready",
            "renew my xylobrine",
            "yes",
            "get me the nurse, Quillon Zephyrantha is dizzy",
        ] {
            let turn = server
                .request(Method::POST, "/v1/turns")
                .bearer_auth(token)
                .json(&json!({ "text": text, "turn_id": null }));
            let answer: Value = turn.send().await.expect("an answer").json().await.expect("JSON");
            sessions.push(answer["session"].as_str().expect("a session").to_owned());
            answered += answer["reply"].as_str().expect("text");
        }
        let garbled = format!("{{\"text\": \"velmoradine\", \"Quillon\": \"{}\"", CANARY_WORDS.join(" "));
        let request =
            server.request(Method::POST, "/v1/turns").bearer_auth(token).header("content-type", "application/json");
        let refused = request.body(garbled).send().await.expect("an answer").text().await.expect("a body");
        assert_clean("a refusal", &refused, &[]);
        let path = "/v1/people/Quillon/Zephyrantha?medicine=velmoradine";
        let nowhere = server.request(Method::GET, path).bearer_auth(token).send().await.expect("an answer");
        assert_clean("a refusal", &nowhere.text().await.expect("a body"), &[]);
    }
    assert!(answered.contains("velmoradine"), "the words did go through the server: {answered}");
    let metrics = server.request(Method::GET, "/metrics").bearer_auth(&operator).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("a body");
    let ready = server.request(Method::GET, "/readyz").send().await.expect("an answer").text().await.expect("a body");
    let listed = server.credential(&["list"]);
    let status = server.end().await;
    assert!(status.success());
    let log = server.log();
    assert!(
        log.contains(r#""route":"/v1/turns""#) && log.contains(r#""channel":"third-party""#),
        "there is a log: {log}"
    );
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    }
    let mut ids: Vec<&str> = sessions.iter().map(String::as_str).collect();
    ids.extend([person.as_str(), &room, &chat, &stranger, &operator, "room-9"]);
    assert_clean("the log", &log, &ids);
    assert_clean("the metrics", &metrics, &ids);
    assert_clean("readiness", &ready, &ids);
    assert_clean("the list of credentials", &listed, &[&room, &chat, &stranger, &operator]);
    assert_clean("standard output", &server.printed(), &ids);
    for word in ["dizzy", "nurse", "velmo", "prescription", "emergency"] {
        assert!(!log.to_lowercase().contains(word), "{word} stands in the log");
    }
    let mut names = vec![];
    collect(server.dir(), &mut names);
    assert!(names.len() > 2, "the server keeps files: {names:?}");
    for name in &names {
        let text = String::from_utf8_lossy(&fs::read(name).expect("readable")).into_owned();
        let shown = name.strip_prefix(server.dir()).expect("below").display().to_string();
        if !shown.ends_with(".log") {
            assert_clean(&shown, &text, &[]);
        }
        assert_clean("a file's name", &shown, &ids);
    }
}

fn assert_clean(what: &str, text: &str, ids: &[&str]) {
    let lower = text.to_lowercase();
    for word in CANARY_WORDS.iter().chain(ids) {
        assert!(!lower.contains(&word.to_lowercase()), "{word} stands in {what}");
    }
}

#[tokio::test]
async fn told_to_stop_it_finishes_and_leaves_with_success() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::demo(&[]).await;
        let address = server.url.trim_start_matches("http://").to_owned();
        let _idle = tokio::net::TcpStream::connect(&address).await.expect("open");
        server.signal(signal);
        let status = server.end().await;
        assert!(status.success(), "{signal}: {status}");
        assert!(tokio::net::TcpStream::connect(&address).await.is_err(), "the door is closed");
        assert!(server.log().contains("stopping"));
    }
}

#[tokio::test]
async fn core_dumps_are_impossible() {
    // Where the shell allows dumps of any size, the program itself must forbid them.
    let mut server = Server::unlimited().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("readable");
    let line = limits.lines().find(|l| l.starts_with("Max core file size")).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(&words[4..6], ["0", "0"], "{line}");
    server.signal("ABRT");
    let status = server.end().await;
    assert_eq!(status.signal(), Some(6), "{status}");
    assert!(!status.core_dumped());
    let mut left = vec![];
    collect(server.dir(), &mut left);
    assert!(left.iter().all(|f| !f.file_name().is_some_and(|n| n.to_string_lossy().starts_with("core"))), "{left:?}");

    // The test can tell: the same signal to a process that forbids nothing does dump, where this system dumps at all.
    let mut control = std::process::Command::new("sh");
    control.args(["-c", "ulimit -c unlimited 2>/dev/null; kill -ABRT $$"]).current_dir(server.dir());
    let dumped = control.status().expect("a shell").core_dumped();
    println!("a process that forbids nothing dumps here: {dumped}");
}

#[tokio::test]
async fn what_cannot_be_served_is_said_before_anything_is_loaded() {
    let dir = scratch();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for (config, says) in [
        (format!("[http]\nlisten = \"127.0.0.1:{port}\"\n"), "cannot listen on"),
        ("[http]\nlisten = \"0.0.0.0:0\"\n".into(), "tls_cert"),
        (
            "[http]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"/nowhere/cert.pem\"\ntls_key = \"/nowhere/key.pem\"\n"
                .into(),
            "/nowhere/cert.pem",
        ),
        ("[http]\nlisten = \"everywhere\"\n".into(), "127.0.0.1:8770"),
    ] {
        let file = dir.path().join("config.toml");
        fs::write(&file, &config).expect("written");
        let started = std::time::Instant::now();
        let output = wellspoken(dir.path()).arg("--config").arg(&file).arg("serve").output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{config}: {told}");
        assert!(told.contains(says), "{config}: {told}");
        assert!(output.stdout.is_empty());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn without_models_it_says_which_part_is_missing_and_typing_works() {
    let server = Server::demo(&[]).await;
    let ready = server.request(Method::GET, "/readyz").send().await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.expect("JSON");
    let hearing =
        ready["parts"].as_array().expect("parts").iter().find(|p| p["name"] == "hearing").expect("hearing").clone();
    assert!(hearing["problem"].as_str().expect("a problem").contains("wellspoken models get"), "{hearing}");
    assert!(server.log().contains("a part is missing"));
    let token = server.credential(&["new", "--channel", "chat"]);
    let wav =
        server.request(Method::POST, "/v1/turns").bearer_auth(&token).header("content-type", "audio/wav").body("RIFF");
    let answer: Value = wav.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["state"], "rejected", "{answer}");
    assert!(!answer["reply"].as_str().expect("text").is_empty());
}
