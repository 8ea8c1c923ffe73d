//! The evidence: every promise holds here, and each turns red, alone, when it is broken.

use clap::Parser as _;
use wellspoken::cli::{
    Args,
    evidence::{
        judge::{Finding, judge},
        observe::observe,
        seen::Seen,
    },
};

use crate::support::models_dir;

/// A way to break a promise, and the row that must turn red.
type Breach = (&'static str, fn(&mut Seen));

const BREACHES: &[Breach] = &[
    ("access", |s| s.swept.odd.push("a third party was told".into())),
    ("access", |s| s.swept.turns += 1),
    ("access", |s| s.swept.third_party = 0),
    ("unique", |s| s.credentials.distinct = false),
    ("unique", |s| s.credentials.withdrawn_refused = false),
    ("unique", |s| s.credentials.in_clear = true),
    ("emergency", |s| s.emergency.on_board = false),
    ("emergency", |s| s.emergency.number_said_elsewhere = false),
    ("logoff", |s| s.asked_again = false),
    ("sealed", |s| s.in_clear.push("Quillon".into())),
    ("sealed", |s| s.files = 0),
    ("audited", |s| s.audit.opened = 0),
    ("audited", |s| s.audit.closed = 0),
    ("audited", |s| s.audit.refused = 0),
    ("audited", |s| s.audit.disclosures = 0),
    ("integrity", |s| s.integrity.caught -= 1),
    ("integrity", |s| s.integrity.whole = false),
    ("person", |s| s.pin.silent_before = false),
    ("person", |s| s.pin.told_after = false),
    ("person", |s| s.pin.wrong_allowed = 4),
    ("person", |s| s.pin.refused_while_closed = false),
    ("person", |s| s.pin.shown = true),
    ("wire", |s| s.plain_http_refused = false),
    ("consent", |s| s.consent.before = true),
    ("consent", |s| s.consent.other_part = true),
    ("consent", |s| s.consent.after = true),
    ("overheard", |s| s.overheard.said = true),
    ("overheard", |s| s.overheard.same_answer = false),
    ("identifiers", |s| s.identifiers[0].1 = true),
    ("destroyed", |s| s.gone = false),
    ("recordings", |s| s.recordings = 1),
    ("dumps", |s| s.core_limit = 1),
    ("contingency", |s| s.backup.readable = false),
    ("contingency", |s| s.backup.destroyed_shut = false),
    ("contingency", |s| s.backup.refused -= 1),
    ("membership", |s| s.patterns.protected[2].accuracy_from = 0.9),
    ("membership", |s| s.patterns.protected[0].auc_from = 0.6),
    ("membership", |s| s.patterns.unprotected[1].accuracy = 0.5),
    ("membership", |s| s.patterns.unprotected.clear()),
    ("budget", |s| s.patterns.released += 1),
    ("budget", |s| s.patterns.twice = true),
    ("installed", |s| s.installed = Some(Err(7))),
    ("staff", |s| s.staff.asked = 0),
    ("staff", |s| s.staff.let_through = 1),
    ("staff", |s| s.staff.kept_out = 1),
    ("staff", |s| s.staff.own_unit = false),
    ("staff", |s| s.staff.rows = 1),
    ("staff", |s| s.staff.stranger_kept_out = false),
    ("staff", |s| s.staff.idle_ended = false),
    ("glass", |s| s.glass.without_reason = true),
    ("glass", |s| s.glass.noted = false),
    ("glass", |s| s.glass.opened = false),
    ("glass", |s| s.glass.open_afterwards = true),
    ("glass", |s| s.glass.alerted = false),
    ("glass", |s| s.glass.queued = false),
    ("glass", |s| s.glass.own_case_refused = false),
    ("glass", |s| s.glass.settled = false),
    ("glass", |s| s.glass.in_clear = true),
    ("snooping", |s| s.staff.snoop_raised = 0),
    ("looked", |s| s.rights.look_told = false),
    ("looked", |s| s.rights.look_told_to_others = true),
    ("purposes", |s| s.rights.improve_by_default = true),
    ("purposes", |s| s.rights.improve_given = false),
    ("purposes", |s| s.rights.improve_after = true),
    ("purposes", |s| s.rights.answer_untouched = false),
    ("copied", |s| s.rights.copy_missing = 1),
    ("copied", |s| s.rights.copy_resources = 0),
    ("copied", |s| s.rights.copy_opened = 0),
    ("copied", |s| s.rights.copy_to_devices = true),
    ("forgotten", |s| s.rights.said_before = 0),
    ("forgotten", |s| s.rights.said_after = 1),
    ("forgotten", |s| s.rights.proofs = 0),
    ("forgotten", |s| s.rights.others_lost = true),
    ("forgotten", |s| s.rights.deleted_under_hold = true),
    ("household", |s| s.household.unknown_told = true),
    ("household", |s| s.household.own_told = false),
    ("household", |s| s.household.passed_on = true),
    ("disclosure", |s| s.disclosure.asked_first = false),
    ("disclosure", |s| s.disclosure.named = true),
    ("disclosure", |s| s.disclosure.said_on_screen = true),
    ("code", |s| s.code.told_after = false),
    ("code", |s| s.code.twice = true),
    ("code", |s| s.code.in_clear = true),
    ("serious", |s| s.serious.on_board = false),
    ("serious", |s| s.serious.rows_added = 1),
    ("serious", |s| s.serious.told_before = true),
    ("serious", |s| s.serious.told_after = false),
    ("delivering", |s| s.delivering.changes = 0),
    ("delivering", |s| s.delivering.failed = 0),
    ("delivering", |s| s.delivering.lost = 1),
    ("delivering", |s| s.delivering.doubled = 1),
    ("delivering", |s| s.delivering.told_wrong = 1),
    ("readings", |s| s.readings.dangerous += 1),
    ("readings", |s| s.readings.on_board = false),
    ("readings", |s| s.readings.impossible = 0),
    ("readings", |s| s.readings.impossible_taken = 1),
    ("readings", |s| s.readings.kept_before = 1),
    ("readings", |s| s.readings.kept_after = 0),
    ("readings", |s| s.readings.kept_after = 2),
    ("readings", |s| s.readings.judged = true),
    ("imported", |s| s.import.told -= 1),
    ("imported", |s| s.import.people += 1),
    ("imported", |s| s.import.failure_named = false),
    ("imported", |s| s.import.mixed = true),
    ("imported", |s| s.import.added_again = 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_holds_and_turns_red_alone_when_it_is_broken() {
    wellspoken::cli::hardening::forbid_core_dumps().expect("forbidden");
    let dir = crate::residue::folder();
    let (data, models) = (dir.path().join("data"), models_dir());
    let args = ["wellspoken", "--data-dir", &data.display().to_string(), "--models", &models.display().to_string()]
        .map(str::to_owned)
        .into_iter()
        .chain(["evidence".to_owned()]);
    let global = Args::try_parse_from(args).expect("arguments").global;
    let seen = observe(&global).await.expect("it can be looked at");
    let red = |seen: &Seen| -> Vec<&'static str> {
        judge(seen).into_iter().filter(|r| matches!(r.finding, Finding::Broken(_))).map(|r| r.id).collect()
    };
    assert_eq!(red(&seen), Vec::<&str>::new(), "{seen:#?}");
    for (n, (row, breach)) in BREACHES.iter().enumerate() {
        let mut broken = seen.clone();
        breach(&mut broken);
        assert_eq!(red(&broken), [*row], "breach {n}");
    }
    let rows = judge(&seen);
    let all: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
    let tried: std::collections::BTreeSet<&str> = BREACHES.iter().map(|(row, _)| *row).collect();
    assert_eq!(all, tried, "each row has a breach that turns it red");
    let told = serde_json::to_string(&rows).expect("JSON").to_lowercase();
    assert!(!told.contains("compliant"), "that is for people to say");
}
