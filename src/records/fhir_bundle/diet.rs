//! NutritionOrders, and what else of the record bears on food.
//!
//! Read is what is coded or named; free text (an instruction, a note) is not understood here, and an order that has some is
//! told to hold something unread. Orders that are not in force, and proposals, are left out, unless they forbid all food.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Book, dates,
    resources::{Annotation, Concept, Period, Quantity, Reference, Resource},
};
use crate::records::diet::DietOrder;

/// `NutritionOrder`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NutritionOrder {
    pub id: Option<String>,
    status: Option<String>,
    intent: Option<String>,
    patient: Option<Reference>,
    #[serde(default)]
    allergy_intolerance: Vec<Reference>,
    #[serde(default)]
    food_preference_modifier: Vec<Concept>,
    #[serde(default)]
    exclude_food_modifier: Vec<Concept>,
    oral_diet: Option<OralDiet>,
    enteral_formula: Option<Value>,
    #[serde(default)]
    note: Vec<Annotation>,
    modifier_extension: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OralDiet {
    #[serde(default, rename = "type")]
    kind: Vec<Concept>,
    #[serde(default)]
    schedule: Vec<Schedule>,
    #[serde(default)]
    nutrient: Vec<Nutrient>,
    #[serde(default)]
    texture: Vec<Texture>,
    #[serde(default)]
    fluid_consistency_type: Vec<Concept>,
    instruction: Option<String>,
}

