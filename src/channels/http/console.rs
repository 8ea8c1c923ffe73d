//! `/console/…`: pages for staff that come rendered from here: forms and tables that need no script.
//!
//! Invariants: a page asks the desk, as the API does, and knows nothing by itself; whatever stands on it is escaped by the templates;
//! a form counts only from a page of this server's own, by the staff's own cookie; what is looked for stands in no address.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    Router,
    extract::{FromRequest, Request},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use minijinja::{Environment, Value as Shown};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Doors, Refusal, body,
    headers::Forms,
    staff::{member, presented},
};
use crate::{
    channels::StaffDoor,
    policy::staff::{Right, StaffMember},
    staff::{Ask, FleetAsk, FleetTold, NotTold, Told},
};

mod audit;
mod fleet;
mod settings;
mod tree;

/// Longest form, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// What a form is sent as.
const FORM: &str = "application/x-www-form-urlencoded";

/// The templates.
const TEMPLATES: [(&str, &str); 9] = [
    ("base.html", include_str!("page/console/base.html")),
    ("sorry.html", include_str!("page/console/sorry.html")),
    ("sure.html", include_str!("page/console/sure.html")),
    ("devices.html", include_str!("page/console/devices.html")),
    ("fleet.html", include_str!("page/console/fleet.html")),
    ("place.html", include_str!("page/console/place.html")),
    ("device.html", include_str!("page/console/device.html")),
    ("table.html", include_str!("page/console/table.html")),
    ("audit.html", include_str!("page/console/audit.html")),
];

/// A template that cannot be read is left out; the tests read all of them.
static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in TEMPLATES {
        if let Err(error) = pages.add_template(name, text) {
            tracing::error!(%error, name, "a page cannot be rendered");
        }
    }
    pages
});

/// A route for each page.
pub fn routes() -> Router<Doors> {
    fleet::routes().merge(audit::routes())
}

/// A page is not shown: in its place a few words say why.
pub struct Sorry(Refusal);

impl From<Refusal> for Sorry {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<NotTold> for Sorry {
    fn from(why: NotTold) -> Self {
        Self(Refusal::NotTold(why))
    }
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let signed_in = self.0 != Refusal::Unauthenticated;
        let why = if signed_in { self.0.to_string() } else { "You are not signed in".to_owned() };
        page("sorry.html", self.0.status(), &json!({ "why": why, "signed_in": signed_in }))
            .unwrap_or_else(IntoResponse::into_response)
    }
}

/// Renders a page.
fn page(name: &str, status: StatusCode, with: &Value) -> Result<Response, Refusal> {
    let rendered = PAGES.get_template(name).and_then(|template| template.render(shown(with)));
    let text = rendered.map_err(|error| {
        // What stood in the page is not told.
        tracing::error!(kind = ?error.kind(), name, "a page cannot be rendered");
        Refusal::Broken
    })?;
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    response.extensions_mut().insert(Forms);
    Ok(response)
}

/// A value as templates take it.
fn shown(value: &Value) -> Shown {
    match value {
        Value::Null => Shown::from(()),
        Value::Bool(yes) => Shown::from(*yes),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_f64().unwrap_or_default().into(), Shown::from)
        }
        Value::String(text) => Shown::from(text.as_str()),
        Value::Array(all) => Shown::from(all.iter().map(shown).collect::<Vec<_>>()),
        Value::Object(fields) => Shown::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), shown(value)))),
    }
}

/// Somebody who is signed in, and whom they ask.
struct Visitor<'a> {
    door: &'a dyn StaffDoor,
    staff: StaffMember,
}

impl<'a> Visitor<'a> {
    /// Opening a page shows that somebody is there.
    async fn of(doors: &'a Doors, parts: &'a Parts) -> Result<Self, Sorry> {
        let (door, staff) = member(doors, parts, true).await?;
        Ok(Self { door, staff })
    }

    async fn ask(&self, ask: Ask) -> Result<Told, NotTold> {
        self.door.answer(&self.staff, ask).await
    }

    async fn fleet(&self, ask: FleetAsk) -> Result<FleetTold, NotTold> {
        match self.ask(Ask::Fleet(ask)).await? {
            Told::Fleet(told) => Ok(told),
            _ => Err(NotTold::Unavailable),
        }
    }

    /// Who they are, for the top of a page.
    async fn me(&self) -> Result<Value, NotTold> {
        Ok(json!(self.ask(Ask::Me).await?))
    }

    fn may(&self, right: Right) -> bool {
        self.staff.may(right)
    }
}

/// What came of what a form asked for.
#[derive(Default, Serialize)]
struct Outcome {
    /// It is done.
    notice: Option<String>,
    /// A one-time code, shown this once.
    code: Option<String>,
    /// It was not done.
    alert: Option<String>,
}

impl Outcome {
    fn done(notice: &str) -> Self {
        Self { notice: Some(notice.to_owned()), ..Self::default() }
    }

    fn not(alert: impl ToString) -> Self {
        Self { alert: Some(alert.to_string()), ..Self::default() }
    }

    const fn status(&self) -> StatusCode {
        if self.alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK }
    }
}

/// What a page's form sent, of at most `MAX` bytes.
pub struct Form<const MAX: usize = MAX_FORM> {
    parts: Parts,
    fields: BTreeMap<String, String>,
}

impl<const MAX: usize> Form<MAX> {
    /// A field without what is around it; empty where there is none.
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }

    /// The same, where there is something in it.
    fn told(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }
}

impl<const MAX: usize> FromRequest<Doors> for Form<MAX> {
    type Rejection = Sorry;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Sorry> {
        let (parts, body) = request.into_parts();
        presented(doors, &parts)?;
        if !body::is(&parts.headers, FORM) {
            return Err(Refusal::WrongType(FORM).into());
        }
        let held = body::read(doors, &parts.headers, body, MAX).await?;
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&held.bytes).into_owned() {
            if fields.insert(name, value).is_some() {
                return Err(Refusal::WrongField { field: "form", expected: "each field once" }.into());
            }
        }
        Ok(Self { parts, fields })
    }
}

#[cfg(test)]
mod tests {
    use minijinja::UndefinedBehavior;

    use super::*;

    #[test]
    fn every_page_can_be_rendered_and_escapes_what_it_is_given() {
        let mut pages = PAGES.clone();
        pages.set_undefined_behavior(UndefinedBehavior::Chainable);
        for (name, _) in TEMPLATES {
            let page = pages.get_template(name).expect(name);
            assert!(page.render(shown(&json!({ "me": { "rights": [""] } }))).is_ok(), "{name}");
        }
        let why = "<script>alert(1)</script>";
        let text =
            PAGES.get_template("sorry.html").expect("there").render(shown(&json!({ "why": why }))).expect("rendered");
        assert!(!text.contains(why) && text.contains("&lt;script"), "{text}");
    }
}
