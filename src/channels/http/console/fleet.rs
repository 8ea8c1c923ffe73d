//! `/console/fleet…`: places and devices, and what is done with them. Each form is a question of `/v1/fleet`.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::json;

use super::{Form, Outcome, Sorry, Visitor, page, settings, tree::House};
use crate::{
    channels::http::{Doors, Refusal, fleet_staff},
    fleet::{
        device::{Channel, Deed},
        tree::NodeKind,
    },
    policy::{DeviceId, NodeId, staff::Right},
    staff::{FleetAsk, FleetTold, NotTold},
};

/// Longest form with a table in it, in bytes: percent signs make three of one.
const MAX_TABLE: usize = 3 * fleet_staff::MAX_TABLE;

/// What is asked about first: the title, and what comes of it.
const GRAVE: [(&str, &str, &str); 5] = [
    ("retire-place", "Take this place out of use?", "It cannot be brought back. Nothing may be in it any more."),
    (
        "code",
        "Give this device a fresh code?",
        "What it is let in with now counts no more: it is shut out at once and comes back with the code.",
    ),
    (
        "lost",
        "Is this device lost?",
        "It is shut out at once, on an open connection too. It comes back with a fresh code.",
    ),
    ("revoked", "Revoke this device's certificates?", "It is shut out at once, and comes back with a fresh code."),
    ("retired", "Take this device out of use for good?", "It is shut out at once and never comes back."),
];

/// A route for each page.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/console/fleet", get(top).post(at_top))
        .route("/console/fleet/table", get(table).post(take_table))
        .route("/console/fleet/places/{id}", get(place).post(at_place))
        .route("/console/fleet/devices/{id}", get(device).post(at_device))
}

async fn top(State(doors): State<Doors>, parts: Parts) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &parts).await?;
    show_top(&visitor, Outcome::default()).await
}

async fn at_top(State(doors): State<Doors>, form: Form) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &form.parts).await?;
    if form.text("do") == "find" {
        let house = house(&visitor).await?;
        let serial = form.text("serial");
        let found = house.devices.iter().find(|device| device.serial.eq_ignore_ascii_case(serial));
        return match found {
            Some(device) => Ok(to(&format!("/console/fleet/devices/{}", device.id))),
            None => show_top(&visitor, Outcome::not("No device of yours has that serial number.")).await,
        };
    }
    let outcome = carry_out(&visitor, at(None, &form), &form).await?;
    show_top(&visitor, outcome).await
}

async fn place(State(doors): State<Doors>, Path(id): Path<String>, parts: Parts) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &parts).await?;
    show_place(&visitor, &id, Outcome::default()).await
}

async fn at_place(State(doors): State<Doors>, Path(id): Path<String>, form: Form) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &form.parts).await?;
    let node = NodeId::parse(&id).map_err(|_| NotTold::NotThere)?;
    if let Some(asked) = sure(&visitor, &form, &format!("/console/fleet/places/{id}")).await? {
        return Ok(asked);
    }
    let outcome = carry_out(&visitor, at(Some(node), &form), &form).await?;
    match (form.text("do"), &outcome.alert) {
        ("retire-place", None) => Ok(to("/console/fleet")),
        _ => show_place(&visitor, &id, outcome).await,
    }
}

async fn device(State(doors): State<Doors>, Path(id): Path<String>, parts: Parts) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &parts).await?;
    show_device(&visitor, &id, Outcome::default()).await
}

async fn at_device(State(doors): State<Doors>, Path(id): Path<String>, form: Form) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &form.parts).await?;
    let device = DeviceId::parse(&id).map_err(|_| NotTold::NotThere)?;
    if let Some(asked) = sure(&visitor, &form, &format!("/console/fleet/devices/{id}")).await? {
        return Ok(asked);
    }
    let outcome = carry_out(&visitor, with(device, &form), &form).await?;
    match (form.text("do"), &outcome.alert) {
        ("retired", None) => Ok(to("/console/fleet")),
        _ => show_device(&visitor, &id, outcome).await,
    }
}

