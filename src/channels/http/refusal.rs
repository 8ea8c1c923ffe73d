//! Why a request is turned away, in one shape for every door.
//!
//! Invariant: a refusal never repeats what was said; of the request it names field names at most.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::staff::not_told;
use crate::{channels::Unavailable, policy::Weak, staff::NotTold};

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credential, or one that is unknown, expired or revoked: all the same from outside.
    #[error("this door needs a credential")]
    Unauthenticated,
    /// A good credential of another kind.
    #[error("this credential is not meant for this door")]
    NotMeant,
    /// Not signed by the platform for a declared skill, or not just now: all the same from outside.
    #[error("this door takes fresh requests of declared skills only, signed by Amazon")]
    NotSigned,
    /// A one-time link that is unknown, expired or spent: all the same from outside.
    #[error("this link has been used already or has expired")]
    Spent,
    /// Addressed to a host name that is not ours, as after DNS rebinding.
    #[error("this server does not answer under that host name")]
    WrongHost,
    /// Sent by a page of somebody else's.
    #[error("requests from pages of another origin are refused")]
    WrongOrigin,
    /// Changed by somebody else since it was shown.
    #[error("this was changed elsewhere meanwhile")]
    Outdated,
    /// Who somebody is, is told by a record.
    #[error("who you are is known here, or something is connected already")]
    Known,
    /// Whose records may be connected cannot be told before it is known who they are.
    #[error("it is not known yet who you are")]
    Nameless,
    /// A legal hold keeps what was to be deleted.
    #[error("a legal hold keeps this from being deleted")]
    Held,
    /// Nothing is there.
    #[error("there is nothing at this address")]
    NotFound,
    /// Something is there, for another method.
    #[error("this address does not take that method")]
    WrongMethod,
    /// No WebSocket, or one of another protocol.
    #[error("this address is a WebSocket: version 13, subprotocol wellspoken.1, over HTTP/1.1")]
    NotAStream,
    /// A query string where none belongs.
    #[error("this address takes no query: tokens, names and sessions do not belong in addresses")]
    Query,
    /// Neither JSON nor WAV.
    #[error("the body must be {0}")]
    WrongType(&'static str),
    /// Nothing in the body.
    #[error("the body is empty")]
    Empty,
    /// More than the door takes, in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection ended before the body did.
    #[error("the body ended before it was complete")]
    Truncated,
    /// The body came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// JSON that is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON at this line and column.
    #[error("the body is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON nested deeper than anything this door knows.
    #[error("the JSON is nested too deeply")]
    TooDeep,
    /// JSON, but no object.
    #[error("the body must be one JSON object")]
    NotAnObject,
    /// The request says who or through what it speaks.
    #[error(
        "`{0}` cannot be said by a request: who speaks, and through which channel, comes from the credential alone"
    )]
    Impersonation(&'static str),
    /// A field that does not exist.
    #[error("there is no field {0}")]
    UnknownField(String),
    /// A header of ours that does not exist.
    #[error("there is no header {0}")]
    UnknownHeader(String),
    /// The body says one thing, a header another.
    #[error("`{0}` is one thing in the body and another in the header")]
    Disagree(&'static str),
    /// A field twice.
    #[error("the field `{0}` stands there twice")]
    Twice(&'static str),
    /// A field with the wrong kind of value.
    #[error("`{field}` must be {expected}")]
    WrongField {
        /// The field or header.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Too much at once.
    #[error("too many long recordings at once")]
    Busy,
    /// The server is about to stop.
    #[error("the server is stopping")]
    Stopping,
    /// The store cannot be asked.
    #[error("the server cannot reach its store")]
    Unavailable,
    /// Staff are not answered.
    #[error("{0}")]
    NotTold(NotTold),
    /// No provider is configured.
    #[error("nobody can sign in here")]
    NoSignIn,
    /// The provider that people sign in with does not answer.
    #[error("signing in does not work at the moment")]
    NoProvider,
    /// These digits are no PIN.
    #[error("{0}")]
    NoPin(Weak),
    /// Not the PIN that is set.
    #[error("that is not the PIN that is set")]
    WrongPin,
    /// Wrong PINs, too often.
    #[error("that was wrong too often")]
    PinLocked,
    /// Not the code that was sent.
    #[error("that is not the code, or it no longer works")]
    WrongCode,
    /// A device without a code that works, or whose certificate counts no more.
    #[error("this device is not let in with that")]
    NotEnrolled,
    /// Not a key that devices may have.
    #[error("the key must be an EC P-256 or Ed25519 public key in PEM (BEGIN PUBLIC KEY)")]
    BadKey,
    /// Too many come at the moment.
    #[error("too many people come at the moment")]
    TooMany,
    /// A bug.
    #[error("something went wrong here")]
    Broken,
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// How a refusal looks on the wire.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable name, for programs.
    #[schema(example = "unauthenticated")]
    pub code: &'static str,
    /// What was wrong, for people.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

impl Refusal {
    /// Status, stable name and what to do about it.
    const fn told(&self) -> (StatusCode, &'static str, &'static str) {
        const FIELDS: &str = "A JSON turn has text, and optionally session, turn_id and speak; see /openapi.json.";
        match self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Send `Authorization: Bearer …` with a token of `wellspoken credential new`, or open a fresh one-time link.",
            ),
            Self::NotMeant => (
                StatusCode::FORBIDDEN,
                "not_meant",
                "Turns need a credential of a speaker, metrics one of an operator: `wellspoken credential new --channel …`.",
            ),
            Self::NotSigned => (
                StatusCode::BAD_REQUEST,
                "not_signed",
                "The server's log tells what was wrong; see docs/OPERATIONS.md, Alexa.",
            ),
            Self::Spent => {
                (StatusCode::FORBIDDEN, "link_spent", "Ask for a fresh link: `wellspoken credential new --link …`.")
            }
            Self::WrongHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                "Use the address the server prints, or add the name to http.hosts of the configuration.",
            ),
            Self::WrongOrigin => (StatusCode::FORBIDDEN, "wrong_origin", "Use the talk page of this server itself."),
            Self::Outdated => (StatusCode::CONFLICT, "outdated", "Read it again, and change what is there now."),
            Self::Known => (StatusCode::CONFLICT, "known", "Ask whoever runs this system to change it."),
            Self::Nameless => {
                (StatusCode::CONFLICT, "nameless", "Say what you are called and when you were born: PUT /v1/me/name.")
            }
            Self::Held => (
                StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
                "held",
                "Ask whoever runs this system; nothing was deleted.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "/openapi.json tells what there is."),
            Self::WrongMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "/openapi.json tells which methods there are.")
            }
            Self::NotAStream => {
                (StatusCode::BAD_REQUEST, "not_a_stream", "Connect with `wellspoken device`; see docs/STREAM.md.")
            }
            Self::Query => (
                StatusCode::BAD_REQUEST,
                "query",
                "Put the token into `Authorization`, everything else into the body or the Wellspoken-… headers.",
            ),
            Self::WrongType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_type", "Set Content-Type to what the body is.")
            }
            Self::Empty => (StatusCode::BAD_REQUEST, "empty", "Send what was said, as JSON text or as a WAV file."),
            Self::TooLarge(_) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "Send less at once: 16 kHz mono 16-bit is all that hearing needs.",
            ),
            Self::Truncated => (StatusCode::BAD_REQUEST, "truncated", "Send it again, with the same turn id."),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow", "Send it again, with the same turn id."),
            Self::NotUtf8 => (StatusCode::BAD_REQUEST, "not_utf8", "Encode the JSON as UTF-8."),
            Self::NotJson { .. } => (StatusCode::BAD_REQUEST, "not_json", "Mend the JSON at that place."),
            Self::TooDeep => (StatusCode::BAD_REQUEST, "too_deep", FIELDS),
            Self::NotAnObject => (StatusCode::BAD_REQUEST, "not_an_object", FIELDS),
            Self::Impersonation(_) => (
                StatusCode::BAD_REQUEST,
                "impersonation",
                "Leave it out. `wellspoken credential new --channel … --as …` makes a credential that stands for it.",
            ),
            Self::UnknownField(_) => (StatusCode::BAD_REQUEST, "unknown_field", FIELDS),
            Self::UnknownHeader(_) => (
                StatusCode::BAD_REQUEST,
                "unknown_header",
                "A turn may come with Wellspoken-Session and Wellspoken-Turn.",
            ),
            Self::Disagree(_) => (StatusCode::BAD_REQUEST, "disagree", "Send it once."),
            Self::Twice(_) => (StatusCode::BAD_REQUEST, "twice", FIELDS),
            Self::WrongField { .. } => (StatusCode::BAD_REQUEST, "wrong_field", FIELDS),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Try again in a moment. For help right now use the call light or the telephone.",
            ),
            Self::Stopping | Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Try again in a moment, with the same turn id. For help right now use the call light or the telephone.",
            ),
            Self::NotTold(why) => {
                let (status, code) = not_told(*why);
                (status, code, "Roles and units come with your sign-in; whoever runs this server maps them.")
            }
            Self::NoSignIn => {
                (StatusCode::FORBIDDEN, "no_sign_in", "Open a one-time link, or see docs/OPERATIONS.md, signing in.")
            }
            Self::NoProvider => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no_provider",
                "Try again in a while. For help right now use the call light or the telephone.",
            ),
            Self::NoPin(_) => (StatusCode::BAD_REQUEST, "no_pin", "Choose other digits."),
            Self::WrongPin => (StatusCode::FORBIDDEN, "wrong_pin", "Send the PIN that is set as `current`."),
            Self::PinLocked => (
                StatusCode::TOO_MANY_REQUESTS,
                "pin_locked",
                "Try again later, or have the staff set a new one: `wellspoken import … --pin`.",
            ),
            Self::WrongCode => (StatusCode::FORBIDDEN, "wrong_code", "Ask for another one: POST /v1/access."),
            Self::NotEnrolled => {
                (StatusCode::FORBIDDEN, "not_enrolled", "Have whoever looks after the fleet give it a fresh code.")
            }
            Self::BadKey => (StatusCode::BAD_REQUEST, "bad_key", "Make one: openssl genpkey -algorithm ed25519."),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many", "Try again in an hour."),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "broken",
                "Try again, with the same turn id. For help right now use the call light or the telephone.",
            ),
        }
    }
}

impl Refusal {
    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.told().0
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, help) = self.told();
        let body = ErrorBody { error: ErrorDetail { code, message: self.to_string(), help } };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"wellspoken\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }
}

/// The answer for an address where nothing is.
pub async fn no_such_page() -> Refusal {
    Refusal::NotFound
}

/// The answer for a method that an address does not take.
pub async fn no_such_method() -> Refusal {
    Refusal::WrongMethod
}
