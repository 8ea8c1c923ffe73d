//! `/console/audit`: rows of the audit trail that somebody looks for. What is looked for comes with the form, in no address.

use axum::{Router, extract::State, http::StatusCode, http::request::Parts, response::Response, routing::get};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use super::{Form, Sorry, Visitor, page};
use crate::{
    channels::http::{Doors, Refusal, audit::SearchBody},
    policy::{Event, staff::Right},
    staff::{Ask, NotTold},
};

/// The fields of the form.
const FIELDS: [&str; 8] = ["from", "to", "event", "outcome", "room", "unit", "staff", "identifier"];

/// The route.
pub fn routes() -> Router<Doors> {
    Router::new().route("/console/audit", get(form).post(search))
}

async fn form(State(doors): State<Doors>, parts: Parts) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &parts).await?;
    if !visitor.may(Right::SearchAudit) {
        return Err(NotTold::NoRight.into());
    }
    show(&visitor, json!({}), None, None).await
}

async fn search(State(doors): State<Doors>, form: Form) -> Result<Response, Sorry> {
    let visitor = Visitor::of(&doors, &form.parts).await?;
    let asked: Value = FIELDS.into_iter().map(|field| (field.to_owned(), json!(form.text(field)))).collect();
    let told = match read(&form).and_then(SearchBody::ask) {
        Ok(ask) => visitor.ask(Ask::SearchAudit(ask)).await,
        Err(refusal) => return show(&visitor, asked, None, Some(refusal.to_string())).await,
    };
    match told {
        Ok(told) => show(&visitor, asked, Some(json!(told)), None).await,
        Err(NotTold::NotThere) => {
            let alert = "nobody here has that record number".to_owned();
            show(&visitor, asked, None, Some(alert)).await
        }
        Err(why) => Err(why.into()),
    }
}

fn read(form: &Form) -> Result<SearchBody, Refusal> {
    let text = |name| form.told(name).map(str::to_owned);
    let before = form.told("before").map(str::parse).transpose();
    Ok(SearchBody {
        from: time(form, "from")?,
        to: time(form, "to")?,
        event: text("event"),
        outcome: text("outcome"),
        room: text("room"),
        unit: text("unit"),
        staff: text("staff"),
        person: None,
        identifier: text("identifier"),
        before: before.map_err(|_| Refusal::WrongField { field: "before", expected: "a row's number" })?,
    })
}

/// As a browser's field for a time has it, in UTC.
fn time(form: &Form, field: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let wrong = Refusal::WrongField { field, expected: "a day and a time, or empty" };
    let Some(text) = form.told(field) else { return Ok(None) };
    let time = text.parse::<DateTime>().ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    time.map(|time| Some(time.timestamp())).ok_or(wrong)
}

async fn show(
    visitor: &Visitor<'_>,
    asked: Value,
    trail: Option<Value>,
    alert: Option<String>,
) -> Result<Response, Sorry> {
    let status = if alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let events: Vec<&str> = Event::ALL.into_iter().map(Event::name).collect();
    let outcome = json!({ "alert": alert });
    let with =
        json!({ "me": visitor.me().await?, "asked": asked, "trail": trail, "outcome": outcome, "events": events });
    Ok(page("audit.html", status, &with)?)
}
