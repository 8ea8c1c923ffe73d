//! What holds of who speaks and of what is said aloud. Pure.

use super::{
    judge::{Row, held_if},
    seen::Seen,
};

pub(super) fn household(seen: &Seen) -> Row {
    let h = &seen.household;
    let found = format!(
        "said before anybody said who they are: {}; whoever did was answered: {}; said of one to the other: {}",
        h.unknown_told, h.own_told, h.passed_on
    );
    Row {
        id: "household",
        promise: "At a device of several people nobody is known until they say who they are, and nothing passes between them.",
        rule: "45 CFR 164.312(d) person or entity authentication; docs/PRIVACY.md",
        configured: "who it is ends with the first pause".into(),
        finding: held_if(!h.unknown_told && h.own_told && !h.passed_on, found),
    }
}

pub(super) fn disclosure(seen: &Seen) -> Row {
    let d = &seen.disclosure;
    let found = format!(
        "asked first, and said only after the yes: {}; a headline named something: {}; said where it is for the screen: {}",
        d.asked_first, d.named, d.said_on_screen
    );
    Row {
        id: "disclosure",
        promise: "Where others may hear it, no more is said aloud than the place allows.",
        rule: "45 CFR 164.530(c)(2) safeguards; docs/PRIVACY.md",
        configured: "by place, time, roommate and visitor: wellspoken room".into(),
        finding: held_if(d.asked_first && !d.named && !d.said_on_screen, found),
    }
}

pub(super) fn code(seen: &Seen) -> Row {
    let c = &seen.code;
    let found = format!(
        "whoever said it was answered: {}; it worked twice: {}; it stands in an answer or a file: {}",
        c.told_after, c.twice, c.in_clear
    );
    Row {
        id: "code",
        promise: "A one-time code shows who says it, once, and is kept nowhere in clear.",
        rule: "45 CFR 164.312(d) person or entity authentication",
        configured: "8 digits, 10 minutes, one a person; tries counted by device".into(),
        finding: held_if(c.told_after && !c.twice && !c.in_clear, found),
    }
}

pub(super) fn serious(seen: &Seen) -> Row {
    let s = &seen.serious;
    let found = format!(
        "on the board: {}; rows that asking added: {}; its value told before staff closed it: {}; and after: {}",
        s.on_board, s.rows_added, s.told_before, s.told_after
    );
    Row {
        id: "serious",
        promise: "A result far out of range comes to a clinician once, and is told only after they have talked about it.",
        rule: "docs/PRIVACY.md",
        configured: "flagged critical by the laboratory, without a clinician's words".into(),
        finding: held_if(s.on_board && s.rows_added == 0 && !s.told_before && s.told_after, found),
    }
}
