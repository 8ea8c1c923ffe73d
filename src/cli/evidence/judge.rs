//! From what was observed to what holds. Pure.

use serde::Serialize;

use super::{
    care::{delivering, imported, readings},
    seen::Seen,
    speaking::{code, disclosure, household, serious},
};
use crate::patterns::attack::{Canary, Outcome};

/// One promise.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name, for scripts.
    pub id: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// The rule it answers, by its section in Title 45 of the Code of Federal Regulations, or the page of ours that
    /// promises it.
    pub rule: &'static str,
    /// What is configured here.
    pub configured: String,
    /// What was found.
    pub finding: Finding,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result", content = "found")]
pub enum Finding {
    /// The promise held.
    Held(String),
    /// It did not.
    Broken(String),
    /// It could not be looked at, and why.
    Unchecked(String),
}

pub(super) fn held_if(held: bool, found: String) -> Finding {
    if held { Finding::Held(found) } else { Finding::Broken(found) }
}

/// Every promise, judged by what was seen.
#[must_use]
pub fn judge(seen: &Seen) -> Vec<Row> {
    vec![access(seen), unique(seen), emergency(seen), logoff(seen), sealed(seen), audited(seen), integrity(seen)]
        .into_iter()
        .chain([person(seen), wire(seen), consent(seen), overheard(seen), identifiers(seen)])
        .chain([destroyed(seen), recordings(seen), dumps(seen), contingency(seen), installed(seen)])
        .chain([staff(seen), glass(seen), snooping(seen)])
        .chain([membership(seen), budget(seen)])
        .chain([looked(seen), purposes(seen), copied(seen), forgotten(seen)])
        .chain([household(seen), disclosure(seen), code(seen), serious(seen)])
        .chain([delivering(seen), readings(seen), imported(seen)])
        .collect()
}

fn access(seen: &Seen) -> Row {
    let s = &seen.swept;
    let mut found = format!(
        "{} intents in {} turns, through four kinds of channel, by nobody and by people with and without PIN and agreement: \
         {} answered as public, {} for the place, {} not connected; {} let at a person's data, {} not let ({} on a third \
         party's channel), each with its rows in the audit trail",
        s.intents, s.turns, s.public, s.room, s.unconnected, s.opened, s.refused, s.third_party
    );
    if let Some(first) = s.odd.first() {
        found = format!("{} not as it has to be, the first: {first}; {found}", s.odd.len());
    }
    let counted = s.public + s.room + s.unconnected + s.opened + s.refused == s.turns;
    Row {
        id: "access",
        promise: "A channel of somebody else's gets public answers only; a person's data is for that person, shown and agreed.",
        rule: "45 CFR 164.312(a)(1) access control",
        configured: seen.doors.clone(),
        finding: held_if(s.odd.is_empty() && counted && s.opened > 0 && s.third_party > 0, found),
    }
}

fn unique(seen: &Seen) -> Row {
    let found = format!(
        "two credentials told apart: {}; a withdrawn one refused at once: {}; its token found in the files: {}",
        seen.credentials.distinct, seen.credentials.withdrawn_refused, seen.credentials.in_clear
    );
    let c = &seen.credentials;
    Row {
        id: "unique",
        promise: "Everybody and every device has a credential of their own, and it ends when it is withdrawn.",
        rule: "45 CFR 164.312(a)(2)(i) unique user identification",
        configured: "bearer tokens, kept as keyed hashes".into(),
        finding: held_if(c.distinct && c.withdrawn_refused && !c.in_clear, found),
    }
}

fn emergency(seen: &Seen) -> Row {
    let e = &seen.emergency;
    let found = format!(
        "a cry in a room with nobody signed in and a PIN waited for was on the board: {}; on a third party's channel the \
         emergency number was said: {}",
        e.on_board, e.number_said_elsewhere
    );
    Row {
        id: "emergency",
        promise: "Emergencies come before every check.",
        rule: "45 CFR 164.312(a)(2)(ii) emergency access procedure",
        configured: seen.emergency_number.clone(),
        finding: held_if(e.on_board && e.number_said_elsewhere, found),
    }
}

fn logoff(seen: &Seen) -> Row {
    Row {
        id: "logoff",
        promise: "A pause ends what somebody showed of who they are.",
        rule: "45 CFR 164.312(a)(2)(iii) automatic logoff",
        configured: "5 minutes, or the first pause of 3".into(),
        finding: held_if(
            seen.asked_again,
            format!("after ten minutes the PIN was asked for again: {}", seen.asked_again),
        ),
    }
}

