//! Readings that are told: dangerous ones, ones that nobody has, and one that is kept.

use super::{Scratch, Seen, Speaker, home};
use crate::{
    policy::{RoomId, Scope, Surface},
    records::Chart,
    store::membership,
    turn::State,
};

/// What has to be answered with whom to call, before a PIN or an agreement is asked for.
const DANGEROUS: [&str; 5] = [
    "my blood pressure is two hundred over one thirty",
    "my blood sugar is six hundred and fifty",
    "my heart rate is one fifty",
    "my oxygen is eighty percent",
    "my temperature is one hundred and six degrees",
];
/// What nobody has.
const IMPOSSIBLE: [&str; 4] = [
    "my heart rate is nine hundred",
    "my blood sugar is nine thousand",
    "my temperature is two hundred degrees",
    "my oxygen is one hundred and fifty percent",
];
/// What no value is called.
const VERDICTS: [&str; 7] = ["normal", "is fine", "safe", "healthy", "nothing to worry", "is good", "looks good"];

pub async fn look(scratch: &Scratch, seen: &mut Seen, one: &Chart, other: &Chart) -> anyhow::Result<()> {
    let mut said = Vec::new();
    let silent = scratch.person(one, Some("739146"), &[]).await?;
    for words in DANGEROUS {
        let told = scratch.say(&mut Speaker::new(home()?, Some(&silent))?, words).await;
        seen.readings.dangerous += 1;
        seen.readings.warned += usize::from(told.reply.contains(&seen.emergency_number));
        said.push(told.reply);
    }
    let room = RoomId::parse("evidence-readings")?;
    let mut bed = Speaker::new(Surface::Room(room.clone()), Some(&silent))?;
    scratch.say(&mut bed, "my heart rate is one fifty").await;
    seen.readings.on_board = scratch.store().board(Some(&room)).await?.iter().any(|row| row.emergency);

    let person = scratch.person(other, None, &Scope::ALL).await?;
    let store = scratch.store();
    let entry = || membership(person.clone(), "done", scratch.now());
    for words in IMPOSSIBLE {
        let mut aloud = Speaker::new(home()?, Some(&person))?;
        let told = scratch.say(&mut aloud, words).await;
        scratch.say(&mut aloud, "yes").await;
        seen.readings.impossible += 1;
        seen.readings.impossible_taken += usize::from(told.state == State::Confirms);
        said.push(told.reply);
    }
    seen.readings.impossible_taken += usize::try_from(store.forget_readings(&person, &entry()).await?)?;
    let mut page = Speaker::new(Surface::Chat, Some(&person))?;
    let words = "my blood pressure is one twenty eight over eighty two";
    said.push(scratch.say(&mut page, words).await.reply);
    scratch.say(&mut page, "no").await;
    said.push(scratch.say(&mut page, words).await.reply);
    seen.readings.kept_before = store.forget_readings(&person, &entry()).await?;
    said.push(scratch.say(&mut page, "yes").await.reply);
    said.push(scratch.say(&mut page, "what was my last blood pressure").await.reply);
    seen.readings.kept_after = store.forget_readings(&person, &entry()).await?;
    seen.readings.judged = said.iter().any(|reply| VERDICTS.iter().any(|word| reply.to_lowercase().contains(word)));
    Ok(())
}
