//! Checking an export with nothing but the public key: no database, no key store, no network.

use std::io::{self, BufRead, BufReader, Read};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use super::{
    Head,
    chain::Entry,
    export::{AFTER_SIGNATURE, BEFORE_SIGNATURE, BUNDLE_BEGINS, BUNDLE_ENDS, CHECKPOINT, ENTRY, EXPORT, in_bundle},
    sign::PublicKey,
};

/// Characters of a signature in base64.
const SIGNATURE: usize = 88;
/// No line of an export is longer.
const LONGEST: u64 = 1 << 20;

/// What was found in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// The number of the first entry; 0 where there is none.
    pub first: i64,
    /// The number of the last entry that fits.
    pub last: i64,
    /// Its hash, in hexadecimal digits.
    pub head: String,
    /// Signed heads of the chain that fit.
    pub checkpoints: i64,
    /// Where the export does not fit; `None` where all of it does.
    pub broken: Option<Misfit>,
}

/// Where an export does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "how", content = "entry")]
pub enum Misfit {
    /// This entry, or the line in its place, was changed; or it was signed by another key.
    Changed(i64),
    /// This entry is not in its place: it was moved or taken out.
    Missing(i64),
    /// The export breaks off after this entry.
    CutOff(i64),
    /// The chain up to this entry is not the one that was signed at the time.
    NotAsSigned(i64),
    /// Something was added after the end, behind this entry.
    Added(i64),
}

/// Checks every line of an export.
///
/// # Errors
/// When it cannot be read. A misfit is not an error but the report's finding.
pub fn verify_export(export: impl Read, key: &PublicKey) -> io::Result<ExportReport> {
    let mut lines = BufReader::new(export);
    let mut check = Check { key, head: None, first: 0, checkpoints: 0, bundle: false, ended: false };
    let mut number = 0;
    let broken = loop {
        let mut line = vec![];
        lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break (!check.ended || check.bundle).then(|| Misfit::CutOff(check.last()));
        }
        number += 1;
        if let Err(misfit) = check.line(number, &line) {
            break Some(misfit);
        }
    };
    let hash = check.head.map_or([0; 32], |head| head.hash);
    Ok(ExportReport {
        first: check.first,
        last: check.last(),
        head: hex::encode(hash),
        checkpoints: check.checkpoints,
        broken,
    })
}

struct Check<'a> {
    key: &'a PublicKey,
    head: Option<Head>,
    first: i64,
    checkpoints: i64,
    /// Within a Bundle that has not ended.
    bundle: bool,
    /// The last line was seen.
    ended: bool,
}

