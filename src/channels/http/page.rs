//! The talk page: files that are the same for everybody and hold no data.

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::Doors;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Address, type and contents of each file.
const FILES: [(&str, &str, &str); 22] = [
    ("/", HTML, include_str!("page/talk.html")),
    ("/page/talk.css", CSS, include_str!("page/talk.css")),
    ("/page/talk.js", JS, include_str!("page/talk.js")),
    ("/page/microphone.js", JS, include_str!("page/microphone.js")),
    ("/page/ring.js", JS, include_str!("page/ring.js")),
    ("/page/server.js", JS, include_str!("page/server.js")),
    ("/page/sign-in.js", JS, include_str!("page/sign-in.js")),
    ("/page/tap.js", JS, include_str!("page/tap.js")),
    ("/me", HTML, include_str!("page/me.html")),
    ("/page/me.css", CSS, include_str!("page/me.css")),
    ("/page/me/me.js", JS, include_str!("page/me/me.js")),
    ("/page/me/who.js", JS, include_str!("page/me/who.js")),
    ("/page/me/kept.js", JS, include_str!("page/me/kept.js")),
    ("/page/me/news.js", JS, include_str!("page/me/news.js")),
    ("/page/me/access.js", JS, include_str!("page/me/access.js")),
    ("/page/me/consent.js", JS, include_str!("page/me/consent.js")),
    ("/page/me/code.js", JS, include_str!("page/me/code.js")),
    ("/page/me/pin.js", JS, include_str!("page/me/pin.js")),
    ("/page/me/records.js", JS, include_str!("page/me/records.js")),
    ("/page/me/forget.js", JS, include_str!("page/me/forget.js")),
    ("/page/me/copy.js", JS, include_str!("page/me/copy.js")),
    ("/page/icon.svg", SVG, include_str!("page/icon.svg")),
];

/// The staff's pages, where staff can sign in.
const CONSOLE: [(&str, &str, &str); 8] = [
    ("/console", HTML, include_str!("page/console.html")),
    ("/page/console.css", CSS, include_str!("page/console.css")),
    ("/page/console.js", JS, include_str!("page/console.js")),
    ("/page/console/board.js", JS, include_str!("page/console/board.js")),
    ("/page/console/renewals.js", JS, include_str!("page/console/renewals.js")),
    ("/page/console/fleet.js", JS, include_str!("page/console/fleet.js")),
    ("/page/console/table.js", JS, include_str!("page/console/table.js")),
    ("/page/console/admissions.js", JS, include_str!("page/console/admissions.js")),
];

/// Signing up, where letters can be sent.
const JOIN: [(&str, &str, &str); 2] =
    [("/join", HTML, include_str!("page/join.html")), ("/page/join.js", JS, include_str!("page/join.js"))];
/// The page for a code, where records of other organizations can be connected.
const CONNECT: [(&str, &str, &str); 2] =
    [("/connect", HTML, include_str!("page/connect.html")), ("/page/connect.js", JS, include_str!("page/connect.js"))];

/// A route for each file.
pub fn routes() -> Router<Doors> {
    serve(&FILES)
}

/// A route for each of those for connecting records.
pub fn connect() -> Router<Doors> {
    serve(&CONNECT)
}

/// A route for each of the staff's.
pub fn console() -> Router<Doors> {
    serve(&CONSOLE)
}

/// A route for each of those for signing up.
pub fn join() -> Router<Doors> {
    serve(&JOIN)
}

fn serve(files: &'static [(&str, &str, &str)]) -> Router<Doors> {
    files.iter().copied().fold(Router::new(), |router, (path, kind, contents)| {
        router.route(path, get(move || async move { file(kind, contents) }))
    })
}

fn file(kind: &'static str, contents: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], contents).into_response()
}
