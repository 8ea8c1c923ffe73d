//! `/v1/fleet/…` for staff: places, devices, settings and announcements. Each address is a question for the desk, which decides what
//! somebody may and how far they reach.

use axum::{
    Router,
    extract::State,
    http::request::Parts,
    response::Response,
    routing::{get, post},
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal,
    refusal::ErrorBody,
    staff::{Asked, answered},
};
use crate::{
    device::Priority,
    fleet::{
        adt::Location,
        device::{Channel, Deed},
        settings::Settings,
        tree::{NewNode, NodeKind},
    },
    policy::{DeviceId, NodeId, RoomId},
    staff::{
        AnnouncementsView, Ask, DevicesView, DoneView, FleetAsk, MadeView, NewAnnouncement, PlacesView, TableView,
    },
};

/// Longest table, in bytes: some 50,000 devices.
pub(super) const MAX_TABLE: usize = 4 * 1024 * 1024;
/// Longest body with a table in it, in bytes: its lines end in two signs.
const MAX_TABLE_BODY: usize = MAX_TABLE + MAX_TABLE / 8;

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(
    places,
    add_place,
    move_place,
    retire_place,
    set,
    devices,
    add_device,
    code,
    move_device,
    end,
    announcements,
    announce,
    end_announcement,
    drop_in,
    import,
))]
pub struct FleetStaffApi;

/// A route for each question.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/fleet/places", get(places).post(add_place))
        .route("/v1/fleet/places/move", post(move_place))
        .route("/v1/fleet/places/retire", post(retire_place))
        .route("/v1/fleet/places/settings", post(set))
        .route("/v1/fleet/devices", get(devices).post(add_device))
        .route("/v1/fleet/devices/code", post(code))
        .route("/v1/fleet/devices/move", post(move_device))
        .route("/v1/fleet/devices/end", post(end))
        .route("/v1/fleet/announcements", get(announcements).post(announce))
        .route("/v1/fleet/announcements/end", post(end_announcement))
        .route("/v1/fleet/drop-in", post(drop_in))
        .route("/v1/fleet/import", post(import))
}

/// A place to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBody {
    /// Where it lies, by its id; left out for the top.
    #[serde(default)]
    parent: Option<String>,
    /// organization, property, building, floor, unit, room or bed.
    #[schema(value_type = String)]
    kind: NodeKind,
    /// What people call it, in 1 to 80 characters.
    name: String,
    /// The room as its devices know it, for a room or a bed.
    #[serde(default)]
    room: Option<String>,
    /// What the admission system calls it, as PV1-3 has it.
    #[serde(default)]
    location: Option<String>,
}

/// What is moved, and where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveBody {
    /// What, by its id.
    id: String,
    /// The place, by its id.
    to: String,
}

/// A place, a device or an announcement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdBody {
    /// Its id.
    id: String,
}

/// What is to count at a place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// The place, by its id.
    id: String,
    /// All that is set there; what is left out comes from above.
    #[schema(value_type = Object)]
    settings: Settings,
}

/// A device to be made known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// Its serial number.
    serial: String,
    /// The place where it is to stand, by its id.
    place: String,
    /// room or home.
    #[serde(default = "room")]
    #[schema(value_type = String)]
    channel: Channel,
}

const fn room() -> Channel {
    Channel::Room
}

/// How a device is shut out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndBody {
    /// The device, by its id.
    id: String,
    /// Why.
    how: How,
}

/// Why a device is shut out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is gone, nobody knows where.
    Lost,
    /// Its certificates are not to count; with a fresh code it comes back.
    Revoked,
    /// It goes out of use for good.
    Retired,
}

/// What is announced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceBody {
    /// To the rooms at and below this place, by its id.
    place: String,
    /// routine, important or emergency. Only an emergency sounds in quiet hours.
    #[schema(value_type = String)]
    priority: Priority,
    /// What is said, in 1 to 500 characters.
    text: String,
    /// From when; at once where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts: Option<Timestamp>,
    /// Until when it may still be said, thirty days from now at most.
    #[schema(value_type = String, format = DateTime)]
    ends: Timestamp,
}

/// What is said into a room.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropInBody {
    /// The room, by its place's id.
    place: String,
    /// What is said, in 1 to 500 characters.
    text: String,
}

/// Many devices with their places.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableBody {
    /// The table, as CSV; see docs/OPERATIONS.md, Fleet.
    table: String,
    /// Whether to make what it says; else it is only said what would be made, and what is wrong.
    #[serde(default)]
    make: bool,
}

