//! Headers on every answer: nothing is cached, framed, sniffed or sent elsewhere.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::Wire;

/// What every answer carries. Scripts and styles come from this server's own files only; sound is played from
/// memory; the microphone is for this page alone.
pub const SERVER_HEADERS: [(&str, &str); 9] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("permissions-policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), display-capture=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-robots-tag", "noindex"),
];

/// Stands among an answer's extensions where it is a page with forms, which go to this server alone.
#[derive(Clone, Copy)]
pub struct Forms;

/// Adds [`SERVER_HEADERS`], and under TLS the promise to stay there.
pub async fn harden(request: Request, next: Next) -> Response {
    let secure = request.extensions().get::<Wire>().is_some_and(|w| w.secure);
    let mut response = next.run(request).await;
    let forms = response.extensions().get::<Forms>().is_some();
    let headers = response.headers_mut();
    for (name, value) in SERVER_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if forms {
        let policy = SERVER_HEADERS[0].1.replace("form-action 'none'", "form-action 'self'");
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // With `no-referrer` a browser does not say which page a form comes from, and it would be refused.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
