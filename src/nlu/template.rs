//! The sentence template language (hassil's): text to a tree.
//!
//! `(a|b)` one of, `[a]` maybe, `(a;b)` all in any order, `{slot}`, `{list:slot}`, `<rule>`, `\` before a literal
//! bracket. Alternatives inside a word are allowed: `prescription[s]`.

/// A template as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Plain text with its blanks.
    Text(String),
    /// A slot, with the list it takes from where one is named.
    Slot {
        /// Name of the slot.
        name: String,
        /// Name of the list in `{list:slot}`.
        list: Option<String>,
    },
    /// A rule to be put in.
    Rule(String),
    /// One after the other.
    Seq(Vec<Node>),
    /// One of them. An optional is one of it and nothing.
    Alt(Vec<Node>),
    /// All of them in any order.
    Perm(Vec<Node>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (character {column})")]
pub struct BadTemplate {
    /// What is wrong.
    pub what: String,
    /// Where, counted in characters from 1.
    pub column: usize,
}

/// Longest template, in characters.
const LONGEST: usize = 4096;
/// Deepest nesting of brackets.
const DEEPEST: usize = 24;

/// Reads a template.
///
/// # Errors
/// When brackets do not match, a name is empty, or it is longer or deeper than any sentence is.
pub fn parse(text: &str) -> Result<Node, BadTemplate> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0 };
    if chars.len() > LONGEST {
        return Err(reader.wrong(&format!("longer than {LONGEST} characters")));
    }
    let node = reader.choice(None, 0)?;
    if reader.at < chars.len() {
        return Err(reader.wrong(&format!("`{}` closes nothing", chars.get(reader.at).unwrap_or(&' '))));
    }
    Ok(node)
}

