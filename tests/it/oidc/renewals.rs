//! The prescriber's inbox and the pharmacy's: who sees what, that each look and decision is in the trail first, and what the
//! person is told of it.

use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    actions::{Change, Route},
    policy::Surface,
};

use super::stage::Stage;
use crate::support::Speaker;

async fn told(stage: &Stage, session: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = stage.ask(session, method, path, &body).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

async fn session(stage: &Stage, subject: &str, group: &str, name: &str) -> String {
    let claims = json!({ "groups": group, "name": name });
    stage.staff_signs_in(subject, claims).await.session.expect("a session")
}

async fn list(stage: &Stage, session: &str, which: &str) -> Vec<Value> {
    let (status, answer) = told(stage, session, Method::GET, &format!("/v1/staff/{which}"), Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    answer["renewals"].as_array().expect("a list").clone()
}

/// Rosa asks aloud, and says yes.
async fn asks(stage: &Stage, words: &str) {
    let mut rosa = Speaker::new(stage.program.app(), Surface::Chat, Some(&stage.rosa));
    rosa.says(words).await;
    let done = rosa.says("yes").await;
    assert!(done.reply.starts_with("I've put in your request"), "{}", done.reply);
}

async fn status(stage: &Stage, medicine: &str) -> String {
    let mut rosa = Speaker::new(stage.program.app(), Surface::Chat, Some(&stage.rosa));
    rosa.says(&format!("is my {medicine} ready")).await.reply
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prescriber_sees_what_is_put_to_them_and_the_person_hears_the_reason() {
    let stage = Stage::open().await;
    asks(&stage, "refill my zolpidem").await;
    asks(&stage, "refill my atorvastatin").await;
    let okafor = session(&stage, "okafor", "md", "Okafor, Samuel, MD").await;
    let patel = session(&stage, "patel", "md", "Anita Patel").await;
    let other = session(&stage, "stone", "md", "Eve Stone").await;
    let trail = async || stage.store().audit_verify().await.expect("read");
    let before = trail().await.entries;
    let inbox = list(&stage, &okafor, "renewals").await;
    assert_eq!(trail().await.entries, before + 2, "a look opens and closes a row");
    let [one] = &inbox[..] else { panic!("{inbox:?}") };
    assert_eq!(
        (&one["medicine"], &one["strength"], &one["controlled"]),
        (&json!("zolpidem"), &json!("5 mg tablet"), &json!(true))
    );
    assert_eq!((&one["name"], &one["state"]), (&json!("Rosa Delgado"), &json!("prescriber_asked")));
    assert_eq!(one["directions"], json!("Take one tablet by mouth at bedtime as needed for sleep."));
    list(&stage, &okafor, "renewals").await;
    assert_eq!(trail().await.entries, before + 4, "and so does the next one");
    let theirs = list(&stage, &patel, "renewals").await;
    assert_eq!(theirs.iter().map(|r| &r["medicine"]).collect::<Vec<_>>(), [&json!("atorvastatin")]);
    assert!(list(&stage, &other, "renewals").await.is_empty(), "it is put to somebody else by name");

    let id = one["id"].clone();
    let deny = |who: &str, reason: &str| {
        let (who, body) = (who.to_owned(), json!({ "id": id, "reason": reason }));
        let stage = &stage;
        async move { told(stage, &who, Method::POST, "/v1/staff/renewals/deny", body).await }
    };
    let reason = "please come in so that we can talk about your sleep";
    for who in [&patel, &other] {
        assert_eq!(deny(who, reason).await.0, 404, "not theirs to decide");
    }
    for bad in ["", "no", &"x".repeat(201)] {
        let (status, answer) = deny(&okafor, bad).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("unsayable")), "{bad:?}");
    }
    let before = trail().await.entries;
    assert_eq!(deny(&okafor, reason).await.0, 200);
    assert_eq!(trail().await.entries, before + 1, "decision and row are one");
    assert_eq!(deny(&okafor, reason).await.0, 404, "once");
    assert!(list(&stage, &okafor, "renewals").await.is_empty());
    let words = status(&stage, "zolpidem").await;
    assert!(words.starts_with(&format!("Okafor, Samuel, MD said no to more zolpidem today: {reason}.")), "{words}");

    // The next one is agreed to; the pharmacy brings it to the door.
    let kim = session(&stage, "kim", "rx", "Kim Vale").await;
    assert!(list(&stage, &kim, "fills").await.is_empty(), "not before the prescriber said yes");
    let body = json!({ "id": theirs[0]["id"] });
    assert_eq!(told(&stage, &patel, Method::POST, "/v1/staff/renewals/approve", body.clone()).await.0, 200);
    let fills = list(&stage, &kim, "fills").await;
    assert_eq!((&fills[0]["medicine"], &fills[0]["state"]), (&json!("atorvastatin"), &json!("approved")));
    let go = |body: Value| {
        let (stage, kim) = (&stage, &kim);
        async move { told(stage, kim, Method::POST, "/v1/staff/fills/move", body).await.0 }
    };
    let to = |to: &str| json!({ "id": fills[0]["id"], "to": to });
    assert_eq!(go(to("delivered")).await, 404, "not before it is sent");
    assert_eq!(go(to("approved")).await, 404, "a pharmacy agrees to nothing");
    assert_eq!(go(to("lost")).await, 400);
    assert_eq!(go(to("denied")).await, 400, "a no says why");
    assert_eq!(go(to("filled")).await, 200);
    let mut sent = to("shipped");
    (sent["carrier"], sent["due"]) = (json!("United Parcel Service"), json!("2026-12-03"));
    assert_eq!(go(sent).await, 200);
    let words = status(&stage, "atorvastatin").await;
    assert_eq!(
        words,
        "Your atorvastatin is on its way. It was sent today with United Parcel Service, due on Thursday, December 3rd."
    );
    assert_eq!(go(to("delivered")).await, 200);
    assert_eq!(status(&stage, "atorvastatin").await, "Your atorvastatin was delivered today.");
    assert!(trail().await.whole());
    // What was decided is sealed.
    for file in std::fs::read_dir(stage.dir.path().join("data")).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for word in ["talk about your sleep", "Kim Vale", "zolpidem", "United Parcel Service"] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word:?} in {}", file.path().display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_to_nobody_is_every_clinicians_and_a_destroyed_key_takes_it_away() {
    let stage = Stage::open().await;
    let renew = |prescriber: Option<&str>| Change::Renew {
        prescription: "rx-1".into(),
        medicine: "omeprazole".into(),
        strength: None,
        prescriber: prescriber.map(str::to_owned),
        pharmacy: None,
        route: Route::Prescriber,
    };
    crate::store::commit_for(stage.store(), &stage.rosa, vec![renew(None)]).await;
    let stone = session(&stage, "stone", "md", "Eve Stone").await;
    assert_eq!(list(&stage, &stone, "renewals").await.len(), 1);
    assert_eq!(stage.store().open_renewal_states().await.expect("read").len(), 1);
    stage.store().destroy_person(&stage.rosa, "uid 7", crate::support::now()).await.expect("destroyed");
    assert!(list(&stage, &stone, "renewals").await.is_empty());
}
