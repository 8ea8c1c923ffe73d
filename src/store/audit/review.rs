//! Who looked at too many people: a rule over the audit trail, for a person to judge.
//!
//! A finding is a reason to ask, not a verdict: the rule knows who was opened by whom and when, and not who cares
//! for whom. People whom the same reader opened in the weeks before count as known to them.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    io,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    super::{Store, error::StoreError},
    chain::{Entry, page},
};
use crate::policy::{FILLS, RENEWALS, UNIT_RECORD};

/// When somebody has looked at too many people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRule {
    /// So many people, none of them known to the reader.
    pub people: usize,
    /// Within this time.
    pub window: SignedDuration,
    /// Somebody whom the reader opened within this time before is known to them.
    pub known: SignedDuration,
}

/// What a review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Entries that were looked at: disclosures and refusals.
    pub entries: u64,
    /// Of those, entries that nobody can read any more, because the person's key was destroyed.
    pub unreadable: u64,
    /// The findings, the most people first.
    pub findings: Vec<Finding>,
}

/// Somebody who looked at many people they did not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The credential, or the member of staff by name.
    pub who: String,
    /// When it began.
    pub from: Timestamp,
    /// When it ended: the last entry of the time in which most people were opened.
    pub to: Timestamp,
    /// How many people.
    pub people: usize,
    /// Of those, how many were refused.
    pub refused: usize,
    /// The entries, by their numbers in the chain.
    pub entries: Vec<i64>,
}

/// Somebody opened somebody.
struct Look {
    at: i64,
    seq: i64,
    /// The person, by the name of their key: it is there even where the details are not.
    person: String,
    refused: bool,
}

impl Store {
    /// Looks for readers who opened many people they did not know, between two times. That somebody looks is in the
    /// chain first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn audit_review(
        &self,
        rule: ReviewRule,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        by: &str,
        at: Timestamp,
    ) -> Result<Review, StoreError> {
        self.note_reading("reviewed", by, at).await?;
        let from = from.map_or(i64::MIN, Timestamp::as_microsecond);
        let to = to.map_or(i64::MAX, Timestamp::as_microsecond);
        let mut looks: BTreeMap<String, Vec<Look>> = BTreeMap::new();
        let mut review = Review { entries: 0, unreadable: 0, findings: vec![] };
        let mut last = i64::MIN;
        loop {
            let rows = page(&self.inner.database, last).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let entry = Entry::read(&row)?;
                last = entry.seq;
                let looked = matches!(entry.event.as_str(), "opened" | "refused" | "recognized");
                if !looked || entry.at >= to {
                    continue;
                }
                review.entries += 1;
                let Some(told) = self.told(&entry)? else {
                    review.unreadable += 1;
                    continue;
                };
                // Whoever lies in a unit's room is no stranger to the unit's staff, nor is whoever asked for their word.
                let own = [UNIT_RECORD, RENEWALS, FILLS];
                if told.intent.as_deref().is_some_and(|i| own.contains(&i)) && entry.event == "opened" {
                    continue;
                }
                let (Some(_), Some(who)) = (told.subject, told.by.or(told.actor)) else { continue };
                let refused = entry.event == "refused";
                looks.entry(who).or_default().push(Look { at: entry.at, seq: entry.seq, person: entry.owner, refused });
            }
        }
        review.findings = looks.into_iter().filter_map(|(who, looks)| worst(who, looks, rule, from)).collect();
        review.findings.sort_by_key(|finding| std::cmp::Reverse(finding.people));
        Ok(review)
    }
}

