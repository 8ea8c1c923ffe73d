//! Reads Rust source as tokens: comments, strings and `#[cfg(test)]` items never count as code.

use std::{fs, path::Path, str::FromStr};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One source file of the program.
pub struct Source {
    /// Path from the repository's root: `src/policy/phi.rs`.
    pub path: String,
    /// Its module, from the crate's root: `["policy", "phi"]`; empty for `lib.rs`, `["main"]` for the program.
    pub module: Vec<String>,
    /// How many lines stand before the first `#[cfg(test)]`.
    pub lines: usize,
    tokens: Vec<TokenTree>,
}

/// Something found, and where.
pub struct Found<T> {
    /// What.
    pub what: T,
    /// Line, from 1.
    pub line: usize,
}

/// Every file under `src/`, test-only files left out.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    collect(&root.join("src"), &mut files);
    files.sort();
    let sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let path = file.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
            Source::parse(&path, &fs::read_to_string(file).expect("a readable file"))
        })
        .collect();
    assert!(sources.len() > 20, "src/ was not found: {} files", sources.len());
    sources
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8").to_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

impl Source {
    /// Reads one file's text.
    pub fn parse(path: &str, text: &str) -> Self {
        let stream = TokenStream::from_str(text).unwrap_or_else(|e| panic!("{path} is not Rust: {e}"));
        let lines = text.lines().take_while(|l| l.trim() != "#[cfg(test)]").count();
        let module = path.trim_start_matches("src/").trim_end_matches(".rs").split('/');
        let module = module.filter(|m| !matches!(*m, "mod" | "lib")).map(str::to_owned).collect();
        Self { path: path.to_owned(), module, lines, tokens: without_tests(stream) }
    }

    /// Every path into this crate, whole: `use crate::policy::{Phi, admit}` gives two.
    pub fn local_paths(&self) -> Vec<Found<Vec<String>>> {
        let mut found = vec![];
        self.walk(&self.tokens, &self.module, &mut found);
        found
    }

    fn walk(&self, tokens: &[TokenTree], module: &[String], found: &mut Vec<Found<Vec<String>>>) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inside = without_tests(group.stream());
                    let mut inner = module.to_vec();
                    if at >= 2 && is_ident(&tokens[at - 2], "mod") {
                        inner.push(tokens[at - 1].to_string());
                    }
                    self.walk(&inside, &inner, found);
                }
                TokenTree::Ident(word) if starts_path(tokens, at) => {
                    let base = match word.to_string().as_str() {
                        "crate" | "wellspoken" => Some(vec![]),
                        "super" => {
                            let mut supers = 1;
                            while is_separator(tokens, at + 1) && is_word(tokens.get(at + 3), "super") {
                                supers += 1;
                                at += 3;
                            }
                            module.len().checked_sub(supers).map(|kept| module[..kept].to_vec())
                        }
                        _ => None,
                    };
                    if let Some(base) = base {
                        expand(tokens, at + 1, &base, found);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Where these tokens follow each other, such as `[".", "unwrap", "()"]`: `()` is a call without arguments,
    /// `::` is written as two `:`.
    pub fn sequences(&self, wanted: &[&str]) -> Vec<usize> {
        let mut lines = vec![];
        search(&self.tokens, wanted, &mut lines);
        lines
    }

    /// Every string literal.
    pub fn strings(&self) -> Vec<Found<String>> {
        let mut found = vec![];
        literals(&self.tokens, &mut found);
        found
    }

    /// Whether the file belongs to a module, named from the root: `asr::whisper`.
    pub fn within(&self, module: &str) -> bool {
        let prefix: Vec<&str> = module.split("::").collect();
        self.module.len() >= prefix.len() && self.module.iter().zip(prefix).all(|(a, b)| a == b)
    }
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i == word)
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    token.is_some_and(|t| is_ident(t, word))
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |t: Option<&TokenTree>| matches!(t, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

fn starts_path(tokens: &[TokenTree], at: usize) -> bool {
    is_separator(tokens, at + 1) && !(at >= 2 && is_separator(tokens, at - 2))
}

/// Follows `::a::{b, c::d}` from a separator, or `a::b` from a name.
fn expand(tokens: &[TokenTree], mut at: usize, base: &[String], found: &mut Vec<Found<Vec<String>>>) {
    let mut path = base.to_vec();
    let mut line = tokens.get(at).map_or(0, |t| t.span().start().line);
    loop {
        if is_separator(tokens, at) {
            at += 2;
        }
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => {
                path.push(word.to_string());
                line = word.span().start().line;
                at += 1;
                if is_separator(tokens, at) {
                    continue;
                }
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
                for part in inside.split(comma).filter(|p| !p.is_empty()) {
                    expand(part, 0, &path, found);
                }
                return;
            }
            _ => {}
        }
        found.push(Found { what: path, line });
        return;
    }
}

/// Leaves out every item that follows `#[cfg(test)]`.
fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let all: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = vec![];
    let mut at = 0;
    while at < all.len() {
        let is_hash = matches!(&all[at], TokenTree::Punct(p) if p.as_char() == '#');
        let is_test = is_hash
            && matches!(all.get(at + 1), Some(TokenTree::Group(g))
                if g.stream().to_string().replace(' ', "") == "cfg(test)");
        if !is_test {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        at += 2;
        while at < all.len() {
            let ends = match &all[at] {
                TokenTree::Group(g) => g.delimiter() == Delimiter::Brace,
                TokenTree::Punct(p) => p.as_char() == ';',
                _ => false,
            };
            at += 1;
            if ends {
                break;
            }
        }
    }
    kept
}

fn search(tokens: &[TokenTree], wanted: &[&str], lines: &mut Vec<usize>) {
    for (at, token) in tokens.iter().enumerate() {
        let fits = |offset: usize, word: &str| match tokens.get(at + offset) {
            Some(TokenTree::Ident(i)) => i == word,
            Some(TokenTree::Punct(p)) => word.len() == 1 && word.starts_with(p.as_char()),
            Some(TokenTree::Group(g)) => {
                *word == *"()" && g.delimiter() == Delimiter::Parenthesis && g.stream().is_empty()
            }
            _ => false,
        };
        if wanted.iter().enumerate().all(|(offset, word)| fits(offset, word)) {
            lines.push(token.span().start().line);
        }
        if let TokenTree::Group(group) = token {
            search(&without_tests(group.stream()), wanted, lines);
        }
    }
}

fn literals(tokens: &[TokenTree], found: &mut Vec<Found<String>>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            // A doc comment reads as `#[doc = "…"]`; what it says is not code.
            TokenTree::Group(g) if at > 0 && is_doc(&tokens[at - 1], g) => {}
            TokenTree::Group(group) => literals(&without_tests(group.stream()), found),
            TokenTree::Literal(l) if l.to_string().contains('"') => {
                found.push(Found { what: l.to_string(), line: l.span().start().line });
            }
            _ => {}
        }
    }
}

fn is_doc(before: &TokenTree, group: &proc_macro2::Group) -> bool {
    let marks = matches!(before, TokenTree::Punct(p) if matches!(p.as_char(), '#' | '!'));
    marks && group.stream().into_iter().next().is_some_and(|first| is_ident(&first, "doc"))
}
