//! `wellspoken contact`: whom a person may have called from their room.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Global, config_store, runtime};
use crate::{nlu::catalogue::Catalogue, policy::PersonId, records::contact};

/// Say whom a person may have called from their room.
#[derive(Debug, clap::Args)]
pub struct ContactArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Replace a person's list. Taken whole or not at all; an empty file takes everybody off it. Delete the file afterwards:
    /// what is kept of it is sealed under the person's key, and no command shows it.
    Set {
        /// The person: the id that `import` printed.
        #[arg(long)]
        person: String,
        /// TOML: [[contact]] with `name`, `number` and, of the catalogue's list `contact`, maybe `relation`.
        file: PathBuf,
        /// Who does it.
        #[arg(long)]
        staff: String,
    },
}

/// Runs `wellspoken contact`.
///
/// # Errors
/// What was wrong, where, and what to do; never what stands in the file.
pub fn run(global: &Global, args: ContactArgs) -> anyhow::Result<()> {
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    let What::Set { person, file, staff } = args.what;
    let person = PersonId::parse(&person)?;
    let catalogue = match &global.intents {
        Some(dir) => Catalogue::load(dir)?,
        None => Catalogue::builtin()?,
    };
    let relations = catalogue.list("contact").map(|list| list.values.clone()).unwrap_or_default();
    let shown = file.display();
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
    let contacts = contact::read(&text, &relations).with_context(|| format!("{shown} is not taken"))?;
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = store.set_contacts(&person, &contacts, &staff, now).await;
        store.close().await;
        done?;
        println!("{}", contacts.len());
        Ok(())
    })
}
