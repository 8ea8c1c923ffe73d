//! The other programs, each behind a Python process that is handed clips and answers what it made of them.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::clips::Clip;

/// What one program made of one clip.
#[derive(Deserialize)]
pub(super) struct Took {
    pub(super) text: String,
    pub(super) cpu_ms: f64,
    pub(super) wall_ms: f64,
}

/// The programs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Program {
    /// The library faster-whisper.
    FasterWhisper,
    /// The server of wyoming-faster-whisper, over its protocol.
    WyomingFasterWhisper,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::FasterWhisper => "faster-whisper",
            Self::WyomingFasterWhisper => "wyoming-faster-whisper",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::FasterWhisper => include_str!("faster_whisper.py"),
            Self::WyomingFasterWhisper => include_str!("wyoming.py"),
        }
    }
}

/// One of them, running.
pub(super) struct Peer {
    /// Name and version.
    pub(super) name: String,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

impl Peer {
    pub(super) fn start(program: Program, python: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(python)
            .args(["-c", program.script(), &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("{} has no pipes", python.display());
        };
        let mut peer = Self { name: program.name().into(), process, questions, answers: BufReader::new(answers) };
        peer.name = format!("{} {}", program.name(), peer.answer::<Version>()?.version);
        Ok(peer)
    }

    pub(super) fn hear(&mut self, clip: &Clip) -> anyhow::Result<Took> {
        writeln!(self.questions, "{}", clip.samples.len())?;
        let bytes: Vec<u8> = clip.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.questions.write_all(&bytes)?;
        self.questions.flush()?;
        self.answer()
    }

    fn answer<T: for<'a> Deserialize<'a>>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{} gave no answer; what it printed is above", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}
