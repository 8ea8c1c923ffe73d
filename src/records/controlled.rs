//! Controlled substances (United States, DEA schedules II to V), by ingredient.
//!
//! FHIR R4 prescriptions do not say so themselves. Used in one direction only: a medicine named here always
//! goes to its prescriber. One that is missing here is still renewed by a prescription with refills, which a
//! pharmacist fills or refuses.

/// Ingredients, lower case.
const INGREDIENTS: [&str; 61] = [
    "alprazolam",
    "amphetamine",
    "armodafinil",
    "brivaracetam",
    "buprenorphine",
    "butalbital",
    "butorphanol",
    "carisoprodol",
    "cenobamate",
    "chlordiazepoxide",
    "clobazam",
    "clonazepam",
    "clorazepate",
    "codeine",
    "dexmethylphenidate",
    "dextroamphetamine",
    "diazepam",
    "diphenoxylate",
    "dronabinol",
    "eluxadoline",
    "estazolam",
    "eszopiclone",
    "fentanyl",
    "flurazepam",
    "hydrocodone",
    "hydromorphone",
    "ketamine",
    "lacosamide",
    "lasmiditan",
    "lemborexant",
    "levorphanol",
    "lisdexamfetamine",
    "lorazepam",
    "meperidine",
    "meprobamate",
    "methadone",
    "methamphetamine",
    "methylphenidate",
    "methyltestosterone",
    "midazolam",
    "modafinil",
    "morphine",
    "nabilone",
    "oxandrolone",
    "oxazepam",
    "oxybate",
    "oxycodone",
    "oxymorphone",
    "pentazocine",
    "perampanel",
    "phenobarbital",
    "phentermine",
    "pregabalin",
    "suvorexant",
    "tapentadol",
    "temazepam",
    "testosterone",
    "tramadol",
    "triazolam",
    "zaleplon",
    "zolpidem",
];

/// Whether any word of the name is a controlled ingredient.
#[must_use]
pub fn is(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric())
        .any(|word| INGREDIENTS.iter().any(|ingredient| word.eq_ignore_ascii_case(ingredient)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn by_ingredient_not_by_part_of_a_word() {
        assert!(super::is("Zolpidem tartrate 5 MG Oral Tablet"));
        assert!(super::is("acetaminophen and codeine"));
        assert!(!super::is("lisinopril"));
        assert!(!super::is("apomorphine"));
    }
}
