//! People who sign in: who they are here, what that opens, how it ends, and what is left of it.

use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::store::StoreError;

use super::{
    provider::Sign,
    stage::{SUBJECT, Stage, cookies},
};
use crate::support;

async fn signed_in(stage: &Stage) -> String {
    let begun = stage.begin().await;
    let mut claims = stage.provider.claims(SUBJECT, &begun.query["nonce"]);
    claims["name"] = "Rosalind Quillfeather".into();
    stage.provider.will_say(claims, Sign::Well);
    let ended = stage.come_back(&begun).await;
    assert_eq!(ended.to, "/#sign-in=done");
    ended.session.expect("a session")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_is_who_their_account_stands_for_until_it_no_longer_does() {
    let stage = Stage::open().await;
    let begun = stage.begin().await;
    stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
    let unbound = stage.come_back(&begun).await;
    assert_eq!((unbound.to.as_str(), unbound.session), ("/#sign-in=refused", None), "an account nobody connected");

    let binding = stage.bind().await;
    let session = signed_in(&stage).await;
    let answer: Value = stage.turn(&session, "what medicines am I on").await.json().await.expect("JSON");
    assert_eq!(answer["state"], "answered", "{answer}");
    assert!(answer["reply"].as_str().expect("text").contains("lisinopril"), "{answer}");

    let again = stage.store().bind(&stage.provider.url(), SUBJECT, &stage.rosa, "", support::now()).await;
    assert!(matches!(again, Err(StoreError::NotPossible)), "an account stands for one person");
    let listed = stage.store().bindings().await.expect("listed");
    assert_eq!((listed.len(), listed[0].label.as_str()), (1, "Rosa's account"));

    // Another provider's account of the same name is somebody else's.
    assert!(stage.store().bound("https://other.example", SUBJECT).await.expect("asked").is_none());

    assert!(stage.store().unbind(&binding, support::now()).await.expect("asked"));
    assert_eq!(stage.turn(&session, "what medicines am I on").await.status(), 401, "its sessions end with it");
    assert!(!stage.store().unbind(&binding, support::now()).await.expect("asked"));
    assert!(stage.store().audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_the_session_and_says_where_the_provider_is() {
    let stage = Stage::open().await;
    stage.bind().await;
    let session = signed_in(&stage).await;
    let offered = stage.request(Method::GET, "/v1/sign-in").send().await.expect("an answer");
    let offered: Value = offered.json().await.expect("JSON");
    let end = format!(
        "{}/end?client_id=wellspoken&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A1%2F",
        stage.provider.url()
    );
    assert_eq!(offered, json!({ "offered": true, "sign_out": end }));
    let close = stage.request(Method::DELETE, "/v1/session").header("cookie", format!("wellspoken={session}"));
    let closed = close.send().await.expect("an answer");
    assert_eq!((closed.status().as_u16(), cookies(&closed)["wellspoken"].as_str()), (204, ""));
    assert_eq!(stage.turn(&session, "hello").await.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_person_no_longer_signs_in() {
    let stage = Stage::open().await;
    stage.bind().await;
    let session = signed_in(&stage).await;
    assert!(stage.store().destroy_person(&stage.rosa, "uid 7", support::now()).await.expect("destroyed"));
    assert_eq!(stage.turn(&session, "what medicines am I on").await.status(), 401);
    let begun = stage.begin().await;
    stage.provider.will_say(stage.provider.claims(SUBJECT, &begun.query["nonce"]), Sign::Well);
    assert_eq!(stage.come_back(&begun).await.to, "/#sign-in=refused");
    assert!(stage.store().bindings().await.expect("listed")[0].person.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_somebody_elses_begins_nothing() {
    let stage = Stage::open().await;
    let begin = |origin: &str| {
        let request = stage.client.post(format!("{}/v1/sign-in", stage.url)).header("origin", origin.to_owned());
        async move { crate::http::door::refusal(request.send().await.expect("an answer")).await.1 }
    };
    for origin in ["http://evil.example", "null"] {
        assert_eq!(begin(origin).await, "wrong_origin", "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_account_nor_name_is_left_in_clear() {
    let stage = Stage::open().await;
    stage.bind().await;
    signed_in(&stage).await;
    let mut files = 0;
    for folder in ["data", "keys", "keys/master.key.d"] {
        for file in std::fs::read_dir(stage.dir.path().join(folder)).expect("a folder").flatten() {
            let Ok(bytes) = std::fs::read(file.path()) else { continue };
            files += 1;
            for word in [SUBJECT, "Quillfeather", "Rosa's account", &stage.provider.url()] {
                let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
                assert!(!found, "{word:?} in {}", file.path().display());
            }
        }
    }
    assert!(files > 3, "{files} files");
}
