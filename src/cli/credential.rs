//! `wellspoken credential`: let a device, a room or a person in.

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::{Global, open_app, runtime, serve::fresh_token};
use crate::{
    app::{App, Senses},
    policy::{CredentialId, PersonId, RoomId, Surface},
    store::{Grant, StoreError, membership},
};

/// Days a device's token is good for unless it is said otherwise.
const TOKEN_DAYS: u32 = 365;
/// Hours a one-time link may be opened unless it is said otherwise.
const LINK_HOURS: i64 = 1;
/// The longest a credential may be good for, in days.
const MAX_DAYS: u32 = 3660;

/// Let a device, a room or a person in.
#[derive(Debug, clap::Args)]
pub struct CredentialArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a credential; prints its secret once.
    New(NewArgs),
    /// List the credentials there are, without their secrets.
    List,
    /// Let more people speak through a device at home, or fewer.
    Share {
        /// The id that `list` shows.
        id: String,
        /// Somebody who may from now on.
        #[arg(long = "with", value_name = "PERSON")]
        with: Vec<String>,
        /// Somebody added before who may no longer.
        #[arg(long = "without", value_name = "PERSON")]
        without: Vec<String>,
    },
    /// End a credential, or a binding and the sessions it opened, at once.
    Revoke {
        /// The id that `list` or `bindings` shows.
        id: String,
    },
    /// Let somebody's account at an OpenID provider stand for a person here.
    Bind(BindArgs),
    /// List the accounts that stand for people, by the labels they were given.
    Bindings,
    /// End every session of staff at once, as after somebody's role was taken away at the provider.
    SignOutStaff,
}

#[derive(Debug, clap::Args)]
struct NewArgs {
    /// What it stands for.
    #[arg(long, value_enum, default_value = "chat")]
    channel: Channel,
    /// The room or place of the device, for `room` and `home`.
    #[arg(long)]
    room: Option<String>,
    /// The person who speaks there: the id that `import` printed. A hospital room's person is whoever lies there.
    /// Several at home, one after the other, share the device and say who is speaking.
    #[arg(long = "as", visible_alias = "person", value_name = "PERSON")]
    people: Vec<String>,
    /// Days until it ends: a token after a year, a link after an hour and its page after twelve, unless said otherwise.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MAX_DAYS as i64))]
    days: Option<u32>,
    /// Make a one-time link to the talk page of the server at this address instead of a token.
    #[arg(long, value_name = "ADDRESS")]
    link: Option<String>,
    /// Register a unit of an Alexa Smart Properties skill instead of making a token: the unit's id, as the platform
    /// names it. Goes with --skill.
    #[arg(long, value_name = "UNIT", requires = "skill", conflicts_with = "link")]
    unit: Option<String>,
    /// The application id of that skill, as the configuration declares it.
    #[arg(long, value_name = "SKILL", requires = "unit")]
    skill: Option<String>,
    /// What staff call it.
    #[arg(long, default_value = "")]
    label: String,
}

#[derive(clap::Args)]
struct BindArgs {
    /// The person: the id that `import` printed.
    #[arg(long = "as", value_name = "PERSON")]
    person: String,
    /// What the provider calls them, the `sub` of its ID tokens; `-` reads it from standard input.
    #[arg(long)]
    subject: String,
    /// The provider; the configured one unless it is said otherwise.
    #[arg(long)]
    issuer: Option<String>,
    /// What staff call it.
    #[arg(long, default_value = "")]
    label: String,
}

/// Without the subject: it names somebody elsewhere.
impl std::fmt::Debug for BindArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BindArgs")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Channel {
    /// A device in a hospital room.
    Room,
    /// A device at home.
    Home,
    /// The organization's own page or app.
    Chat,
    /// A platform of somebody else's.
    ThirdParty,
    /// Whoever looks after the server: metrics, and nobody's words.
    Operator,
}

/// Runs `wellspoken credential`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: CredentialArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let app = open_app(global, Senses { ears: false, voice: false }).await?;
        let done = match args.what {
            What::New(new) => make(&app, new).await,
            What::List => list(&app).await,
            What::Share { id, with, without } => share(&app, &id, &with, &without).await,
            What::Revoke { id } => revoke(&app, &id).await,
            What::Bind(bind) => bind_subject(&app, bind).await,
            What::Bindings => bindings(&app).await,
            What::SignOutStaff => {
                let by = format!("uid {}", rustix::process::getuid().as_raw());
                let ended = app.store().end_staff_sessions(&by, app.ambient().now()).await;
                ended.map(|many| println!("ended {many}")).map_err(Into::into)
            }
        };
        app.close().await;
        done
    })
}

