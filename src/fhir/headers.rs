//! The few headers of an answer that count, and where a link leads. Pure, and total: whatever a server writes, nothing
//! here fails or is believed beyond its form.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use crate::outgoing::http::Uri;

/// The version of a resource, as an ETag tells it (`W/"3"`) or `meta.versionId`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// From `meta.versionId`; `None` where it is no FHIR id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        ((1..=64).contains(&id.len()) && id.bytes().all(fits)).then(|| Self(id.to_owned()))
    }

    /// From an ETag, weak or strong.
    #[must_use]
    pub fn of_etag(header: &str) -> Option<Self> {
        let header = header.trim();
        let tag = header.strip_prefix("W/").unwrap_or(header);
        Self::parse(tag.strip_prefix('"')?.strip_suffix('"')?)
    }

    /// As `If-Match` wants it.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.0)
    }

    /// As `meta.versionId` has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a server asks to be left alone (`Retry-After`, RFC 9110 §10.2.3): seconds, or a date.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = rfc2822::parse(&header.replace("GMT", "+0000")).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// What a link of a server means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// A search to go on with. What it searches by goes into the body, so that it stands in no log of addresses.
    Search { kind: String, form: String },
    /// A page that the server keeps under a name of its own.
    Page(String),
}

/// The link, where it leads to this server; `None` where it leads anywhere else.
pub(super) fn link(base: &str, link: &str) -> Option<Link> {
    if link.len() > 8192 || link.contains('#') || !link.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let base_uri: Uri = base.parse().ok()?;
    let address = match link.split_once("://") {
        Some(_) => link.to_owned(),
        None if link.starts_with("//") => return None,
        None if link.starts_with('/') => {
            format!("{}://{}{link}", base_uri.scheme_str()?, base_uri.authority()?)
        }
        None if link.starts_with('?') => format!("{base}{link}"),
        None => format!("{base}/{link}"),
    };
    let uri: Uri = address.parse().ok()?;
    let same = uri.scheme_str() == base_uri.scheme_str()
        && uri.host()?.eq_ignore_ascii_case(base_uri.host()?)
        && port(&uri) == port(&base_uri)
        && !uri.authority()?.as_str().contains('@');
    let below = uri.path().strip_prefix(base_uri.path().trim_end_matches('/'))?;
    if !same || below.contains("..") || below.contains('%') || below.contains("//") {
        return None;
    }
    let below = below.strip_prefix('/').unwrap_or(below);
    let kind = below.strip_suffix("/_search").unwrap_or(below);
    match uri.query() {
        Some(query) if is_kind(kind) => Some(Link::Search { kind: kind.to_owned(), form: query.to_owned() }),
        _ => Some(Link::Page(address)),
    }
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

/// A name of a resource type.
pub(super) fn is_kind(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_alphabetic())
}

/// A logical id.
pub(super) fn is_id(text: &str) -> bool {
    Version::parse(text).is_some() && !text.contains('_')
}

/// Pairs as a form has them.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://fhir.example.org/r4";

    #[test]
    fn versions_are_read_from_either_kind_of_tag() {
        for (header, version) in [
            ("W/\"3\"", Some("3")),
            ("\"abc-1.2\"", Some("abc-1.2")),
            (" W/\"3\" ", Some("3")),
            ("3", None),
            ("W/3", None),
            ("W/\"\"", None),
            ("\"a\"b\"", None),
            ("\"a\r\nX: y\"", None),
        ] {
            assert_eq!(Version::of_etag(header).as_ref().map(Version::as_str), version, "{header}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        for (header, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Tue, 01 Dec 2026 15:01:00 GMT", Some(60)),
            ("Tue, 01 Dec 2026 14:59:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("99999999999999", None),
        ] {
            assert_eq!(retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }

    #[test]
    fn links_lead_to_this_server_or_nowhere() {
        let search = |kind: &str, form: &str| Some(Link::Search { kind: kind.into(), form: form.into() });
        let page = |at: &str| Some(Link::Page(at.into()));
        for (text, leads) in [
            (
                "https://fhir.example.org/r4/Observation?patient=1&_offset=20",
                search("Observation", "patient=1&_offset=20"),
            ),
            ("https://fhir.example.org:443/r4/Observation/_search?x=1", search("Observation", "x=1")),
            ("HTTPS://FHIR.example.org/r4/Slot?x=1", search("Slot", "x=1")),
            ("Observation?patient=1", search("Observation", "patient=1")),
            ("/r4/Observation?patient=1", search("Observation", "patient=1")),
            ("https://fhir.example.org/r4?_getpages=7f", page("https://fhir.example.org/r4?_getpages=7f")),
            ("?_getpages=7f", page("https://fhir.example.org/r4?_getpages=7f")),
            ("https://fhir.example.org/r4/page/7", page("https://fhir.example.org/r4/page/7")),
            ("https://evil.example.org/r4/Observation?x=1", None),
            ("http://fhir.example.org/r4/Observation?x=1", None),
            ("https://fhir.example.org:8443/r4/Observation?x=1", None),
            ("https://fhir.example.org@evil.org/r4/Observation?x=1", None),
            ("https://user@fhir.example.org/r4/Observation?x=1", None),
            ("https://fhir.example.org/other/Observation?x=1", None),
            ("https://fhir.example.org/r4/../admin?x=1", None),
            ("https://fhir.example.org/r4/%2e%2e/admin?x=1", None),
            ("//evil.example.org/r4/Observation?x=1", None),
            ("javascript:alert(1)", page("https://fhir.example.org/r4/javascript:alert(1)")),
            ("file:///etc/passwd", None),
            ("", page("https://fhir.example.org/r4/")),
        ] {
            assert_eq!(link(BASE, text), leads, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_writes_makes_these_fail(text in ".{0,200}", ascii in "[ -~]{0,200}") {
            let now = Timestamp::UNIX_EPOCH;
            for text in [&text, &ascii] {
                let _ = retry_after(text, now);
                if let Some(version) = Version::of_etag(text) {
                    prop_assert_eq!(Version::of_etag(&version.etag()), Some(version));
                }
                if let Some(Link::Page(at)) = link(BASE, text) {
                    prop_assert!(at.to_ascii_lowercase().starts_with(BASE) || at.contains(":443/r4"), "{}", at);
                }
            }
        }

        #[test]
        fn no_link_leaves_the_server(host in "[a-z@:.]{1,30}", path in "[a-zA-Z/.%?=&_-]{0,60}") {
            let text = format!("https://{host}/{path}");
            if let Some(found) = link(BASE, &text) {
                let host = host.to_ascii_lowercase();
                prop_assert!(host == "fhir.example.org" || host == "fhir.example.org:443", "{} gave {:?}", text, found);
            }
        }
    }
}
