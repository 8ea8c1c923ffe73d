//! `/v1/fleet/…` for devices: a code for a certificate, a certificate for the next one, and saying that one is there.
//!
//! Invariant: who a device is comes from the certificate its connection proved to own; the code is good for the first one alone.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::header,
    routing::post,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::{Doors, Refusal, body, refusal::ErrorBody};
use crate::channels::{Beat, Enrolled, Fingerprint, FleetDoor, NotEnrolled};

/// Longest body, in bytes.
const MAX_BODY: usize = 4 * 1024;
/// Longest name of a firmware, in bytes.
const MAX_FIRMWARE: usize = 64;

/// What is there only where devices have certificates of their own.
#[derive(OpenApi)]
#[openapi(paths(enrol, renew, heartbeat), tags((name = "fleet", description = "Devices with certificates of their own")))]
pub struct FleetApi;

/// What a device that has no certificate yet finds at the ordinary door.
pub fn enrolment() -> Router<Doors> {
    Router::new().route("/v1/fleet/enrol", post(enrol))
}

/// What a device finds at the devices' door.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/fleet/renew", post(renew)).route("/v1/fleet/heartbeat", post(heartbeat))
}

/// A device that wants to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    /// Its serial number.
    serial: String,
    /// The one-time code it was given.
    code: String,
    /// Its public key in PEM: EC P-256 or Ed25519. The private one stays with it.
    key: String,
}

/// A device's next key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewBody {
    /// Its public key in PEM: EC P-256 or Ed25519; a fresh one, or the same.
    key: String,
}

/// What a device gets.
#[derive(Serialize, ToSchema)]
pub struct EnrolledBody {
    /// What it is called.
    device: String,
    /// Its certificate in PEM, for the devices' door.
    certificate: String,
    /// Its authority's in PEM.
    authority: String,
    /// Until when it is good.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
    /// From when on it should get itself the next.
    #[schema(value_type = String, format = DateTime)]
    renew: Timestamp,
}

/// What a device tells of itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatBody {
    /// What it runs, up to 64 bytes.
    #[serde(default)]
    firmware: Option<String>,
    /// 0 to 100 percent.
    #[serde(default)]
    battery: Option<u8>,
    /// The version of the settings that it has put in force.
    #[serde(default)]
    settings: Option<i64>,
}

/// What it is told back.
#[derive(Serialize, ToSchema)]
pub struct BeatAnswer {
    /// The version of the settings that are meant for it.
    version: i64,
    /// They, where it has others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    settings: Option<Value>,
}

/// Lets a device in.
#[utoipa::path(post, path = "/v1/fleet/enrol", tag = "fleet", summary = "Show a one-time code and get a certificate",
    description = "At the ordinary door. A code works once, for seven days, and not after five wrong ones. With the certificate the device goes to the devices' door, which asks for one.",
    request_body = EnrolBody,
    responses(
        (status = 200, description = "Let in", body = EnrolledBody),
        (status = 400, description = "Not such an object, or no key that is taken", body = ErrorBody),
        (status = 403, description = "No such device, or no code of its", body = ErrorBody),
        (status = 404, description = "Devices have no certificates here", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(()))]
pub async fn enrol(State(doors): State<Doors>, request: Request) -> Result<Json<EnrolledBody>, Refusal> {
    let (fleet, _, told) = asked::<EnrolBody>(&doors, request).await?;
    let enrolled = fleet.enrol(&told.serial, &told.code, &told.key).await.map_err(refused)?;
    tracing::info!("a device was let in");
    Ok(Json(body_of(enrolled)))
}

/// Gives a device its next certificate.
#[utoipa::path(post, path = "/v1/fleet/renew", tag = "fleet", summary = "Get the next certificate, showing the one that is good",
    description = "At the devices' door. The one shown stays good until it ends, older ones do not.",
    request_body = RenewBody,
    responses(
        (status = 200, description = "The next one", body = EnrolledBody),
        (status = 400, description = "Not such an object, or no key that is taken", body = ErrorBody),
        (status = 401, description = "The certificate counts no more", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("certificate" = [])))]
pub async fn renew(State(doors): State<Doors>, request: Request) -> Result<Json<EnrolledBody>, Refusal> {
    let (fleet, shown, told) = asked::<RenewBody>(&doors, request).await?;
    let shown = shown.ok_or(Refusal::Unauthenticated)?;
    let enrolled = fleet.renew(&shown, &told.key).await;
    enrolled.map(|enrolled| Json(body_of(enrolled))).map_err(|why| match why {
        NotEnrolled::Refused => Refusal::Unauthenticated,
        other => refused(other),
    })
}

/// Hears that a device is there.
#[utoipa::path(post, path = "/v1/fleet/heartbeat", tag = "fleet", summary = "Say that one is there, and hear which settings count",
    description = "At the devices' door, every half minute or so.",
    request_body = BeatBody,
    responses(
        (status = 200, description = "Heard", body = BeatAnswer),
        (status = 400, description = "Not such an object", body = ErrorBody),
        (status = 401, description = "The certificate counts no more", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("certificate" = [])))]
pub async fn heartbeat(State(doors): State<Doors>, request: Request) -> Result<Json<BeatAnswer>, Refusal> {
    let (fleet, shown, told) = asked::<BeatBody>(&doors, request).await?;
    let shown = shown.ok_or(Refusal::Unauthenticated)?;
    let plain = |text: &String| text.len() <= MAX_FIRMWARE && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if !told.firmware.as_ref().is_none_or(plain) {
        return Err(Refusal::WrongField { field: "firmware", expected: "up to 64 printable characters" });
    }
    if told.battery.is_some_and(|percent| percent > 100) {
        return Err(Refusal::WrongField { field: "battery", expected: "0 to 100" });
    }
    let beat = Beat { firmware: told.firmware, battery: told.battery, settings: told.settings };
    let told = fleet.beat(&shown, beat).await?.ok_or(Refusal::Unauthenticated)?;
    Ok(Json(BeatAnswer { version: told.version, settings: told.settings }))
}

fn body_of(enrolled: Enrolled) -> EnrolledBody {
    let Enrolled { device, certificate, authority, expires, renew } = enrolled;
    EnrolledBody { device, certificate, authority, expires, renew }
}

const fn refused(why: NotEnrolled) -> Refusal {
    match why {
        NotEnrolled::Refused => Refusal::NotEnrolled,
        NotEnrolled::BadKey => Refusal::BadKey,
        NotEnrolled::Unavailable => Refusal::Unavailable,
    }
}

async fn asked<T: DeserializeOwned>(
    doors: &Doors,
    request: Request,
) -> Result<(Arc<dyn FleetDoor>, Option<Fingerprint>, T), Refusal> {
    let fleet = doors.fleet.clone().ok_or(Refusal::NotFound)?;
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|t| {
        t.to_str().is_ok_and(|t| t.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        return Err(Refusal::WrongType("application/json"));
    }
    let held = body::read(doors, &parts.headers, body, MAX_BODY).await?;
    let told = serde_json::from_slice(&held.bytes)
        .map_err(|_| Refusal::WrongField { field: "body", expected: "an object of the fields in /openapi.json" })?;
    Ok((fleet, parts.extensions.get::<Fingerprint>().copied(), told))
}
