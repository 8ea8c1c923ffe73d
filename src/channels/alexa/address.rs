//! Where a signing certificate may come from.
//!
//! The address stands in a header that anybody can write, so it is held to Amazon's rules before anything is fetched:
//! `https`, the host `s3.amazonaws.com`, port 443, a path below `/echo.api/` after dot segments, doubled slashes and
//! the fragment are taken out. Stricter than those rules: no user name, no query, nothing percent-encoded, no backslash.

/// Longest address, in bytes; Amazon's own have some fifty.
const LONGEST: usize = 256;
/// The only host.
const HOST: &str = "s3.amazonaws.com";
/// What every path begins with.
const BELOW: &str = "/echo.api/";

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its certificate's address {0}")]
pub struct BadAddress(&'static str);

/// The normalized path of an address that keeps to the rules.
pub(super) fn path(address: &str) -> Result<String, BadAddress> {
    let wrong = |what| Err(BadAddress(what));
    if address.len() > LONGEST {
        return wrong("is longer than any of Amazon's");
    }
    let Some((scheme, rest)) = address.split_once("://") else { return wrong("is none") };
    if !scheme.eq_ignore_ascii_case("https") {
        return wrong("is not https");
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    if !host.eq_ignore_ascii_case(HOST) {
        return wrong("is on another host");
    }
    if port != "443" {
        return wrong("is on another port");
    }
    let path = path.split('#').next().unwrap_or_default();
    if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b)) {
        return wrong("has characters that none of Amazon's has");
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let path = format!("/{}", segments.join("/"));
    if !path.starts_with(BELOW) {
        return wrong("is in another folder");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_to_the_rules_or_nothing_is_fetched() {
        let one = Ok("/echo.api/echo-api-cert.pem".to_owned());
        let wrong = |what| Err(BadAddress(what));
        for (address, want) in [
            ("https://s3.amazonaws.com/echo.api/echo-api-cert.pem", one.clone()),
            ("https://s3.amazonaws.com:443/echo.api/echo-api-cert.pem", one.clone()),
            ("https://s3.amazonaws.com/echo.api/../echo.api/echo-api-cert.pem", one.clone()),
            ("HTTPS://S3.AmazonAWS.com//echo.api/./echo-api-cert.pem#x", one),
            ("http://s3.amazonaws.com/echo.api/echo-api-cert.pem", wrong("is not https")),
            ("https://notamazon.com/echo.api/echo-api-cert.pem", wrong("is on another host")),
            ("https://s3.amazonaws.com.evil.example/echo.api/a.pem", wrong("is on another host")),
            ("https://s3.amazonaws.com@evil.example/echo.api/a.pem", wrong("is on another host")),
            ("https://x@s3.amazonaws.com/echo.api/a.pem", wrong("is on another host")),
            ("https://evil.example\\@s3.amazonaws.com/echo.api/a.pem", wrong("is on another host")),
            ("https://s3.amazonaws.com./echo.api/a.pem", wrong("is on another host")),
            ("https:///echo.api/a.pem", wrong("is on another host")),
            ("https://s3.amazonaws.com:563/echo.api/a.pem", wrong("is on another port")),
            ("https://s3.amazonaws.com:/echo.api/a.pem", wrong("is on another port")),
            ("https://s3.amazonaws.com/EcHo.aPi/echo-api-cert.pem", wrong("is in another folder")),
            ("https://s3.amazonaws.com/invalid.path/echo-api-cert.pem", wrong("is in another folder")),
            ("https://s3.amazonaws.com/echo.api/../secret/a.pem", wrong("is in another folder")),
            ("https://s3.amazonaws.com/echo.api/a/../../b.pem", wrong("is in another folder")),
            ("https://s3.amazonaws.com/echo.api", wrong("is in another folder")),
            ("https://s3.amazonaws.com/echo.api/", wrong("is in another folder")),
            ("https://s3.amazonaws.com", wrong("is in another folder")),
            ("https://s3.amazonaws.com/echo.api/%2e%2e/a.pem", wrong("has characters that none of Amazon's has")),
            ("https://s3.amazonaws.com/echo.api/a.pem?x=y", wrong("has characters that none of Amazon's has")),
            ("https://s3.amazonaws.com/echo.api\\..\\a.pem", wrong("has characters that none of Amazon's has")),
            ("https://s3.amazonaws.com/echo.api/a\u{e9}.pem", wrong("has characters that none of Amazon's has")),
            ("/echo.api/echo-api-cert.pem", wrong("is none")),
            ("", wrong("is none")),
        ] {
            assert_eq!(path(address), want, "{address}");
        }
        let long = format!("https://s3.amazonaws.com/echo.api/{}", "a".repeat(300));
        assert_eq!(path(&long), wrong("is longer than any of Amazon's"));
    }
}
