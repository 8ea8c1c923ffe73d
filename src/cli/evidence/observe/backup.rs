//! A backup of the scratch installation, restored beside it, whole and damaged.

use std::fs;

use super::{Scratch, Seen};
use crate::{
    config::KeysConfig,
    policy::Scope,
    records::Chart,
    store::{BackupOptions, ReadBack, RestoreOptions, Store, StoreOptions, restore},
};

pub async fn look(scratch: &Scratch, seen: &mut Seen, chart: &Chart) -> anyhow::Result<()> {
    let person = scratch.person(chart, None, &Scope::ALL).await?;
    let (store, by, at) = (scratch.app.store(), "evidence", scratch.now);
    let folder = scratch.folder.join("backup");
    fs::create_dir_all(&folder)?;
    let file = folder.join("whole");
    store.back_up(BackupOptions { to: &file, by, at, tools: None }).await?;
    let into = |name: &str| StoreOptions {
        url: folder.join(name).display().to_string(),
        key_file: scratch.places.key_file.clone(),
        keys: KeysConfig::default(),
    };
    let read = async |name: &str| -> anyhow::Result<(bool, ReadBack)> {
        let options = RestoreOptions { from: file.clone(), into: into(name), public_key: None, tools: None };
        restore(&options).await?;
        let restored = Store::open(options.into).await?;
        let whole = restored.audit_verify().await?.whole();
        let read = restored.read_back(&person, store, by, at).await;
        restored.close().await;
        Ok((whole, read?))
    };
    seen.backup.readable = matches!(read("before").await?, (true, ReadBack::Opened(rows)) if rows > 0);
    store.destroy_person(&person, by, at).await?;
    seen.backup.destroyed_shut = matches!(read("after").await?, (true, ReadBack::Gone(rows)) if rows > 0);
    let whole = fs::read(&file)?;
    for n in 0..4 {
        let (mut bytes, place) = (whole.clone(), whole.len() * n / 4 + 40);
        if n % 2 == 0 {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1;
        }
        let damaged = folder.join(format!("damaged-{n}"));
        fs::write(&damaged, bytes)?;
        let options = RestoreOptions { from: damaged, into: into("never"), public_key: None, tools: None };
        seen.backup.damaged += 1;
        seen.backup.refused += usize::from(restore(&options).await.is_err());
    }
    Ok(())
}
