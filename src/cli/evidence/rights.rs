//! Does what people may ask for with what is known about them: who looked, deleting, a copy, agreeing purpose by purpose.

use super::{
    observe::{Scratch, Speaker},
    seen::Rights,
};
use crate::{
    actions::Words,
    policy::{Event, Journal, JournalEntry, PersonId, RoomId, Scope, Surface},
    records::Chart,
    rights::{Denied, Desk},
    store::{AuditReader, sqlite_path},
};

/// Looks, with people of their own.
///
/// # Errors
/// When the scratch installation does not work at all.
pub(super) async fn rights(scratch: &Scratch, chart: &Chart, other: &Chart) -> anyhow::Result<Rights> {
    let hers = scratch.person(chart, None, &Scope::ALL).await?;
    let others = scratch.person(other, None, &Scope::ALL).await?;
    let mut seen = Rights::default();
    looked(scratch, &hers, &others, &mut seen).await?;
    purposes(scratch, &hers, &mut seen).await?;
    copy(scratch, &hers, chart, &mut seen).await?;
    forgotten(scratch, &hers, &others, &mut seen).await?;
    Ok(seen)
}

/// A member of staff looks at one of two people, and both ask.
async fn looked(scratch: &Scratch, hers: &PersonId, others: &PersonId, seen: &mut Rights) -> anyhow::Result<()> {
    let look = JournalEntry {
        event: Event::Opened,
        subject: Some(hers.clone()),
        actor: None,
        intent: Some("staff.record".into()),
        channel: "console",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at: scratch.now(),
    };
    scratch.store().append(look).await?;
    let ask = "who has looked at my records";
    let told = scratch.say(&mut Speaker::new(Surface::Chat, Some(hers))?, ask).await.reply;
    let told_others = scratch.say(&mut Speaker::new(Surface::Chat, Some(others))?, ask).await.reply;
    seen.look_told = told.contains("one of the staff");
    seen.look_told_to_others = told_others.contains("one of the staff");
    Ok(())
}

/// Improving is given and taken back, with answering agreed to all the while.
async fn purposes(scratch: &Scratch, hers: &PersonId, seen: &mut Rights) -> anyhow::Result<()> {
    let store = scratch.store();
    let mut page = Speaker::new(Surface::Chat, Some(hers))?;
    seen.improve_by_default = store.improves(hers).await?;
    scratch.say(&mut page, "you may use what I say to get better").await;
    scratch.say(&mut page, "yes").await;
    seen.improve_given = store.improves(hers).await?;
    scratch.say(&mut page, "don't use what I say to improve").await;
    scratch.say(&mut page, "yes").await;
    seen.improve_after = store.improves(hers).await?;
    seen.answer_untouched = store.consent(hers).await? == Scope::ALL;
    Ok(())
}

async fn copy(scratch: &Scratch, hers: &PersonId, chart: &Chart, seen: &mut Rights) -> anyhow::Result<()> {
    let core = scratch.core();
    let desk = Desk {
        store: &core.store,
        records: &core.records,
        ambient: &core.ambient,
        organization: &core.organization,
        zone: &core.zone,
        protection: &core.protection,
    };
    let page = Speaker::new(Surface::Chat, Some(hers))?;
    let opened = rows(scratch, "opened").await?;
    let copied = desk.copy(page.caller()).await?;
    seen.copy_opened = rows(scratch, "opened").await? - opened;
    seen.copy_resources = chart.source.len();
    seen.copy_missing = chart.source.iter().filter(|text| !copied.json.contains(text.as_str())).count();
    let home = Surface::Home(RoomId::parse("evidence-home")?);
    let device = desk.copy(Speaker::new(home, Some(hers))?.caller()).await;
    seen.copy_to_devices = !matches!(device, Err(Denied::NotTheirs));
    Ok(())
}

/// Words are said, deleted under a hold, and deleted without one.
async fn forgotten(scratch: &Scratch, hers: &PersonId, others: &PersonId, seen: &mut Rights) -> anyhow::Result<()> {
    let store = scratch.store();
    let count = async |person: &PersonId| store.spoken(person, Words::Everything).await.map(|spoken| spoken.answers);
    let mut page = Speaker::new(Surface::Chat, Some(hers))?;
    let theirs = count(others).await?;
    let hold = store.place_hold(hers, "evidence", "evidence", scratch.now()).await?;
    let before = count(hers).await?;
    scratch.say(&mut page, "forget everything I told you").await;
    scratch.say(&mut page, "yes").await;
    seen.deleted_under_hold = count(hers).await? < before;
    store.lift_hold(hers, Some(&hold), "evidence", "evidence", scratch.now()).await?;
    let proofs = rows(scratch, "forgotten").await?;
    seen.said_before = count(hers).await?;
    scratch.say(&mut page, "forget everything I told you").await;
    scratch.say(&mut page, "yes").await;
    // The answer that says so is kept, like every answer.
    seen.said_after = count(hers).await?.saturating_sub(1);
    seen.proofs = rows(scratch, "forgotten").await? - proofs;
    seen.others_lost = count(others).await? != theirs;
    Ok(())
}

/// Audit rows of a kind.
async fn rows(scratch: &Scratch, event: &str) -> anyhow::Result<usize> {
    let database = sqlite_path(&scratch.places.data_dir).display().to_string();
    let mut lines = Vec::new();
    AuditReader::open(&database).await?.outline(&mut lines).await?;
    Ok(String::from_utf8_lossy(&lines).matches(&format!("\"{event}\"")).count())
}
