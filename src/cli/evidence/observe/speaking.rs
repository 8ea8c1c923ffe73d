//! Who speaks at a device of several people, how much is said aloud, a one-time code, and a result for the clinician.

use super::{Scratch, Seen, Speaker, home};
use crate::{
    policy::{CredentialId, Event, JournalEntry, Mode, PersonId, PlaceRules, RoomId, Scope, Surface},
    records::Chart,
    store::membership,
    turn::{State, TurnResult},
};

const ASK: &str = "what medicines am I on";
const RESULT: &str = "what is my potassium result";

pub async fn look(scratch: &Scratch, seen: &mut Seen, one: &Chart, other: &Chart) -> anyhow::Result<()> {
    let hers = scratch.person(one, None, &Scope::ALL).await?;
    let his = scratch.person(other, None, &Scope::ALL).await?;
    household(scratch, seen, (one, &hers), (other, &his)).await?;
    disclosure(scratch, seen, one, &hers).await?;
    code(scratch, seen, one, &hers).await?;
    serious(scratch, seen, one, &hers).await
}

/// Whether a medicine of the chart was said.
fn said(result: &TurnResult, chart: &Chart) -> bool {
    let words = result.reply.to_lowercase();
    chart.prescriptions.iter().any(|p| p.active && words.contains(&p.medicine.to_lowercase()))
}

async fn household(
    scratch: &Scratch,
    seen: &mut Seen,
    (hers, her): (&Chart, &PersonId),
    (his, him): (&Chart, &PersonId),
) -> anyhow::Result<()> {
    let device = CredentialId::parse("evidence")?;
    for person in [her, him] {
        scratch.app.store().add_member(&device, &membership(person.clone(), "added", scratch.now)).await?;
    }
    let mut kitchen = Speaker::new(home()?, None)?;
    let unknown = scratch.say(&mut kitchen, ASK).await;
    let told = scratch.say(&mut kitchen, &hers.profile.given).await;
    seen.household.unknown_told = said(&unknown, hers) || said(&unknown, his);
    seen.household.own_told = said(&told, hers);
    let mut passed_on = said(&told, his);
    scratch.say(&mut kitchen, &format!("this is {} {}", his.profile.given, his.profile.family)).await;
    for words in ["say that again", ASK] {
        passed_on |= said(&scratch.say(&mut kitchen, words).await, hers);
    }
    seen.household.passed_on = passed_on;
    for person in [her, him] {
        scratch.app.store().remove_member(&device, &membership(person.clone(), "removed", scratch.now)).await?;
    }
    Ok(())
}

async fn disclosure(scratch: &Scratch, seen: &mut Seen, chart: &Chart, person: &PersonId) -> anyhow::Result<()> {
    let place = RoomId::parse("evidence-modes")?;
    let ask = async |mode: Mode, answers: &[&str]| -> anyhow::Result<Vec<bool>> {
        let rules = PlaceRules { always: mode, ..PlaceRules::default() };
        scratch.app.store().set_place(&place, &rules, "evidence", scratch.now).await?;
        let mut speaker = Speaker::new(Surface::Home(place.clone()), Some(person))?;
        let mut told = Vec::new();
        for words in [&[ASK], answers].concat() {
            told.push(said(&scratch.say(&mut speaker, words).await, chart));
        }
        Ok(told)
    };
    let again = "say that again";
    seen.disclosure.asked_first = ask(Mode::AskFirst, &["yes"]).await? == [false, true];
    seen.disclosure.named = ask(Mode::Headline, &[again]).await?.contains(&true);
    seen.disclosure.said_on_screen = ask(Mode::Screen, &[again]).await?.contains(&true);
    Ok(())
}

async fn code(scratch: &Scratch, seen: &mut Seen, chart: &Chart, person: &PersonId) -> anyhow::Result<()> {
    let row = JournalEntry {
        event: Event::Identified,
        subject: Some(person.clone()),
        actor: Some(CredentialId::parse("evidence")?),
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at: scratch.now,
    };
    let code = scratch.app.store().make_code(&row, scratch.now).await?;
    let words = format!("my code is {}", code.as_str());
    let mut device = Speaker::new(Surface::Home(RoomId::parse("evidence-hall")?), None)?;
    let shown = scratch.say(&mut device, &words).await;
    scratch.say(&mut device, "no").await;
    seen.code.told_after = said(&scratch.say(&mut device, ASK).await, chart);
    let mut second = Speaker::new(Surface::Home(RoomId::parse("evidence-hall")?), None)?;
    scratch.say(&mut second, &words).await;
    seen.code.twice = said(&scratch.say(&mut second, ASK).await, chart);
    let digits = code.as_bytes();
    seen.code.in_clear = serde_json::to_string(&shown)?.contains(code.as_str())
        || scratch.files().iter().any(|file| file.windows(digits.len()).any(|window| window == digits));
    Ok(())
}

async fn serious(scratch: &Scratch, seen: &mut Seen, chart: &Chart, person: &PersonId) -> anyhow::Result<()> {
    let store = scratch.app.store();
    let waiting = chart.results.iter().find(|result| result.waits_for_clinician());
    let value = waiting.map(|result| result.value.clone()).unwrap_or_default();
    let theirs = async || -> anyhow::Result<Vec<String>> {
        let name = format!("{} {}", chart.profile.given, chart.profile.family);
        let rows = store.for_clinician().await?.into_iter();
        Ok(rows.filter(|row| row.about.as_ref().is_some_and(|about| about.contains(&name))).map(|row| row.id).collect())
    };
    let others = theirs().await?.len();
    let mut page = Speaker::new(Surface::Chat, Some(person))?;
    for _ in 0..2 {
        let told = scratch.say(&mut page, RESULT).await;
        seen.serious.told_before |= value.is_empty() || told.reply.contains(&value) || told.state == State::Rejected;
    }
    let rows = theirs().await?;
    // Each invented person of that name has the result, and each is there once.
    seen.serious.rows_added = rows.len() - others.min(rows.len());
    seen.serious.on_board = !rows.is_empty();
    for row in rows {
        store.close_request(&row, "evidence", scratch.now).await?;
    }
    seen.serious.told_after = scratch.say(&mut page, RESULT).await.reply.contains(&value);
    Ok(())
}