#[derive(Deserialize)]
struct Schedule {
    repeat: Option<Repeat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repeat {
    bounds_period: Option<Period>,
    bounds_duration: Option<Value>,
    bounds_range: Option<Value>,
}

#[derive(Deserialize)]
struct Nutrient {
    modifier: Option<Concept>,
    amount: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Texture {
    modifier: Option<Concept>,
    food_type: Option<Concept>,
}

pub fn orders(book: &mut Book<'_>) -> Vec<DietOrder> {
    let mut found = Vec::new();
    for resource in book.resources() {
        let Resource::NutritionOrder(order) = resource else { continue };
        match read(book, order) {
            Ok(order) => {
                book.read("NutritionOrder");
                found.push(DietOrder { origin: book.origin(resource), ..order });
            }
            Err(reason) => book.unusable("NutritionOrder", reason),
        }
    }
    // An allergy that names nothing may be to anything.
    let unnamed = |resource: &Resource| {
        let Resource::AllergyIntolerance(allergy) = resource else { return false };
        let wrong = allergy.verification_status.as_ref().is_some_and(|c| c.has("entered-in-error") || c.has("refuted"));
        allergy.code.words().is_none() && !wrong && book.concerns_patient(allergy.patient.as_ref())
    };
    if book.resources().any(unnamed) {
        found.push(DietOrder { unread: true, ..DietOrder::default() });
    }
    found
}

fn read(book: &Book<'_>, order: &NutritionOrder) -> Result<DietOrder, &'static str> {
    if !book.concerns_patient(order.patient.as_ref()) {
        return Err("about somebody else");
    }
    let known = match order.status.as_deref() {
        Some("active") => true,
        Some("draft" | "on-hold" | "revoked" | "completed" | "entered-in-error") => return Err("not in force"),
        _ => false,
    };
    let mut told = DietOrder { unread: !known, ..DietOrder::default() };
    told.names(&order.food_preference_modifier);
    for food in &order.exclude_food_modifier {
        match food.words() {
            Some(words) => told.without.push(words.to_owned()),
            None => told.unread = true,
        }
    }
    match &order.oral_diet {
        Some(diet) => told.oral(diet),
        // Fed by tube: whether anything goes by mouth besides is not told.
        None if order.enteral_formula.is_some() => told.unread = true,
        None => return Err("no diet by mouth"),
    }
    let notes = order.note.iter().filter_map(|note| note.text.as_deref());
    let instruction = order.oral_diet.iter().filter_map(|diet| diet.instruction.as_deref());
    for text in notes.chain(instruction).filter(|text| !text.trim().is_empty()) {
        told.unread = true;
        told.nothing |= forbids_all(text);
    }
    told.unread |= order.modifier_extension.is_some();
    told.unread |= order.allergy_intolerance.iter().any(|allergy| book.find(allergy).is_none());
    told.nothing |= told.named.iter().any(|name| forbids_all(name));
    let only_proposed = matches!(order.intent.as_deref(), Some("proposal" | "plan" | "option"));
    if only_proposed && !told.nothing {
        return Err("only proposed");
    }
    Ok(told)
}

impl DietOrder {
    fn names(&mut self, concepts: &[Concept]) {
        for concept in concepts {
            match concept.words() {
                Some(words) => self.named.push(words.to_owned()),
                None => self.unread = true,
            }
        }
    }

    fn oral(&mut self, diet: &OralDiet) {
        self.names(&diet.kind);
        self.names(&diet.fluid_consistency_type);
        for nutrient in &diet.nutrient {
            let amount = nutrient.amount.as_ref().map(|amount| {
                let unit = amount.unit.as_deref().or(amount.code.as_deref())?;
                Some(format!(" {} {unit}", amount.value.as_ref()?))
            });
            match (nutrient.modifier.as_ref().and_then(Concept::words), amount) {
                (Some(words), None) => self.named.push(words.to_owned()),
                (Some(words), Some(Some(amount))) => self.named.push(format!("{words}{amount}")),
                _ => self.unread = true,
            }
        }
        for texture in &diet.texture {
            let food = texture.food_type.as_ref().map(Concept::words);
            match (texture.modifier.as_ref().and_then(Concept::words), food) {
                (Some(words), None) => self.named.push(words.to_owned()),
                (Some(words), Some(Some(food))) => self.named.push(format!("{words} {food}")),
                _ => self.unread = true,
            }
        }
        self.unread |= self.named.is_empty();
        self.times(&diet.schedule);
    }

    /// From the first beginning to the last end.
    fn times(&mut self, schedules: &[Schedule]) {
        let (mut from, mut until) = (vec![], vec![]);
        for schedule in schedules {
            let repeat = schedule.repeat.as_ref();
            self.unread |= repeat.is_some_and(|r| r.bounds_duration.is_some() || r.bounds_range.is_some());
            let period = repeat.and_then(|repeat| repeat.bounds_period.as_ref());
            let mut moment = |text: Option<&String>| {
                let read = text.map(|text| dates::moment(text));
                self.unread |= read == Some(None);
                read.flatten()
            };
            from.push(moment(period.and_then(|period| period.start.as_ref())));
            until.push(moment(period.and_then(|period| period.end.as_ref())));
        }
        let all =
            |times: Vec<Option<jiff::Timestamp>>| times.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
        (self.from, self.until) = (all(from).into_iter().min(), all(until).into_iter().max());
    }
}

/// Whether words say that nothing goes by mouth, for whatever time.
fn forbids_all(text: &str) -> bool {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    let said = |phrase: &[&str]| words.windows(phrase.len()).any(|there| there.iter().zip(phrase).all(|(a, b)| a == b));
    let nothing = ["nothing", "nil", "non", "none"].into_iter();
    let ways =
        nothing.flat_map(|no| ["by", "per"].into_iter().flat_map(move |by| ["mouth", "os"].map(|os| [no, by, os])));
    said(&["npo"]) || said(&["nbm"]) || said(&["n", "p", "o"]) || ways.into_iter().any(|way| said(&way))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::parse;
    use crate::records::diet::DietOrder;

    fn read(orders: &[Value], allergy: Option<Value>) -> Vec<DietOrder> {
        let me = json!({ "reference": "Patient/p" });
        let mut entry = vec![json!({ "resource": {
            "resourceType": "Patient", "id": "p", "birthDate": "1950-01-01", "name": [{ "given": ["Ann"], "family": "Lee" }]
        } })];
        let kinds = orders
            .iter()
            .map(|order| ("NutritionOrder", order))
            .chain(allergy.iter().map(|a| ("AllergyIntolerance", a)));
        for (n, (kind, order)) in kinds.enumerate() {
            let mut resource = json!({ "resourceType": kind, "id": n.to_string(), "patient": me, "status": "active", "intent": "order" });
            for (name, value) in order.as_object().expect("fields") {
                resource[name] = value.clone();
            }
            entry.push(json!({ "resource": resource }));
        }
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entry });
        parse(bundle.to_string().as_bytes()).expect("a chart").diet
    }

