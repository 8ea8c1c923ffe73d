//! An export in which something of every sort is wrong, imported twice.

use std::{fs, sync::Arc};

use anyhow::Context as _;

use super::{Scratch, Seen, Speaker};
use crate::{
    cli::import::{How, Source, everybody},
    policy::{Scope, Surface},
    rights::Desk,
};

/// Three people, one of them without a name.
const PEOPLE: &str = r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:evidence","value":"a"}],"name":[{"family":"Moss","given":["Ann"]}]}
{"resourceType":"Patient","id":"b","identifier":[{"system":"urn:evidence","value":"b"}],"name":[{"family":"Reed","given":["Ben"]}]}
{"resourceType":"Patient","id":"c","identifier":[{"system":"urn:evidence","value":"c"}]}
"#;

/// What is used, what is of no use, what cannot be used, what is nobody's, what is cut off.
const OTHERS: &str = r#"{"resourceType":"AllergyIntolerance","id":"1","patient":{"reference":"Patient/a"},"code":{"text":"latex of Ann"}}
{"resourceType":"AllergyIntolerance","id":"2","patient":{"reference":"Patient/b"},"code":{"text":"nuts of Ben"}}
{"resourceType":"AllergyIntolerance","id":"3","patient":{"reference":"Patient/b"}}
{"resourceType":"Claim","id":"4","patient":{"reference":"Patient/a"}}
{"resourceType":"AllergyIntolerance","id":"5","patient":{"reference":"Patient/nobody"},"code":{"text":"dust"}}
{"resourceType":"Basic","id":"6"}
{"resourceType":"Observation","id":"7","subject":{"refer
"#;

pub async fn look(scratch: &Scratch, seen: &mut Seen) -> anyhow::Result<()> {
    let folder = scratch.folder.join("export");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("Patient.ndjson"), PEOPLE)?;
    fs::write(folder.join("Other.ndjson"), OTHERS)?;
    let store = scratch.store();
    let known = async || store.some_people(u32::MAX).await;
    let before = known().await?;
    let (source, files) = Source::of(&[folder])?.context("an export")?;
    let source = Arc::new(source);
    let how = How { consent: Some(Scope::ALL.to_vec()), replace: false };
    let tally = everybody(store, Arc::clone(&source), &files, &how, scratch.now).await?;
    let Source::Export(export) = &*source else { anyhow::bail!("an export is not read as one") };
    let counts =
        [&tally.summary.read, &tally.summary.skipped, &tally.summary.unusable, &export.left_out, &tally.failed];
    let after = known().await?;
    let new: Vec<_> = after.iter().filter(|person| !before.contains(person)).collect();
    let core = scratch.core();
    let desk = Desk {
        store: &core.store,
        records: &core.records,
        ambient: &core.ambient,
        organization: &core.organization,
        zone: &core.zone,
        protection: &core.protection,
    };
    let it = &mut seen.import;
    it.lines = PEOPLE.lines().chain(OTHERS.lines()).count();
    it.told = counts.into_iter().flat_map(|count| count.values()).sum();
    (it.people_wanted, it.people) = (2, new.len());
    it.failure_named = tally.failed.keys().any(|why| why.contains("name"));
    for person in new {
        let copied = desk.copy(Speaker::new(Surface::Chat, Some(person))?.caller()).await?.json;
        // Each has one, and neither has the other's.
        it.mixed |= copied.contains("latex of Ann") == copied.contains("nuts of Ben");
    }
    everybody(store, source, &files, &how, scratch.now).await?;
    it.added_again = known().await?.len() - after.len();
    Ok(())
}
