//! The sentence network, and what is kept between starts.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use wellspoken::{
    app::understanding,
    nlu::{
        By, Context, Engine,
        catalogue::Catalogue,
        embed::{Embedder, LAYERS, WIDTH, likeness},
        shelf::{CLASSIFIER, Shelf, VECTORS},
    },
    policy::NameLists,
};

use super::{ENGINE, monday};
use crate::support::models_dir;

fn embedder() -> Embedder {
    understanding::embedder(&models_dir()).unwrap_or_else(|e| panic!("run: make models ({e})"))
}

fn like(network: &Embedder, a: &str, b: &str) -> f32 {
    let embed = |text| network.embed(text).expect("the network runs");
    likeness(&embed(a), &embed(b))
}

/// The likenesses that the network's authors show beside it; eight bits a weight move the second digit.
#[test]
fn likenesses_are_the_published_ones() {
    let network = embedder();
    for (other, published) in
        [("That is a happy dog", 0.695), ("That is a very happy person", 0.943), ("Today is a sunny day", 0.257)]
    {
        let found = like(&network, "That is a happy person", other);
        assert!((found - published).abs() < 0.02, "{other}: {found}");
    }
}

#[test]
fn paraphrases_are_nearer_than_strangers() {
    let network = embedder();
    for (said, same, other) in [
        ("i am running out of my pills", "i need a refill of my medication", "what is the weather like tomorrow"),
        ("when do i see the doctor next", "what time is my appointment", "how tall is mount everest"),
        ("can somebody come to my room", "please send a nurse", "what did my blood test show"),
    ] {
        let (near, far) = (like(&network, said, same), like(&network, said, other));
        assert!(near > far + 0.1, "“{said}”: {near} to “{same}”, {far} to “{other}”");
    }
}

#[test]
fn a_sentence_comes_out_the_same_alone_and_among_others() {
    let network = embedder();
    let texts: Vec<String> =
        ["hello", "renew my pills", "book a visit", "", "Ünïcödé — 中 🙂", "renew my pills"].map(Into::into).into();
    let all = network.embed_all(&texts, &|_, _| {}).expect("the network runs");
    for (text, row) in texts.iter().zip(&all) {
        assert_eq!(row.len(), WIDTH * LAYERS);
        assert!((likeness(row, row) - 1.0).abs() < 1e-3);
        let alone = network.embed(text).expect("the network runs");
        assert!(likeness(row, &alone) > 0.9999, "{text:?}");
    }
    assert_eq!(all[1], all[5]);
}

#[test]
fn other_files_are_no_network() {
    assert!(Embedder::from_bytes(vec![0; 100], b"{}").is_err());
    assert!(Embedder::from_bytes(Vec::new(), b"").is_err());
}

/// Without the files it works, by words alone, and says which command mends it.
#[test]
fn without_the_network_words_alone_are_understood() {
    let nothing = tempfile::tempdir().expect("a folder");
    let catalogue = Arc::new(Catalogue::builtin().expect("sound"));
    let (engine, why) = understanding::engine(nothing.path(), catalogue).expect("learns");
    assert!(!engine.knows_meaning());
    assert!(why.is_some_and(|why| why.to_string().contains("wellspoken models get minilm")));
    let (zone, lists) = (TimeZone::UTC, NameLists::default());
    let ctx = Context { channel: "home", pending: None, lists: &lists, now: monday(), zone: &zone };
    assert_eq!(engine.understand("is my lisinopril ready", &ctx).intent, "prescription.status");
    assert_eq!(engine.understand("play some jazz", &ctx).intent, "dialogue.none");
}

#[test]
fn thresholds_are_sane() {
    let found = ENGINE.calibration();
    assert!(0.05 < found.maybe && found.maybe <= found.sure && found.sure < 1.0, "{found:?}");
}

fn small() -> Arc<Catalogue> {
    let intents: String = [("lamp.on", "switch on the lamp|light please"), ("kettle.on", "boil water|make tea")]
        .map(|(name, said)| {
            let said = said.replace('|', ", ");
            format!(
                "  {name}:\n    action: none\n    why: a test\n    data: public\n    effect: change\n    \
                 sentences: [{said}]\n"
            )
        })
        .concat();
    let file = format!("intents:\n{intents}");
    Arc::new(Catalogue::from_files([("en/home.yaml", file.as_str())]).expect("sound"))
}

/// What was kept is used; what is damaged or of something else is made again, and the same comes of it.
#[test]
fn what_was_kept_is_believed_only_whole() {
    let network = Arc::new(embedder());
    let kept: RefCell<HashMap<String, Vec<u8>>> = RefCell::default();
    let written: RefCell<Vec<String>> = RefCell::default();
    let shelf = Shelf {
        read: &|name| kept.borrow().get(name).cloned(),
        write: &|name, bytes| {
            written.borrow_mut().push(name.to_owned());
            kept.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        },
        progress: &|_, _| {},
    };
    let (zone, lists) = (TimeZone::UTC, NameLists::default());
    let ctx = Context { channel: "home", pending: None, lists: &lists, now: monday(), zone: &zone };
    let start = || {
        let engine = Engine::new(small(), Arc::clone(&network), &shelf).expect("learns");
        let got = engine.understand("could it be brighter in here", &ctx);
        assert_ne!(got.by, By::Sentence);
        (serde_json::to_string(&got).expect("json"), std::mem::take(&mut *written.borrow_mut()))
    };
    let (first, wrote) = start();
    let [vectors, classifier] = wrote.as_slice() else { panic!("{wrote:?}") };
    assert!(vectors == VECTORS && classifier.starts_with(CLASSIFIER), "{wrote:?}");
    assert_eq!(start(), (first.clone(), Vec::new()), "nothing changed, nothing is learned");
    let good = kept.borrow()[classifier].clone();
    for at in [0, 40, good.len() / 2, good.len() - 1] {
        kept.borrow_mut().get_mut(classifier).expect("kept")[at] ^= 0x10;
        assert_eq!(start(), (first.clone(), vec![classifier.clone()]), "byte {at}");
        assert_eq!(kept.borrow()[classifier], good);
    }
    kept.borrow_mut().insert(classifier.clone(), Vec::new());
    kept.borrow_mut().get_mut(VECTORS).expect("kept").truncate(500);
    assert_eq!(start(), (first, vec![VECTORS.to_owned(), classifier.clone()]));
}
