//! What becomes of a request for more of a medicine, from asking to the person's hands.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Facts;

/// Who a renewal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Refills are left: the pharmacy fills it.
    Pharmacy,
    /// The prescriber has to agree first.
    Prescriber,
}

/// States of a renewal request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalState {
    /// Asked for; the pharmacy has it.
    Requested,
    /// It waits for the prescriber.
    PrescriberAsked,
    /// The prescriber agreed.
    Approved,
    /// Somebody said no.
    Denied,
    /// The pharmacy has filled it and not handed it out yet.
    Filled,
    /// Waiting at the counter.
    Ready,
    /// On its way.
    Shipped,
    /// Brought to the person.
    Delivered,
    /// In the person's hands.
    PickedUp,
}

impl RenewalState {
    /// Every state, in the order of the way.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::PrescriberAsked,
        Self::Approved,
        Self::Denied,
        Self::Filled,
        Self::Ready,
        Self::Shipped,
        Self::Delivered,
        Self::PickedUp,
    ];

    /// Its name in the database, on the wire and in replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::PrescriberAsked => "prescriber_asked",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Filled => "filled",
            Self::Ready => "ready",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::PickedUp => "picked_up",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where a request begins that goes this way.
    #[must_use]
    pub const fn first(route: Route) -> Self {
        match route {
            Route::Pharmacy => Self::Requested,
            Route::Prescriber => Self::PrescriberAsked,
        }
    }

    /// Whether a request may go from this state to that one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use RenewalState::{Approved, Delivered, Denied, Filled, PickedUp, PrescriberAsked, Ready, Requested, Shipped};
        matches!(
            (self, next),
            (Requested, PrescriberAsked | Approved | Denied | Filled | Ready | Shipped)
                | (PrescriberAsked, Approved | Denied)
                | (Approved, Denied | Filled | Ready | Shipped)
                | (Filled, Ready | Shipped)
                | (Ready, PickedUp)
                | (Shipped, Delivered | PickedUp)
        )
    }

    /// Whether a second request for the same prescription must wait for this one.
    #[must_use]
    pub const fn open(self) -> bool {
        !matches!(self, Self::Denied | Self::Delivered | Self::PickedUp)
    }

    /// Whether it waits for the prescriber's word.
    #[must_use]
    pub const fn at_prescriber(self) -> bool {
        matches!(self, Self::PrescriberAsked)
    }
}

/// A renewal request as the person, and whoever works on it, may hear of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Renewal {
    /// Its identifier.
    pub id: String,
    /// The prescription.
    pub prescription: String,
    /// Its spoken name.
    pub medicine: String,
    /// "10 mg tablet".
    pub strength: Option<String>,
    /// Which way it goes.
    pub route: Route,
    /// Whose prescription it is.
    pub prescriber: Option<String>,
    /// The pharmacy that is to fill it.
    pub pharmacy: Option<String>,
    /// How far it is.
    pub state: RenewalState,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it last moved.
    pub updated: Timestamp,
    /// Who said yes or no.
    pub by: Option<String>,
    /// Why not, in words that the person is told.
    pub reason: Option<String>,
    /// Who brings it.
    pub carrier: Option<String>,
    /// The day it is to arrive.
    pub due: Option<Date>,
}

impl Renewal {
    /// What the person is told, without having asked, of the state that it came to; `None` where that is no news. Replies:
    /// `notice_approved` (medicine, by), `notice_denied` (medicine, by, reason), `notice_ready` (medicine, pharmacy),
    /// `notice_shipped` (medicine, carrier, due), `notice_delivered` (medicine).
    #[must_use]
    pub fn news(&self) -> Option<Facts> {
        let facts = match self.state {
            RenewalState::Approved => Facts::new("notice_approved").with("by", &self.by),
            RenewalState::Denied => Facts::new("notice_denied").with("by", &self.by).with("reason", &self.reason),
            RenewalState::Ready => Facts::new("notice_ready").with("pharmacy", &self.pharmacy),
            RenewalState::Shipped => Facts::new("notice_shipped").with("carrier", &self.carrier).with("due", self.due),
            RenewalState::Delivered => Facts::new("notice_delivered"),
            RenewalState::Requested | RenewalState::PrescriberAsked | RenewalState::Filled | RenewalState::PickedUp => {
                return None;
            }
        };
        Some(facts.with("medicine", &self.medicine))
    }
}