    #[test]
    fn what_an_order_says_is_read_and_what_is_not_understood_is_told() {
        let diet = |more: Value| {
            let mut diet = json!({ "type": [{ "text": "cardiac diet" }] });
            for (name, value) in more.as_object().expect("fields") {
                diet[name] = value.clone();
            }
            json!({ "oralDiet": diet })
        };
        let with = |mut order: Value, name: &str, value: Value| {
            order[name] = value;
            order
        };
        let cardiac = diet(json!({}));
        // name, order; how many names, nothing by mouth, unread; `None`: it does not count
        for (name, order, want) in [
            ("a diet", cardiac.clone(), Some((1, false, false))),
            (
                "by its code's name",
                json!({ "oralDiet": { "type": [{ "coding": [{ "display": "Low fat diet" }] }] } }),
                Some((1, false, false)),
            ),
            (
                "a code alone",
                json!({ "oralDiet": { "type": [{ "coding": [{ "code": "1" }] }] } }),
                Some((0, false, true)),
            ),
            ("nothing named", json!({ "oralDiet": {} }), Some((0, false, true))),
            (
                "soft and thick",
                diet(
                    json!({ "texture": [{ "modifier": { "text": "pureed" }, "foodType": { "text": "meat" } }], "fluidConsistencyType": [{ "text": "honey thick" }] }),
                ),
                Some((3, false, false)),
            ),
            (
                "so much salt",
                diet(
                    json!({ "nutrient": [{ "modifier": { "text": "sodium" }, "amount": { "value": 2, "unit": "g" } }] }),
                ),
                Some((2, false, false)),
            ),
            (
                "salt by no number",
                diet(json!({ "nutrient": [{ "modifier": { "text": "sodium" }, "amount": { "unit": "g" } }] })),
                Some((1, false, true)),
            ),
            ("words", diet(json!({ "instruction": "small portions" })), Some((1, false, true))),
            ("a note", with(cardiac.clone(), "note", json!([{ "text": "Npo after midnight" }])), Some((1, true, true))),
            ("nothing by mouth", json!({ "oralDiet": { "type": [{ "text": "NPO" }] } }), Some((1, true, false))),
            (
                "the same told otherwise",
                json!({ "oralDiet": { "type": [{ "text": "Nil by mouth (regime)" }] } }),
                Some((1, true, false)),
            ),
            (
                "planned",
                with(json!({ "oralDiet": { "type": [{ "text": "NPO" }] } }), "intent", json!("plan")),
                Some((1, true, false)),
            ),
            ("a diet that is planned", with(cardiac.clone(), "intent", json!("plan")), None),
            ("over", with(cardiac.clone(), "status", json!("completed")), None),
            ("on hold", with(cardiac.clone(), "status", json!("on-hold")), None),
            ("of a status nobody knows", with(cardiac.clone(), "status", json!("unknown")), Some((1, false, true))),
            ("somebody else's", with(cardiac.clone(), "patient", json!({ "reference": "Patient/q" })), None),
            (
                "an allergy that is not here",
                with(cardiac.clone(), "allergyIntolerance", json!([{ "reference": "AllergyIntolerance/9" }])),
                Some((1, false, true)),
            ),
            ("by tube", json!({ "enteralFormula": {} }), Some((0, false, true))),
            ("with a supplement alone", json!({ "supplement": [] }), None),
            (
                "from no day",
                diet(json!({ "schedule": [{ "repeat": { "boundsPeriod": { "start": "soon" } } }] })),
                Some((1, false, true)),
            ),
        ] {
            let told = read(&[order], None);
            let told = told.first().map(|one| (one.named.len(), one.nothing, one.unread));
            assert_eq!(told, want, "{name}");
        }
        let times = read(
            &[diet(
                json!({ "schedule": [{ "repeat": { "boundsPeriod": { "start": "2026-12-01T08:00:00Z", "end": "2026-12-02T08:00:00Z" } } }] }),
            )],
            None,
        );
        assert_eq!(times[0].from.map(|at| at.to_string()).as_deref(), Some("2026-12-01T08:00:00Z"));
        assert_eq!(times[0].until.map(|at| at.to_string()).as_deref(), Some("2026-12-02T08:00:00Z"));
    }

    #[test]
    fn an_allergy_without_a_name_is_noticed() {
        for (allergy, noticed) in [
            (json!({}), true),
            (json!({ "code": { "text": "peanut" } }), false),
            (json!({ "verificationStatus": { "coding": [{ "code": "entered-in-error" }] } }), false),
        ] {
            assert_eq!(read(&[], Some(allergy)).iter().any(|one| one.unread), noticed);
        }
    }
}
