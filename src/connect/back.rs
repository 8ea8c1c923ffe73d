//! Giving tokens back: the organization is told that they are no longer used, and is told again until it heard.

use super::{Desk, tokens_of};
use crate::{
    smart::Heard,
    store::{ConnectionAccess, StoreError},
};

impl Desk<'_> {
    /// Tells organizations of the tokens that are no longer used, where that is due. Gives how many are done with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_due(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        for id in self.store.due_revocations(self.ambient.now()).await? {
            match self.tell(&id).await {
                Ok(heard) => done += usize::from(heard),
                // One organization's trouble does not keep the others from hearing.
                Err(error) => tracing::warn!(%error, "tokens could not be given back; it is tried again"),
            }
        }
        Ok(done)
    }

    /// Keeps tokens that are used for nothing, and tells their organization at once where it listens.
    pub(super) async fn give_back(&self, organization: &str, access: &ConnectionAccess) {
        match self.store.give_back(organization, access, self.ambient.now()).await {
            Ok(id) => self.tell_now(Some(&id)).await,
            Err(error) => tracing::warn!(%error, "tokens that are used for nothing could not be kept to be given back"),
        }
    }

    /// The first try, while somebody waits for it; the next ones come by themselves.
    pub(super) async fn tell_now(&self, id: Option<&str>) {
        let Some(id) = id else { return };
        if let Err(error) = self.tell(id).await {
            tracing::warn!(%error, "tokens could not be given back; it is tried again");
        }
    }

    /// Tells one organization. False where it is to be told again.
    async fn tell(&self, id: &str) -> Result<bool, StoreError> {
        let now = self.ambient.now();
        let Some(held) = self.store.take_revocation(id, now).await? else { return Ok(false) };
        // It may come back into the configuration.
        let Some((client, _)) = self.organizations.named(&held.organization) else { return Ok(false) };
        let outcome = match client.revoke(&tokens_of(&held.access), now).await {
            Heard::Yes => "revoked",
            Heard::Never => "not_revocable",
            Heard::NotYet => return Ok(false),
        };
        self.store.revocation_done(&held, outcome, now).await?;
        Ok(true)
    }
}
