//! From a rendered reply to plain text and SSML, both from one rendering.
//!
//! Invariant: markup comes only from [`Mark`], whose constructors are the allow-list (`speak`, `p`, `s`, `sub`,
//! `say-as`, `break`; [`slowly`] adds `prosody`). Marks travel through the template as private-use characters, which [`clean`] takes out
//! of every value first; all that is left is text and is escaped. A name that contains `<audio …>` is read
//! out, letter by letter, and nothing else.

use super::Rendered;

const OPEN: char = '\u{e000}';
const THEN: char = '\u{e001}';
const SHUT: char = '\u{e002}';

/// A piece of markup inside a reply.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark<'a> {
    /// Written one way, spoken another: `<sub alias="…">`.
    Sub {
        /// As written.
        written: &'a str,
        /// As spoken.
        spoken: &'a str,
    },
    /// Digit by digit: `<say-as interpret-as="digits">`.
    Digits(&'a str),
    /// A breath: `<break time="300ms"/>`.
    Pause,
}

impl Mark<'_> {
    /// The mark as it travels through a template. Its contents must be [`clean`].
    pub(super) fn travel(self) -> String {
        match self {
            Self::Sub { written, spoken } if written == spoken => written.to_owned(),
            Self::Sub { written, spoken } => format!("{OPEN}s{spoken}{THEN}{written}{SHUT}"),
            Self::Digits(text) => format!("{OPEN}d{THEN}{text}{SHUT}"),
            Self::Pause => format!("{OPEN}b{THEN}{SHUT}"),
        }
    }
}

/// A value from outside, fit to be said: no control, private-use, direction or zero-width characters, single
/// spaces, at most `longest` characters.
pub(super) fn clean(value: &str, longest: usize) -> String {
    let mut out = String::with_capacity(value.len().min(longest * 4));
    let mut count = 0;
    for c in value.trim().chars() {
        let c = if c.is_control() || c.is_whitespace() { ' ' } else { c };
        if unspeakable(c) || (c == ' ' && out.ends_with(' ')) {
            continue;
        }
        if count == longest {
            out.push('…');
            break;
        }
        out.push(c);
        count += 1;
    }
    out.trim_end().to_owned()
}

/// Characters that are no text: private use (the marks among them), direction and zero-width marks,
/// non-characters.
fn unspeakable(c: char) -> bool {
    matches!(u32::from(c),
        0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFEFF | 0xFFF9..=0xFFFF | 0xFDD0..=0xFDEF | 0xE_0000..=0xE_0FFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

const BEGIN: &str = "<speak>";
const END: &str = "</speak>";

/// What stands between `<speak>` and `</speak>`.
pub(super) fn inside(ssml: &str) -> &str {
    ssml.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).unwrap_or_default()
}

/// One document of the insides of several.
pub(super) fn spoken<'a>(insides: impl Iterator<Item = &'a str>) -> String {
    format!("{BEGIN}{}{END}", insides.collect::<String>())
}

/// The same document, spoken slowly.
pub(super) fn slowly(ssml: &str) -> String {
    format!("{BEGIN}<prosody rate=\"slow\">{}</prosody>{END}", inside(ssml))
}

/// Text and SSML of a rendered template.
pub(super) fn rendered(marked: &str) -> Rendered {
    let (mut text, mut ssml) = (String::new(), format!("{BEGIN}<p>"));
    for sentence in sentences(marked) {
        ssml.push_str("<s>");
        let mut rest = sentence;
        while let Some(at) = rest.find(OPEN) {
            plain(&rest[..at], &mut text, &mut ssml);
            rest = mark(&rest[at + OPEN.len_utf8()..], &mut text, &mut ssml);
        }
        plain(rest, &mut text, &mut ssml);
        ssml.push_str("</s>");
        text.push(' ');
    }
    ssml.push_str("</p>");
    ssml.push_str(END);
    // A pause leaves no gap in the text.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Rendered { text, ssml }
}

fn plain(part: &str, text: &mut String, ssml: &mut String) {
    let part: String = part.chars().filter(|c| !matches!(*c, THEN | SHUT)).collect();
    text.push_str(&part);
    escape_into(&part, ssml);
}

/// One mark, the text after its opening character given; what follows it is returned.
fn mark<'a>(inside: &'a str, text: &mut String, ssml: &mut String) -> &'a str {
    let (head, after) = inside.split_once(SHUT).unwrap_or((inside, ""));
    let (kind, written) = head.split_once(THEN).unwrap_or((head, ""));
    let mut kind = kind.chars();
    match kind.next() {
        Some('s') => {
            ssml.push_str("<sub alias=\"");
            escape_into(kind.as_str(), ssml);
            ssml.push_str("\">");
            escape_into(written, ssml);
            ssml.push_str("</sub>");
            text.push_str(written);
        }
        Some('d') => {
            ssml.push_str("<say-as interpret-as=\"digits\">");
            escape_into(written, ssml);
            ssml.push_str("</say-as>");
            text.push_str(written);
        }
        _ => ssml.push_str("<break time=\"300ms\"/>"),
    }
    after
}

fn escape_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 12] = ["dr", "mr", "mrs", "ms", "st", "jr", "sr", "vs", "prof", "approx", "no", "dept"];

/// The sentences of a text, each with its final mark and without the space around it.
#[must_use]
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if !matches!(c, '.' | '?' | '!') {
            continue;
        }
        let (before, after) = (&text[start..at], &text[at + 1..]);
        let mut next = after.chars();
        if next.next().is_some_and(|n| !n.is_whitespace()) || (c == '.' && abbreviated(before)) {
            continue;
        }
        // "at 2 p.m. in the hall" goes on.
        if after.trim_start().starts_with(char::is_lowercase) {
            continue;
        }
        found.push(text[start..=at].trim());
        start = at + 1;
    }
    found.push(text[start..].trim());
    found.retain(|s| !s.is_empty());
    found
}

/// Whether the text ends in "Dr" or an initial.
fn abbreviated(before: &str) -> bool {
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rendering_gives_text_and_markup() {
        let dose = Mark::Sub { written: "10 mg", spoken: "10 milligrams" }.travel();
        let r =
            rendered(&format!("Dr. Patel says {dose}.{} Call {}!", Mark::Pause.travel(), Mark::Digits("911").travel()));
        assert_eq!(r.text, "Dr. Patel says 10 mg. Call 911!");
        assert_eq!(
            r.ssml,
            "<speak><p><s>Dr. Patel says <sub alias=\"10 milligrams\">10 mg</sub>.<break time=\"300ms\"/> Call \
             <say-as interpret-as=\"digits\">911</say-as>!</s></p></speak>"
        );
    }

    #[test]
    fn sentences_end_where_people_stop() {
        let cases = [
            ("Dr. Patel is in. J. R. Moss is not.", vec!["Dr. Patel is in.", "J. R. Moss is not."]),
            ("It was 5.4. Is that all?  Yes!", vec!["It was 5.4.", "Is that all?", "Yes!"]),
            ("At 2 p.m. in the hall", vec!["At 2 p.m. in the hall"]),
            ("", vec![]),
            ("...", vec!["..."]),
        ];
        for (text, want) in cases {
            assert_eq!(sentences(text), want, "{text:?}");
        }
    }

    #[test]
    fn values_lose_what_is_no_text() {
        assert_eq!(clean(" a\u{0}\n\tb\u{e000}c\u{202e}d\u{feff} ", 99), "a bcd");
        assert_eq!(clean(&"x".repeat(10_000), 40).chars().count(), 41);
    }
}