fn sealed(seen: &Seen) -> Row {
    let found = if seen.in_clear.is_empty() {
        format!("{} words of an invented person in none of {} files ({} bytes)", seen.words, seen.files, seen.bytes)
    } else {
        format!(
            "{} of {} words stand in clear in a file of the database or the key store",
            seen.in_clear.len(),
            seen.words
        )
    };
    Row {
        id: "sealed",
        promise: "What is kept of a person is encrypted, with a key of their own.",
        rule: "45 CFR 164.312(a)(2)(iv) encryption and decryption",
        configured: format!("AES-256-GCM; master key from {}", seen.key_provider),
        finding: held_if(seen.in_clear.is_empty() && seen.files > 0 && seen.words > 0, found),
    }
}

fn audited(seen: &Seen) -> Row {
    let a = &seen.audit;
    let found = format!(
        "{} disclosures opened {} rows before and closed {} after; refusals left {} rows",
        a.disclosures, a.opened, a.closed, a.refused
    );
    Row {
        id: "audited",
        promise: "Every disclosure and every refusal stands in the audit trail, the opening row before the answer.",
        rule: "45 CFR 164.312(b) audit controls",
        configured: "hash chain with signed heads".into(),
        finding: held_if(
            a.disclosures > 0 && a.opened >= a.disclosures && a.closed >= a.disclosures && a.refused > 0,
            found,
        ),
    }
}

fn integrity(seen: &Seen) -> Row {
    let i = &seen.integrity;
    Row {
        id: "integrity",
        promise: "A changed audit entry is found and named.",
        rule: "45 CFR 164.312(c)(1), (c)(2) integrity",
        configured: "hash chain with signed heads".into(),
        finding: held_if(
            i.whole && i.changed > 0 && i.caught == i.changed,
            format!("untouched: whole {}; {} entries changed one at a time, {} named", i.whole, i.changed, i.caught),
        ),
    }
}

fn person(seen: &Seen) -> Row {
    let p = &seen.pin;
    let found = format!(
        "without the PIN nothing was said: {}; with it, it was: {}; wrong ones before the door closed: {}; while it was \
         closed the right one was refused: {}; the PIN in what was shown or kept: {}",
        p.silent_before, p.told_after, p.wrong_allowed, p.refused_while_closed, p.shown
    );
    let held = p.silent_before && p.told_after && p.wrong_allowed <= 3 && p.refused_while_closed && !p.shown;
    Row {
        id: "person",
        promise: "Whoever has a PIN is asked for it before anything marked so, and few guesses are allowed.",
        rule: "45 CFR 164.312(d) person or entity authentication",
        configured: "3 tries, then growing pauses, 10 in all; Argon2id with a pepper".into(),
        finding: held_if(held, found),
    }
}

fn wire(seen: &Seen) -> Row {
    let found = format!("plain HTTP for other machines refused when configured: {}", seen.plain_http_refused);
    Row {
        id: "wire",
        promise: "Nothing leaves this machine unencrypted.",
        rule: "45 CFR 164.312(e)(1), (e)(2)(ii) transmission security",
        configured: seen.listen.clone(),
        finding: held_if(seen.plain_http_refused, found),
    }
}

fn consent(seen: &Seen) -> Row {
    let c = &seen.consent;
    let found = format!(
        "before anything was agreed to, a medicine was said: {}; after agreeing to visits only: {}; after taking it all \
         back: {}",
        c.before, c.other_part, c.after
    );
    Row {
        id: "consent",
        promise: "Only what a person agreed to is used, from the moment they agree until they take it back.",
        rule: "45 CFR 164.502(b) minimum necessary",
        configured: "nothing is agreed to by default".into(),
        finding: held_if(!c.before && !c.other_part && !c.after, found),
    }
}

fn overheard(seen: &Seen) -> Row {
    let o = &seen.overheard;
    let found = format!(
        "said where others hear it: {}; the answer to its name is the same whether or not it is on record: {}",
        o.said, o.same_answer
    );
    Row {
        id: "overheard",
        promise: "What is protected is not said aloud, nor that it exists.",
        rule: "docs/PRIVACY.md; 42 CFR part 2",
        configured: "value sets in src/records/sensitive.toml".into(),
        finding: held_if(!o.said && o.same_answer, found),
    }
}

fn identifiers(seen: &Seen) -> Row {
    let bad: Vec<&str> = seen.identifiers.iter().filter(|(_, clear)| *clear).map(|(name, _)| *name).collect();
    let found = if bad.is_empty() {
        format!("{} kinds of identifier of an invented person looked for, none in clear", seen.identifiers.len())
    } else {
        format!("in clear: {}", bad.join(", "))
    };
    Row {
        id: "identifiers",
        promise: "No identifier of a person stands in clear in the database.",
        rule: "45 CFR 164.514(b)(2)(i) the identifiers of Safe Harbor that a chart here holds",
        configured: "looked up by keyed hashes".into(),
        finding: held_if(bad.is_empty() && !seen.identifiers.is_empty(), found),
    }
}

