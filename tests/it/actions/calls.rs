//! What a room hears of its own calls: whether they were seen, what was said back, that they are no longer needed.

use wellspoken::{
    actions::{Change, Outcome},
    policy::{RoomId, Surface},
    store::TurnCommit,
};

use super::{stage::Stage, text};
use crate::{store::place::commit, support::now};

fn room(name: &str) -> Surface {
    Surface::Room(RoomId::parse(name).expect("fits"))
}

async fn says(stage: &Stage, surface: Surface, action: &str, kind: &str, words: &str) {
    let said = stage.ask_from(surface, action, &[]).await;
    assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
}

pub async fn all(stage: &Stage) {
    let (status, cancel) = ("nurse.status", "nurse.cancel");
    let nowhere = "No call from this room is open. If you need somebody, ask for the nurse or press your call button.";
    says(stage, room("31"), status, "answer", nowhere).await;
    says(stage, room("31"), cancel, "answer", "No call from this room is open.").await;
    let home = "I can't call a nurse from here. Please call your care team. In an emergency, call 911.";
    for action in [status, cancel] {
        says(stage, Surface::Home(RoomId::parse("kitchen").expect("fits")), action, "answer", home).await;
    }
    let food = stage.ask_from(room("31"), "nurse.request", &[("need", text("some crackers"))]).await;
    let asked = "I've put it on the nurses' board that you'd like that. They check first what you may eat and drink. If it can't wait, press your call button.";
    assert_eq!(food.rendered.text, asked, "nothing to eat is promised, whatever the diet");

    let store = &stage.store;
    let person = store.some_people(1).await.expect("read").pop().expect("somebody");
    let there = RoomId::parse("31").expect("fits");
    let call = Change::CallNurse { room: there.clone(), need: "a blanket".into(), emergency: false };
    let turn = commit("call-31", &person, vec![call]);
    store.commit(TurnCommit { at: now(), ..turn }).await.expect("durable");
    let waiting = "You asked at 10 AM. That is on the nurses' board, and nobody has marked it as seen yet. If it can't wait, press your call button.";
    says(stage, room("31"), status, "answer", waiting).await;
    let id = store.board(Some(&there)).await.expect("read")[0].id.clone();
    store.acknowledge(&id, "Maria", now()).await.expect("acknowledged");
    let seen = "Maria has seen what you asked for. If it can't wait, press your call button.";
    says(stage, room("31"), status, "answer", seen).await;
    store.say_back(&id, "I am on my way", "Maria", now()).await.expect("said");
    says(stage, room("31"), status, "answer", "Maria has seen it and says: I am on my way.").await;
    says(stage, room("32"), status, "answer", nowhere).await;

    let cancelled = stage.ask_from(room("31"), cancel, &[]).await;
    let told = "The nurses' board now says that you don't need it any more. Only the staff can close the call. If you need them after all, just ask.";
    assert_eq!((cancelled.kind, cancelled.rendered.text.as_str()), ("done", told));
    let Outcome::Done { changes, conflict, .. } = cancelled.outcome else { panic!("it changes something") };
    assert!(matches!(&changes[..], [Change::PatientSaysCancel { .. }]));
    assert!(stage.render(cancel, &conflict).text.contains("Please press your call button"));
}
