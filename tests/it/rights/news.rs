//! News on a person's own page, and what they want to be told of.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wellspoken::{
    actions::{Facts, Notice, NoticeKind},
    policy::{PersonId, Scope, Surface, quiet::Part},
    store::NewNotice,
};

use super::page::Page;
use crate::support::{Speaker, now, room, with_demo};

async fn news(page: &Page, person: &PersonId, id: &str, reply: &str) {
    let facts = Facts::new(reply).with("medicine", "metformin").with("pharmacy", "Harbor Pharmacy").with("test", "LDL");
    let notice =
        Notice { kind: NoticeKind::RecordChanged, topic: Scope::Medicines, sensitive: true, facts, next: None };
    page.store().keep_news(person, &NewNotice { id: id.into(), notice }, now()).await.expect("kept");
}

fn all_of_it() -> Value {
    json!({ "everything": true, "medicines": true, "visits": true, "results": true, "until": null, "from": null, "to": null })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_is_read_on_the_page_once_and_wishes_count_at_once() {
    let (scratch, rosa) = with_demo("rosa-delgado.json", "all", None).await;
    let page = Page::open(scratch).await;
    let token = page.token(Surface::Chat, Some(&rosa)).await;
    let shown = async || page.ask(&token, Method::GET, "/v1/me/news", None).await.1;
    assert_eq!(shown().await, json!({ "news": [], "told": all_of_it() }), "no letters where none can be sent");
    news(&page, &rosa, "n1", "notice_ready").await;
    news(&page, &rosa, "n2", "notice_result").await;
    let first = shown().await;
    let texts: Vec<&str> = first["news"].as_array().expect("news").iter().filter_map(|n| n["text"].as_str()).collect();
    assert_eq!(
        texts,
        [
            "Your metformin is ready at Harbor Pharmacy.",
            "There is a new result for you: LDL. Ask me about it whenever you like."
        ]
    );
    let read = json!({ "ids": ["n1", "somebody-elses"] });
    assert_eq!(page.ask(&token, Method::POST, "/v1/me/news/read", Some(&read)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(shown().await["news"].as_array().map(Vec::len), Some(1));
    let told = Speaker::new(page.program.app(), Surface::Chat, Some(&rosa)).says("what are my notifications").await;
    assert!(told.reply.contains("LDL") && !told.reply.contains("metformin"), "{}", told.reply);
    assert_eq!(shown().await["news"], json!([]), "what was heard is not shown again");

    let mut wish = all_of_it();
    (wish["results"], wish["from"], wish["to"]) = (false.into(), "22:00:00".into(), "07:00:00".into());
    assert_eq!(page.ask(&token, Method::PUT, "/v1/me/news", Some(&wish)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(shown().await["told"], wish);
    let quiet = page.store().quiet(&rosa).await.expect("read");
    assert!(quiet.parts == [Part::Records] && quiet.hours.is_some() && !quiet.everything);
    assert!(page.store().audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_refused() {
    let (scratch, rosa) = with_demo("rosa-delgado.json", "all", None).await;
    let page = Page::open(scratch).await;
    let token = page.token(Surface::Chat, Some(&rosa)).await;
    let with = |name: &str, value: Value| {
        let mut wish = all_of_it();
        wish[name] = value;
        wish
    };
    let many = json!({ "ids": vec!["x"; 65] });
    for (method, path, body, wanted) in [
        (Method::PUT, "/v1/me/news", with("from", "22:00:00".into()), 400),
        (Method::PUT, "/v1/me/news", with("from", "25:00:00".into()), 400),
        (Method::PUT, "/v1/me/news", with("everything", "yes".into()), 400),
        (Method::PUT, "/v1/me/news", with("person", "somebody".into()), 400),
        (Method::PUT, "/v1/me/news", json!([]), 400),
        (Method::POST, "/v1/me/news/read", many, 400),
        (Method::POST, "/v1/me/news/read", json!({ "ids": "n1" }), 400),
        (Method::PUT, "/v1/me/letters", json!({ "email": "nobody" }), 400),
        (Method::PUT, "/v1/me/letters", json!({ "email": "rosa@example.org" }), 400),
        (Method::POST, "/v1/me/letters/confirm", json!({ "code": "00000000" }), 403),
        (Method::GET, "/v1/me/news?as=rosa", Value::Null, 400),
    ] {
        let told = page.ask(&token, method.clone(), path, Some(&body)).await;
        assert_eq!(told.0.as_u16(), wanted, "{method} {path} {body}: {}", told.1);
    }
    let bed = page.token(room(), None).await;
    assert_eq!(page.ask(&bed, Method::GET, "/v1/me/news", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(page.store().quiet(&rosa).await.expect("read"), wellspoken::policy::quiet::Quiet::default());
}