fn destroyed(seen: &Seen) -> Row {
    Row {
        id: "destroyed",
        promise: "With a person's key destroyed, what is kept of them can no longer be read.",
        rule: "docs/PRIVACY.md, keys",
        configured: format!("key store beside the master key; master key from {}", seen.key_provider),
        finding: held_if(seen.gone, format!("read after destroying the key: {}", !seen.gone)),
    }
}

fn recordings(seen: &Seen) -> Row {
    Row {
        id: "recordings",
        promise: "No recording is written anywhere.",
        rule: "docs/PRIVACY.md, what never is",
        configured: "there is no setting for it".into(),
        finding: held_if(
            seen.recordings == 0,
            format!("files that hold the sound of a turn just taken: {}", seen.recordings),
        ),
    }
}

fn dumps(seen: &Seen) -> Row {
    let found =
        format!("limit for core dumps: {} bytes; may be read by other processes: {}", seen.core_limit, seen.dumpable);
    Row {
        id: "dumps",
        promise: "The memory of this program is not written to disk when it fails.",
        rule: "docs/PRIVACY.md",
        configured: "set before a key is read".into(),
        finding: held_if(seen.core_limit == 0 && !seen.dumpable, found),
    }
}

fn contingency(seen: &Seen) -> Row {
    let b = &seen.backup;
    let found = format!(
        "backed up and restored, somebody's rows opened: {}; those of somebody whose key was destroyed stayed shut: {}; of \
         {} backups that were cut off or changed {} were refused",
        b.readable, b.destroyed_shut, b.damaged, b.refused
    );
    Row {
        id: "contingency",
        promise: "What is backed up can be restored and read; a damaged backup is refused, and a destroyed key stays destroyed.",
        rule: "45 CFR 164.308(a)(7)(ii)(A), (B), (D) contingency plan; 164.310(d)(2)(iv) data backup and storage",
        configured: "wellspoken backup, restore and drill; the key store is backed up apart".into(),
        finding: held_if(b.readable && b.destroyed_shut && b.damaged > 0 && b.refused == b.damaged, found),
    }
}

fn membership(seen: &Seen) -> Row {
    let p = &seen.patterns;
    let best = |of: &[Outcome], common: bool| {
        let these = of.iter().filter(|o| (o.canary == Canary::Common) == common);
        these.map(|o| o.accuracy * 100.0).fold(0.0, f64::max)
    };
    let allowed = p.protected.iter().map(|o| o.allowed * 100.0).fold(0.0, f64::max);
    let found = format!(
        "guessing who is in it from words that few say was right in {:.1} % (chance is 50 %), from words that so many say that \
         they are told in {:.1} % (ε allows {allowed:.1} %); with the protection switched off in {:.1} % at least",
        best(&p.protected, false),
        best(&p.protected, true),
        p.unprotected.iter().map(|o| o.accuracy * 100.0).fold(100.0, f64::min)
    );
    let on = p.protected.len() == 3 && p.protected.iter().all(Outcome::held);
    let off = p.unprotected.len() == 3 && p.unprotected.iter().all(Outcome::succeeded);
    Row {
        id: "membership",
        promise: "Counts of what many people say do not tell whether somebody is among them.",
        rule: "docs/PRIVACY.md, patterns; 45 CFR 164.514(b) de-identification",
        configured: p.rule.clone(),
        finding: held_if(on && off, found),
    }
}

fn budget(seen: &Seen) -> Row {
    let p = &seen.patterns;
    let found = format!(
        "the budget pays for {} releases: {} were made before one was refused; a period was released twice: {}",
        p.paid, p.released, p.twice
    );
    Row {
        id: "budget",
        promise: "What all releases tell of somebody together stays within a budget, and no period is told twice.",
        rule: "docs/PRIVACY.md, patterns",
        configured: p.rule.clone(),
        finding: held_if(p.paid > 0 && p.released == p.paid && !p.twice, found),
    }
}

fn looked(seen: &Seen) -> Row {
    let r = &seen.rights;
    let found = format!(
        "a look of somebody on the staff was told to whom it was at: {}; and to somebody else: {}",
        r.look_told, r.look_told_to_others
    );
    Row {
        id: "looked",
        promise: "Everybody hears who looked at their record, and nobody at whose else.",
        rule: "45 CFR 164.528 accounting of disclosures",
        configured: "by voice and on the person's own page".into(),
        finding: held_if(r.look_told && !r.look_told_to_others, found),
    }
}

fn purposes(seen: &Seen) -> Row {
    let r = &seen.rights;
    let found = format!(
        "what is said counted for improving before it was agreed to: {}, after: {}, after it was taken back: {}; answering \
         stayed as it was: {}",
        r.improve_by_default, r.improve_given, r.improve_after, r.answer_untouched
    );
    Row {
        id: "purposes",
        promise: "An agreement is for one purpose, and taking it back touches no other.",
        rule: "45 CFR 164.508(b)(5) revocation; 164.522(a) restriction of uses",
        configured: "nothing is agreed to by default".into(),
        finding: held_if(!r.improve_by_default && r.improve_given && !r.improve_after && r.answer_untouched, found),
    }
}

