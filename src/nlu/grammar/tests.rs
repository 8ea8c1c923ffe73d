use proptest::prelude::*;

use super::*;

/// Any one to three words fit any slot.
struct Anything(Vec<Candidate>);

impl Values for Anything {
    fn candidates(&mut self, _: &SlotUse, at: usize) -> &[Candidate] {
        self.0 = (1..=3).map(|n| Candidate { end: at + n, points: 10 }).collect();
        &self.0
    }
}

fn rules() -> Rules {
    [("my", "[my|the]"), ("deep", "<my> (old|new)"), ("loop", "a <loop>")]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), template::parse(text).expect(text)))
        .collect()
}

fn fit(text: &str, said: &str, prefix: bool) -> Option<Fit> {
    let mut vocabulary = Vocabulary::default();
    let pattern = compile(text, &rules(), &mut vocabulary).expect(text);
    let said: Vec<u32> = said.split_whitespace().map(|w| vocabulary.number(w)).collect();
    let begins = said.first().is_some_and(|w| pattern.may_begin_with(*w));
    let fit = pattern.fit(&said, &mut Anything(Vec::new()), &mut Scratch::default(), prefix);
    assert!(fit.is_none() || begins, "the first word must not be filtered away");
    fit
}

#[test]
fn sentences_fit_or_do_not() {
    for (template, fits, not) in [
        ("turn [the] light[s] on", vec!["turn light on", "turn the lights on"], vec!["turn the on", "turn lights"]),
        ("(renew|re(fill|order)) <my> pills", vec!["refill my pills", "reorder pills"], vec!["re fill pills"]),
        ("(a;b c;d) e", vec!["a b c d e", "d b c a e", "b c a d e"], vec!["a d e", "a b d c e"]),
        ("see <deep> doctor", vec!["see the old doctor", "see new doctor"], vec!["see my doctor"]),
        ("I'm (out|done)", vec!["i am out"], vec!["i out"]),
        ("ask {provider}'s office [now]", vec!["ask doctor patel office now"], vec!["ask office"]),
    ] {
        for said in fits {
            assert!(fit(template, said, false).is_some(), "{template} must fit {said}");
        }
        for said in not {
            assert!(fit(template, said, false).is_none(), "{template} must not fit {said}");
        }
    }
}

#[test]
fn literal_words_win_over_slots() {
    let fit = fit("is [my] {medicine} [order] ready", "is my blue pill order ready", false).expect("fits");
    assert_eq!(fit.slots, [(0, 2, 4)]);
    assert_eq!(fit.points, 4 * WORD + 10);
}

#[test]
fn a_beginning_can_be_taken_off() {
    assert_eq!(fit("(hey|ok) [there] you", "hey there you help me", true).map(|f| f.end), Some(3));
    assert_eq!(fit("(hey|ok) [there] you", "help me", true), None);
}

#[test]
fn mistakes_are_told() {
    for (bad, what) in [
        ("<nothing>", "there is no rule"),
        ("<loop>", "contains itself"),
        ("[a] [b]", "when nothing is said"),
        ("", "when nothing is said"),
        ("x{slot}", "touches a word"),
        ("(a;b;c;d;e;f)", "in any order"),
        ("a[a|b|c|d][a|b|c|d][a|b|c|d][a|b|c|d]", "too many ways"),
    ] {
        let error = compile(bad, &rules(), &mut Vocabulary::default()).expect_err(bad);
        assert!(error.contains(what), "{bad}: {error}");
    }
}

#[test]
fn many_variants_stay_cheap() {
    // 3^60 sentences, a few hundred states.
    let template = format!("{} z", "[a|b] ".repeat(60));
    let said = "a ".repeat(60) + "z";
    let begun = std::time::Instant::now();
    assert!(fit(&template, &said, false).is_some());
    assert!(fit(&template, &"b ".repeat(200), false).is_none());
    assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    let bomb = format!("{}a{}", "(a;".repeat(20), ")".repeat(20));
    assert!(compile(&bomb, &rules(), &mut Vocabulary::default()).is_err() || bomb.len() < 200);
}

proptest! {
    #[test]
    fn any_template_compiles_or_is_refused_and_any_words_are_read(
        text in "([a-c]|\\[|\\]|\\(|\\)|\\||;|\\{s\\}|<my>|<deep>| ){0,24}",
        said in prop::collection::vec(prop::sample::select(&["a", "b", "c", "my", "new"][..]), 0..8),
    ) {
        let mut vocabulary = Vocabulary::default();
        if let Ok(pattern) = compile(&text, &rules(), &mut vocabulary) {
            let said: Vec<u32> = said.iter().map(|w| vocabulary.number(w)).collect();
            if let Some(fit) = pattern.fit(&said, &mut Anything(Vec::new()), &mut Scratch::default(), false) {
                prop_assert_eq!(fit.end, said.len());
                prop_assert!(fit.slots.iter().all(|s| s.1 < s.2));
            }
        }
    }
}

#[test]
fn hostile_templates_are_refused_or_cheap() {
    // Each rule doubles the one below it: two to the thirty ways to write one word.
    let mut rules = Rules::new();
    rules.insert("r0".into(), template::parse("(a|b)").expect("parses"));
    for n in 1..31 {
        let text = format!("(<r{}>|<r{}>)", n - 1, n - 1);
        rules.insert(format!("r{n}"), template::parse(&text).expect("parses"));
    }
    for hostile in ["x<r30>", "<r30> y", "x<r30>y <r29>"] {
        assert!(compile(hostile, &rules, &mut Vocabulary::default()).is_err(), "{hostile}");
    }
    let mut chain = Rules::new();
    for n in 0..2000 {
        chain.insert(format!("r{n}"), template::parse(&format!("a <r{}>", n + 1)).expect("parses"));
    }
    chain.insert("r2000".into(), template::parse("a").expect("parses"));
    assert!(compile("<r0>", &chain, &mut Vocabulary::default()).is_err_and(|e| e.contains("deep")));
    assert!(!leads_back("r0", &chain));
    chain.insert("r2000".into(), template::parse("<r7>").expect("parses"));
    assert!(leads_back("r7", &chain) && leads_back("r1999", &chain));
    // As long as a template may be, in every shape.
    for part in ["(a|b) ", "[a] ", "(a;b) ", "({s}|{s} a) ", "[[[a]]] ", "a[b][c] "] {
        let long: String = part.repeat(4096 / part.len());
        let began = std::time::Instant::now();
        if let Ok(pattern) = compile(
            &format!("z {}", long.get(..long.len() - 2).unwrap_or("")),
            &Rules::new(),
            &mut Vocabulary::default(),
        ) {
            let words = vec![UNKNOWN; 120];
            pattern.fit(&words, &mut Nothing, &mut Scratch::default(), false);
        }
        assert!(began.elapsed().as_secs() < 5, "{part}");
    }
}

struct Nothing;

impl Values for Nothing {
    fn candidates(&mut self, _: &SlotUse, _: usize) -> &[Candidate] {
        &[]
    }
}
