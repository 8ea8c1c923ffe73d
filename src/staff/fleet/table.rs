//! Many devices at once, out of a table: what it says, and making it.

use jiff::Timestamp;

use super::{CodeView, FleetTold, Reach, TableView, WrongView, refused};
use crate::{
    fleet::roster::{Roster, Within},
    policy::staff::Right,
    staff::{Desk, NotTold, Told, lost},
    store::By,
};

impl Desk {
    /// Reads a table as far as somebody reaches, and makes what it says where that is asked for and nothing is wrong.
    pub(super) async fn table(
        &self,
        reach: &Reach<'_>,
        text: &str,
        make: bool,
        now: Timestamp,
    ) -> Result<Told, NotTold> {
        let reaches = |node: &_| reach.holds(node);
        let within = Within { reaches: &reaches, makes_places: reach.staff.may(Right::ChangePlaces) };
        let devices = self.store.devices().await.map_err(lost)?;
        let roster = self.store.read_roster(text, &reach.tree, &devices, &within, now).map_err(lost)?;
        let made = make && roster.wrong.is_empty();
        let codes = match made {
            true => {
                let by = By::Staff(&reach.staff.member);
                self.store.make_roster(&roster, by, now, |_, _| {}).await.map_err(refused)?
            }
            false => vec![],
        };
        Ok(Told::Fleet(FleetTold::Table(view(roster, made, codes))))
    }
}

fn view(roster: Roster, made: bool, codes: Vec<(String, String)>) -> TableView {
    let wrong =
        roster.wrong.into_iter().map(|wrong| WrongView { line: wrong.line, column: wrong.column, what: wrong.what });
    TableView {
        made,
        places: roster.places.len(),
        devices: roster.devices.len(),
        waiting: roster.waiting.len(),
        known: roster.known,
        wrong: wrong.collect(),
        more_wrong: roster.more_wrong,
        codes: codes.into_iter().map(|(serial, code)| CodeView { serial, code }).collect(),
    }
}
