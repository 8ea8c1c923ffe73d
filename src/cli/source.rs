//! `wellspoken source`: whose records are at which server, and who may connect records under another name.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Subcommand;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    fhir::FhirError,
    policy::PersonId,
    records::{Profile, Servers},
    store::{ALLOWANCE_LASTS, ChartKind, Store},
    watch::Watcher,
};

/// Say whose records are at a FHIR server, and whose are not.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From now on this person's records are read from a server; what was imported is replaced by what is there.
    Bind {
        /// The person: the id that `import` printed.
        person: String,
        /// What the server is called in the configuration.
        #[arg(long)]
        server: String,
        /// What the server's Patient is found by: `system|value`. One of the identifiers must be the person's here, too.
        #[arg(long, value_name = "SYSTEM|VALUE")]
        identifier: String,
    },
    /// Let a person connect their records at another organization that has them under another name or date of birth, once
    /// you saw papers that say so. For thirty days; the person sees it in their list of who looked.
    Allow {
        /// The person: the id that `import` printed.
        person: String,
        /// The organization's id, as `[[connect.organizations]]` has it.
        #[arg(long)]
        organization: String,
        /// The given name that the organization has.
        #[arg(long)]
        given: String,
        /// The family name that the organization has.
        #[arg(long)]
        family: String,
        /// The date of birth that the organization has: 1958-04-12.
        #[arg(long)]
        birth: jiff::civil::Date,
        /// Who saw the papers.
        #[arg(long, value_name = "NAME")]
        staff: String,
    },
    /// Everybody whose records are at a server, and when anything was last read from it.
    List {
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Have the server say when this person's records change; `serve` does so by itself where `notify` is configured.
    Subscribe {
        /// The person: the id that `import` printed.
        person: String,
    },
    /// The server need not say so any more.
    Unsubscribe {
        /// The person: the id that `import` printed.
        person: String,
    },
    /// This person's records are at no server any more; what was copied from it is deleted.
    Remove {
        /// The person: the id that `import` printed.
        person: String,
    },
}

/// Runs `wellspoken source`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: SourceArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let servers = Arc::new(Servers::new(&global.config()?.records, system_now)?);
        let organizations = global.config()?.connect.map(|connect| connect.organizations).unwrap_or_default();
        let store = config_store(global).await?;
        if let What::Allow { organization, .. } = &args.what
            && !organizations.iter().any(|one| one.id == *organization)
        {
            let ids: Vec<&str> = organizations.iter().map(|one| one.id.as_str()).collect();
            bail!("the configuration names no organization `{organization}`; it names: {}", ids.join(", "));
        }
        let done = carry_out(&store, &servers, args.what, global.now.unwrap_or_else(system_now)).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, servers: &Arc<Servers>, what: What, now: jiff::Timestamp) -> anyhow::Result<()> {
    match what {
        What::Bind { person, server, identifier } => {
            let person = PersonId::parse(&person)?;
            bind(store, servers, &person, (&server, &identifier), &whoever(), now).await?;
            println!("bound; the records of {} are read from {server}", person.as_str());
        }
        What::Allow { person, organization, given, family, birth, staff } => {
            if given.trim().is_empty() || family.trim().is_empty() {
                bail!("a name that is empty fits nobody: give both as the organization has them");
            }
            let there = Profile { given, family, birth: Some(birth), called: vec![] };
            let by = format!("{staff} ({})", whoever());
            store.allow_connection(&PersonId::parse(&person)?, &organization, &there, &by, now).await?;
            println!("allowed for {} days; they can connect {organization} now", ALLOWANCE_LASTS.as_hours() / 24);
        }
        What::List { json } => {
            let all = store.sources().await?;
            if json {
                println!("{}", serde_json::to_string(&all)?);
            } else {
                for one in all {
                    let read = one.read.map_or_else(|| "never".to_owned(), |at| at.to_string());
                    println!("{}  {}  Patient/{}  last read {read}", one.person, one.server, one.patient);
                }
            }
        }
        What::Subscribe { person } => {
            let watcher = Watcher::new(store.clone(), Arc::clone(servers));
            let asked = watcher.subscribe(&PersonId::parse(&person)?, now).await?;
            println!("asked for {asked}; the rest was asked for before");
        }
        What::Unsubscribe { person } => {
            let watcher = Watcher::new(store.clone(), Arc::clone(servers));
            let told = watcher.unsubscribe(&PersonId::parse(&person)?).await?;
            println!("{told} ended");
        }
        What::Remove { person } => {
            let watcher = Watcher::new(store.clone(), Arc::clone(servers));
            if let Err(error) = watcher.unsubscribe(&PersonId::parse(&person)?).await {
                eprintln!("the server could not be told to say nothing more ({error}); what it says leads nowhere");
            }
            store.remove_source(&PersonId::parse(&person)?, &whoever(), now).await?;
            println!("removed; what was copied is deleted");
        }
    }
    Ok(())
}

/// Finds the Patient with that identifier on a server, reads the whole chart, and lets the one stand for the person.
///
/// # Errors
/// What was wrong, where, and what to do.
pub async fn bind(
    store: &Store,
    servers: &Servers,
    person: &PersonId,
    (server, identifier): (&str, &str),
    by: &str,
    now: jiff::Timestamp,
) -> anyhow::Result<()> {
    let Some(found) = servers.named(server) else {
        let names: Vec<&str> = servers.all().iter().map(crate::fhir::Server::name).collect();
        bail!("the configuration names no server `{server}` under [[records.server]]; it names: {}", names.join(", "));
    };
    if !identifier.split_once('|').is_some_and(|(system, value)| !system.is_empty() && !value.is_empty()) {
        bail!("--identifier must be system|value, such as http://hospital.example/mrn|4711");
    }
    let patient = match servers.patients(found, identifier).await?.as_slice() {
        [one] => one.clone(),
        [] => bail!("the server has no Patient with that identifier"),
        several => bail!("the server has {} Patients with that identifier; merge them there first", several.len()),
    };
    let chart = servers.fetch(found, &patient, &ChartKind::ALL, None).await.map_err(told)?;
    store.bind_source(person, (server, &patient), &chart, by, now).await.context("the patient was not bound")?;
    Ok(())
}

fn told(error: FhirError) -> anyhow::Error {
    anyhow::Error::from(error).context("the chart could not be read from the server")
}
