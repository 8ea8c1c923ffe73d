//! `/openapi.json`: the API described by itself. The description is the same for everybody and holds no data.

use axum::{Json, extract::State};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    Doors, access, admissions, audit, calls, connect, credentials, device, fleet, fleet_staff, health, me, metrics,
    notices, notified, renewals, secrets, session, sign_in, staff, stream, turns,
};
use crate::channels::alexa;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wellspoken",
        description = "A voice assistant for health care that you run yourself. Every error has the same shape; none repeats what was said.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(turns::take, session::open, session::show, session::close, sign_in::show, sign_in::begin, health::live, health::ready, metrics::show, show),
    modifiers(&Schemes),
    tags(
        (name = "turns", description = "Speaking and being answered"),
        (name = "session", description = "The talk page's own session"),
        (name = "operation", description = "Looking after the server"),
    ),
)]
struct Document;

/// What is there only where skills may call.
#[derive(OpenApi)]
#[openapi(paths(alexa::take), modifiers(&Signature), tags((name = "alexa", description = "Skills of the Alexa platform")))]
struct Skills;

/// What is there only where people have a page of their own.
#[derive(OpenApi)]
#[openapi(
    paths(me::show, me::name, me::access, me::consent, me::agree, me::forget, me::export, secrets::code, secrets::pin),
    tags((name = "me", description = "What a person may see and change of what is known about them")),
)]
struct OwnPage;

/// What is there only where records of other organizations can be connected.
#[derive(OpenApi)]
#[openapi(paths(connect::show, connect::begin, connect::code, connect::disconnect))]
struct OtherRecords;

struct Signature;

impl Modify for Signature {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let signed = "Amazon's signature of the body: RSA, PKCS #1 v1.5, SHA-256, in base64.";
        let signed = ApiKeyValue::with_description("Signature-256", signed);
        components.add_security_scheme("alexa", SecurityScheme::ApiKey(ApiKey::Header(signed)));
    }
}

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `wellspoken credential new`."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let page = ApiKeyValue::with_description(
            credentials::cookie_name(true),
            "The talk page's session; without TLS, on loopback, the name is `wellspoken`.",
        );
        components.add_security_scheme("page", SecurityScheme::ApiKey(ApiKey::Cookie(page)));
    }
}

struct CertificateScheme;

impl CertificateScheme {
    fn put(openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let scheme = SecurityScheme::MutualTls {
            description: Some("A device's certificate of the fleet's authority, at the devices' door.".into()),
            extensions: None,
            deprecated: None,
        };
        components.add_security_scheme("certificate", scheme);
    }
}

struct StaffScheme;

impl StaffScheme {
    fn put(openapi: &mut utoipa::openapi::OpenApi) {
        let cookie = ApiKeyValue::with_description(
            sign_in::staff_cookie(true),
            "A session of staff; without TLS, on loopback, the name is `wellspoken-staff`.",
        );
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("staff", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

fn document(doors: &Doors) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    if doors.rights.is_some() {
        document.merge(OwnPage::openapi());
    }
    if doors.access.is_some() {
        document.merge(access::AccessApi::openapi());
    }
    if doors.bell.is_some() {
        document.merge(device::DeviceApi::openapi());
    }
    if doors.devices.is_some() {
        document.merge(stream::StreamApi::openapi());
    }
    if doors.notices.is_some() {
        document.merge(notices::NoticesApi::openapi());
    }
    if doors.notified.is_some() {
        document.merge(notified::NotifiedApi::openapi());
    }
    if doors.connect.is_some() {
        document.merge(OtherRecords::openapi());
    }
    if doors.fleet.is_some() {
        document.merge(fleet::FleetApi::openapi());
        CertificateScheme::put(&mut document);
    }
    if doors.alexa.is_some() {
        document.merge(Skills::openapi());
    }
    if doors.staff.is_some() {
        document.merge(staff::StaffApi::openapi());
        document.merge(audit::AuditApi::openapi());
        document.merge(fleet_staff::FleetStaffApi::openapi());
        document.merge(admissions::AdmissionsApi::openapi());
        document.merge(renewals::RenewalsApi::openapi());
        document.merge(calls::CallsApi::openapi());
        StaffScheme::put(&mut document);
    }
    document
}

/// Shows the description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operation",
    summary = "This description",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)),
    security(()),
)]
pub async fn show(State(doors): State<Doors>) -> Json<utoipa::openapi::OpenApi> {
    Json(document(&doors))
}