struct Reader<'c> {
    chars: &'c [char],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> BadTemplate {
        BadTemplate { what: what.to_owned(), column: self.at + 1 }
    }

    /// Alternatives or permutations up to the closing bracket or the end.
    fn choice(&mut self, close: Option<char>, depth: usize) -> Result<Node, BadTemplate> {
        if depth > DEEPEST {
            return Err(self.wrong(&format!("brackets more than {DEEPEST} deep")));
        }
        let mut branches = vec![Vec::new()];
        let mut separator = None;
        let mut text = String::new();
        loop {
            let c = self.chars.get(self.at).copied();
            if c == close && c.is_some() || c.is_none() {
                break;
            }
            let Some(c) = c else { break };
            let seq = branches.last_mut();
            match c {
                '\\' => {
                    self.at += 1;
                    let Some(&literal) = self.chars.get(self.at) else {
                        return Err(self.wrong("a `\\` at the end escapes nothing"));
                    };
                    text.push(literal);
                    self.at += 1;
                }
                '(' | '[' | '{' | '<' => {
                    let node = self.bracket(c, depth)?;
                    if let Some(seq) = seq {
                        flush(&mut text, seq);
                        seq.push(node);
                    }
                }
                '|' | ';' => {
                    if close.is_none() {
                        return Err(self.wrong(&format!("`{c}` outside of brackets")));
                    }
                    if *separator.get_or_insert(c) != c {
                        return Err(self.wrong("`|` and `;` in the same brackets"));
                    }
                    if let Some(seq) = seq {
                        flush(&mut text, seq);
                    }
                    branches.push(Vec::new());
                    self.at += 1;
                }
                ')' | ']' | '}' | '>' => return Err(self.wrong(&format!("`{c}` closes nothing"))),
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        if let Some(seq) = branches.last_mut() {
            flush(&mut text, seq);
        }
        let mut nodes: Vec<Node> = branches.into_iter().map(Node::Seq).collect();
        Ok(match separator {
            Some(';') => {
                // Each part is a phrase of its own, so it is set off by blanks.
                let blank = || Node::Text(" ".into());
                Node::Perm(nodes.into_iter().map(|n| Node::Seq(vec![blank(), n, blank()])).collect())
            }
            Some(_) => Node::Alt(nodes),
            None => nodes.pop().unwrap_or(Node::Seq(Vec::new())),
        })
    }

    fn bracket(&mut self, open: char, depth: usize) -> Result<Node, BadTemplate> {
        let start = self.at;
        self.at += 1;
        if matches!(open, '(' | '[') {
            let close = if open == '(' { ')' } else { ']' };
            let inner = self.choice(Some(close), depth + 1)?;
            if self.chars.get(self.at) != Some(&close) {
                self.at = start;
                return Err(self.wrong(&format!("`{open}` is never closed")));
            }
            self.at += 1;
            return Ok(if open == '(' { inner } else { Node::Alt(vec![inner, Node::Seq(Vec::new())]) });
        }
        let close = if open == '{' { '}' } else { '>' };
        let name: String = self.chars.iter().skip(self.at).take_while(|c| **c != close).collect();
        let end = self.at + name.chars().count();
        if self.chars.get(end) != Some(&close) {
            self.at = start;
            return Err(self.wrong(&format!("`{open}` is never closed")));
        }
        let plain = |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (list, slot) = match name.split_once(':') {
            Some((list, slot)) if open == '{' => (Some(list.to_owned()), slot),
            _ => (None, name.as_str()),
        };
        if !plain(slot) || list.as_deref().is_some_and(|l| !plain(l)) {
            return Err(self.wrong(&format!("`{open}{name}{close}`: a name is letters, digits and `_`")));
        }
        self.at = end + 1;
        Ok(if open == '{' { Node::Slot { name: slot.to_owned(), list } } else { Node::Rule(name) })
    }
}

fn flush(text: &mut String, seq: &mut Vec<Node>) {
    if !text.is_empty() {
        // A genitive after a slot says nothing: "{provider}'s office".
        let after_slot = matches!(seq.last(), Some(Node::Slot { .. }));
        let clean = match text.strip_prefix("'s") {
            Some(rest) if after_slot => format!(" {rest}"),
            _ => std::mem::take(text),
        };
        text.clear();
        seq.push(Node::Text(clean));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_language() {
        let text = |t: &str| Node::Text(t.into());
        let slot = |n: &str| Node::Slot { name: n.into(), list: None };
        assert_eq!(
            parse("renew <my> {medicine} [now]"),
            Ok(Node::Seq(vec![
                text("renew "),
                Node::Rule("my".into()),
                text(" "),
                slot("medicine"),
                text(" "),
                Node::Alt(vec![Node::Seq(vec![text("now")]), Node::Seq(vec![])]),
            ]))
        );
        assert_eq!(
            parse("(a|{l:s})"),
            Ok(Node::Seq(vec![Node::Alt(vec![
                Node::Seq(vec![text("a")]),
                Node::Seq(vec![Node::Slot { name: "s".into(), list: Some("l".into()) }]),
            ])]))
        );
        assert!(matches!(parse("(a;b)"), Ok(Node::Seq(s)) if matches!(s.as_slice(), [Node::Perm(p)] if p.len() == 2)));
        assert_eq!(parse(r"\(a\)"), Ok(Node::Seq(vec![text("(a)")])));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (bad, what, column) in [
            ("a (b", "`(` is never closed", 3),
            ("a [b)", "`)` closes nothing", 5),
            ("a b)", "`)` closes nothing", 4),
            ("a {b", "`{` is never closed", 3),
            ("a {}", "a name is letters", 4),
            ("a|b", "outside of brackets", 2),
            ("(a|b;c)", "in the same brackets", 5),
            ("a\\", "escapes nothing", 3),
        ] {
            let error = parse(bad).expect_err(bad);
            assert!(error.what.contains(what), "{bad}: {error}");
            assert_eq!(error.column, column, "{bad}: {error}");
        }
        assert!(parse(&"(".repeat(5000)).is_err());
        assert!(parse(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c\\[\\](){}<>|;:\\\\ ]{0,40}") {
            let _ = parse(&text);
        }
    }
}
