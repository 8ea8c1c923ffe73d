//! Who is calling, from the credential alone. A handler that wants to know takes [`Speaker`] or [`Operator`]
//! as an argument, so one that forgets cannot be written.
//!
//! A wrong token, an expired one and none at all get the same answer. The store looks tokens up by a keyed
//! hash, so the time of a look-up tells nothing about a token.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use zeroize::Zeroizing;

use super::{Doors, Refusal, Wire};
use crate::{
    channels::{Fingerprint, Holder},
    policy::{Caller, Surface, Trust},
};

/// Longest token looked up, in bytes; ours are shorter.
const MAX_TOKEN: usize = 256;

/// Somebody who may speak.
pub struct Speaker(pub Caller);

/// Somebody who looks after the machine.
pub struct Operator;

/// Somebody who may speak, where the request is none of theirs: their page or device asks by itself.
pub struct Unused(pub Caller);

impl FromRequestParts<Doors> for Unused {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        match Shown::of(parts)?.holder(doors, false).await? {
            Holder::Speaker(caller) => Ok(Self(caller)),
            Holder::Operator => Err(Refusal::NotMeant),
        }
    }
}

impl FromRequestParts<Doors> for Speaker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        match Shown::of(parts)?.holder(doors, true).await? {
            Holder::Speaker(caller) => Ok(Self(caller)),
            Holder::Operator => Err(Refusal::NotMeant),
        }
    }
}

/// A device, or an open page, of a first party's that asks by itself, at an address without a query.
pub struct FirstParty(pub Caller);

/// Somebody on a page of their own, at an address without a query.
pub struct OwnPage(pub Caller);

impl FromRequestParts<Doors> for FirstParty {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let Unused(caller) = Unused::from_request_parts(parts, doors).await?;
        if parts.uri.query().is_some() {
            return Err(Refusal::Query);
        }
        if caller.surface.trust() == Trust::ThirdParty { Err(Refusal::NotMeant) } else { Ok(Self(caller)) }
    }
}

impl FromRequestParts<Doors> for OwnPage {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let Speaker(caller) = Speaker::from_request_parts(parts, doors).await?;
        if parts.uri.query().is_some() {
            return Err(Refusal::Query);
        }
        if caller.surface == Surface::Chat && caller.person.is_some() {
            Ok(Self(caller))
        } else {
            Err(Refusal::NotMeant)
        }
    }
}

impl FromRequestParts<Doors> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        match Shown::of(parts)?.holder(doors, true).await? {
            Holder::Operator => Ok(Self),
            Holder::Speaker(_) => Err(Refusal::NotMeant),
        }
    }
}

/// What a request shows of who sends it. Whatever stays open looks again with it: what was good may be so no longer.
#[derive(Clone)]
pub enum Shown {
    /// A token, in a header or a page's cookie.
    Token(Zeroizing<String>),
    /// A device's certificate, which the connection has proved to be its own.
    Certificate(Fingerprint),
}

impl Shown {
    /// What this request shows. A device that comes with a certificate comes with nothing else.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] where it shows nothing, or two things.
    pub fn of(parts: &Parts) -> Result<Self, Refusal> {
        let Some(certificate) = parts.extensions.get::<Fingerprint>() else {
            let secure = parts.extensions.get::<Wire>().is_some_and(|w| w.secure);
            let token = presented(&parts.headers, secure).ok_or(Refusal::Unauthenticated)?;
            return Ok(Self::Token(Zeroizing::new(token.to_owned())));
        };
        if parts.headers.contains_key(header::AUTHORIZATION) || parts.headers.contains_key(header::COOKIE) {
            return Err(Refusal::Unauthenticated);
        }
        Ok(Self::Certificate(*certificate))
    }

    /// Whom it stands for now. `used` says that it is used, and that it is not only a page or device that asks by itself.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] where it stands for nobody any more, and when the store does not answer.
    pub async fn holder(&self, doors: &Doors, used: bool) -> Result<Holder, Refusal> {
        let found = match self {
            Self::Token(token) if used => doors.backend.authenticate(token).await?,
            Self::Token(token) => doors.backend.recognize(token).await?,
            Self::Certificate(certificate) => {
                let fleet = doors.fleet.as_ref().ok_or(Refusal::Unauthenticated)?;
                fleet.device(certificate, used).await?.map(Holder::Speaker)
            }
        };
        found.ok_or(Refusal::Unauthenticated)
    }
}

/// The token a request comes with: a bearer header, else the page session's cookie.
pub fn presented(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let token = if headers.contains_key(header::AUTHORIZATION) { bearer(headers) } else { cookie(headers, secure) };
    token.filter(|t| (1..=MAX_TOKEN).contains(&t.len()))
}

/// Whether the credential comes with a cookie, which a browser adds by itself whoever wrote the page.
pub fn by_cookie(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::AUTHORIZATION) && headers.contains_key(header::COOKIE)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap, secure: bool) -> Option<&str> {
    named_cookie(headers, cookie_name(secure))
}

/// A cookie by its name.
pub fn named_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(n, v)| (n == name).then_some(v))
}

/// The cookie's name. Under TLS the `__Host-` prefix keeps other hosts and plain HTTP from planting one.
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-wellspoken" } else { "wellspoken" }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_bearer_header_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(presented(&headers(&[(header::AUTHORIZATION, "bearer abc")]), false), Some("abc"));
        for bad in ["abc", "Basic abc", "Bearer ", "Bearer"] {
            assert_eq!(presented(&headers(&[(header::AUTHORIZATION, bad)]), false), None, "{bad:?}");
        }
    }

    #[test]
    fn a_bad_bearer_header_does_not_fall_back_to_the_cookie() {
        let both = headers(&[(header::AUTHORIZATION, "Basic x"), (header::COOKIE, "wellspoken=abc")]);
        assert_eq!(presented(&both, false), None);
    }

    #[test]
    fn the_cookie_is_found_among_others_and_only_under_its_own_name() {
        let h = headers(&[(header::COOKIE, "a=b; wellspoken=abc; c=d")]);
        assert_eq!(presented(&h, false), Some("abc"));
        assert_eq!(presented(&h, true), None, "under TLS only the __Host- cookie counts");
        assert!(by_cookie(&h));
    }

    #[test]
    fn an_endless_token_is_not_looked_up() {
        let mut h = HeaderMap::new();
        h.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", "x".repeat(300))).expect("ascii"));
        assert_eq!(presented(&h, false), None);
    }
}