/// Shows the places.
#[utoipa::path(get, path = "/v1/fleet/places", tag = "fleet", summary = "The places that one reaches",
    responses(
        (status = 200, description = "Each after what it lies in", body = PlacesView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn places(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    fleet(&doors, &parts, FleetAsk::Places).await
}

/// Makes a place.
#[utoipa::path(post, path = "/v1/fleet/places", tag = "fleet", summary = "Make a place", request_body = PlaceBody,
    responses(
        (status = 200, description = "Made", body = MadeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "It may not lie there; the message says why", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn add_place(State(doors): State<Doors>, asked: Asked<PlaceBody>) -> Result<Response, Refusal> {
    let PlaceBody { parent, kind, name, room, location } = asked.body;
    let parent = parent.as_deref().map(place).transpose()?;
    let new = new_node(parent, kind, name, room, location)?;
    fleet(&doors, &asked.parts, FleetAsk::AddPlace(new)).await
}

/// Moves a place.
#[utoipa::path(post, path = "/v1/fleet/places/move", tag = "fleet", summary = "Put a place with all that lies in it into another",
    request_body = MoveBody,
    responses(
        (status = 200, description = "Moved", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "It may not lie there; the message says why", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn move_place(State(doors): State<Doors>, asked: Asked<MoveBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::MovePlace(place(&asked.body.id)?, place(&asked.body.to)?);
    fleet(&doors, &asked.parts, ask).await
}

/// Retires a place.
#[utoipa::path(post, path = "/v1/fleet/places/retire", tag = "fleet", summary = "Take an empty place out of use",
    request_body = IdBody,
    responses(
        (status = 200, description = "Retired", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "Something is still in it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn retire_place(State(doors): State<Doors>, asked: Asked<IdBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::RetirePlace(place(&asked.body.id)?);
    fleet(&doors, &asked.parts, ask).await
}

/// Sets what counts at a place.
#[utoipa::path(post, path = "/v1/fleet/places/settings", tag = "fleet",
    summary = "Set what counts at a place and below it, instead of what was set there", request_body = SettingsBody,
    responses(
        (status = 200, description = "Set; devices are told at once, and say that they have it", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "A value cannot be set; the message says which", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn set(State(doors): State<Doors>, asked: Asked<SettingsBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::Set(place(&asked.body.id)?, asked.body.settings);
    fleet(&doors, &asked.parts, ask).await
}

/// Shows the devices.
#[utoipa::path(get, path = "/v1/fleet/devices", tag = "fleet", summary = "The devices that one reaches",
    responses(
        (status = 200, description = "By serial number", body = DevicesView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn devices(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    fleet(&doors, &parts, FleetAsk::Devices).await
}

/// Makes a device known.
#[utoipa::path(post, path = "/v1/fleet/devices", tag = "fleet", summary = "Make a device known and get its one-time code",
    request_body = DeviceBody,
    responses(
        (status = 200, description = "Made, with its code", body = MadeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "There is one of that number, or nobody can lie there", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn add_device(State(doors): State<Doors>, asked: Asked<DeviceBody>) -> Result<Response, Refusal> {
    let DeviceBody { serial, place: at, channel } = asked.body;
    fleet(&doors, &asked.parts, FleetAsk::AddDevice(serial, place(&at)?, channel)).await
}

/// Gives a device a fresh code.
#[utoipa::path(post, path = "/v1/fleet/devices/code", tag = "fleet",
    summary = "A fresh code for a device; what it was let in with counts no more", request_body = IdBody,
    responses(
        (status = 200, description = "Its code", body = MadeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such device of theirs", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn code(State(doors): State<Doors>, asked: Asked<IdBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::Code(device(&asked.body.id)?);
    fleet(&doors, &asked.parts, ask).await
}

/// Moves a device.
#[utoipa::path(post, path = "/v1/fleet/devices/move", tag = "fleet", summary = "Put a device elsewhere", request_body = MoveBody,
    responses(
        (status = 200, description = "Moved", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such device or place of theirs", body = ErrorBody),
        (status = 409, description = "Nobody can lie there", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn move_device(State(doors): State<Doors>, asked: Asked<MoveBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::MoveDevice(device(&asked.body.id)?, place(&asked.body.to)?);
    fleet(&doors, &asked.parts, ask).await
}

/// Shuts a device out.
#[utoipa::path(post, path = "/v1/fleet/devices/end", tag = "fleet", summary = "Shut a device out, at once", request_body = EndBody,
    responses(
        (status = 200, description = "It is let in no more", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such device of theirs", body = ErrorBody),
        (status = 409, description = "It is lost already", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn end(State(doors): State<Doors>, asked: Asked<EndBody>) -> Result<Response, Refusal> {
    let deed = match asked.body.how {
        How::Lost => Deed::Lose,
        How::Revoked => Deed::Revoke,
        How::Retired => Deed::Retire,
    };
    let ask = FleetAsk::End(device(&asked.body.id)?, deed);
    fleet(&doors, &asked.parts, ask).await
}

/// Shows what is announced.
#[utoipa::path(get, path = "/v1/fleet/announcements", tag = "fleet", summary = "What is announced, and to how many rooms it was handed",
    responses(
        (status = 200, description = "The oldest first", body = AnnouncementsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn announcements(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    fleet(&doors, &parts, FleetAsk::Announcements).await
}

/// Announces something.
#[utoipa::path(post, path = "/v1/fleet/announcements", tag = "fleet", summary = "Announce something to the rooms of a place",
    description = "In quiet hours, and where nobody wants to be disturbed, nothing sounds but an emergency; the rest waits, and is not said where its end comes first.",
    request_body = AnnounceBody,
    responses(
        (status = 200, description = "Kept; it is handed out", body = MadeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such place of theirs", body = ErrorBody),
        (status = 409, description = "It cannot be said so", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn announce(State(doors): State<Doors>, asked: Asked<AnnounceBody>) -> Result<Response, Refusal> {
    let AnnounceBody { place: at, priority, text, starts, ends } = asked.body;
    let new = NewAnnouncement { node: place(&at)?, priority, text, starts, ends };
    fleet(&doors, &asked.parts, FleetAsk::Announce(new)).await
}

/// Ends an announcement.
#[utoipa::path(post, path = "/v1/fleet/announcements/end", tag = "fleet", summary = "Announce it no more", request_body = IdBody,
    responses(
        (status = 200, description = "It is handed to no more rooms", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such announcement of theirs", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn end_announcement(State(doors): State<Doors>, asked: Asked<IdBody>) -> Result<Response, Refusal> {
    fleet(&doors, &asked.parts, FleetAsk::EndAnnouncement(asked.body.id)).await
}

/// Speaks into a room.
#[utoipa::path(post, path = "/v1/fleet/drop-in", tag = "fleet", summary = "Say something into a room, after a tone",
    description = "One way: nothing is heard of the room. Only where its settings allow it (`drop_in`), and not in its quiet hours.",
    request_body = DropInBody,
    responses(
        (status = 200, description = "It is said, after its tone", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such room of theirs", body = ErrorBody),
        (status = 409, description = "The room did not agree to it, it is quiet there, or there is no device", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn drop_in(State(doors): State<Doors>, asked: Asked<DropInBody>) -> Result<Response, Refusal> {
    let ask = FleetAsk::DropIn(place(&asked.body.place)?, asked.body.text);
    fleet(&doors, &asked.parts, ask).await
}

/// Reads a table, and makes what it says.
#[utoipa::path(post, path = "/v1/fleet/import", tag = "fleet", summary = "Make many devices known, with their places, out of a table",
    description = "Without `make` nothing is made: what would be, and what is wrong in which line and column. With anything wrong nothing is made either. Places are made by whoever may make places.",
    request_body = TableBody,
    responses(
        (status = 200, description = "What it says, and whether it was made", body = TableView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 409, description = "Somebody changed the fleet meanwhile", body = ErrorBody),
        (status = 413, description = "Too large; send it in parts", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn import(State(doors): State<Doors>, asked: Asked<TableBody, MAX_TABLE_BODY>) -> Result<Response, Refusal> {
    fleet(&doors, &asked.parts, FleetAsk::Table(asked.body.table, asked.body.make)).await
}

/// Lets whoever is signed in ask something of the fleet.
async fn fleet(doors: &Doors, parts: &Parts, ask: FleetAsk) -> Result<Response, Refusal> {
    answered(doors, parts, Ask::Fleet(ask)).await
}

/// A place as somebody wrote it.
pub(super) fn new_node(
    parent: Option<NodeId>,
    kind: NodeKind,
    name: String,
    room: Option<String>,
    location: Option<String>,
) -> Result<NewNode, Refusal> {
    let room = room.as_deref().map(RoomId::parse).transpose();
    let room =
        room.map_err(|_| Refusal::WrongField { field: "room", expected: "1 to 64 letters, digits or `-_.:`" })?;
    let expected = "as PV1-3 has it, such as 4E^136^B^MERCY";
    let location = location
        .map(|text| Location::parse(&text).ok_or(Refusal::WrongField { field: "location", expected }))
        .transpose()?;
    Ok(NewNode { parent, kind, name, room, location })
}

/// A place's id.
pub(super) fn place(text: &str) -> Result<NodeId, Refusal> {
    NodeId::parse(text).map_err(|_| Refusal::WrongField { field: "place", expected: "an id" })
}

fn device(text: &str) -> Result<DeviceId, Refusal> {
    DeviceId::parse(text).map_err(|_| Refusal::WrongField { field: "id", expected: "an id" })
}
