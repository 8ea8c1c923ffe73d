//! `wellspoken bench triage`: how many cries are noticed and how many others set it off, over the phrases the rules
//! were written from and over those nobody mended them for; what it costs.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::policy::triage::{
    Level, Utterance,
    phrases::{Expected, HELD_OUT, KNOWN, Phrase, read},
    triage,
};

/// Measure triage: sensitivity with its 95 % interval and false alarms, by kind, phrasing and language.
#[derive(Debug, clap::Args)]
pub struct TriageBenchArgs {
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Also list the phrases of the known table that came out wrong. Never those that are held out: who reads them
    /// cannot measure on them any more.
    #[arg(long)]
    wrong: bool,
}

#[derive(Serialize)]
struct Report {
    known: Table,
    held_out: Table,
    /// Held-out phrases that happen to be known word for word, left out of `held_out`.
    also_known: usize,
    cost: Cost,
}

/// One table of phrases.
#[derive(Default, Serialize)]
struct Table {
    all: Tally,
    by_kind: BTreeMap<&'static str, Cries>,
    by_phrasing: BTreeMap<String, Tally>,
    by_language: BTreeMap<String, Tally>,
    #[serde(skip)]
    wrong: Vec<String>,
}

/// Cries and others.
#[derive(Default, Serialize)]
struct Tally {
    cries: Cries,
    others: Others,
}

/// Phrases that are cries.
#[derive(Default, Serialize)]
struct Cries {
    count: u32,
    /// An alarm, or the question whether it is one.
    noticed: u32,
    /// An alarm at once.
    alarmed: u32,
    /// Noticed as a kind that is expected.
    kind_right: u32,
    /// `noticed` of `count`, with its 95 % interval (Wilson); null where there are none.
    sensitivity: Option<Share>,
}

/// Phrases that are none.
#[derive(Default, Serialize)]
struct Others {
    count: u32,
    /// An alarm, or a question.
    disturbed: u32,
    /// An alarm.
    alarmed: u32,
    /// `disturbed` of `count`, with its 95 % interval (Wilson); null where there are none.
    false_alarms: Option<Share>,
}

/// A share of a count, 0 to 1, and where it lies with 95 % confidence.
#[derive(Clone, Copy, Serialize)]
struct Share {
    share: f64,
    low: f64,
    high: f64,
}

/// What one text of twenty words costs, in microseconds.
#[derive(Serialize)]
struct Cost {
    quiet_us: f64,
    cry_us: f64,
}

