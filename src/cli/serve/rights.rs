//! A person's rights, as the door to their own page sees them.

use super::Program;
use crate::{
    channels::{Rights, Soon},
    policy::Caller,
    rights::{AccessList, Agreement, Copied, Denied, Desk, Gone, Me, OwnName, Which},
};

impl Program {
    pub(super) fn desk(&self) -> Desk<'_> {
        let core = self.app().core();
        Desk {
            store: &core.store,
            records: &core.records,
            ambient: &core.ambient,
            organization: &core.organization,
            zone: &core.zone,
            protection: &core.protection,
        }
    }
}

impl Rights for Program {
    fn me<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Me, Denied>> {
        Box::pin(async move { self.desk().me(caller).await })
    }

    fn call_me<'a>(&'a self, caller: &'a Caller, who: &'a OwnName) -> Soon<'a, Result<(), Denied>> {
        Box::pin(async move { self.desk().call_me(caller, who).await })
    }

    fn access<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<AccessList, Denied>> {
        Box::pin(async move { self.desk().access(caller).await })
    }

    fn agreement<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Agreement, Denied>> {
        Box::pin(async move { self.desk().agreement(caller).await })
    }

    fn agree<'a>(&'a self, caller: &'a Caller, uses: &'a [String], seen: u64) -> Soon<'a, Result<Agreement, Denied>> {
        Box::pin(async move { self.desk().agree(caller, uses, seen).await })
    }

    fn forget<'a>(&'a self, caller: &'a Caller, which: Which) -> Soon<'a, Result<Gone, Denied>> {
        Box::pin(async move { self.desk().forget(caller, which).await })
    }

    fn copy<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Copied, Denied>> {
        Box::pin(async move { self.desk().copy(caller).await })
    }
}