async fn make(app: &App, new: NewArgs) -> anyhow::Result<()> {
    let now = app.ambient().now();
    let lasts = match (new.days, &new.link) {
        (Some(days), _) => SignedDuration::from_hours(i64::from(days) * 24),
        (None, Some(_)) => SignedDuration::from_hours(LINK_HOURS),
        (None, None) => SignedDuration::from_hours(i64::from(TOKEN_DAYS) * 24),
    };
    let expires = now.checked_add(lasts)?;
    let token = fresh_token(app);
    if new.channel == Channel::Operator {
        if new.link.is_some() || new.room.is_some() || !new.people.is_empty() || new.unit.is_some() {
            bail!("an operator's credential is a token for /metrics: leave out --link, --unit, --room and --as");
        }
        let token = operator_token(&token);
        let id = app.store().issue_operator(&new.label, &token, expires, now).await?;
        tell(&id, &token);
        return Ok(());
    }
    let mut people = Vec::new();
    for person in &new.people {
        people.push(known(app, new.channel, person).await?);
    }
    let shared = people.len() > 1;
    if shared && (new.channel != Channel::Home || new.link.is_some()) {
        bail!("only a device at home is shared: several --as go with --channel home, and without --link");
    }
    let grant = Grant {
        surface: surface(new.channel, new.room.as_deref())?,
        person: people.first().filter(|_| !shared).cloned(),
        label: new.label,
        one_time: new.link.is_some(),
        expires,
    };
    if let (Some(unit), Some(skill)) = (&new.unit, &new.skill) {
        let own = app.config().alexa.iter().flat_map(|alexa| &alexa.skills);
        let own = own.filter(|s| s.smart_properties.is_some()).any(|s| s.id == *skill);
        if !own {
            bail!("--skill: no skill of that id has smart_properties in the configuration; see docs/OPERATIONS.md");
        }
        if grant.surface.room().is_none() {
            bail!("a unit is registered to a room: --channel room or home, and --room");
        }
        let id = app.store().register_unit(&grant, skill, unit, now).await?;
        add(app, &id, people.into_iter().filter(|_| shared)).await?;
        eprintln!("credential {}", id.as_str());
        return Ok(());
    }
    let id = app.store().issue(&grant, &token, now).await?;
    add(app, &id, people.into_iter().filter(|_| shared)).await?;
    match &new.link {
        Some(address) => tell(&id, &format!("{}/#{token}", page(address)?)),
        None => tell(&id, &token),
    }
    Ok(())
}

/// An operator's token says so in front, so that the door knows where to look it up.
pub const OPERATOR: &str = "wso_";

fn operator_token(token: &str) -> String {
    format!("{OPERATOR}{}", token.trim_start_matches("wsp_"))
}

/// The secret on standard output, for scripts; the rest beside it.
fn tell(id: &CredentialId, secret: &str) {
    eprintln!("credential {}; its secret is shown this once:", id.as_str());
    println!("{secret}");
}

fn surface(channel: Channel, room: Option<&str>) -> anyhow::Result<Surface> {
    Ok(match (channel, room) {
        (Channel::Room, Some(room)) => Surface::Room(RoomId::parse(room)?),
        (Channel::Home, Some(room)) => Surface::Home(RoomId::parse(room)?),
        (Channel::Room | Channel::Home, None) => bail!("say which room or place with --room"),
        (_, Some(_)) => bail!("--room goes with --channel room or home"),
        (Channel::Chat, None) => Surface::Chat,
        (Channel::ThirdParty | Channel::Operator, None) => Surface::ThirdParty,
    })
}

async fn add(app: &App, device: &CredentialId, people: impl Iterator<Item = PersonId>) -> anyhow::Result<()> {
    for person in people {
        app.store().add_member(device, &membership(person, "added", app.ambient().now())).await?;
    }
    Ok(())
}

async fn share(app: &App, id: &str, with: &[String], without: &[String]) -> anyhow::Result<()> {
    let (device, now) = (CredentialId::parse(id)?, app.ambient().now());
    if !app.store().credentials().await?.iter().any(|c| c.id == device && c.channel == "home") {
        bail!("there is no device at home of that id; `wellspoken credential list` shows them");
    }
    let mut people = Vec::new();
    for person in with {
        people.push(known(app, Channel::Home, person).await?);
    }
    add(app, &device, people.into_iter()).await?;
    for person in without {
        let row = membership(PersonId::parse(person)?, "removed", now);
        if !app.store().remove_member(&device, &row).await? {
            bail!("--without names somebody who was not added to it. Whom it was made for stays: revoke it instead");
        }
    }
    println!("{} people", app.store().household(&device).await?.len());
    Ok(())
}

