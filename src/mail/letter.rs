//! The letters there are.

use jiff::Timestamp;
use lettre::{
    Message,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use serde::{Deserialize, Serialize};

use super::Address;

/// What somebody is written. Sealed while it waits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Letter {
    /// A code that shows that the address is theirs.
    Confirm {
        /// Its digits.
        code: String,
    },
    /// There is news. What it is, is told where they are known.
    News,
    /// They may come in now.
    Enabled {
        /// The secret of a one-time link.
        secret: String,
        /// For how many days it works.
        days: i64,
    },
    /// The way back to their own page.
    Back {
        /// The secret of a one-time link.
        secret: String,
        /// For how many minutes it works.
        minutes: i64,
    },
}

impl Letter {
    /// Its name in the queue.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "confirm",
            Self::News => "news",
            Self::Enabled { .. } => "enabled",
            Self::Back { .. } => "back",
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "Your code",
            Self::News => "You have a new message",
            Self::Enabled { .. } => "You can come in now",
            Self::Back { .. } => "Your link",
        }
    }

    fn body(&self, page: &str) -> String {
        match self {
            Self::Confirm { code } => format!(
                "Somebody gave this address at {page}. If that was you, type this code there:\r\n\r\n{code}\r\n\r\n\
                 It works for one hour. If it was not you, do nothing: nothing comes of it.\r\n"
            ),
            Self::News => format!(
                "There is a new message for you. Open {page} and sign in to read it, or ask for it.\r\n\r\n\
                 You asked for these letters. You can end them there, on your own page.\r\n"
            ),
            Self::Enabled { secret, days } => format!(
                "You asked to use the care assistant. You can now. Open your own page within {days} days, on the device you \
                 want to use it with:\r\n\r\n{page}/me#{secret}\r\n\r\nThe link works once. Pass it on to nobody. To come \
                 back later,\r\ngive this address at {page}/join again.\r\n"
            ),
            Self::Back { secret, minutes } => format!(
                "Somebody gave this address at {page}. If that was you, open your own page within {minutes} minutes:\r\n\r\n\
                 {page}/me#{secret}\r\n\r\nThe link works once. Pass it on to nobody. If it was not you, do nothing.\r\n"
            ),
        }
    }

    /// The whole letter; `None` where an address is one that mail knows and this builder does not.
    pub(super) fn message(&self, from: &Address, to: &Address, page: &str, id: &str, at: Timestamp) -> Option<Message> {
        let mailbox = |name: Option<&str>, address: &Address| {
            Some(Mailbox::new(name.map(str::to_owned), address.as_str().parse().ok()?))
        };
        let machine = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        // ASCII in short lines, as the tests hold it to: it goes out as it is.
        let body = Body::dangerous_pre_encoded(self.body(page).into_bytes(), ContentTransferEncoding::SevenBit);
        Message::builder()
            .from(mailbox(Some("Care assistant"), from)?)
            .to(mailbox(None, to)?)
            .subject(self.subject())
            .date(at.into())
            .message_id(Some(format!("<{id}@{}>", from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .raw_header(machine)
            .body(body)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_ascii_short_of_lines_and_holds_what_it_must() {
        let address = |text| Address::parse(text).expect("an address");
        let (from, to) = (address("assistant@clinic.example"), address("rosa@example.org"));
        let at: Timestamp = "2026-05-04T10:00:00Z".parse().expect("a time");
        for (letter, holds) in [
            (Letter::Confirm { code: "48291357".into() }, "\r\n48291357\r\n"),
            (Letter::News, "\r\nSubject: You have a new message\r\n"),
            (Letter::Enabled { secret: "wsp_x".into(), days: 7 }, "https://voice.clinic.example/me#wsp_x\r\n"),
            (Letter::Back { secret: "wsp_y".into(), minutes: 60 }, "https://voice.clinic.example/me#wsp_y\r\n"),
        ] {
            let message = letter.message(&from, &to, "https://voice.clinic.example", "id1", at).expect("a letter");
            let text = String::from_utf8(message.formatted()).expect("text");
            assert!(text.is_ascii() && text.contains(holds), "{text}");
            assert!(text.contains("\r\nDate: Mon, 04 May 2026 10:00:00 +0000\r\n"), "{text}");
            assert!(text.split("\r\n").all(|line| line.len() <= 200 && !line.contains(['\r', '\n'])), "{text}");
            assert!(text.ends_with("\r\n"));
        }
    }
}
