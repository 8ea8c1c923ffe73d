//! An e-mail address: what a letter may be sent to.
//!
//! Invariant: what is an [`Address`] has no character that means something to SMTP or to a header, so nothing that
//! somebody typed can add a recipient or a line.

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3).
const LONGEST: usize = 254;
/// Longest part before the `@`.
const LONGEST_NAME: usize = 64;
/// What may stand before the `@` besides letters and digits (RFC 5322 atoms).
const OTHERS: &[u8] = b".!#$%&'*+/=?^_`{|}~-";

/// An address in ASCII. Not `Debug` and not `Display`: it is somebody's.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Reads an address; blanks around it and capitals in its domain do not count. `None` for anything else, quoted
    /// names, comments and addresses in brackets among them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, domain) = text.trim().rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let named = (1..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || OTHERS.contains(&b))
            && name.split('.').all(|atom| !atom.is_empty());
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let placed = domain.contains('.') && domain.split('.').all(label);
        let whole = format!("{name}@{domain}");
        (named && placed && whole.len() <= LONGEST).then_some(Self(whole))
    }

    /// As it stands in an envelope.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub(super) fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn what_an_address_is() {
        let good = [
            ("rosa@example.org", "rosa@example.org"),
            ("  Rosa.D+care@Mail.Example.ORG ", "Rosa.D+care@mail.example.org"),
            ("o'neil_2@x-1.example", "o'neil_2@x-1.example"),
        ];
        for (text, wanted) in good {
            assert_eq!(Address::parse(text).map(|a| a.as_str().to_owned()).as_deref(), Some(wanted), "{text}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "rosa",
            "rosa@",
            "@example.org",
            "rosa@localhost",
            "rosa@.org",
            "rosa@example..org",
            "rosa@-x.org",
            "rosa d@example.org",
            ".rosa@example.org",
            "ro..sa@example.org",
            "rosa@example.org>\r\nRCPT TO:<x@y.z",
            "rosa@exa\nmple.org",
            "\"rosa\"@example.org",
            "rosa@[127.0.0.1]",
            "rosa@bücher.example",
            "rosa,milo@example.org\0",
            long.as_str(),
        ] {
            assert!(Address::parse(bad).is_none(), "{bad:?}");
        }
    }
}