/// A step of a renewal, with what belongs to it.
#[derive(Clone)]
pub struct Moved {
    /// Where to.
    pub to: RenewalState,
    /// Why not, in words that the person is told.
    pub reason: Option<String>,
    /// Who brings it.
    pub carrier: Option<String>,
    /// The day it is to arrive.
    pub due: Option<Date>,
}

impl From<RenewalState> for Moved {
    fn from(to: RenewalState) -> Self {
        Self { to, reason: None, carrier: None, due: None }
    }
}

/// Why a step cannot be said to the person as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// A no without a reason, or one that is no short text.
    #[error("say why not, in 3 to 200 characters that the person may be told")]
    Reason,
    /// The carrier is no short name.
    #[error("a carrier is a name of 2 to 40 letters and digits, as in UPS")]
    Carrier,
}

impl Moved {
    /// Checks what the person will be told: a no has a reason, a carrier is a name.
    ///
    /// # Errors
    /// What is missing or too long.
    pub fn sayable(mut self) -> Result<Self, Unsayable> {
        let trimmed = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        (self.reason, self.carrier) = (trimmed(self.reason), trimmed(self.carrier));
        let short = |t: &String| (3..=200).contains(&t.chars().count()) && t.chars().any(char::is_alphabetic);
        let plain = |t: &String| !t.chars().any(char::is_control);
        match &self.reason {
            Some(reason) if !short(reason) || !plain(reason) => return Err(Unsayable::Reason),
            None if self.to == RenewalState::Denied => return Err(Unsayable::Reason),
            Some(_) | None => {}
        }
        let name = |t: &String| {
            (2..=40).contains(&t.chars().count()) && t.chars().all(|c| c.is_alphanumeric() || " .&'-".contains(c))
        };
        if self.carrier.as_ref().is_some_and(|carrier| !name(carrier)) {
            return Err(Unsayable::Carrier);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_follow_one_another_and_are_known_by_name() {
        use RenewalState as S;
        for state in S::ALL {
            assert_eq!(S::named(state.name()), Some(state));
            assert_eq!(serde_json::to_value(state).expect("plain"), state.name());
            let next: Vec<S> = S::ALL.into_iter().filter(|next| state.may_become(*next)).collect();
            assert_eq!(next.is_empty(), !state.open(), "{state:?} goes on exactly while it is open: {next:?}");
            assert!(!state.may_become(state));
        }
        assert!(S::first(Route::Prescriber).at_prescriber() && !S::first(Route::Pharmacy).at_prescriber());
        for skipped in
            [S::Approved, S::Denied].map(|s| (s, S::PickedUp)).into_iter().chain([(S::PrescriberAsked, S::Ready)])
        {
            assert!(!skipped.0.may_become(skipped.1), "{skipped:?}");
        }
    }

    #[test]
    fn what_a_person_is_told_is_short_and_a_no_says_why() {
        let no = |reason: Option<&str>| Moved { reason: reason.map(str::to_owned), ..RenewalState::Denied.into() };
        assert_eq!(no(None).sayable().err(), Some(Unsayable::Reason));
        for bad in ["", "  ", "no", "12345", "a\u{7}bcdef", &"x".repeat(201)] {
            assert_eq!(no(Some(bad)).sayable().err(), Some(Unsayable::Reason), "{bad:?}");
        }
        assert_eq!(
            no(Some(" Come in first. ")).sayable().ok().and_then(|m| m.reason).as_deref(),
            Some("Come in first.")
        );
        assert!(Moved::from(RenewalState::Approved).sayable().is_ok());
        let by = |carrier: &str| Moved { carrier: Some(carrier.into()), ..RenewalState::Shipped.into() }.sayable();
        assert!(by("UPS").is_ok() && by("").is_ok_and(|m| m.carrier.is_none()));
        for bad in ["U", "<b>UPS</b>", "UPS\nand more", &"U".repeat(41)] {
            assert_eq!(by(bad).err(), Some(Unsayable::Carrier), "{bad:?}");
        }
    }
}
