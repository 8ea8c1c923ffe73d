//! The pharmacy that a renewal goes to is told to the server.

use serde_json::{Value, json};
use wellspoken::{
    actions::{Change, Route},
    store::How,
};

use super::stage::{Stage, ambient, found_wrong};
use crate::support::now;

fn renew(n: usize, pharmacy: &str, route: Route) -> Change {
    Change::Renew {
        prescription: format!("order-{n}"),
        medicine: "fluorozepamol".into(),
        strength: None,
        prescriber: None,
        pharmacy: Some(pharmacy.into()),
        route,
    }
}

/// Two that begin alike, of which one has a comma in its name, and one that there is twice.
fn pharmacies() -> Value {
    let one = |id: &str, name: &str| json!({ "resource": { "resourceType": "Organization", "id": id, "name": name } });
    let entries = [
        one("plain", "Gloamwick Apothecary"),
        one("comma", "Gloamwick Apothecary, Hill Street"),
        one("north", "Harbor Drugs"),
        one("south", "Harbor Drugs"),
    ];
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entries })
}

async fn is_told(stage: Stage) {
    stage.clinic.load(&pharmacies()).await;
    let mut made = Vec::new();
    let cases = [
        ("Gloamwick Apothecary", Some("Organization/plain")),
        ("Gloamwick Apothecary, Hill Street", Some("Organization/comma")),
        // Nobody said which of the two, and this one the server does not know.
        ("Harbor Drugs", None),
        ("Lantern Pharmacy", None),
    ];
    for (n, (name, reference)) in cases.into_iter().enumerate() {
        for (m, (route, kind, at)) in [
            (Route::Pharmacy, "Task", "/owner"),
            (Route::Prescriber, "MedicationRequest", "/dispenseRequest/performer"),
        ]
        .into_iter()
        .enumerate()
        {
            let id = stage.says(renew(2 * n + m, name, route)).await;
            let courier = stage.courier();
            let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
            assert_eq!(tried[0].how(), How::Delivered, "{name} {kind}");
            courier.settle(tried, None, now()).await.expect("written down");
            let there = stage.clinic.made(kind, &id).await;
            assert_eq!(there.len(), 1, "{name} {kind}");
            let told = there[0].pointer(at).expect("it is told");
            assert_eq!((told["display"].as_str(), told["reference"].as_str()), (Some(name), reference), "{kind}");
            made.extend(there);
        }
    }
    assert_eq!(found_wrong(&stage, &made), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pharmacy_that_was_said_is_the_one_that_is_asked() {
    is_told(Stage::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_so_it_is_at_a_server_that_asks_for_a_token() {
    is_told(Stage::sekmet().await).await;
}
