//! `wellspoken patterns`: what many people say, without the people, for better sentences; and the attack that shows that
//! nobody is in it.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    app::vocabulary::Vocabulary,
    nlu::catalogue::Catalogue,
    patterns::{
        Dice, Item, NoRandomness, Rule,
        attack::{Canary, Outcome, play},
    },
    store::{PatternsStatus, Release, Store},
};

/// Look, release, export, attack.
#[derive(Debug, clap::Args)]
pub struct PatternsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The rule, which periods wait, and what is left of the budget.
    Status {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Release the oldest period that is over: spends ε, and deletes what it was made of. Refuses where the budget is
    /// spent.
    Release {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// All that was ever released, again.
    Export {
        /// As JSON, or as lines of comma-separated values.
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Plant people with phrases of their own, and guess who is in it: with the protection, and with it switched off.
    /// Invented people only; fails where the protection lets out more than ε allows.
    Attack {
        /// How often each guess is tried.
        #[arg(long, default_value_t = 2000)]
        trials: u32,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Csv,
}

/// Runs `wellspoken patterns`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: PatternsArgs) -> anyhow::Result<()> {
    if let What::Attack { trials, json } = args.what {
        return attack(&Rule::of(&global.config()?.patterns), trials, json);
    }
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(global, &store, args.what).await;
        store.close().await;
        done
    })
}

async fn carry_out(global: &Global, store: &Store, what: What) -> anyhow::Result<()> {
    let (config, now) = (global.config()?.patterns, global.now.unwrap_or_else(system_now));
    match what {
        What::Status { json } => {
            let status = store.patterns_status(&config, now).await?;
            if json {
                println!("{}", serde_json::to_string(&status)?);
            } else {
                print_status(&status, config.budget);
            }
        }
        What::Release { json } => {
            let catalogue = match &global.intents {
                Some(dir) => Catalogue::load(dir)?,
                None => Catalogue::builtin()?,
            };
            let vocabulary = Vocabulary::load(&catalogue);
            let released = store.release_patterns(&config, &|word| vocabulary.ordinary(word), &whoever(), now).await?;
            let status = store.patterns_status(&config, now).await?;
            if json {
                let whole = json!({ "release": released, "spent": status.spent, "left": status.left });
                println!("{whole}");
            } else {
                print_release(&released);
                println!("ε spent: {}; left: {}", status.spent, status.left);
            }
        }
        What::Export { format } => {
            let (releases, status) = (store.pattern_releases().await?, store.patterns_status(&config, now).await?);
            match format {
                Format::Json => {
                    let whole = json!({ "releases": releases, "spent": status.spent, "left": status.left });
                    println!("{whole}");
                }
                Format::Csv => print_csv(&releases),
            }
        }
        What::Attack { .. } => {}
    }
    Ok(())
}

fn print_status(status: &PatternsStatus, budget: f64) {
    let Rule { people, items, delta, .. } = status.rule;
    println!("nothing of fewer than {people} people is told; {items} items of one person count in a period");
    println!(
        "a release costs ε = {} and has δ = {delta}; it tells noisy counts from {} on",
        status.rule.epsilon(),
        status.threshold
    );
    println!("budget: {budget}; spent: {}; left: {}", status.spent, status.left);
    println!("releases: {}; periods that are over and wait: {}", status.releases, status.waiting.len());
    status.waiting.iter().for_each(|first| println!("  from {first}"));
}

fn print_release(release: &Release) {
    println!("{} days from {}: {} lines", release.days, release.from, release.told.len());
    for told in &release.told {
        match &told.item {
            Item::Turn { intent, slots, outcome, failure } => {
                let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
                println!("{:>7}  {intent} [{}] {outcome}, {failure}", told.people, slots.join(" "));
            }
            Item::Phrase { failure, words } => println!("{:>7}  \"{words}\" ({failure})", told.people),
        }
    }
}

fn print_csv(releases: &[Release]) {
    println!("from,days,epsilon,delta,k,threshold,kind,intent,slots,outcome,failure,words,people");
    for Release { from, days, rule, threshold, told, .. } in releases {
        for line in told {
            // Words, intents and types hold no comma and no quotation mark.
            let what = match &line.item {
                Item::Turn { intent, slots, outcome, failure } => {
                    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
                    format!("turn,{intent},{},{outcome},{failure},", slots.join(" "))
                }
                Item::Phrase { failure, words } => format!("phrase,,,,{failure},{words}"),
            };
            println!(
                "{from},{days},{},{},{},{threshold},{what},{}",
                rule.epsilon(),
                rule.delta,
                rule.people,
                line.people
            );
        }
    }
}

/// Each kind of canary, with the protection on and off.
///
/// # Errors
/// When there are no random bytes.
pub fn outcomes(rule: &Rule, trials: u32) -> Result<Vec<Outcome>, NoRandomness> {
    let mut dice = Dice::new(|bytes| getrandom::fill(bytes).map_err(|_| NoRandomness));
    let worlds = Canary::ALL.into_iter().flat_map(|canary| [(canary, true), (canary, false)]);
    worlds.map(|(canary, protected)| play(canary, rule, protected, trials, &mut dice)).collect()
}

fn attack(rule: &Rule, trials: u32, json: bool) -> anyhow::Result<()> {
    let outcomes = outcomes(rule, trials)?;
    let held = outcomes.iter().filter(|o| o.protected).all(Outcome::held);
    let succeeded = outcomes.iter().filter(|o| !o.protected).all(Outcome::succeeded);
    if json {
        println!("{}", json!({ "rule": rule, "held": held, "succeeded_without": succeeded, "outcomes": outcomes }));
    } else {
        println!(
            "k = {}, m = {}, ε = {}, δ = {}: no attacker can be right more often than {:.1} %; chance is 50 %",
            rule.people,
            rule.items,
            rule.epsilon(),
            rule.delta,
            rule.best_guess() * 100.0
        );
        outcomes.iter().for_each(print_outcome);
    }
    anyhow::ensure!(held, "the attack was better than the protection allows");
    anyhow::ensure!(succeeded, "without protection the attack found nobody, so it shows nothing");
    Ok(())
}

fn print_outcome(outcome: &Outcome) {
    let who = match outcome.canary {
        Canary::Own => "phrases that nobody else says",
        Canary::AtTheEdge => "phrases that k - 1 others say",
        Canary::Common => "phrases that so many say that they are told",
    };
    println!(
        "{}  {who}: right in {:.1} % ({:.1} to {:.1}) of {} guesses, AUC {:.3} ({:.3} to {:.3}); allowed {:.1} %",
        if outcome.protected { "protected  " } else { "unprotected" },
        outcome.accuracy * 100.0,
        outcome.accuracy_from * 100.0,
        outcome.accuracy_to * 100.0,
        outcome.trials,
        outcome.auc,
        outcome.auc_from,
        outcome.auc_to,
        outcome.allowed * 100.0
    );
}
