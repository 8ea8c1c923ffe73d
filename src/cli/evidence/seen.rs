//! What was seen: facts without a verdict.

use super::sweep::Swept;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Which doors are configured.
    pub doors: String,
    /// Where the HTTP door listens.
    pub listen: String,
    /// Where the master key comes from.
    pub key_provider: String,
    /// What people at home are told to call.
    pub emergency_number: String,
    /// Every intent through every channel by everybody.
    pub swept: Swept,
    /// Credentials.
    pub credentials: Credentials,
    /// A cry.
    pub emergency: Cry,
    /// The PIN was asked for again after a pause.
    pub asked_again: bool,
    /// Words of the canary person that stand in clear in a file.
    pub in_clear: Vec<String>,
    /// Words looked for.
    pub words: usize,
    /// Files looked at.
    pub files: usize,
    /// Their size.
    pub bytes: usize,
    /// The audit trail of what was done.
    pub audit: Audit,
    /// The audit trail, changed.
    pub integrity: Integrity,
    /// The PIN.
    pub pin: Pin,
    /// A configuration that would send plain HTTP to other machines was refused.
    pub plain_http_refused: bool,
    /// What was said without agreement.
    pub consent: Consent,
    /// What others heard.
    pub overheard: Overheard,
    /// What people may ask for.
    pub rights: Rights,
    /// Kinds of identifiers, and whether one was found in clear.
    pub identifiers: Vec<(&'static str, bool)>,
    /// Nothing could be read after the key was destroyed.
    pub gone: bool,
    /// Files that hold sound.
    pub recordings: usize,
    /// Bytes a core dump of this process may have.
    pub core_limit: u64,
    /// Others may read this process's memory.
    pub dumpable: bool,
    /// A backup.
    pub backup: Backup,
    /// Counts of what many say.
    pub patterns: Patterns,
    /// A device of several people.
    pub household: Household,
    /// How much was said aloud.
    pub disclosure: Disclosure,
    /// A one-time code.
    pub code: Code,
    /// A result for the clinician.
    pub serious: Serious,
    /// Changes on their way.
    pub delivering: Delivering,
    /// Readings.
    pub readings: Readings,
    /// An import.
    pub import: Import,
    /// The chain of the real installation: entries, or the one that breaks it.
    pub installed: Option<Result<i64, i64>>,
    /// How staff sign in.
    pub staff_sign_in: String,
    /// How often the audit trail is looked through.
    pub review_every: String,
    /// Staff.
    pub staff: Staff,
    /// Broken glass.
    pub glass: Glass,
}

/// What staff were told.
#[derive(Debug, Clone, Default)]
pub struct Staff {
    /// Questions, for every right by every role and by nobody's.
    pub asked: usize,
    /// Answered without the right.
    pub let_through: usize,
    /// Refused although the right was there.
    pub kept_out: usize,
    /// The record of somebody in a room of their unit was shown.
    pub own_unit: bool,
    /// Audit rows of that look.
    pub rows: i64,
    /// Somebody else's was not.
    pub stranger_kept_out: bool,
    /// A session in which nothing was done ended.
    pub idle_ended: bool,
    /// How often a reader who tried strangers was put before the privacy officers, after looking twice.
    pub snoop_raised: usize,
}

/// Broken glass.
#[derive(Debug, Clone, Default)]
pub struct Glass {
    /// It broke without a reason.
    pub without_reason: bool,
    /// It stood in the audit trail before anything was shown.
    pub noted: bool,
    /// The record was shown under it.
    pub opened: bool,
    /// It was still open when its time was over.
    pub open_afterwards: bool,
    /// An alert was raised.
    pub alerted: bool,
    /// It was in the queue, with its reason.
    pub queued: bool,
    /// Who broke it could not settle it.
    pub own_case_refused: bool,
    /// Somebody else could.
    pub settled: bool,
    /// The reason stands in clear in a file.
    pub in_clear: bool,
}

/// What came of asking for one's rights.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    /// A look of the staff was told to whom it was at.
    pub look_told: bool,
    /// And to somebody else.
    pub look_told_to_others: bool,
    /// Improving was agreed to though nobody said so.
    pub improve_by_default: bool,
    /// It was agreed to after somebody said so.
    pub improve_given: bool,
    /// And still after they took it back.
    pub improve_after: bool,
    /// Answering stayed agreed to all the while.
    pub answer_untouched: bool,
    /// Resources that were imported.
    pub copy_resources: usize,
    /// Of those, how many are not in the copy to the letter.
    pub copy_missing: usize,
    /// Rows that opened the copy.
    pub copy_opened: usize,
    /// A device got one.
    pub copy_to_devices: bool,
    /// Answers kept before they were to be deleted.
    pub said_before: i64,
    /// And after, but for the one that says so.
    pub said_after: i64,
    /// Rows that prove it.
    pub proofs: usize,
    /// Somebody else's words went.
    pub others_lost: bool,
    /// Words went under a legal hold.
    pub deleted_under_hold: bool,
}

/// Two credentials.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// They are told apart.
    pub distinct: bool,
    /// A withdrawn one lets nobody in.
    pub withdrawn_refused: bool,
    /// A token stands in a file.
    pub in_clear: bool,
}

