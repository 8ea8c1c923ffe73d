//! Connecting records of other organizations, as the doors see it, and fetching them as long as the program runs.

use std::sync::{Arc, Weak};

use super::program::{Program, SetUpError, fresh_token, unavailable};
use crate::{
    ambient::system_now,
    app::App,
    channels::{
        CodeTyped, Connect, ConnectBegun as Begun, ConnectCameBack as CameBack, ConnectDenied, NotConnected, Shown,
        Soon, Unavailable, Visitor,
    },
    connect::{Desk, Organizations},
    store::{Disconnected, Paired},
};

/// How often connections that are due are looked for.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// The organizations that the configuration names, and what wakes whoever fetches.
pub struct Connections {
    organizations: Organizations,
    news: Arc<tokio::sync::Notify>,
}

impl Connections {
    pub fn new(app: &App) -> Result<Option<Self>, SetUpError> {
        let Some(config) = &app.config().connect else { return Ok(None) };
        Ok(Some(Self { organizations: Organizations::new(config, system_now)?, news: Arc::default() }))
    }
}

impl Program {
    fn connect_desk(&self) -> Option<Desk<'_>> {
        let organizations = &self.connections.as_ref()?.organizations;
        Some(Desk { store: self.app().store(), ambient: self.app().ambient(), organizations })
    }

    /// Fetches what is due now; how many connections were worked on.
    pub async fn fetch_connected(&self) -> usize {
        let Some(desk) = self.connect_desk() else { return 0 };
        desk.fetch_due().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is connected could not be looked through; it is tried again");
            0
        })
    }

    /// Tells organizations of tokens that are no longer used, where that is due; how many are done with.
    pub async fn give_tokens_back(&self) -> usize {
        let Some(desk) = self.connect_desk() else { return 0 };
        desk.give_back_due().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "tokens that are no longer used could not be looked up; it is tried again");
            0
        })
    }
}

impl Connect for Program {
    fn offers_records(&self) -> bool {
        self.connections.is_some()
    }

    fn records<'a>(&'a self, visitor: &'a Visitor) -> Soon<'a, Result<Shown, ConnectDenied>> {
        Box::pin(async move { self.connect_desk().ok_or(ConnectDenied::NoOrganization)?.show(visitor).await })
    }

    fn connect<'a>(&'a self, visitor: &'a Visitor, organization: &'a str) -> Soon<'a, Result<Begun, ConnectDenied>> {
        Box::pin(
            async move { self.connect_desk().ok_or(ConnectDenied::NoOrganization)?.begin(visitor, organization).await },
        )
    }

    fn connected(&self, back: CameBack) -> Soon<'_, Result<(), NotConnected>> {
        Box::pin(async move {
            let desk = self.connect_desk().ok_or(NotConnected::Stale)?;
            desk.finish(back).await.inspect_err(|error| tracing::warn!(%error, "records were not connected"))?;
            if let Some(connections) = &self.connections {
                connections.news.notify_one();
            }
            Ok(())
        })
    }

    fn disconnect<'a>(&'a self, visitor: &'a Visitor, id: &'a str) -> Soon<'a, Result<bool, ConnectDenied>> {
        Box::pin(async move {
            let desk = self.connect_desk().ok_or(ConnectDenied::NoOrganization)?;
            Ok(desk.disconnect(visitor, id).await? == Disconnected::Kept)
        })
    }

    fn paired<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Visitor>, Unavailable>> {
        Box::pin(async move {
            let Some(desk) = self.connect_desk() else { return Ok(None) };
            desk.paired(token).await.map_err(|e| unavailable(&e))
        })
    }

    fn pair<'a>(&'a self, code: &'a str, address: &'a str) -> Soon<'a, Result<CodeTyped, Unavailable>> {
        Box::pin(async move {
            let Some(desk) = self.connect_desk() else { return Ok(CodeTyped::Wrong) };
            let token = fresh_token(self.app()).replacen("wsp_", "wsc_", 1);
            Ok(match desk.pair(code, &token, address).await.map_err(|e| unavailable(&e))? {
                Paired::Fits(..) => CodeTyped::Fits(token),
                Paired::Wrong => CodeTyped::Wrong,
                Paired::Locked => CodeTyped::Locked,
            })
        })
    }
}

/// Fetches what was just connected, what a restart interrupted, and what is old, and gives back what is no longer used, as long as
/// the program runs.
pub async fn fetch(program: Weak<Program>) {
    loop {
        let news = {
            let Some(program) = program.upgrade() else { return };
            program.fetch_connected().await;
            program.give_tokens_back().await;
            let Some(connections) = &program.connections else { return };
            Arc::clone(&connections.news)
        };
        let _ = tokio::time::timeout(LOOK_EVERY, news.notified()).await;
    }
}
