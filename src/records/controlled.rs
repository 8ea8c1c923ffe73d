//! Controlled substances (United States, DEA schedules II to V), by ingredient.
//!
//! FHIR R4 prescriptions do not say so themselves. Used in one direction only: a medicine named here always
//! goes to its prescriber. One that is missing here is still renewed by a prescription with refills, which a
//! pharmacist fills or refuses.

use super::brands;

/// Ingredients, lower case: 21 CFR 1308.12 to 1308.15; nothing of schedule I is prescribed. Those of schedule IV were looked up
/// in its text of November 2024, the others were not compared line by line. A name too many sends a renewal to its
/// prescriber, and no more.
const INGREDIENTS: [&str; 109] = [
    "alfentanil",
    "alprazolam",
    "amobarbital",
    "amphetamine",
    "armodafinil",
    "benzhydrocodone",
    "benzphetamine",
    "brexanolone",
    "brivaracetam",
    "bromazepam",
    "buprenorphine",
    "butabarbital",
    "butalbital",
    "butorphanol",
    "carisoprodol",
    "cenobamate",
    "chloral",
    "chlordiazepoxide",
    "clobazam",
    "clonazepam",
    "clorazepate",
    "cocaine",
    "codeine",
    "daridorexant",
    "dexmethylphenidate",
    "dextroamphetamine",
    "diazepam",
    "diethylpropion",
    "difenoxin",
    "dihydrocodeine",
    "diphenoxylate",
    "dronabinol",
    "eluxadoline",
    "esketamine",
    "estazolam",
    "eszopiclone",
    "ethchlorvynol",
    "ezogabine",
    "fentanyl",
    "fluoxymesterone",
    "flurazepam",
    "fospropofol",
    "ganaxolone",
    "halazepam",
    "hydrocodone",
    "hydromorphone",
    "ketamine",
    "lacosamide",
    "lasmiditan",
    "lemborexant",
    "levorphanol",
    "lisdexamfetamine",
    "lorazepam",
    "lorcaserin",
    "lormetazepam",
    "mazindol",
    "meperidine",
    "mephobarbital",
    "meprobamate",
    "methadone",
    "methamphetamine",
    "methohexital",
    "methylphenidate",
    "methyltestosterone",
    "midazolam",
    "modafinil",
    "morphine",
    "nabilone",
    "nandrolone",
    "nitrazepam",
    "oliceridine",
    "opium",
    "oxandrolone",
    "oxazepam",
    "oxybate",
    "oxycodone",
    "oxymetholone",
    "oxymorphone",
    "paraldehyde",
    "pemoline",
    "pentazocine",
    "pentobarbital",
    "perampanel",
    "phendimetrazine",
    "phenobarbital",
    "phentermine",
    "prazepam",
    "pregabalin",
    "propoxyphene",
    "quazepam",
    "remifentanil",
    "remimazolam",
    "secobarbital",
    "serdexmethylphenidate",
    "sibutramine",
    "solriamfetol",
    "stanozolol",
    "sufentanil",
    "suvorexant",
    "tapentadol",
    "temazepam",
    "testosterone",
    "thiopental",
    "tramadol",
    "triazolam",
    "zaleplon",
    "zolpidem",
    "zopiclone",
    "zuranolone",
];

/// Whether any word of the name is a controlled ingredient, or a trade name of one.
#[must_use]
pub fn is(name: &str) -> bool {
    let named = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|word| INGREDIENTS.iter().any(|ingredient| word.eq_ignore_ascii_case(ingredient)))
    };
    named(name) || brands::ingredients(name).any(named)
}

#[cfg(test)]
mod tests {
    #[test]
    fn by_ingredient_not_by_part_of_a_word() {
        assert!(super::is("Zolpidem tartrate 5 MG Oral Tablet"));
        assert!(super::is("acetaminophen and codeine"));
        for name in [
            "Ambien 5 mg tablet",
            "XANAX",
            "hydrocodone-acetaminophen (NORCO)",
            "Sunosi",
            "solriamfetol",
            "daridorexant",
        ] {
            assert!(super::is(name), "{name}");
        }
        assert!(!super::is("Zestril 10 mg"));
        assert!(!super::is("lisinopril"));
        assert!(!super::is("apomorphine"));
    }
}
