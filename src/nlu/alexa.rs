//! Alexa interaction models to catalogues and back, so that a skill that lost its home can move in, and what is
//! written here can be spoken to there.
//!
//! What a model does not say is left for people to fill in: which action answers an intent, and what its data is.
//! Until then an imported intent is of the strictest class and answers that nothing is connected.

use serde::{Deserialize, Serialize};

mod export;
mod import;
mod names;
mod values;

pub use export::{BadInvocation, export};
pub use import::{BadModel, Imported, import};
pub(super) use names::intent_in;
pub(crate) use names::slot_here;
pub use names::{is_intent, is_slot};
pub(super) use values::{Written, written};

/// A file as the developer console and the command line tools write it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The model itself.
    pub interaction_model: Model,
}

/// An interaction model.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Intents, slots and types.
    pub language_model: LanguageModel,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Dialog>,
    /// The questions, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
}

/// Intents, slots and types.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LanguageModel {
    /// What the skill is called by.
    #[serde(default)]
    pub invocation_name: String,
    /// Its intents.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// Its own slot types.
    #[serde(default)]
    pub types: Vec<Type>,
}

/// An intent.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Intent {
    /// `PrescriptionRenew`, `AMAZON.HelpIntent`.
    pub name: String,
    /// Its slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// What is said.
    #[serde(default)]
    pub samples: Vec<String>,
}

/// A slot of an intent.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// `AMAZON.DATE`, or a type of the model.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Answers to the question for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
}

/// A custom slot type.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// Its values.
    #[serde(default)]
    pub values: Vec<Value>,
}

/// A value of a type.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Value {
    /// What it is called by the skill's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called by people.
    pub name: ValueName,
}

/// What a value is called.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ValueName {
    /// The first name.
    pub value: String,
    /// Other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Dialog {
    /// By intent.
    #[serde(default)]
    pub intents: Vec<DialogIntent>,
}

/// What an intent asks for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DialogIntent {
    /// The intent.
    pub name: String,
    /// Whether the whole is asked about.
    #[serde(default)]
    pub confirmation_required: bool,
    /// The ids of its questions.
    #[serde(default)]
    pub prompts: Prompts,
    /// By slot.
    #[serde(default)]
    pub slots: Vec<DialogSlot>,
}

/// What is asked about a slot.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DialogSlot {
    /// The slot.
    pub name: String,
    /// Its type once more.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Whether it is asked about.
    #[serde(default)]
    pub confirmation_required: bool,
    /// Whether it is asked for.
    #[serde(default)]
    pub elicitation_required: bool,
    /// The ids of its questions.
    #[serde(default)]
    pub prompts: Prompts,
}

/// The ids of questions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Prompts {
    /// Asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation: Option<String>,
    /// Asks whether it is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
}

/// A question.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// Its id.
    pub id: String,
    /// Ways to ask it.
    #[serde(default)]
    pub variations: Vec<Variation>,
}

/// One way to ask.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Variation {
    /// `PlainText` or `SSML`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The text.
    pub value: String,
}

#[cfg(test)]
mod tests;
