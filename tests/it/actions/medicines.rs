//! Medicines: how a renewal is followed to the door.

use jiff::civil::date;
use wellspoken::actions::{Moved, RenewalState};

use super::{ROSA, stage::Stage, text};

const MILO: &str = "milo-tran.json";

/// Every line about medicines.
pub async fn all(stage: &Stage) {
    what_is_on_its_way(stage).await;
    a_no_is_told_with_its_reason(stage).await;
    from_the_prescriber_to_the_door(stage).await;
}

async fn status(stage: &Stage, who: &str, medicine: &str) -> String {
    stage.ask(who, "prescription.status", &[("medicine", text(medicine))]).await.rendered.text
}

async fn what_is_on_its_way(stage: &Stage) {
    let words = status(stage, MILO, "fluticasone").await;
    assert_eq!(words, "Your fluticasone is on its way. It was sent yesterday with UPS, due on Thursday, December 3rd.");
}

async fn a_no_is_told_with_its_reason(stage: &Stage) {
    stage.agreed(ROSA, "prescription.renew", &[("medicine", text("zolpidem"))]).await;
    let words = status(stage, ROSA, "zolpidem").await;
    assert_eq!(
        words,
        "I've put it to Dr. Samuel Okafor. You asked for more zolpidem today, and there is no answer yet."
    );
    let (person, id) = (stage.person(ROSA).clone(), stage.renewal_id(ROSA, "rosa-zolpidem").await);
    let no = Moved {
        reason: Some("please come in so that we can talk about your sleep".into()),
        ..RenewalState::Denied.into()
    };
    stage.store.advance_renewal(&person, &id, no, "Dr. Patel", stage.now).await.expect("a step");
    let words = status(stage, ROSA, "zolpidem").await;
    assert_eq!(
        words,
        "Dr. Patel said no to more zolpidem today: please come in so that we can talk about your sleep. \
         Please call your care team about what to do next."
    );
}

async fn from_the_prescriber_to_the_door(stage: &Stage) {
    use RenewalState::{Approved, Delivered, Filled, Shipped};
    stage.agreed("odd", "prescription.renew", &[("medicine", text("omeprazole"))]).await;
    let (person, id) = (stage.person("odd").clone(), stage.renewal_id("odd", "e1").await);
    let sent = Moved { carrier: Some("UPS".into()), due: Some(date(2026, 12, 4)), ..Shipped.into() };
    #[rustfmt::skip]
    let steps: [(Moved, &str, &str); 4] = [
        (Approved.into(), "Your omeprazole was approved today. The pharmacy hasn't marked it ready yet.", "It's approved, and not ready yet."),
        (Filled.into(), "Lakeside Pharmacy has filled your omeprazole. It isn't ready to pick up yet.", "It's filled, and not ready yet."),
        (sent, "Your omeprazole is on its way. It was sent today with UPS, due on Friday, December 4th.", "It's on its way."),
        (Delivered.into(), "Your omeprazole was delivered today.", "Shall I ask your prescriber?"),
    ];
    for (moved, told, again) in steps {
        stage.store.advance_renewal(&person, &id, moved, "Kim", stage.now).await.expect("a step");
        assert_eq!(status(stage, "odd", "omeprazole").await, told);
        let asked = stage.ask("odd", "prescription.renew", &[("medicine", text("omeprazole"))]).await;
        assert!(asked.rendered.text.ends_with(again), "{}", asked.rendered.text);
    }
}
