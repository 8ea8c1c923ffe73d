//! What the fuzz target tries for minutes is tried here for a moment: its seeds, and what comes of changing them.

use proptest::{prelude::*, test_runner::RngSeed};
use wellspoken::{channels::mllp as frame, fleet::adt, policy};

#[path = "../../../fuzz/entry.rs"]
mod entry;

/// The target's seeds, in the order of their names.
fn seeds() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/adt");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("seeds").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).expect("read")).collect()
}

#[test]
fn the_seeds_hold() {
    let seeds = seeds();
    assert!(seeds.len() > 10);
    seeds.iter().for_each(|seed| entry::take(seed));
}

proptest! {
    // The same changes each time: what is new is for the fuzzer to find.
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn what_comes_of_the_seeds_holds(
        seed in 0usize..64, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<Option<u8>>()), 0..6), cut in any::<prop::sample::Index>()
    ) {
        let seeds = seeds();
        let mut bytes = seeds[seed % seeds.len()].clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            match byte {
                Some(byte) => bytes[place] = byte,
                None => { let again = bytes[place..].to_vec(); bytes.extend(again.iter().take(80)); }
            }
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        entry::take(&bytes);
    }
}
