//! The HTTPS source: resumes where the last run stopped, starts over when it cannot.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    time::Duration,
};

use super::{FileSpec, ModelSpec, Progress};
use crate::outgoing::{self, Agent, http::Uri};

/// A download that dies this often without a single new byte in between is given up.
const TRIES: u32 = 4;

/// The address of a file: the mirror's, else the official one.
pub(super) fn address(model: &ModelSpec, file: &FileSpec, mirrors: &BTreeMap<String, String>) -> Option<String> {
    match mirrors.get(&model.name) {
        Some(base) => Some(format!("{}/{}", base.trim_end_matches('/'), file.name)),
        None => file.https.as_ref().map(|s| s.url.clone()),
    }
}

/// Downloads `url` into `part`, going on from what is there. Says nothing about the bytes: the caller hashes.
pub(super) fn fetch(url: &str, file: &FileSpec, part: &Path, progress: &dyn Progress) -> Result<(), String> {
    let agent = agent(url)?;
    let mut idle_tries = 0;
    progress.start(&format!("{} from {}", file.name, host(url)), Some(file.bytes));
    loop {
        let before = length(part);
        match attempt(&agent, url, file, part, progress) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(why)) => return Err(why),
            Err(Failure::CutOff(why)) => {
                idle_tries = if length(part) > before { 0 } else { idle_tries + 1 };
                if idle_tries >= TRIES {
                    return Err(why);
                }
                progress.note(&format!("{}: {why}; going on from byte {}", file.name, length(part)));
                std::thread::sleep(Duration::from_millis(50 << idle_tries));
            }
        }
    }
}

enum Failure {
    /// Trying again changes nothing.
    Final(String),
    /// The connection broke; what arrived is kept.
    CutOff(String),
}

fn attempt(agent: &Agent, url: &str, file: &FileSpec, part: &Path, progress: &dyn Progress) -> Result<(), Failure> {
    let fatal = |e: io::Error| Failure::Final(format!("{}: {e}", part.display()));
    let mut have = length(part);
    if have > file.bytes {
        fs::remove_file(part).map_err(fatal)?;
        have = 0;
    }
    if have == file.bytes {
        return Ok(());
    }
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|e| match e {
        outgoing::Error::Io(e)
            if matches!(
                e.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
            ) =>
        {
            Failure::CutOff(e.to_string())
        }
        outgoing::Error::Timeout(_) | outgoing::Error::Protocol(_) => Failure::CutOff(e.to_string()),
        // No such name, nobody answers, an untrusted certificate: the next source is quicker than patience.
        other => Failure::Final(other.to_string()),
    })?;
    let start = match response.status().as_u16() {
        200 => 0,
        // A range other than the one asked for, or one of a file of another size, cannot be joined to what is here.
        206 => match content_range(response.headers().get("content-range").and_then(|v| v.to_str().ok())) {
            Some((from, total)) if from == have && total.is_none_or(|t| t == file.bytes) => have,
            _ => return Err(start_over(part, file, "the server answered with another range", progress)),
        },
        416 => return Err(start_over(part, file, "the server has no such range", progress)),
        status @ (429 | 500..=599) => return Err(Failure::CutOff(format!("the server answered {status}"))),
        status => return Err(Failure::Final(format!("the server answered {status}"))),
    };
    let mut out =
        OpenOptions::new().create(true).write(true).append(start > 0).truncate(start == 0).open(part).map_err(fatal)?;
    copy(response.into_body().into_reader(), &mut out, start, file, progress)
}

fn copy(
    mut body: impl Read,
    out: &mut File,
    start: u64,
    file: &FileSpec,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut at = start;
    let mut chunk = vec![0; 1 << 16];
    loop {
        progress.at(at);
        let n = body.read(&mut chunk).map_err(|e| Failure::CutOff(e.to_string()))?;
        if n == 0 {
            break;
        }
        at += n as u64;
        if at > file.bytes {
            // Also keeps a wrong or hostile server from filling the disk.
            let _ = out.set_len(0);
            return Err(Failure::Final(format!("refused: the server sends more than {} bytes", file.bytes)));
        }
        out.write_all(&chunk[..n]).map_err(|e| Failure::Final(e.to_string()))?;
    }
    if at < file.bytes {
        return Err(Failure::CutOff(format!("the connection ended after {at} of {} bytes", file.bytes)));
    }
    Ok(())
}

/// Forgets what is here. Comes back as a cut-off, so that the next attempt asks for the whole file.
fn start_over(part: &Path, file: &FileSpec, why: &str, progress: &dyn Progress) -> Failure {
    progress.note(&format!("{}: {why}; starting over", file.name));
    match fs::remove_file(part) {
        Ok(()) => Failure::CutOff(why.into()),
        Err(e) => Failure::Final(format!("{}: {e}", part.display())),
    }
}

fn agent(url: &str) -> Result<Agent, String> {
    let uri: Uri = url.parse().map_err(|e| format!("{url} is not an address: {e}"))?;
    let loopback = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if uri.scheme_str() != Some("https") && !loopback {
        return Err(format!("{url}: only https:// addresses are fetched (http:// on this machine alone)"));
    }
    Ok(outgoing::downloads(loopback))
}

fn host(url: &str) -> String {
    url.parse::<Uri>().ok().and_then(|u| u.host().map(str::to_owned)).unwrap_or_default()
}

fn length(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |m| m.len())
}

/// `bytes 5-9/10` → (5, Some(10)).
fn content_range(header: Option<&str>) -> Option<(u64, Option<u64>)> {
    let (range, total) = header?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range(Some("bytes 5-9/10")), Some((5, Some(10))));
        assert_eq!(content_range(Some("bytes 5-9/*")), Some((5, None)));
        for bad in [None, Some("bytes */10"), Some("items 5-9/10"), Some("bytes x-9/10")] {
            assert_eq!(content_range(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn plain_http_only_on_this_machine() {
        assert!(agent("http://127.0.0.1:9/x").is_ok());
        assert!(agent("https://mirror.example/x").is_ok());
        for bad in ["http://mirror.example/x", "http://127.0.0.1.example/x", "ftp://127.0.0.2/x", "nonsense"] {
            assert!(agent(bad).is_err(), "{bad}");
        }
    }
}
