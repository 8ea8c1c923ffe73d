//! Answers: MSA and ERR (HL7 v2.5.1 §2.9.2, table 0357).

use hl7kit::Message;
use jiff::Timestamp;

/// What of a message its answer needs.
#[derive(Clone, Default)]
pub struct Header {
    /// MSH-1 and MSH-2 as they came; the usual ones where there are none.
    delimiters: String,
    /// MSH-3 to MSH-6 as they came.
    addresses: [String; 4],
    /// The sending facility, or application, in capitals: who gave identifiers that do not say.
    pub(super) authority: String,
    /// MSH-9.1 and MSH-9.2.
    pub(super) kind: (String, String),
    /// MSH-10.
    pub(super) control: String,
    /// MSH-11.1.
    pub(super) processing: String,
    /// MSH-12.1.
    pub(super) version: String,
    /// MSH-15 and MSH-16; none where the sender speaks the original mode.
    wanted: Option<(Condition, Condition)>,
}

/// When the sender wants to hear something (table 0155).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// AL.
    Always,
    /// NE.
    Never,
    /// ER.
    Wrong,
    /// SU.
    Well,
}

impl Condition {
    /// Of a field. Empty beside one that is not means never (§2.9.3); a word that is none is answered.
    fn of(field: &str) -> Self {
        match field {
            "" | "NE" => Self::Never,
            "ER" => Self::Wrong,
            "SU" => Self::Well,
            _ => Self::Always,
        }
    }

    const fn fits(self, well: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Wrong => !well,
            Self::Well => well,
        }
    }
}

impl Header {
    pub(super) fn of(message: &Message) -> Self {
        let raw = |field: usize| {
            message.segment("MSH").and_then(|msh| msh.field(field)).map_or("", |field| field.value()).to_owned()
        };
        let first = |path: &str| message.get(path).unwrap_or_default().trim().to_owned();
        let (facility, application) = (first("MSH-4.1"), first("MSH-3.1"));
        let encoding = message.encoding();
        let (kept, came_of_it) = (first("MSH-15.1"), first("MSH-16.1"));
        let enhanced = !kept.is_empty() || !came_of_it.is_empty();
        Self {
            wanted: enhanced.then(|| (Condition::of(&kept), Condition::of(&came_of_it))),
            delimiters: format!("{}{}", char::from(encoding.field), encoding.msh2()),
            addresses: [raw(3), raw(4), raw(5), raw(6)],
            authority: if facility.is_empty() { application } else { facility }.to_uppercase(),
            kind: (first("MSH-9.1"), first("MSH-9.2")),
            control: raw(10),
            processing: first("MSH-11.1"),
            version: first("MSH-12.1"),
        }
    }

    /// The trigger's code, such as `A01`; nothing where there is none.
    #[must_use]
    pub fn trigger(&self) -> &str {
        &self.kind.1
    }

    /// Who sent it and what it is called there, as text to be hashed.
    #[must_use]
    pub fn name(&self) -> (&str, &str, &str) {
        (&self.addresses[0], &self.addresses[1], &self.control)
    }
}

/// What is wrong, by table 0357.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 100: the order of segments, or no message at all.
    Segment,
    /// 101: a field is missing.
    Missing,
    /// 200: not a kind of message that is taken here.
    Kind,
    /// 202: not production.
    Processing,
    /// 203: a version that is not spoken here.
    Version,
    /// 207: nothing is wrong with the message; it could not be kept.
    Internal,
}

impl Code {
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Segment => ("100", "Segment sequence error"),
            Self::Missing => ("101", "Required field missing"),
            Self::Kind => ("200", "Unsupported message type"),
            Self::Processing => ("202", "Unsupported processing id"),
            Self::Version => ("203", "Unsupported version id"),
            Self::Internal => ("207", "Application internal error"),
        }
    }

    /// Rejected are messages whose header is the reason, and what failed here: the same message may be sent again later. In
    /// error is what stands in the rest (§2.9.2.2).
    const fn answer(self) -> Answer {
        match self {
            Self::Segment | Self::Missing => Answer::Error,
            Self::Kind | Self::Processing | Self::Version | Self::Internal => Answer::Reject,
        }
    }

    /// The same as to whether it was taken at all, in the enhanced mode (§2.9.3.1). What stands in the rest is kept to be looked at.
    const fn commit(self) -> Answer {
        match self {
            Self::Segment | Self::Missing => Answer::Committed,
            Self::Kind | Self::Processing | Self::Version => Answer::CommitReject,
            Self::Internal => Answer::CommitError,
        }
    }
}

