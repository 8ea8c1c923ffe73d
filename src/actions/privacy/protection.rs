//! How what is said here is protected: what is configured, as facts.

/// Who holds the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyHolder {
    /// A file on this machine.
    #[default]
    File,
    /// The environment of the program.
    Environment,
    /// A key service.
    Service,
}

impl KeyHolder {
    /// Its name in a reply.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
            Self::Service => "service",
        }
    }
}

/// What is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection {
    /// Who holds the master key.
    pub keys: KeyHolder,
    /// Hours a conversation is kept after its last turn.
    pub conversation_hours: u32,
    /// Hours an answer is kept.
    pub answer_hours: u32,
    /// Skills on speakers of another company may call.
    pub skills: bool,
}