/// The time in which a reader opened most people they did not know, if those are too many.
fn worst(who: String, mut looks: Vec<Look>, rule: ReviewRule, from: i64) -> Option<Finding> {
    // The chain's order is that of commits; a clock may have been set back.
    looks.sort_by_key(|look| (look.at, look.seq));
    let micros = |time: SignedDuration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let (window, known) = (micros(rule.window), micros(rule.known));
    let mut first_seen: HashMap<String, i64> = HashMap::new();
    let mut last_seen: HashMap<String, i64> = HashMap::new();
    let mut open: VecDeque<Look> = VecDeque::new();
    let mut found: Option<Finding> = None;
    for look in looks {
        let before = last_seen.insert(look.person.clone(), look.at);
        // A stranger stays one for the length of a window: the second look does not make them known.
        match before {
            Some(before) if look.at - before <= known => {}
            _ => {
                first_seen.insert(look.person.clone(), look.at);
            }
        }
        let strange = first_seen.get(&look.person).is_some_and(|first| look.at - first < window);
        if !strange || look.at < from {
            continue;
        }
        let now = look.at;
        open.push_back(look);
        while open.front().is_some_and(|first| now - first.at >= window) {
            open.pop_front();
        }
        let people: HashSet<&str> = open.iter().map(|look| look.person.as_str()).collect();
        if people.len() >= rule.people && found.as_ref().is_none_or(|found| people.len() >= found.people) {
            let refused: HashSet<&str> = open.iter().filter(|l| l.refused).map(|l| l.person.as_str()).collect();
            let time = |at| Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
            found = Some(Finding {
                who: who.clone(),
                from: time(open.front().map_or(now, |first| first.at)),
                to: time(now),
                people: people.len(),
                refused: refused.len(),
                entries: open.iter().map(|look| look.seq).collect(),
            });
        }
    }
    found
}

impl Review {
    /// The findings as lines for people.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn tell(&self, to: &mut impl io::Write) -> io::Result<()> {
        for finding in &self.findings {
            let Finding { who, from, to: until, people, refused, entries } = finding;
            let refused = if *refused > 0 { format!(", {refused} of them refused") } else { String::new() };
            let (first, last) = (entries.first().unwrap_or(&0), entries.last().unwrap_or(&0));
            writeln!(to, "{who}: {people} people new to them{refused}, {from} to {until} (entries {first} to {last})")?;
        }
        writeln!(
            to,
            "{} findings in {} entries; {} cannot be read any more",
            self.findings.len(),
            self.entries,
            self.unreadable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: ReviewRule =
        ReviewRule { people: 3, window: SignedDuration::from_mins(10), known: SignedDuration::from_hours(24) };
    const MINUTE: i64 = 60_000_000;
    const DAY: i64 = 1440 * MINUTE;

    fn found(looks: &[(i64, &str)]) -> Option<(usize, Vec<i64>)> {
        let looks = looks.iter().enumerate().map(|(n, (at, person))| Look {
            at: *at,
            seq: n as i64,
            person: (*person).to_owned(),
            refused: false,
        });
        worst("x".into(), looks.collect(), RULE, i64::MIN).map(|f| (f.people, f.entries))
    }

    #[test]
    fn many_strangers_in_a_short_time_are_found_and_nothing_else() {
        let m = MINUTE;
        assert_eq!(found(&[(0, "a"), (m, "b"), (2 * m, "c")]), Some((3, vec![0, 1, 2])));
        assert_eq!(found(&[(0, "a"), (m, "a"), (2 * m, "b"), (3 * m, "a")]), None, "two people, often");
        assert_eq!(found(&[(0, "a"), (6 * m, "b"), (12 * m, "c")]), None, "slowly");
        assert_eq!(found(&[(0, "a"), (6 * m, "b"), (12 * m, "c"), (13 * m, "d")]), Some((3, vec![1, 2, 3])));
        assert_eq!(found(&[(0, "a"), (m, "b"), (2 * m, "a"), (3 * m, "c")]), Some((3, vec![0, 1, 2, 3])));
    }

    #[test]
    fn whom_one_sees_every_day_one_knows() {
        let m = MINUTE;
        let mut looks = vec![];
        for day in 0..5 {
            // Two new people a day on top of those who are there.
            for (n, person) in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].iter().take(2 + 2 * day).enumerate() {
                looks.push((day as i64 * (DAY - m) + n as i64 * m / 2, *person));
            }
        }
        assert_eq!(found(&looks), None);
        let back = [(0, "a"), (m, "b"), (30 * DAY, "a"), (30 * DAY + m, "b"), (30 * DAY + 2 * m, "c")];
        assert_eq!(found(&back), Some((3, vec![2, 3, 4])), "after a month they are strangers again");
    }

    #[test]
    fn the_worst_time_is_told() {
        let m = MINUTE;
        let looks: Vec<_> = ["a", "b", "c"].iter().enumerate().map(|(n, p)| (n as i64 * m, *p)).collect();
        let later = ["d", "e", "f", "g"].iter().enumerate().map(|(n, p)| (60 * m + n as i64 * m, *p));
        assert_eq!(found(&looks.into_iter().chain(later).collect::<Vec<_>>()), Some((4, vec![3, 4, 5, 6])));
    }
}
