//! `/v1/me/news` and `/v1/me/letters`: what is new for a person, what they want to be told of unasked, and where a letter says that
//! there is something.
//!
//! Invariant: a handler takes [`Own`], so one that asks nobody's leave cannot be written; neither news nor an address stands in
//! a log, an error or a URL.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    routing::{get, post, put},
};
use jiff::{Timestamp, civil::Time};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{Doors, Refusal, credentials::OwnPage, me, refusal::ErrorBody};
use crate::{
    channels::{NewsShown, Notices},
    policy::Caller,
    rights::Told,
};

/// Most news that is said to have been read at once.
const MOST: usize = 64;

/// What is there only where news is shown.
#[derive(OpenApi)]
#[openapi(paths(news, read, wish, letters, confirm, no_letters))]
pub struct NoticesApi;

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/me/news", get(news).put(wish))
        .route("/v1/me/news/read", post(read))
        .route("/v1/me/letters", put(letters).delete(no_letters))
        .route("/v1/me/letters/confirm", post(confirm))
}

/// Somebody with a credential, and who shows them their news.
pub struct Own {
    desk: Arc<dyn Notices>,
    caller: Caller,
}

impl FromRequestParts<Doors> for Own {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let OwnPage(caller) = OwnPage::from_request_parts(parts, doors).await?;
        Ok(Self { desk: doors.notices.clone().ok_or(Refusal::NotFound)?, caller })
    }
}

/// News and wishes.
#[derive(Serialize, ToSchema)]
pub struct NewsBody {
    /// What was not told yet, oldest first.
    news: Vec<NewsItem>,
    /// What they want to be told of by itself.
    told: ToldBody,
    /// Letters; absent where this server sends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    letters: Option<LettersBody>,
}

/// One piece of news.
#[derive(Serialize, ToSchema)]
pub struct NewsItem {
    /// Its name, for saying that it was read.
    id: String,
    /// When it came up.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What it is.
    text: String,
}

/// What somebody wants to be told of by itself.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldBody {
    /// Anything at all.
    everything: bool,
    /// Of medicines.
    medicines: bool,
    /// Of visits.
    visits: bool,
    /// Of results.
    results: bool,
    /// No news before then.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// No news from this hour of each day on; with `to`, or neither.
    #[schema(value_type = Option<String>, example = "22:00:00")]
    from: Option<Time>,
    /// Until this hour.
    #[schema(value_type = Option<String>, example = "07:00:00")]
    to: Option<Time>,
}

/// Where letters go.
#[derive(Serialize, ToSchema)]
pub struct LettersBody {
    /// The address; absent where no letters are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Whether the code that was sent there came back: letters come from then on.
    confirmed: bool,
}

/// News that was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// Their names.
    ids: Vec<String>,
}

/// Where letters are wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantBody {
    /// An e-mail address.
    email: String,
}

/// That the address is theirs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterCodeBody {
    /// The code that was sent there.
    code: String,
}

impl From<NewsShown> for NewsBody {
    fn from(shown: NewsShown) -> Self {
        let Told { everything, medicines, visits, results, until, from, to } = shown.told;
        let news = shown.news.into_iter().map(|one| NewsItem { id: one.id, at: one.at, text: one.text });
        Self {
            news: news.collect(),
            told: ToldBody { everything, medicines, visits, results, until, from, to },
            letters: shown.letters.map(|l| LettersBody { address: l.address, confirmed: l.confirmed }),
        }
    }
}

/// Shows news and wishes.
#[utoipa::path(get, path = "/v1/me/news", tag = "me", summary = "What is new for the person, and what they want to be told of",
    responses(
        (status = 200, description = "News that was not told yet, and wishes", body = NewsBody),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn news(own: Own) -> Result<Json<NewsBody>, Refusal> {
    Ok(Json(own.desk.news(&own.caller).await?.into()))
}

/// Notes that news was read.
#[utoipa::path(post, path = "/v1/me/news/read", tag = "me", summary = "Say that news was read: it is told nowhere any more", request_body = ReadBody,
    responses(
        (status = 204, description = "Noted; what is not theirs stays as it is"),
        (status = 400, description = "Not such a list", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn read(State(doors): State<Doors>, own: Own, request: Request) -> Result<StatusCode, Refusal> {
    let expected = "a list of names, 64 at most";
    let ReadBody { ids } = me::read(&doors, request, "ids", expected).await?;
    if ids.len() > MOST {
        return Err(Refusal::WrongField { field: "ids", expected });
    }
    own.desk.read(&own.caller, &ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces what is wished.
#[utoipa::path(put, path = "/v1/me/news", tag = "me", summary = "Say what one wants to be told of by itself, and when not", request_body = ToldBody,
    responses(
        (status = 204, description = "It counts from now on"),
        (status = 400, description = "Not such wishes", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn wish(State(doors): State<Doors>, own: Own, request: Request) -> Result<StatusCode, Refusal> {
    let expected = "true or false, beside `medicines`, `visits`, `results`, and `until`, `from`, `to` or null";
    let ToldBody { everything, medicines, visits, results, until, from, to } =
        me::read(&doors, request, "everything", expected).await?;
    if from.is_some() != to.is_some() {
        return Err(Refusal::WrongField { field: "from", expected: "a time of day together with `to`, or null" });
    }
    own.desk.wish(&own.caller, Told { everything, medicines, visits, results, until, from, to }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Wants letters.
#[utoipa::path(put, path = "/v1/me/letters", tag = "me", summary = "Want a letter when there is news: a code is sent to the address", request_body = WantBody,
    responses(
        (status = 202, description = "The code is on its way; no letter comes before it came back"),
        (status = 400, description = "No e-mail address", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 404, description = "This server sends no letters", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 429, description = "One was sent a moment ago", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn letters(State(doors): State<Doors>, own: Own, request: Request) -> Result<StatusCode, Refusal> {
    let expected = "an e-mail address";
    let WantBody { email } = me::read(&doors, request, "email", expected).await?;
    match own.desk.letters(&own.caller, &email).await? {
        Some(true) => Ok(StatusCode::ACCEPTED),
        Some(false) => Err(Refusal::TooMany),
        None => Err(Refusal::WrongField { field: "email", expected }),
    }
}

/// Shows that the address is theirs.
#[utoipa::path(post, path = "/v1/me/letters/confirm", tag = "me", summary = "Give the code that was sent to the address", request_body = LetterCodeBody,
    responses(
        (status = 204, description = "Letters come from now on"),
        (status = 400, description = "Not a code", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not this code, or not any more; or not a page that a person signed in to", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn confirm(State(doors): State<Doors>, own: Own, request: Request) -> Result<StatusCode, Refusal> {
    let LetterCodeBody { code } = me::read(&doors, request, "code", "the code").await?;
    if own.desk.confirm(&own.caller, &code).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::WrongCode) }
}

/// Wants none any more.
#[utoipa::path(delete, path = "/v1/me/letters", tag = "me", summary = "No more letters; the address is deleted",
    responses(
        (status = 204, description = "None come any more"),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn no_letters(own: Own) -> Result<StatusCode, Refusal> {
    own.desk.no_letters(&own.caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