fn copied(seen: &Seen) -> Row {
    let r = &seen.rights;
    let found = format!(
        "of {} resources that were imported, {} are not in the copy to the letter; audit rows that opened it: {}; given to a \
         device at home: {}",
        r.copy_resources, r.copy_missing, r.copy_opened, r.copy_to_devices
    );
    Row {
        id: "copied",
        promise: "Everybody gets a copy of all that is kept of them, on a page of their own and nowhere else.",
        rule: "45 CFR 164.524 access of individuals",
        configured: "FHIR R4 Bundle".into(),
        finding: held_if(r.copy_resources > 0 && r.copy_missing == 0 && r.copy_opened > 0 && !r.copy_to_devices, found),
    }
}

fn forgotten(seen: &Seen) -> Row {
    let r = &seen.rights;
    let found = format!(
        "answers kept before somebody wanted them deleted: {}, after: {}, with {} rows of proof; somebody else's went too: {}; \
         deleted under a legal hold: {}",
        r.said_before, r.said_after, r.proofs, r.others_lost, r.deleted_under_hold
    );
    let held = r.said_before > 0 && r.said_after == 0 && r.proofs > 0 && !r.others_lost && !r.deleted_under_hold;
    Row {
        id: "forgotten",
        promise: "What somebody said is deleted when they ask, with a proof, and never under a legal hold.",
        rule: "docs/PRIVACY.md, a person's rights",
        configured: "by voice and on the person's own page".into(),
        finding: held_if(held, found),
    }
}

fn installed(seen: &Seen) -> Row {
    let finding = match &seen.installed {
        Some(Ok(entries)) => Finding::Held(format!("the audit chain of this installation is whole: {entries} entries")),
        Some(Err(entry)) => Finding::Broken(format!("the audit chain of this installation breaks at entry {entry}")),
        None => Finding::Unchecked("there is no database at this place yet".into()),
    };
    Row {
        id: "installed",
        promise: "The audit trail of this installation is as it was written.",
        rule: "45 CFR 164.312(c)(1) integrity",
        configured: "hash chain with signed heads".into(),
        finding,
    }
}

fn staff(seen: &Seen) -> Row {
    let s = &seen.staff;
    let found = format!(
        "{} questions of every role: {} answered without the right, {} refused with it; somebody in a room of the unit was \
         shown: {}, with {} audit rows; somebody else was not: {}; an idle session ended: {}",
        s.asked, s.let_through, s.kept_out, s.own_unit, s.rows, s.stranger_kept_out, s.idle_ended
    );
    let rights = s.asked > 0 && s.let_through == 0 && s.kept_out == 0;
    Row {
        id: "staff",
        promise: "Staff do what their roles allow, see the people of their own units, and every look is audited.",
        rule: "45 CFR 164.312(a)(1) access control; 164.502(b) minimum necessary",
        configured: seen.staff_sign_in.clone(),
        finding: held_if(rights && s.own_unit && s.rows >= 2 && s.stranger_kept_out && s.idle_ended, found),
    }
}

fn glass(seen: &Seen) -> Row {
    let g = &seen.glass;
    let found = format!(
        "broke without a reason: {}; noted before anything was shown: {}; shown under it: {}; still open after its time: {}; \
         alerted: {}; in the queue: {}; refused to who broke it: {}; settled by somebody else: {}; reason in clear: {}",
        g.without_reason,
        g.noted,
        g.opened,
        g.open_afterwards,
        g.alerted,
        g.queued,
        g.own_case_refused,
        g.settled,
        g.in_clear
    );
    let gated = !g.without_reason && g.noted && g.opened && !g.open_afterwards;
    let followed = g.alerted && g.queued && g.own_case_refused && g.settled && !g.in_clear;
    Row {
        id: "glass",
        promise: "Staff reach somebody else's record with a reason and for a while, and somebody else looks into it.",
        rule: "45 CFR 164.312(a)(2)(ii) emergency access procedure",
        configured: seen.staff_sign_in.clone(),
        finding: held_if(gated && followed, found),
    }
}

fn snooping(seen: &Seen) -> Row {
    let found = format!("a reader who tried strangers was reported {} time(s)", seen.staff.snoop_raised);
    Row {
        id: "snooping",
        promise: "Who opens many strangers is put before the privacy officers, once, without anybody asking.",
        rule: "45 CFR 164.312(b) audit controls; 164.308(a)(1)(ii)(D) activity review",
        configured: seen.review_every.clone(),
        finding: held_if(seen.staff.snoop_raised == 1, found),
    }
}
