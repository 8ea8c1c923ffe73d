//! A template's tree to words and slots: rules put in, parts that touch made one word, orders written out.

use super::{DEEPEST_RULES, Expr, MOST_SPELLINGS, Rules, SlotUse, TOO_MANY};
use crate::nlu::{template::Node, words};

/// Puts rules in and makes words of text.
pub(super) struct Flatten<'a> {
    pub(super) rules: &'a Rules,
    pub(super) slots: &'a mut Vec<SlotUse>,
    pub(super) stack: Vec<&'a str>,
    pub(super) budget: &'a mut usize,
}

impl<'a> Flatten<'a> {
    /// Goes on inside a rule, which must exist and may not lead back into itself.
    fn in_rule<T>(
        &mut self,
        name: &str,
        go: impl FnOnce(&mut Self, &'a Node) -> Result<T, String>,
    ) -> Result<T, String> {
        let rules: &'a Rules = self.rules;
        let (name, tree) = rules.get_key_value(name).ok_or_else(|| format!("there is no rule `<{name}>`"))?;
        if self.stack.contains(&name.as_str()) {
            return Err(format!("the rule `<{name}>` contains itself"));
        }
        if self.stack.len() == DEEPEST_RULES {
            return Err(format!("rules more than {DEEPEST_RULES} deep"));
        }
        self.stack.push(name);
        let done = go(self, tree);
        self.stack.pop();
        done
    }

    pub(super) fn node(&mut self, node: &'a Node) -> Result<Expr, String> {
        *self.budget = self.budget.checked_sub(1).ok_or(TOO_MANY)?;
        match node {
            Node::Text(text) => Ok(words_of(text)),
            Node::Slot { name, list } => {
                let wanted = SlotUse { name: name.clone(), list: list.clone() };
                let index = self.slots.iter().position(|s| *s == wanted).unwrap_or_else(|| {
                    self.slots.push(wanted);
                    self.slots.len() - 1
                });
                Ok(Expr::Slot(index))
            }
            Node::Rule(name) => self.in_rule(name, |flatten, tree| flatten.node(tree)),
            Node::Alt(nodes) => Ok(Expr::Alt(nodes.iter().map(|n| self.node(n)).collect::<Result<_, _>>()?)),
            Node::Perm(nodes) => {
                if nodes.len() > 5 {
                    return Err("more than 5 parts in any order: say it as several sentences".into());
                }
                let mut orders = Vec::new();
                permutations(nodes.len(), &mut Vec::new(), &mut orders);
                let mut branches = Vec::new();
                for order in orders {
                    let parts = order.iter().filter_map(|&i| nodes.get(i)).map(|n| self.node(n));
                    branches.push(Expr::Seq(parts.collect::<Result<_, _>>()?));
                }
                Ok(Expr::Alt(branches))
            }
            Node::Seq(nodes) => self.seq(nodes),
        }
    }

    /// Parts that touch without a blank make one word together: `light[s]`.
    fn seq(&mut self, nodes: &'a [Node]) -> Result<Expr, String> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            let mut end = at + 1;
            while let (Some(left), Some(right)) = (nodes.get(end - 1), nodes.get(end))
                && touch(left, right)
            {
                end += 1;
            }
            if end == at + 1 {
                parts.push(self.node(node)?);
            } else {
                let mut spellings = vec![String::new()];
                for part in nodes.get(at..end).unwrap_or_default() {
                    let endings = self.spellings(part)?;
                    if spellings.len() * endings.len() > MOST_SPELLINGS {
                        return Err("too many ways to write one word: set its parts off with blanks".into());
                    }
                    spellings = spellings.iter().flat_map(|s| endings.iter().map(move |e| format!("{s}{e}"))).collect();
                }
                spellings.sort();
                spellings.dedup();
                *self.budget = self.budget.checked_sub(spellings.len()).ok_or(TOO_MANY)?;
                parts.push(Expr::Alt(spellings.iter().map(|s| words_of(s)).collect()));
            }
            at = end;
        }
        Ok(Expr::Seq(parts))
    }

    fn spellings(&mut self, node: &'a Node) -> Result<Vec<String>, String> {
        *self.budget = self.budget.checked_sub(1).ok_or(TOO_MANY)?;
        match node {
            Node::Text(text) => Ok(vec![text.clone()]),
            Node::Alt(nodes) => {
                let mut all = Vec::new();
                for n in nodes {
                    all.extend(self.spellings(n)?);
                    if all.len() > MOST_SPELLINGS {
                        return Err("too many ways to write one word: set its parts off with blanks".into());
                    }
                }
                Ok(all)
            }
            Node::Seq(nodes) => {
                let mut all = vec![String::new()];
                for n in nodes {
                    let endings = self.spellings(n)?;
                    if all.len() * endings.len() > MOST_SPELLINGS {
                        return Err("too many ways to write one word: set its parts off with blanks".into());
                    }
                    all = all.iter().flat_map(|s| endings.iter().map(move |e| format!("{s}{e}"))).collect();
                }
                Ok(all)
            }
            Node::Rule(name) => self.in_rule(name, |flatten, tree| flatten.spellings(tree)),
            Node::Slot { name, .. } => Err(format!("`{{{name}}}` touches a word: put a blank between them")),
            Node::Perm(_) => Err("`( ; )` touches a word: put a blank between them".into()),
        }
    }
}

/// Whether two neighbours touch: neither side of the seam is a blank or punctuation.
fn touch(left: &Node, right: &Node) -> bool {
    fn inside(c: Option<char>) -> bool {
        c.is_some_and(|c| c.is_alphanumeric() || c == '\'')
    }
    let group = |n: &Node| matches!(n, Node::Alt(_) | Node::Rule(_) | Node::Perm(_) | Node::Seq(_));
    match (left, right) {
        (Node::Text(l), Node::Text(r)) => inside(l.chars().last()) && inside(r.chars().next()),
        (Node::Text(l), _) => inside(l.chars().last()),
        (_, Node::Text(r)) => inside(r.chars().next()),
        // A group may hold its own blank: "[the ]{medicine}".
        _ => group(left) && group(right),
    }
}

fn words_of(text: &str) -> Expr {
    let mut parts: Vec<Expr> = words::words(text).into_iter().map(|w| Expr::Word(w.text)).collect();
    if parts.len() == 1 { parts.remove(0) } else { Expr::Seq(parts) }
}

fn permutations(n: usize, taken: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    if taken.len() == n {
        out.push(taken.clone());
        return;
    }
    for i in 0..n {
        if !taken.contains(&i) {
            taken.push(i);
            permutations(n, taken, out);
            taken.pop();
        }
    }
}

/// Whether a rule leads back into itself.
#[must_use]
pub fn leads_back(name: &str, rules: &Rules) -> bool {
    fn named<'a>(node: &'a Node, out: &mut Vec<&'a str>) {
        match node {
            Node::Rule(rule) => out.push(rule),
            Node::Seq(nodes) | Node::Alt(nodes) | Node::Perm(nodes) => nodes.iter().for_each(|n| named(n, out)),
            Node::Text(_) | Node::Slot { .. } => {}
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut open = vec![name];
    while let Some(rule) = open.pop() {
        let mut next = Vec::new();
        if let Some(tree) = rules.get(rule) {
            named(tree, &mut next);
        }
        for rule in next {
            if rule == name {
                return true;
            }
            if !seen.contains(&rule) {
                seen.push(rule);
                open.push(rule);
            }
        }
    }
    false
}