/// MSA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// AA: it is kept, and counts.
    Accept,
    /// AE: it is kept for somebody to look at, and changed nothing.
    Error,
    /// AR: it changed nothing.
    Reject,
    /// CA: it is kept.
    Committed,
    /// CE: it could not be kept.
    CommitError,
    /// CR: it is none that is taken here.
    CommitReject,
}

impl Answer {
    const fn code(self) -> &'static str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Reject => "AR",
            Self::Committed => "CA",
            Self::CommitError => "CE",
            Self::CommitReject => "CR",
        }
    }
}

/// The answers to a message that is kept: one, unless the sender asked for none or for two. `id` is the answer's own control id.
#[must_use]
pub fn acknowledge(header: &Header, id: &str, at: Timestamp) -> Vec<Vec<u8>> {
    answers(header, None, id, at)
}

/// The answers to a message that is not taken, and why.
#[must_use]
pub fn refuse(header: &Header, code: Code, what: &str, id: &str, at: Timestamp) -> Vec<Vec<u8>> {
    answers(header, Some((code, what)), id, at)
}

/// In the original mode always one. In the enhanced mode (§2.9.3) what MSH-15 asks for, whether it is kept, and then what MSH-16 asks
/// for, what came of it; both over the connection on which it came.
fn answers(header: &Header, wrong: Option<(Code, &str)>, id: &str, at: Timestamp) -> Vec<Vec<u8>> {
    let application = wrong.map_or(Answer::Accept, |(code, _)| code.answer());
    let Some((accept_on, application_on)) = header.wanted else {
        return vec![answer(header, application, wrong, id, at)];
    };
    let commit = wrong.map_or(Answer::Committed, |(code, _)| code.commit());
    let kept = commit == Answer::Committed;
    let mut all = vec![];
    if accept_on.fits(kept) {
        all.push(answer(header, commit, wrong.filter(|_| !kept), &format!("C{id}"), at));
    }
    // What was not taken at all came to nothing that could be told of besides.
    let told = !all.is_empty() && !kept;
    if !told && application_on.fits(wrong.is_none()) {
        all.push(answer(header, application, wrong, id, at));
    }
    all
}

fn answer(header: &Header, answer: Answer, wrong: Option<(Code, &str)>, id: &str, at: Timestamp) -> Vec<u8> {
    let delimiters = if header.delimiters.is_empty() { "|^~\\&" } else { &header.delimiters };
    let (f, c) = (&delimiters[..1], &delimiters[1..2]);
    let [from, from_facility, to, to_facility] = &header.addresses;
    let trigger = &header.kind.1;
    let kind = if trigger.is_empty() { "ACK".to_owned() } else { format!("ACK{c}{trigger}{c}ACK") };
    let version = if header.version.is_empty() { "2.5.1" } else { &header.version };
    let now = at.strftime("%Y%m%d%H%M%S+0000");
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let mut text = format!(
        "MSH{delimiters}{f}{to}{f}{to_facility}{f}{from}{f}{from_facility}{f}{now}{f}{f}{kind}{f}{id}{f}P{f}{version}\r\
         MSA{f}{}{f}{}\r",
        answer.code(),
        header.control
    );
    if let Some((code, what)) = wrong {
        let (number, meaning) = code.told();
        text.push_str(&format!("ERR{f}{f}{f}{number}{c}{meaning}{c}HL70357{f}E{f}{f}{f}{f}{what}\r"));
    }
    text.into_bytes()
}
