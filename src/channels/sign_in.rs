//! What signing in at an OpenID provider needs of the program behind the doors.

use jiff::Timestamp;

use super::Soon;

/// Who signs in: each side has its own provider, its own way back and its own cookie, so that neither is taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// People whose records are kept.
    People,
    /// Those who work here.
    Staff,
}

/// Signing in, as the doors see it.
pub trait SignIn: Send + Sync + 'static {
    /// Whether somebody of that side can sign in here at all.
    fn offers(&self, side: Side) -> bool;

    /// Begins a sign-in.
    fn begin(&self, side: Side) -> Soon<'_, Result<Begun, NotSignedIn>>;

    /// Ends a sign-in that came back.
    fn finish(&self, side: Side, back: CameBack) -> Soon<'_, Result<SignedIn, NotSignedIn>>;

    /// Where to sign out at the provider, too; `None` where it has no such place or does not answer.
    fn sign_out(&self, side: Side) -> Soon<'_, Option<String>>;
}

/// A sign-in that began.
///
/// Not `Debug`: the cookie is half of what finishes it.
pub struct Begun {
    /// Where the browser goes.
    pub go: String,
    /// What the browser keeps until it is back.
    pub cookie: String,
}

/// What the browser brought back from the provider.
///
/// Not `Debug`: it holds the code.
#[derive(Default)]
pub struct CameBack {
    /// The cookie the sign-in began with.
    pub cookie: Option<String>,
    /// What says which sign-in it is.
    pub state: Option<String>,
    /// The code, where the provider said yes.
    pub code: Option<String>,
    /// Who says they answer.
    pub iss: Option<String>,
    /// The provider said no.
    pub error: bool,
}

/// Somebody is signed in.
pub struct SignedIn {
    /// The bearer token of the session; shown to nobody but the browser that signed in.
    pub token: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Why nobody is signed in. Whether a subject is known here makes no difference to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSignedIn {
    /// Not begun in this browser, too long ago, or come back before.
    #[error("stale")]
    Stale,
    /// Refused: by the provider, by a check, or because the subject stands for nobody here.
    #[error("refused")]
    Refused,
    /// The provider or the store does not answer.
    #[error("unavailable")]
    Unavailable,
}
