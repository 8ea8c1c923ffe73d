//! What holds of changes on their way, of readings, and of imports. Pure.

use super::{
    judge::{Row, held_if},
    seen::Seen,
};

pub(super) fn delivering(seen: &Seen) -> Row {
    let d = &seen.delivering;
    let found = format!(
        "{} changes, with each of their requests failing once, before and after it was done: {} did not go through at once; in the \
         end lost {}, there twice {}, told otherwise than it was {}",
        d.changes, d.failed, d.lost, d.doubled, d.told_wrong
    );
    let tried = d.changes > 0 && d.failed > 0;
    Row {
        id: "delivering",
        promise: "A change for a record server is there once, whatever fails on its way.",
        rule: "45 CFR 164.312(c)(1) integrity; docs/PRIVACY.md",
        configured: "named on the server by the change; sent until it is there or refused".into(),
        finding: held_if(tried && d.lost == 0 && d.doubled == 0 && d.told_wrong == 0, found),
    }
}

pub(super) fn readings(seen: &Seen) -> Row {
    let r = &seen.readings;
    let found = format!(
        "of {} dangerous values, told by somebody who had agreed to nothing and has a PIN, {} were answered with whom to call; in a \
         room on the board: {}; of {} values that nobody has, noted or offered to be: {}; noted before a yes: {}, after it: {}; a \
         value called normal or safe: {}",
        r.dangerous, r.warned, r.on_board, r.impossible, r.impossible_taken, r.kept_before, r.kept_after, r.judged
    );
    let urgent = r.dangerous > 0 && r.warned == r.dangerous && r.on_board;
    let plausible = r.impossible > 0 && r.impossible_taken == 0;
    Row {
        id: "readings",
        promise: "A dangerous reading is answered before anything else is asked, an impossible one is not taken, and none is judged.",
        rule: "docs/PRIVACY.md",
        configured: "published limits in src/actions/reading/limits.toml".into(),
        finding: held_if(urgent && plausible && r.kept_before == 0 && r.kept_after == 1 && !r.judged, found),
    }
}

pub(super) fn imported(seen: &Seen) -> Row {
    let i = &seen.import;
    let found = format!(
        "of {} lines of an export, {} were told as read, left out or of no use; {} of {} people are there; one that cannot be known \
         was named: {}; of somebody else in a chart: {}; done again, more people: {}",
        i.lines, i.told, i.people, i.people_wanted, i.failure_named, i.mixed, i.added_again
    );
    let counted = i.lines > 0 && i.told == i.lines && i.people == i.people_wanted && i.failure_named;
    Row {
        id: "imported",
        promise: "An import tells what became of every resource, and gives nobody what is another's.",
        rule: "45 CFR 164.312(c)(1) integrity",
        configured: "wellspoken import; 64 people a commit".into(),
        finding: held_if(counted && !i.mixed && i.added_again == 0, found),
    }
}