/// Runs `wellspoken bench triage`.
///
/// # Errors
/// When a table cannot be read.
pub fn run(args: TriageBenchArgs) -> anyhow::Result<()> {
    let (known, mut held_out) = (phrases("known", KNOWN)?, phrases("held-out", HELD_OUT)?);
    let seen: HashSet<String> = known.iter().map(Phrase::plain).collect();
    let all = held_out.len();
    held_out.retain(|phrase| !seen.contains(&phrase.plain()));
    let also_known = all - held_out.len();
    let report = Report { known: Table::of(&known), held_out: Table::of(&held_out), also_known, cost: cost() };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    report.known.print("known: the rules are written from these");
    if held_out.is_empty() {
        println!("no held-out phrases: the table is empty until somebody who has not seen the rules writes one");
    } else {
        report.held_out.print("held out: nobody mended the rules for these");
    }
    println!("  left out, for they are known word for word: {}", report.also_known);
    println!(
        "20 words: {:.1} us where nothing is the matter, {:.1} us for a cry",
        report.cost.quiet_us, report.cost.cry_us
    );
    if args.wrong {
        report.known.wrong.iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

fn phrases(name: &str, text: &'static str) -> anyhow::Result<Vec<Phrase<'static>>> {
    read(text).map_err(|line| anyhow::anyhow!("the {name} table: line {line} cannot be read"))
}

impl Table {
    fn of(phrases: &[Phrase<'_>]) -> Self {
        let mut table = Self::default();
        phrases.iter().for_each(|phrase| table.count(phrase));
        table.work_out();
        table
    }

    fn count(&mut self, phrase: &Phrase<'_>) {
        let found = triage(&Utterance::typed(phrase.text));
        let alarmed = found.is_some_and(|found| found.level > Level::Unsure);
        let right = found.is_some_and(|found| phrase.expected.kinds().contains(&found.kind));
        let tallies = [
            &mut self.all,
            self.by_phrasing.entry(phrase.phrasing.to_owned()).or_default(),
            self.by_language.entry(phrase.language.to_owned()).or_default(),
        ];
        for tally in tallies {
            if phrase.expected.is_cry() {
                tally.cries.count(found.is_some(), alarmed, right);
            } else {
                tally.others.count += 1;
                tally.others.disturbed += u32::from(found.is_some());
                tally.others.alarmed += u32::from(alarmed);
            }
        }
        if let Some(kind) = phrase.expected.kinds().first() {
            self.by_kind.entry(kind.name()).or_default().count(found.is_some(), alarmed, right);
        }
        if phrase.expected.is_cry() != found.is_some() || (phrase.expected != Expected::Quiet && !right) {
            self.wrong.push(format!("{:?}\t{}\t{found:?}", phrase.expected, phrase.text));
        }
    }

    fn work_out(&mut self) {
        let tallies = [&mut self.all].into_iter().chain(self.by_phrasing.values_mut());
        for tally in tallies.chain(self.by_language.values_mut()) {
            tally.cries.work_out();
            tally.others.false_alarms = Share::of(tally.others.disturbed, tally.others.count);
        }
        self.by_kind.values_mut().for_each(Cries::work_out);
    }

    fn print(&self, title: &str) {
        println!("{title}");
        println!("  {:<18} {}", "all", self.all.line());
        for (kind, cries) in &self.by_kind {
            println!("  {kind:<18} {}", cries.line());
        }
        for (what, tally) in self.by_phrasing.iter().chain(&self.by_language) {
            println!("  {what:<18} {}", tally.line());
        }
    }
}

impl Tally {
    fn line(&self) -> String {
        let mut line = if self.cries.count > 0 { self.cries.line() } else { String::new() };
        if let Some(share) = self.others.false_alarms {
            line += &format!(
                "{}false {}/{} ({} asked) = {share}",
                if line.is_empty() { "" } else { "; " },
                self.others.disturbed,
                self.others.count,
                self.others.disturbed - self.others.alarmed,
            );
        }
        line
    }
}

impl Cries {
    fn count(&mut self, noticed: bool, alarmed: bool, right: bool) {
        self.count += 1;
        self.noticed += u32::from(noticed);
        self.alarmed += u32::from(alarmed);
        self.kind_right += u32::from(right);
    }

    fn work_out(&mut self) {
        self.sensitivity = Share::of(self.noticed, self.count);
    }

    fn line(&self) -> String {
        let share = self.sensitivity.map(|share| format!(" = {share}")).unwrap_or_default();
        format!(
            "noticed {}/{} ({} asked, kind right {}){share}",
            self.noticed,
            self.count,
            self.noticed - self.alarmed,
            self.kind_right
        )
    }
}

impl Share {
    /// Wilson's interval, which holds for shares near 0 and 1 and for few phrases, too.
    fn of(hits: u32, count: u32) -> Option<Self> {
        const Z: f64 = 1.96;
        if count == 0 {
            return None;
        }
        let n = f64::from(count);
        let share = f64::from(hits) / n;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + Z * Z / n;
        Some(Self { share, low: ((middle - half) / whole).max(0.0), high: ((middle + half) / whole).min(1.0) })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} % ({:.1} to {:.1})", self.share * 100.0, self.low * 100.0, self.high * 100.0)
    }
}

fn cost() -> Cost {
    let quiet = "could you please move my appointment with the heart doctor to some time next week and tell my daughter about it";
    let cry = "I was going to ask about my appointment for next week and now my chest is so tight I can't breathe";
    let one = |text: &str| {
        let clock = Instant::now();
        let mut times = 0u32;
        while clock.elapsed() < Duration::from_millis(200) {
            std::hint::black_box(triage(&Utterance::typed(std::hint::black_box(text))));
            times += 1;
        }
        clock.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    one(quiet);
    Cost { quiet_us: one(quiet), cry_us: one(cry) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_the_published_one() {
        let share = Share::of(9, 10).expect("ten");
        assert!((share.low - 0.5958).abs() < 1e-3 && (share.high - 0.9821).abs() < 1e-3, "{share}");
        let all = Share::of(50, 50).expect("fifty");
        assert!((all.low - 0.9287).abs() < 1e-3 && all.high > 0.9999, "{all}");
        assert!(Share::of(0, 0).is_none());
    }

    #[test]
    fn a_table_without_phrases_has_no_figures() {
        let table = Table::of(&read("expected\tphrasing\tlanguage\ttext\n").expect("reads"));
        assert!(table.all.cries.sensitivity.is_none() && table.all.others.false_alarms.is_none());
        assert!(table.by_kind.is_empty() && table.by_phrasing.is_empty());
    }

    #[test]
    fn a_phrase_counts_where_it_belongs() {
        let text = "fall\tdirect\ten\tI fell and I can't get up\nfall\tindirect\ten\tla la la\n\
            none\tidiom\ten\tI'm dying for a coffee\nnone\trequest\ten\thelp help help";
        let table = Table::of(&read(text).expect("reads"));
        assert_eq!((table.all.cries.count, table.all.cries.noticed, table.all.cries.kind_right), (2, 1, 1));
        assert_eq!((table.all.others.count, table.all.others.disturbed), (2, 1));
        assert_eq!(table.by_kind["fall"].count, 2);
        assert_eq!(table.wrong.len(), 2);
    }
}
