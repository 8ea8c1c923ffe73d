//! Lists of values: of a file of their own, of a domain's file, or of one block of sentences.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::{
    List, Range,
    load::Loader,
    samples::expansions,
    source::{Bounds, ListBody, ListFile, Values},
};
use crate::nlu::{
    grammar::{self, Rules, Vocabulary},
    names::Names,
    words,
};

/// Ways to say one value of a list.
const MOST_WAYS: usize = 200;

/// Names of lists that mean a nearer list here than elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(BTreeMap<String, String>);

impl Scope {
    /// The name under which the catalogue keeps the list that is called this here.
    pub fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }
}

impl Loader {
    /// Adds lists that only some sentences know. `home` keeps them apart from others of the same name.
    pub(super) fn local_lists(
        &mut self,
        file: &str,
        home: &str,
        raw: &BTreeMap<String, Spanned<ListBody>>,
        rules: &Rules,
        outer: &Scope,
    ) -> Scope {
        let mut scope = outer.clone();
        for (name, body) in raw {
            let kept = format!("{name}#{home}");
            self.list(file, body.referenced.line(), &kept, &body.value, rules);
            scope.0.insert(name.clone(), kept);
        }
        scope
    }

    /// Notes what is known of a list's values in a file of its own.
    pub(super) fn beside(&mut self, file: &str, raw: &ListFile, rules: &Rules) {
        if raw.range.is_some() || raw.wildcard || !raw.values.rows.is_empty() {
            self.wrong(file, 0, "`alike`, `exact` and `kinds` stand in a file of their own, beside the list's values");
        }
        for (values, exact) in [(&raw.exact, true), (&raw.kinds, false)] {
            if values.rows.is_empty() {
                continue;
            }
            let (values, said) = self.rows(file, 0, values, rules);
            let names = Names::new(said.iter().map(|(entry, way)| (*entry, way.as_str())));
            let list = List { values, names, said, range: None, wildcard: false };
            let known = if exact { &mut self.exact } else { &mut self.kinds };
            if known.insert(raw.list.clone(), list).is_some() {
                self.wrong(file, 0, format!("more of list `{}` stands in one file each", raw.list));
            }
        }
        self.alike(file, raw);
    }

    /// Notes which names of a list are taken for one another.
    fn alike(&mut self, file: &str, raw: &ListFile) {
        let known = self.taken_for.entry(raw.list.clone()).or_default();
        let mut bad = Vec::new();
        for row in &raw.alike {
            let names: Vec<String> = row.value.iter().map(|name| words::normal(name)).collect();
            if names.len() < 2 {
                bad.push(row.referenced.line());
            }
            for name in &names {
                let others = known.entry(name.clone()).or_default();
                others.extend(names.iter().filter(|other| *other != name).cloned());
                others.sort();
                others.dedup();
            }
        }
        for line in bad {
            self.wrong(file, line, "names that are alike are at least two");
        }
    }

    /// Adds one list.
    pub(super) fn list(&mut self, file: &str, line: u64, name: &str, raw: &ListBody, rules: &Rules) {
        let called = name.split('#').next().unwrap_or(name);
        let (values, said) = self.rows(file, line, &raw.values, rules);
        let kinds = [!values.is_empty(), raw.range.is_some(), raw.wildcard];
        if kinds.iter().filter(|k| **k).count() != 1 {
            self.wrong(file, line, format!("list `{called}` needs one of `values`, a `range` and `wildcard: true`"));
        }
        let range = raw.range.as_ref().map(Range::from);
        if range.as_ref().is_some_and(|r| r.step <= 0.0 || !r.from.is_finite() || !r.to.is_finite()) {
            self.wrong(file, line, format!("list `{called}`: a step is more than nothing"));
        }
        let names = Names::new(said.iter().map(|(entry, way)| (*entry, way.as_str())));
        let list = List { values, names, said, range, wildcard: raw.wildcard };
        if self.lists.insert(name.to_owned(), list).is_some() {
            self.wrong(file, line, format!("there are two lists `{called}`"));
        }
    }

    /// Values, and how each of them is said.
    fn rows(&mut self, file: &str, line: u64, raw: &Values, rules: &Rules) -> (Vec<String>, Vec<(usize, String)>) {
        let mut values: Vec<String> = Vec::new();
        let mut said = Vec::new();
        for (out, ways) in &raw.rows {
            // A value of a row is its own way to be said; its template may leave more than one, and the first is the value.
            let mut spoken = Vec::new();
            if let Some(out) = out.as_ref().filter(|_| raw.keyed) {
                spoken.push(words::normal(out));
            }
            for way in ways {
                let at = if way.referenced.line() == 0 { line } else { way.referenced.line() };
                match grammar::compile(&way.value, rules, &mut Vocabulary::default()) {
                    Ok(p) if p.slots.is_empty() => spoken.extend(expansions(&p.expr, MOST_WAYS)),
                    Ok(_) => self.wrong(file, at, "a value cannot hold a slot"),
                    Err(e) => self.wrong(file, at, e),
                }
            }
            let Some(value) = out.clone().or_else(|| plain(ways).or_else(|| spoken.first().cloned())) else { continue };
            let entry = values.iter().position(|v| *v == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            });
            said.extend(spoken.into_iter().map(|way| (entry, way)));
        }
        (values, said)
    }
}

/// The text of a value that is no template.
fn plain(ways: &[Spanned<String>]) -> Option<String> {
    let text = &ways.first()?.value;
    (!text.contains(['(', '[', '<', '{'])).then(|| text.clone())
}

impl From<&Bounds> for Range {
    fn from(raw: &Bounds) -> Self {
        let step = raw.fractions.map_or(raw.step.unwrap_or(1.0), |f| f.step());
        let fractions = raw.fractions.is_some() || step.fract() != 0.0;
        Self {
            from: raw.from.min(raw.to),
            to: raw.from.max(raw.to),
            step,
            fractions,
            multiplier: raw.multiplier.unwrap_or(1.0),
        }
    }
}

impl Range {
    /// The value a number that was said stands for, if it is one of the range.
    #[must_use]
    pub(crate) fn value(&self, said: f64) -> Option<f64> {
        let steps = (said - self.from) / self.step;
        let on_a_step = (steps - steps.round()).abs() < 1e-6;
        let fits = (self.from..=self.to).contains(&said) && on_a_step && (self.fractions || said.fract() == 0.0);
        fits.then(|| ((said * self.multiplier) * 1e6).round() / 1e6)
    }
}
