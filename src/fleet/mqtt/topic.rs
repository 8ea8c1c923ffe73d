//! Topics and filters of MQTT 3.1.1 (chapter 4.7), checked once: what is no topic cannot be published to.

use serde::{Deserialize, Serialize};

/// Longest topic, in bytes.
const LONGEST: usize = 256;

/// A topic that can be published to: no wildcard, nothing that cannot be printed, none of the broker's own (`$…`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

impl TryFrom<String> for Topic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no topic")
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

impl Topic {
    /// `None` for what is no topic, or longer than 256 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = !text.contains(['+', '#']) && sound(text);
        whole.then(|| Self(text.to_owned()))
    }

    /// The topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is listened to: a topic, in which `+` stands for one level and `#` at the end for all that follow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter(String);

impl Filter {
    /// `None` for what is no filter, or longer than 256 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut levels = text.split('/').rev();
        let last = levels.next().unwrap_or_default();
        let one = |level: &str| level == "+" || !level.contains(['+', '#']);
        let whole = sound(text) && (last == "#" || one(last)) && levels.all(one);
        whole.then(|| Self(text.to_owned()))
    }

    /// That topic and no other.
    #[must_use]
    pub fn of(topic: &Topic) -> Self {
        Self(topic.0.clone())
    }

    /// The filter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a topic is listened to. What is no topic is not.
    #[must_use]
    pub fn fits(&self, topic: &str) -> bool {
        let (mut wanted, mut there) = (self.0.split('/'), topic.split('/'));
        if topic.starts_with('$') {
            return false;
        }
        loop {
            match (wanted.next(), there.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(there)) if wanted == there => {}
                _ => return false,
            }
        }
    }
}

fn sound(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.starts_with('$') && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Filter, Topic};

    #[test]
    fn what_is_no_topic_is_not_published_to() {
        for text in ["room/7/tv/set", "r", "a//b", "/a", "é/ß"] {
            assert!(Topic::parse(text).is_some(), "{text}");
        }
        for text in ["", "a/+/b", "a/#", "$SYS/broker", "a\0b", "a\nb", "a+b"] {
            assert!(Topic::parse(text).is_none(), "{text}");
        }
        assert!(Topic::parse(&"a".repeat(256)).is_some() && Topic::parse(&"a".repeat(257)).is_none());
        for text in ["a/+/b", "a/#", "#", "+", "+/a"] {
            assert!(Filter::parse(text).is_some(), "{text}");
        }
        for text in ["", "a/#/b", "a#", "a+/b", "$SYS/#"] {
            assert!(Filter::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_filter_fits_its_topics_alone() {
        for (filter, topic, fits) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b", "a", false),
            ("a/+", "a/b", true),
            ("a/+", "a/b/c", false),
            ("a/+/c", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "$SYS/a", false),
            ("+", "é", true),
        ] {
            assert_eq!(Filter::parse(filter).expect("a filter").fits(topic), fits, "{filter} {topic}");
        }
    }

    proptest! {
        #[test]
        fn a_topics_own_filter_fits_it_and_nothing_panics(topic in ".{0,40}", other in ".{0,40}") {
            if let Some(topic) = Topic::parse(&topic) {
                prop_assert!(Filter::of(&topic).fits(topic.as_str()));
                prop_assert_eq!(Filter::of(&topic).fits(&other), other == topic.as_str());
            }
            if let Some(filter) = Filter::parse(&other) {
                let _ = filter.fits(&topic);
            }
        }
    }
}