async fn table(State(doors): State<Doors>, parts: Parts) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &parts).await?;
    if !visitor.may(Right::ChangeDevices) {
        return Err(NotTold::NoRight.into());
    }
    show_table(&visitor, "", None).await
}

async fn take_table(State(doors): State<Doors>, form: Form<MAX_TABLE>) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &form.parts).await?;
    let text = form.text("table");
    let told = visitor.fleet(FleetAsk::Table(text.to_owned(), form.text("do") == "make")).await?;
    show_table(&visitor, text, Some(told)).await
}

async fn house(visitor: &Visitor<'_>) -> Result<House, NotTold> {
    let told = (visitor.fleet(FleetAsk::Places).await?, visitor.fleet(FleetAsk::Devices).await?);
    match told {
        (FleetTold::Places(places), FleetTold::Devices(devices)) => {
            Ok(House { places: places.places, devices: devices.devices })
        }
        _ => Err(NotTold::Unavailable),
    }
}

/// Does what a form asks for. What the fleet's rules do not allow is said on the page.
async fn carry_out<const MAX: usize>(
    visitor: &Visitor<'_>,
    ask: Result<FleetAsk, Refusal>,
    form: &Form<MAX>,
) -> Result<Outcome, Sorry> {
    let told = match ask {
        Ok(ask) => visitor.ask(crate::staff::Ask::Fleet(ask)).await,
        Err(refusal) => return Ok(Outcome::not(refusal)),
    };
    match told {
        Ok(crate::staff::Told::Fleet(FleetTold::Made(made))) => {
            Ok(Outcome { code: made.code, ..Outcome::done(done(form.text("do"))) })
        }
        Ok(_) => Ok(Outcome::done(done(form.text("do")))),
        Err(NotTold::Fleet(why)) => Ok(Outcome::not(why)),
        Err(why) => Err(why.into()),
    }
}

/// What is said of what was done.
fn done(what: &str) -> &'static str {
    match what {
        "add-place" => "The place is made.",
        "move-place" | "move" => "It is moved.",
        "set" => "It is set. Devices that are connected are told at once.",
        "add-device" => "The device is made known. It comes in with its code.",
        "code" => "It has a fresh code.",
        "lost" => "It is lost, and shut out.",
        "revoked" => "Its certificates count no more.",
        _ => "It is done.",
    }
}

/// What a place's forms ask for.
fn at(node: Option<NodeId>, form: &Form) -> Result<FleetAsk, Refusal> {
    let wrong = Refusal::WrongField { field: "do", expected: "what one of the page's forms says" };
    let text = |name: &str| form.told(name).map(str::to_owned);
    match (form.text("do"), node) {
        ("add-place", parent) => {
            let kind = NodeKind::named(form.text("kind"));
            let kind = kind.ok_or(Refusal::WrongField { field: "kind", expected: "a kind of place" })?;
            let (room, location) = (text("room"), text("location"));
            Ok(FleetAsk::AddPlace(fleet_staff::new_node(parent, kind, form.text("name").to_owned(), room, location)?))
        }
        ("move-place", Some(node)) => Ok(FleetAsk::MovePlace(node, fleet_staff::place(form.text("to"))?)),
        ("retire-place", Some(node)) => Ok(FleetAsk::RetirePlace(node)),
        ("set", Some(node)) => Ok(FleetAsk::Set(node, settings::read(form)?)),
        ("add-device", Some(node)) => {
            let channel = Channel::named(form.text("channel"));
            let channel = channel.ok_or(Refusal::WrongField { field: "channel", expected: "room or home" })?;
            Ok(FleetAsk::AddDevice(form.text("serial").to_owned(), node, channel))
        }
        _ => Err(wrong),
    }
}

