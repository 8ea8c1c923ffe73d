//! `wellspoken models`: fetch, verify and list model files.

use std::{io::IsTerminal, time::Duration};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::Global;
use crate::{
    asr::{
        model::{FileState, Models, Progress, Sources},
        tongues,
    },
    config::Config,
};

/// Fetch and verify model files, or list them.
#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fetch what is missing or damaged; by default what the configuration needs.
    Get {
        /// Models by name, as `models list` shows them.
        names: Vec<String>,
        /// Every model there is.
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// The Python that runs pip.
        #[arg(long, default_value = "python3")]
        python: std::path::PathBuf,
    },
    /// Say which files are present, missing or corrupt.
    List,
}

/// Runs `wellspoken models`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: ModelsArgs) -> anyhow::Result<()> {
    let models = Models::in_dir(&global.models_dir()?)?;
    match args.what {
        What::Get { names, all, python } => {
            let config = global.config()?;
            let names: Vec<String> = match (all, names.is_empty()) {
                (true, _) => models.manifest().models.iter().map(|m| m.name.clone()).collect(),
                (false, true) => needed(&config),
                (false, false) => names,
            };
            let sources = Sources { order: config.models.sources, https_mirror: config.models.https_mirror, python };
            for name in names {
                let model = models.manifest().model(&name)?;
                models.get(model, &sources, &Bar::new())?;
                println!("{name}: ready");
            }
            Ok(())
        }
        What::List => list(&models),
    }
}

/// The models that a server so configured loads.
fn needed(config: &Config) -> Vec<String> {
    let other_languages = config.hear.other_languages.then_some(tongues::MODEL);
    [config.models.hear.as_str(), "minilm", "voice"].into_iter().chain(other_languages).map(String::from).collect()
}

fn list(models: &Models) -> anyhow::Result<()> {
    for model in &models.manifest().models {
        println!("{}: {} ({})", model.name, model.about, model.licence);
        for file in &model.files {
            let state = match models.state(model, file)? {
                FileState::Present => "present",
                FileState::Missing => "missing",
                FileState::Corrupt => "CORRUPT",
            };
            let address = match &file.https {
                Some(https) if https.verified => "",
                Some(_) => ", address unverified",
                None => ", no address: from a package or a mirror",
            };
            println!("  {state}  {}  {} bytes{address}", models.path(model, file).display(), file.bytes);
        }
    }
    Ok(())
}

/// A progress bar on a terminal; lines of text elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::hidden();
        if std::io::stderr().is_terminal() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        let template = "{msg:40!} [{bar:30}] {bytes:>10} of {total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn start(&self, what: &str, total: Option<u64>) {
        if self.0.is_hidden() {
            eprintln!("fetching {what}");
        }
        self.0.reset();
        self.0.set_length(total.unwrap_or_default());
        self.0.set_message(what.to_owned());
        self.0.enable_steady_tick(Duration::from_millis(250));
    }

    fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    fn note(&self, line: &str) {
        if self.0.is_hidden() {
            eprintln!("{line}");
        } else {
            self.0.println(line);
        }
    }

    fn finish(&self) {
        self.0.disable_steady_tick();
        self.0.finish_and_clear();
    }
}
