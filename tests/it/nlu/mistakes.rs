//! A catalogue's mistakes are told with file and line, all at once, and bad files are bounded.

use std::fs;

use wellspoken::nlu::catalogue::Catalogue;

/// An intent file up to its sentences.
const HEAD: &str = "domain: a\nrules:\n  my: \"[my|the]\"\nintents:\n  a.one:\n    action: a\n    data: public\n    \
                    effect: read\n    slots:\n      day: { type: date }\n    sentences:\n";

fn told(text: &str) -> String {
    let files = [("en/a.yaml", text), ("lists/l.yaml", "list: thing\nvalues:\n  tea: [chai]\n")];
    Catalogue::from_files(files).err().map_or_else(String::new, |e| e.to_string())
}

#[test]
fn each_mistake_is_told_with_its_line() {
    for (text, line, what) in [
        (format!("{HEAD}      - \"see <your> doctor\"\n"), 12, "there is no rule `<your>`"),
        (format!("{HEAD}      - \"see {{doctor}}\"\n"), 12, "`a.one` has no slot `{doctor}`"),
        (format!("{HEAD}      - \"see {{nothing:day}}\"\n"), 12, "there is no list `nothing`"),
        (format!("{HEAD}      - \"see (the doctor\"\n"), 12, "`(` is never closed (character 5)"),
        (format!("{HEAD}      - \"[see]\"\n"), 12, "when nothing is said"),
        (format!("{HEAD}      - \"one\"\n      - \"one\"\n"), 13, "the same sentence stands in line 12"),
        (HEAD.replace("    sentences:\n", ""), 6, "has no sentence"),
        (HEAD.replace("read", "write") + "      - x\n", 8, "unknown variant `write`"),
        (HEAD.replace("public", "secret") + "      - x\n", 7, "unknown variant `secret`"),
        (HEAD.replace("effect", "affect") + "      - x\n", 8, "affect"),
        (HEAD.replace("date", "data") + "      - x\n", 10, "unknown type or list `data`"),
        (HEAD.replace("type: date", "type: date, required: true") + "      - x\n", 10, "needs a `prompt`"),
        (HEAD.replace("action: a", "action: none") + "      - x\n", 6, "`action: none` needs a `why`"),
        (HEAD.replace("a.one", "b.one") + "      - x\n", 6, "is not of the domain `a`"),
        (HEAD.replace("a.one", "aone") + "      - x\n", 6, "an intent is named like"),
        (HEAD.replace("[my|the]", "[my|the") + "      - x\n", 3, "`[` is never closed"),
        (HEAD.replace("[my|the]", "a <my>") + "      - x\n", 3, "the rule `<my>` contains itself"),
        (format!("{HEAD}      - {{ say: x, requires: {{ channel: rom }} }}\n"), 12, "there is no channel `rom`"),
        (format!("{HEAD}      - {{ say: x, requires: {{ pending: a.two }} }}\n"), 12, "there is no `a.two`"),
        (format!("{HEAD}      - {{ say: x, slots: {{ night: 1 }} }}\n"), 12, "`a.one` has no slot `night`"),
        (format!("{HEAD}      - {{ say: x, when: 1 }}\n"), 12, "when"),
        (format!("{HEAD}      - {{ say: \"<your> x\" }}\n"), 12, "there is no rule `<your>`"),
        (format!("{HEAD}      - x\n      y: z\n"), 13, ""),
    ] {
        let told = told(&text);
        assert!(told.starts_with(&format!("en/a.yaml:{line}: ")), "wanted line {line} for {what}: {told}");
        assert!(told.contains(what), "wanted {what:?}: {told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told = told(&format!("{HEAD}      - \"see <your> doctor\"\n      - \"see {{doctor}}\"\n      - \"(\"\n"));
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn bombs_and_giants_are_refused() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\n";
    assert!(!told(bomb).is_empty());
    assert!(!told(&"[".repeat(100_000)).is_empty());
    assert!(!told(&"{a: ".repeat(50_000)).is_empty());
    let giant = format!("{HEAD}      - \"{}\"\n", "x".repeat(2 << 20));
    assert!(told(&giant).contains("larger than"), "a giant file must be refused by its size");
    let variants = format!("{HEAD}      - \"{} z\"\n", "(a b|c d|e f)".repeat(40));
    assert!(told(&variants).contains("too many"), "{}", told(&variants));
}

#[test]
fn folders_are_read_and_bad_files_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let missing = Catalogue::load(dir.path()).expect_err("nothing there").to_string();
    assert!(missing.contains("cannot read the folder"), "{missing}");
    for folder in ["en", "lists"] {
        fs::create_dir(dir.path().join(folder)).expect("made");
    }
    fs::write(dir.path().join("en/a.yaml"), format!("{HEAD}      - \"see the doctor {{day}}\"\n")).expect("written");
    assert!(Catalogue::load(dir.path()).is_ok());
    fs::write(dir.path().join("en/b.yaml"), b"domain: \xff\xfe").expect("written");
    let bad = Catalogue::load(dir.path()).expect_err("not UTF-8").to_string();
    assert!(bad.starts_with("en/b.yaml: is not UTF-8 text"), "{bad}");
    fs::write(dir.path().join("en/b.yaml"), "").expect("written");
    fs::write(dir.path().join("lists/l.yaml"), "list: l\n").expect("written");
    let empty = Catalogue::load(dir.path()).expect_err("an empty list").to_string();
    assert!(empty.contains("needs one of `values`"), "{empty}");
}

proptest::proptest! {
    #[test]
    fn any_yaml_is_read_or_refused(text in "[a-z:{}\\[\\]\"'|&*\\-\n ]{0,200}") {
        let _ = told(&text);
    }
}