/// A cry for help.
#[derive(Debug, Clone, Default)]
pub struct Cry {
    /// It was on the nurses' board.
    pub on_board: bool,
    /// Elsewhere the number to call was said.
    pub number_said_elsewhere: bool,
}

/// Audit rows of what was done.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Disclosures made.
    pub disclosures: usize,
    /// Rows that opened one.
    pub opened: usize,
    /// Rows that closed a turn.
    pub closed: usize,
    /// Rows of refusals.
    pub refused: usize,
}

/// A chain that was tampered with.
#[derive(Debug, Clone, Default)]
pub struct Integrity {
    /// Before, it was whole.
    pub whole: bool,
    /// Entries changed, one at a time.
    pub changed: usize,
    /// Times the changed entry was named.
    pub caught: usize,
}

/// A PIN.
#[derive(Debug, Clone, Default)]
pub struct Pin {
    /// Before it, nothing was said.
    pub silent_before: bool,
    /// After it, the answer was.
    pub told_after: bool,
    /// Wrong ones until the door closed.
    pub wrong_allowed: usize,
    /// Behind a closed door the right one does not help.
    pub refused_while_closed: bool,
    /// The PIN stands in an answer or a file.
    pub shown: bool,
}

/// What was said although it was not agreed to.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    /// Before anything was.
    pub before: bool,
    /// When another part was.
    pub other_part: bool,
    /// After it was taken back.
    pub after: bool,
}

/// Where others hear it.
#[derive(Debug, Clone, Default)]
pub struct Overheard {
    /// Something protected was said.
    pub said: bool,
    /// Asked for by name, the answer does not tell whether it is there.
    pub same_answer: bool,
}

/// A backup of what was done, restored.
#[derive(Debug, Clone, Default)]
pub struct Backup {
    /// Restored, its chain is whole and somebody's rows open.
    pub readable: bool,
    /// Of somebody whose key was destroyed before, none does.
    pub destroyed_shut: bool,
    /// Copies of it that were cut off or changed.
    pub damaged: usize,
    /// Of those, how many were refused.
    pub refused: usize,
}

/// An attack on counts of what many say, and what releasing them costs.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    /// The rule, in words.
    pub rule: String,
    /// Guesses with the protection on.
    pub protected: Vec<crate::patterns::attack::Outcome>,
    /// Guesses with it switched off.
    pub unprotected: Vec<crate::patterns::attack::Outcome>,
    /// Releases that the budget pays for.
    pub paid: usize,
    /// Releases that were made until one was refused.
    pub released: usize,
    /// A period was released a second time.
    pub twice: bool,
}

/// A device of several people.
#[derive(Debug, Clone, Default)]
pub struct Household {
    /// Something was said before anybody said who they are.
    pub unknown_told: bool,
    /// Whoever said who they are was answered.
    pub own_told: bool,
    /// Something of one of them was said to the other.
    pub passed_on: bool,
}

/// How much was said aloud.
#[derive(Debug, Clone, Default)]
pub struct Disclosure {
    /// Where it is asked first: not before the yes, and after it.
    pub asked_first: bool,
    /// A headline named something.
    pub named: bool,
    /// Something was said where it is for the screen.
    pub said_on_screen: bool,
}

/// A one-time code.
#[derive(Debug, Clone, Default)]
pub struct Code {
    /// After it, whoever said it was answered.
    pub told_after: bool,
    /// It worked a second time.
    pub twice: bool,
    /// It stands in an answer or a file.
    pub in_clear: bool,
}

/// A result that a clinician tells first.
#[derive(Debug, Clone, Default)]
pub struct Serious {
    /// It was on the board.
    pub on_board: bool,
    /// Rows that asking for it added.
    pub rows_added: usize,
    /// Its value was told before staff had closed that.
    pub told_before: bool,
    /// And after.
    pub told_after: bool,
}

/// Changes for a server on which requests fail.
#[derive(Debug, Clone, Default)]
pub struct Delivering {
    /// Changes, each with another request that fails.
    pub changes: usize,
    /// Of those, how many did not go through at once.
    pub failed: usize,
    /// Not there in the end.
    pub lost: usize,
    /// There once too often.
    pub doubled: usize,
    /// Told as there and not there, or the other way round.
    pub told_wrong: usize,
}

/// Readings that were told.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Dangerous ones.
    pub dangerous: usize,
    /// Of those, answered with whom to call.
    pub warned: usize,
    /// In a room, one was on the board.
    pub on_board: bool,
    /// Values that nobody has.
    pub impossible: usize,
    /// Of those, noted or offered to be.
    pub impossible_taken: usize,
    /// Noted before a yes.
    pub kept_before: i64,
    /// Noted after one.
    pub kept_after: i64,
    /// A value was called normal or safe.
    pub judged: bool,
}

/// An import of many.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Lines of the export.
    pub lines: usize,
    /// Of those, told as read, left out or of no use.
    pub told: usize,
    /// People who should be there.
    pub people_wanted: usize,
    /// People who are.
    pub people: usize,
    /// Who could not be known was told, with why.
    pub failure_named: bool,
    /// Something of somebody else's stands in a chart.
    pub mixed: bool,
    /// People whom a second import of the same added.
    pub added_again: usize,
}