/// What a device's forms ask for.
fn with(device: DeviceId, form: &Form) -> Result<FleetAsk, Refusal> {
    Ok(match form.text("do") {
        "code" => FleetAsk::Code(device),
        "move" => FleetAsk::MoveDevice(device, fleet_staff::place(form.text("to"))?),
        "lost" => FleetAsk::End(device, Deed::Lose),
        "revoked" => FleetAsk::End(device, Deed::Revoke),
        "retired" => FleetAsk::End(device, Deed::Retire),
        _ => return Err(Refusal::WrongField { field: "do", expected: "what one of the page's forms says" }),
    })
}

/// The question that stands before something grave, as long as nobody said that they are sure.
async fn sure(visitor: &Visitor<'_>, form: &Form, back: &str) -> Result<Option<Response>, Sorry> {
    let what = form.text("do");
    let grave = GRAVE.into_iter().find(|(name, ..)| *name == what);
    let Some((_, title, comes)) = grave.filter(|_| form.text("sure") != "yes") else { return Ok(None) };
    let me = visitor.me().await?;
    let with =
        json!({ "me": me, "title": title, "comes": comes, "back": back, "what": what, "called": form.text("called") });
    Ok(Some(page("sure.html", StatusCode::OK, &with)?))
}

async fn show_top(visitor: &Visitor<'_>, outcome: Outcome) -> Result<Response, Sorry> {
    let status = outcome.status();
    let house = house(visitor).await?;
    let (devices, more) = house.devices_in(None);
    let with = json!({ "me": visitor.me().await?, "below": house.below(None), "devices": devices, "more": more, "rooms": rooms(&house), "places": visitor.may(Right::ChangePlaces), "changes": visitor.may(Right::ChangeDevices), "outcome": outcome });
    Ok(page("fleet.html", status, &with)?)
}

async fn show_place(visitor: &Visitor<'_>, id: &str, outcome: Outcome) -> Result<Response, Sorry> {
    let status = outcome.status();
    let house = house(visitor).await?;
    let place = house.place(id).ok_or(NotTold::NotThere)?;
    let (devices, more) = house.devices_in(Some(id));
    let parents: Vec<_> = house.places.iter().filter(|other| other.id != id && other.kind != "bed").collect();
    let with = json!({ "me": visitor.me().await?, "place": place, "below": house.below(Some(id)), "devices": devices, "more": more, "parents": parents, "up": house.place(place.parent.as_deref().unwrap_or_default()), "fields": settings::fields(place), "places": visitor.may(Right::ChangePlaces), "changes": visitor.may(Right::ChangeDevices), "holds": rooms(&house).iter().any(|room| room.id == id), "outcome": outcome });
    Ok(page("place.html", status, &with)?)
}

async fn show_device(visitor: &Visitor<'_>, id: &str, outcome: Outcome) -> Result<Response, Sorry> {
    let status = outcome.status();
    let house = house(visitor).await?;
    let device = house.devices.iter().find(|device| device.id == id).ok_or(NotTold::NotThere)?;
    let with = json!({ "me": visitor.me().await?, "device": device, "place": house.place(&device.place), "rooms": rooms(&house), "changes": visitor.may(Right::ChangeDevices), "outcome": outcome });
    Ok(page("device.html", status, &with)?)
}

async fn show_table(visitor: &Visitor<'_>, text: &str, told: Option<FleetTold>) -> Result<Response, Sorry> {
    let table = match told {
        Some(FleetTold::Table(table)) => Some(table),
        _ => None,
    };
    let status =
        if table.as_ref().is_some_and(|t| !t.wrong.is_empty()) { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(page("table.html", status, &json!({ "me": visitor.me().await?, "text": text, "table": table }))?)
}

/// A place where a device may stand.
#[derive(Serialize)]
struct Room<'a> {
    id: &'a str,
    called: &'a str,
}

/// The places where devices may stand: rooms, and beds of rooms of several.
fn rooms(house: &House) -> Vec<Room<'_>> {
    let rooms = house.places.iter().filter(|place| place.room.is_some());
    rooms.map(|place| Room { id: &place.id, called: &place.called }).collect()
}

/// Elsewhere, by a look.
fn to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, address.to_owned())]).into_response()
}
