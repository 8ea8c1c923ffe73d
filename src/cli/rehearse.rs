//! A rehearsal for `serve --demo --speak DIR`: recordings go through the server's own HTTP door, one after the
//! other in one conversation, and what came of each is printed as a table.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::outgoing::{self, Agent, Way};

/// Names the recordings to speak, one file name a line in the order they are spoken; `#` starts a comment.
const PLAYBILL: &str = "rehearsal.txt";

/// The stages of a turn as its result names them.
const STAGES: [&str; 6] = ["asr", "nlu", "policy", "action", "speech", "total"];

/// Speaks the recordings listed in `folder`'s `rehearsal.txt` to a server at `address` (`http://127.0.0.1:8770`)
/// with a device's bearer token, and prints heard → intent → answer → milliseconds per stage. Blocks.
///
/// # Errors
/// When the list or a recording cannot be read, or the server refuses a turn.
pub fn speak(address: &str, token: &str, folder: &Path) -> anyhow::Result<()> {
    let list = folder.join(PLAYBILL);
    let playbill = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let names: Vec<&str> = playbill.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if names.is_empty() {
        bail!("{} names no recording", list.display());
    }
    let door = Door::new(address, token)?;
    let mut session = None;
    print!("{}", heading());
    for name in names {
        let path = folder.join(name);
        let wav = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let result = door.say(&wav, session.as_deref()).with_context(|| format!("speaking {name}"))?;
        session = result["session"].as_str().map(str::to_owned).or(session);
        print!("{}", row(&result));
    }
    println!();
    Ok(())
}

/// The server's HTTP door, as a device sees it.
struct Door {
    agent: Agent,
    turns: String,
    bearer: String,
}

impl Door {
    fn new(address: &str, token: &str) -> anyhow::Result<Self> {
        Ok(Self {
            agent: Way::direct(None, Duration::from_secs(60)).agent()?,
            turns: format!("{}/v1/turns", address.trim_end_matches('/')),
            bearer: format!("Bearer {token}"),
        })
    }

    /// One recording in; the turn result out, its answer spoken too so that speaking is timed.
    fn say(&self, wav: &[u8], session: Option<&str>) -> anyhow::Result<Value> {
        let mut request = self
            .agent
            .post(&self.turns)
            .header("Authorization", &self.bearer)
            .header("Content-Type", "audio/wav")
            .header("Accept", "application/json; audio=wav");
        if let Some(session) = session {
            request = request.header("Wellspoken-Session", session);
        }
        let response = request.send(wav)?;
        let status = response.status();
        let body = String::from_utf8(outgoing::body(response, 64 << 20)?).context("the server's answer is not text")?;
        if !status.is_success() {
            bail!("the server answered {status}: {body}");
        }
        serde_json::from_str(&body).context("the server's answer is not JSON")
    }
}

fn heading() -> String {
    let mut text = format!("\n{:<50} {:<22}", "heard", "intent");
    for stage in STAGES {
        let _ = write!(text, " {:>7}", if stage == "asr" { "hear" } else { stage });
    }
    text + "  (ms)\n"
}

fn row(result: &Value) -> String {
    let told = |value: &Value, missing: &str| value.as_str().filter(|t| !t.is_empty()).unwrap_or(missing).to_owned();
    let heard = told(&result["heard"]["text"], "(nothing)");
    let mut text = format!("{:<50} {:<22}", heard.trim(), told(&result["intent"], "-"));
    for stage in STAGES {
        match result["timings_ms"][stage].as_f64() {
            Some(ms) => _ = write!(text, " {ms:>7.1}"),
            None => _ = write!(text, " {:>7}", "-"),
        }
    }
    for line in wrapped(&told(&result["reply"], "(no answer)"), 100) {
        let _ = write!(text, "\n    {line}");
    }
    text.push('\n');
    text
}

/// Breaks a text between words into lines of at most `width` characters; a longer word stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_shows_what_was_heard_meant_answered_and_how_long_it_took() {
        let row = row(&json!({
            "heard": {"text": " Is my lisinopril ready?"}, "intent": "prescription.status",
            "reply": "Your lisinopril is ready.", "timings_ms": {"asr": 341.26, "nlu": 0.4, "total": 350}
        }));
        assert_eq!(
            row,
            "Is my lisinopril ready?                            prescription.status      341.3     0.4       -       -       -   350.0\n    \
             Your lisinopril is ready.\n"
        );
    }

    #[test]
    fn an_answer_breaks_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
        assert!(wrapped("  ", 3).is_empty());
    }

    #[test]
    fn a_missing_list_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = speak("http://127.0.0.1:1", "t", folder.path()).expect_err("nothing to speak");
        assert!(format!("{error:#}").contains("rehearsal.txt"), "{error:#}");
    }
}
