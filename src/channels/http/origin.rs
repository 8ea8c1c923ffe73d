//! Host and Origin: a page of somebody else's, or a host name that was pointed at this machine (DNS
//! rebinding), gets nothing, not even with a browser's cookie.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Doors, Refusal, Wire, credentials};

/// Lets a request through when it is addressed to this server and, as far as a browser sent it, comes from one
/// of this server's own pages.
pub async fn check(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let Some(wire) = request.extensions().get::<Wire>().copied() else { return Refusal::Broken.into_response() };
    let Some(host) = addressed(request.uri(), request.headers()) else { return Refusal::WrongHost.into_response() };
    if !ours(&host, wire, &doors.hosts) {
        return Refusal::WrongHost.into_response();
    }
    // A link or an address typed by hand opens the page from anywhere; it shows nothing without a credential. The rendered pages of
    // the console do; a provider sends staff back to one that does not.
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let shows = path.starts_with("/console/") && path != "/console/back";
    let guarded = !reading || shows || path.starts_with("/v1/") || path == "/metrics";
    if guarded && !same_origin(request.headers(), &host, wire, reading) {
        return Refusal::WrongOrigin.into_response();
    }
    next.run(request).await
}

/// The host a request is addressed to: the target's authority (HTTP/2), else the one `Host` header.
fn addressed(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => return None,
        (Some(host), None) => Some(Authority::try_from(host.as_bytes()).ok()?),
        (None, _) => None,
    };
    match (uri.authority(), named) {
        (Some(a), Some(b)) if !a.as_str().eq_ignore_ascii_case(b.as_str()) => None,
        (Some(a), _) => Some(a.clone()),
        (None, named) => named,
    }
    .filter(|a| !a.as_str().contains('@'))
}

/// Whether a host is this server: a configured name, the very address the connection came in on, or
/// `localhost` on loopback. An address cannot be rebound, a name can.
fn ours(host: &Authority, wire: Wire, hosts: &[String]) -> bool {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return address.to_canonical() == wire.local.ip().to_canonical() || hosts.contains(&name);
    }
    hosts.contains(&name) || (name == "localhost" && wire.local.ip().to_canonical().is_loopback())
}

fn same_origin(headers: &HeaderMap, host: &Authority, wire: Wire, reading: bool) -> bool {
    let site = headers.get("sec-fetch-site").map(|v| v.as_bytes());
    if site.is_some_and(|s| s != b"same-origin" && s != b"none") {
        return false;
    }
    match headers.get(header::ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|o| origin_is(o, host, wire)),
        // Every browser says where a changing request comes from, so a cookie without that is no browser's.
        None => reading || site.is_some() || !credentials::by_cookie(headers),
    }
}

/// Whether an `Origin` names the host that was addressed. A proxy on this machine may have taken the TLS off,
/// so plain loopback also answers `https` origins; TLS here answers nothing else.
fn origin_is(origin: &str, host: &Authority, wire: Wire) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let default = match scheme {
        "https" => 443,
        "http" if !wire.secure => 80,
        _ => return false,
    };
    let Ok(from) = Authority::try_from(rest) else { return false };
    !rest.contains('@')
        && from.host().eq_ignore_ascii_case(host.host())
        && from.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(local: &str, secure: bool) -> Wire {
        Wire { local: local.parse().expect("an address"), peer: IpAddr::from([127, 0, 0, 1]), secure }
    }

    #[test]
    fn a_host_is_ours_by_address_or_by_configured_name_only() {
        let hosts = ["voice.clinic.example".to_owned()];
        let loopback = wire("127.0.0.1:8770", false);
        let lan = wire("192.0.2.7:443", true);
        for (host, wire, expected) in [
            ("127.0.0.1:8770", loopback, true),
            ("localhost:8770", loopback, true),
            ("LOCALHOST", loopback, true),
            ("voice.clinic.example", loopback, true),
            ("Voice.Clinic.Example.:443", lan, true),
            ("192.0.2.7", lan, true),
            ("192.0.2.8", lan, false),
            ("127.0.0.1", lan, false),
            ("localhost", lan, false),
            ("evil.example", loopback, false),
            ("127.0.0.1.evil.example", loopback, false),
            ("voice.clinic.example.evil.example", lan, false),
        ] {
            assert_eq!(ours(&Authority::try_from(host).expect("authority"), wire, &hosts), expected, "{host}");
        }
        assert!(ours(&Authority::from_static("[::1]:8770"), wire("[::1]:8770", false), &[]));
    }

    #[test]
    fn two_hosts_or_none_are_nobodys() {
        let uri = Uri::from_static("/");
        let mut headers = HeaderMap::new();
        assert!(addressed(&uri, &headers).is_none());
        headers.append(header::HOST, "a.example".parse().expect("value"));
        assert!(addressed(&uri, &headers).is_some());
        headers.append(header::HOST, "b.example".parse().expect("value"));
        assert!(addressed(&uri, &headers).is_none());
    }

    #[test]
    fn an_origin_must_be_the_page_itself() {
        let host = Authority::from_static("127.0.0.1:8770");
        let plain = wire("127.0.0.1:8770", false);
        assert!(origin_is("http://127.0.0.1:8770", &host, plain));
        for bad in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:8771",
            "http://localhost:8770",
            "http://evil.example",
            "ftp://127.0.0.1:8770",
            "",
            "http://x@127.0.0.1:8770",
        ] {
            assert!(!origin_is(bad, &host, plain), "{bad:?}");
        }
        let tls = wire("192.0.2.7:443", true);
        let name = Authority::from_static("voice.clinic.example");
        assert!(origin_is("https://voice.clinic.example", &name, tls));
        assert!(origin_is("https://voice.clinic.example:443", &name, tls));
        assert!(!origin_is("http://voice.clinic.example", &name, tls), "a page without TLS is not ours under TLS");
    }

    #[test]
    fn a_cookie_without_a_word_about_its_page_is_refused() {
        let host = Authority::from_static("127.0.0.1:8770");
        let plain = wire("127.0.0.1:8770", false);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "wellspoken=x".parse().expect("value"));
        assert!(!same_origin(&headers, &host, plain, false));
        headers.insert("sec-fetch-site", "cross-site".parse().expect("value"));
        assert!(!same_origin(&headers, &host, plain, true));
        headers.insert("sec-fetch-site", "same-origin".parse().expect("value"));
        assert!(same_origin(&headers, &host, plain, false));
    }
}
