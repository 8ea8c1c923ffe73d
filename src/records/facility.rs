//! What there is to know of the house, by topic, as its staff wrote it. Nobody's data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Its name in the store.
pub const LIST: &str = "facility";

/// Most topics.
const MOST: usize = 200;
/// Longest text, in characters: it is said aloud.
const LONGEST: usize = 600;

/// What is said of each topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facility {
    /// By topic, as the catalogue's list names it.
    pub topics: BTreeMap<String, String>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FacilityError {
    /// It is no TOML table of texts.
    #[error("must be TOML, a text for each topic: {0}")]
    NotTopics(String),
    /// It says nothing, or more than anybody would listen to.
    #[error("must hold 1 to {MOST} topics")]
    Many,
    /// One of its texts cannot be said.
    #[error("`{topic}`: must be 1 to {LONGEST} characters on one line")]
    Text {
        /// The topic.
        topic: String,
    },
    /// Nobody can ask for that.
    #[error("`{topic}` is no topic that can be asked for; the catalogue's list `facility_topic` names them")]
    Unknown {
        /// The topic.
        topic: String,
    },
}

impl Facility {
    /// Reads a file whole. `known` are the topics that can be asked for.
    ///
    /// # Errors
    /// The first thing in it that cannot be used.
    pub fn read(text: &str, known: &[String]) -> Result<Self, FacilityError> {
        let topics: BTreeMap<String, String> =
            toml::from_str(text).map_err(|e| FacilityError::NotTopics(e.to_string()))?;
        if !(1..=MOST).contains(&topics.len()) {
            return Err(FacilityError::Many);
        }
        for (topic, text) in &topics {
            let fits = (1..=LONGEST).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control);
            if !fits {
                return Err(FacilityError::Text { topic: topic.clone() });
            }
            if !known.contains(topic) {
                return Err(FacilityError::Unknown { topic: topic.clone() });
            }
        }
        Ok(Self { topics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_whole_or_not_at_all() {
        let known = ["wifi".to_owned(), "parking".to_owned()];
        let read = |text: &str| Facility::read(text, &known).map(|f| f.topics.len()).map_err(|e| e.to_string());
        assert_eq!(read("wifi = \"Ask at the desk.\"\nparking = \"Level two.\""), Ok(2));
        for (text, named) in [
            ("", "1 to 200"),
            ("wifi = 5", "must be TOML"),
            ("wifi = \" \"", "`wifi`"),
            ("wifi = \"a\\nb\"", "`wifi`"),
            ("wify = \"a\"", "`wify` is no topic"),
            ("[wifi]\ntext = \"a\"", "must be TOML"),
        ] {
            assert!(read(text).is_err_and(|told| told.contains(named)), "{text}");
        }
        assert!(read(&format!("wifi = \"{}\"", "a".repeat(601))).is_err());
    }
}