async fn known(app: &App, channel: Channel, person: &str) -> anyhow::Result<PersonId> {
    let person = PersonId::parse(person)?;
    match channel {
        Channel::Room => bail!("a room's person is whoever lies there; leave out --as and `import --room` instead"),
        Channel::ThirdParty => bail!("a third party's channel gets public answers only; leave out --as"),
        Channel::Home | Channel::Chat | Channel::Operator => {}
    }
    if !app.store().person_exists(&person).await? {
        bail!("nobody with the id that --as gives is known here; `wellspoken import` prints ids");
    }
    Ok(person)
}

/// The address of the talk page, without what would swallow the secret.
fn page(address: &str) -> anyhow::Result<&str> {
    let plain = address.trim_end_matches('/');
    let rest = plain.strip_prefix("https://").or_else(|| plain.strip_prefix("http://"));
    if rest.is_none_or(|r| r.is_empty() || r.contains(['#', '?', '/', '@'])) {
        bail!("--link needs the server's address, such as http://127.0.0.1:8770");
    }
    Ok(plain)
}

async fn list(app: &App) -> anyhow::Result<()> {
    let all = app.store().credentials().await?;
    let now = app.ambient().now();
    println!("{:<32}  {:<11}  {:<12}  {:<20}  {:<7}  label", "id", "channel", "room", "until", "state");
    for c in all {
        let state = match (c.used, c.expires > now) {
            (true, _) => "spent",
            (false, false) => "expired",
            (false, true) if c.one_time => "link",
            (false, true) => "token",
        };
        let until = c.expires.strftime("%Y-%m-%d %H:%M UTC");
        let room = c.room.unwrap_or_default();
        println!("{:<32}  {:<11}  {room:<12}  {until:<20}  {state:<7}  {}", c.id.as_str(), c.channel, c.label);
    }
    Ok(())
}

async fn revoke(app: &App, id: &str) -> anyhow::Result<()> {
    let id = CredentialId::parse(id)?;
    let now = app.ambient().now();
    if !app.store().revoke(&id, now).await? && !app.store().unbind(&id, now).await? {
        bail!("there is none of that id; `wellspoken credential list` and `credential bindings` show them");
    }
    println!("ended");
    Ok(())
}

async fn bind_subject(app: &App, bind: BindArgs) -> anyhow::Result<()> {
    let configured = app.config().sign_in.as_ref().and_then(|s| s.people.as_ref()).map(|p| p.issuer.clone());
    let Some(issuer) = bind.issuer.or(configured) else {
        bail!("say which provider with --issuer, or configure one under [sign_in.people]");
    };
    let mut subject = bind.subject;
    if subject == "-" {
        subject.clear();
        std::io::stdin().read_line(&mut subject)?;
    }
    let subject = subject.trim();
    if subject.is_empty() {
        bail!("--subject is what the provider calls them: the `sub` of its ID tokens");
    }
    let person = PersonId::parse(&bind.person)?;
    let id = app.store().bind(&issuer, subject, &person, &bind.label, app.ambient().now()).await;
    match id {
        Ok(id) => println!("{}", id.as_str()),
        Err(StoreError::UnknownPerson) => bail!("nobody with the id that --as gives is known here"),
        Err(StoreError::NotPossible) => bail!("that account stands for somebody already; `credential revoke` ends it"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn bindings(app: &App) -> anyhow::Result<()> {
    println!("{:<32}  {:<20}  label", "id", "since");
    for bound in app.store().bindings().await? {
        let gone = if bound.person.is_none() { "  (the person was forgotten)" } else { "" };
        let since = bound.since.strftime("%Y-%m-%d %H:%M UTC");
        println!("{:<32}  {since:<20}  {}{gone}", bound.id.as_str(), bound.label);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_a_whole_address_and_nothing_else() {
        assert_eq!(page("http://127.0.0.1:8770/").expect("an address"), "http://127.0.0.1:8770");
        for bad in
            ["", "127.0.0.1:8770", "http://", "http://x/#y", "http://x/page", "http://x?y", "ftp://x", "http://a@x"]
        {
            assert!(page(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_device_needs_a_room_and_nobody_else_has_one() {
        for (channel, room, fits) in [
            (Channel::Room, Some("7"), true),
            (Channel::Home, Some("kitchen"), true),
            (Channel::Chat, None, true),
            (Channel::ThirdParty, None, true),
            (Channel::Room, None, false),
            (Channel::Home, None, false),
            (Channel::Chat, Some("7"), false),
            (Channel::Room, Some("room seven"), false),
        ] {
            assert_eq!(surface(channel, room).is_ok(), fits, "{channel:?} {room:?}");
        }
    }
}