impl Check<'_> {
    /// The last entry that fits.
    fn last(&self) -> i64 {
        self.head.map_or(0, |head| head.seq)
    }

    /// The entry whose place this is. Before the first one is known it is called 1.
    fn next(&self) -> i64 {
        self.head.map_or(1, |head| head.seq + 1)
    }

    fn line(&mut self, number: usize, line: &[u8]) -> Result<(), Misfit> {
        let changed = Misfit::Changed(self.next());
        if self.ended && !self.bundle {
            return Err(Misfit::Added(self.last()));
        }
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        // A line that was cut off has no end.
        let text = text.ok_or(changed)?;
        if number == 1 && text == BUNDLE_BEGINS {
            self.bundle = true;
            return Ok(());
        }
        if self.ended {
            self.bundle = false;
            return if text == BUNDLE_ENDS { Ok(()) } else { Err(Misfit::Added(self.last())) };
        }
        let (inner, more) = if self.bundle { unbundled(text).ok_or(changed)? } else { (text, true) };
        let event = self.signed(inner).ok_or(changed)?;
        if self.bundle && in_bundle(event["id"].as_str().ok_or(changed)?, inner) != text.trim_end_matches(',') {
            return Err(changed);
        }
        match (extension(&event, ENTRY), extension(&event, EXPORT)) {
            (Some(entry), None) => {
                self.entry(entry, extension(&event, CHECKPOINT), changed)?;
                if more { Ok(()) } else { Err(changed) }
            }
            (None, Some(export)) => {
                self.end(export, changed)?;
                if more && self.bundle { Err(changed) } else { Ok(()) }
            }
            _ => Err(changed),
        }
    }

    /// The resource of a line whose signature fits.
    fn signed(&self, line: &str) -> Option<Value> {
        let rest = line.strip_suffix(AFTER_SIGNATURE)?;
        let (rest, signature) = rest.split_at_checked(rest.len().checked_sub(SIGNATURE)?)?;
        let signed = rest.strip_suffix(BEFORE_SIGNATURE)?;
        let signature = STANDARD.decode(signature).ok()?;
        if !self.key.signed_line(signed.as_bytes(), &signature) {
            return None;
        }
        serde_json::from_str(line).ok()
    }

    fn entry(&mut self, parts: &Value, checkpoint: Option<&Value>, changed: Misfit) -> Result<(), Misfit> {
        let (entry, previous) = read(parts).ok_or(changed)?;
        let before = self.head.unwrap_or(Head { seq: entry.seq - 1, hash: previous });
        if entry.seq != before.seq + 1 {
            return Err(Misfit::Missing(before.seq + 1));
        }
        let head = entry.after(&before).ok_or(Misfit::Changed(entry.seq))?;
        if let Some(checkpoint) = checkpoint {
            let signature = binary(checkpoint, "signature").ok_or(changed)?;
            if !self.key.signed_head(&head, &signature) {
                return Err(Misfit::NotAsSigned(head.seq));
            }
            self.checkpoints += 1;
        }
        if self.head.is_none() {
            self.first = entry.seq;
        }
        self.head = Some(head);
        Ok(())
    }

    fn end(&mut self, parts: &Value, changed: Misfit) -> Result<(), Misfit> {
        let number = |name| value(parts, name).and_then(|text| text.parse::<i64>().ok()).ok_or(changed);
        let (before, last) = (number("before")?, number("last")?);
        let missing = match self.head {
            Some(head) if self.first != before + 1 => Some(if head.seq <= last { before + 1 } else { last + 1 }),
            Some(head) if head.seq < last => Some(head.seq + 1),
            None if before < last => Some(before + 1),
            _ => None,
        };
        if let Some(entry) = missing {
            return Err(Misfit::Missing(entry));
        }
        let hash = hex::encode(self.head.map_or([0; 32], |head| head.hash));
        if self.head.is_some_and(|head| head.seq != last)
            || (self.head.is_some() && value(parts, "hash") != Some(&hash))
        {
            return Err(changed);
        }
        self.ended = true;
        Ok(())
    }
}

/// The resource of a Bundle's entry, and whether another entry follows.
fn unbundled(text: &str) -> Option<(&str, bool)> {
    let (text, more) = text.strip_suffix(',').map_or((text, false), |text| (text, true));
    let start = text.find("\"resource\":")? + "\"resource\":".len();
    Some((text.get(start..)?.strip_suffix('}')?, more))
}

fn extension<'a>(event: &'a Value, url: &str) -> Option<&'a Value> {
    event["extension"].as_array()?.iter().find(|e| e["url"] == url).map(|e| &e["extension"])
}

fn part<'a>(parts: &'a Value, name: &str) -> Option<&'a Value> {
    parts.as_array()?.iter().find(|part| part["url"] == name)
}

fn value<'a>(parts: &'a Value, name: &str) -> Option<&'a str> {
    part(parts, name)?["valueString"].as_str()
}

fn binary(parts: &Value, name: &str) -> Option<Vec<u8>> {
    STANDARD.decode(part(parts, name)?["valueBase64Binary"].as_str()?).ok()
}

/// The chain's own values of a line, and the hash before.
fn read(parts: &Value) -> Option<(Entry, [u8; 32])> {
    let text = |name| value(parts, name).map(str::to_owned);
    let entry = Entry {
        seq: value(parts, "sequence")?.parse().ok()?,
        at: value(parts, "at")?.parse().ok()?,
        event: text("event")?,
        channel: text("channel")?,
        closes: value(parts, "closes").map(str::parse).transpose().ok()?,
        outcome: text("outcome"),
        owner: text("owner")?,
        sealed: binary(parts, "sealed")?,
        hash: hex::decode(value(parts, "hash")?).ok()?,
    };
    let previous = hex::decode(value(parts, "previous")?).ok()?.try_into().ok()?;
    Some((entry, previous))
}
