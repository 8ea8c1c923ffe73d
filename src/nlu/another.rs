//! Whether a request is about somebody else than whoever speaks: "my husband's metformin", "when is mom's visit".
//!
//! Invariant: pure, and over the words alone. It errs towards somebody else where a thing of a record is named as theirs,
//! and towards the speaker where a relative only comes along ("my daughter drives me, so when is my visit").

use super::words::{self, Word};

/// Who is somebody else wherever they are named.
const KIN: &str = "mom moms mommy mum mums mummy mama dad dads daddy papa grandma grandmas grandpa grandpas granny grandmother \
    grandfather granddad nana hubby husband husbands wife wives son sons daughter daughters mother mothers father fathers \
    sister sisters brother brothers grandson grandsons granddaughter granddaughters grandkids grandchild grandchildren aunt \
    aunts auntie uncle uncles niece nieces nephew nephews cousin cousins stepson stepdaughter stepmother stepfather fiance \
    fiancee girlfriend boyfriend";
/// Who is somebody else after "my", "our", "the" and the like.
const NEAR: &str = "baby babys kid kids child childs children boy boys girl girls toddler infant newborn partner partners \
    spouse spouses parent parents folks neighbor neighbors friend friends roommate roommates ex twin twins missus boss";
/// What stands before them.
const OWNERS: &str = "my our the his her their another other";
/// What may stand between "my" and them.
const BESIDES: &str =
    "late dear old older oldest young younger youngest little big poor sick other ex former step elder";
/// What is in a record, or is asked about one.
const OF_A_RECORD: &str = "a1c account afib allergies allergy allergic antibiotic antibiotics appointment appointments biopsy bill \
    blood bloodwork booster bp breathing chart charts checkup checkups cholesterol condition conditions consult count counts data \
    diabetes diagnoses diagnosis discharge dosage dose doses file files fever folder glucose hba1c health heart heartbeat height \
    hemoglobin history illness immunization immunizations info information infusion injection insulin inhaler inhalers drops inr jab jabs kidneys lab \
    labs level levels list log med meds medication medications medicine medicines message messages mri number numbers operation \
    order orders oxygen pain panel permission pharmacy physical pill pills plan platelets potassium prescription prescriptions \
    pressure pressures procedure pulse reading readings record records referral refill refills reminder reminders report reports \
    result results rx saturation scan schedule script scripts shot shots sodium spo2 stats stay sugar sugars surgery tablet \
    tablets temp temperature test tests therapy thyroid treatment trend ultrasound urine vaccination vaccinations vaccine \
    vaccines visit visits vitals weight xray";
/// Who treats.
const CLINICIANS: &str = "cardiologist clinician dermatologist dentist doctor doctors gynecologist midwife neurologist nurse nurses \
    oncologist pediatrician pharmacist physician provider psychiatrist psychologist specialist surgeon team therapist urologist";
/// What ends what belongs to somebody.
const STOPS: &str = "i you he she it we they me my mine our is are was were am be been has have had do does did can could should \
    will would may might must and or but so because if when while who what where why how which that than then to for of in on \
    at out off up with from by about not says said told thinks here there coming \
    going getting feeling asking waiting";
/// What somebody has, and no record holds.
const NO_THINGS: &str = "day days birthday wedding house home phone car school work game";
/// What asks, in front of whom it asks about.
const AUXILIARIES: &str =
    "is was are were has have had does do did can could should will would may might must am isnt not";
/// What somebody has, takes or needs.
const HAVING: &str = "has have had needs need wants want takes take took taken taking missed misses skipped weighs weighed walked ran slept \
    ate drank drinks forgot lost gets got came keeps must should ought";
/// What somebody is.
const BEING: &str = "allergic on at down due running supposed out taking diagnosed scheduled booked";
/// What somebody else is entered with.
const ENTERING: &str =
    "put add remind like get book schedule sign set fit squeeze register enroll refer find bring gave give given check";
/// What follows whoever is entered.
const INTO: &str = "about in on up a an into to with for at down the her his their some";
/// What somebody does with a medicine themselves, whosever it is.
const TAKING: &str = "take took taken taking swallowed drank used tried borrowed";
/// A reading that went under the wrong name is taken out again by whoever it went to.
const MIXED_UP: [&str; 8] =
    ["mistake", "not mine", "off mine", "where mine", "under mine", "under my name", "in my record", "on mine"];
/// Months that are names too.
const MONTHS: &str = "april may june august";

fn is(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// One mention of somebody else, by the numbers of the words.
struct Mention {
    /// Where it starts: at "my".
    start: usize,
    /// After its last word.
    end: usize,
    /// Said as the owner of what follows.
    owns: bool,
}

/// Whether a request is about somebody else. `things` are the words that the request's slots were filled with, `names` tells
/// first names.
#[must_use]
pub fn is_about_another(text: &str, things: &[&str], names: &dyn Fn(&str) -> bool) -> bool {
    let said = words::words(text);
    let words: Vec<&str> = said.iter().map(|word| word.text.as_str()).collect();
    let whole = format!(" {} ", words.join(" "));
    let has = |part: &str| whole.contains(&format!(" {part} "));
    // What one has to remember oneself, and what only went under the wrong name.
    if has("remind me to") || has("reminder to") || MIXED_UP.iter().any(|part| has(part)) {
        return false;
    }
    let things: Vec<String> = things.iter().flat_map(|thing| words::words(thing)).map(|word| word.text).collect();
    let sentence = Sentence { text, said: &said, words: &words, things: &things };
    let mentions = sentence.mentions();
    sentence.named(names)
        || sentence.pronouns(!mentions.is_empty())
        || mentions.iter().any(|mention| sentence.is_meant(mention))
}

struct Sentence<'a> {
    text: &'a str,
    said: &'a [Word],
    words: &'a [&'a str],
    things: &'a [String],
}

impl Sentence<'_> {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).copied().unwrap_or_default()
    }

    fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.word(at))
    }

    /// Whether a word is written as an owner: "mom's", "the boys'".
    fn owns(&self, at: usize) -> bool {
        let raw = self.said.get(at).and_then(|word| self.text.get(word.start..word.end)).unwrap_or_default();
        let raw = raw.to_lowercase().replace('’', "'");
        raw.ends_with("'s") || raw.ends_with("s'")
    }

    fn mentions(&self) -> Vec<Mention> {
        let mut all = Vec::new();
        for at in 0..self.words.len() {
            let mut start = at;
            while start > 0 && is(BESIDES, self.before(start, 1)) {
                start -= 1;
            }
            let owned = start > 0 && is(OWNERS, self.before(start, 1));
            let other = self.word(at) == "else" && is("someone somebody anyone anybody", self.before(at, 1))
                || is("person patient patients", self.word(at)) && is("another other", self.before(at, 1))
                || self.word(at) == "one" && self.before(at, 1) == "little" && owned;
            // "My baby sister" is one of them, named once.
            let more = is(KIN, self.word(at + 1));
            if !(is(KIN, self.word(at)) || (owned && is(NEAR, self.word(at))) || other) || more {
                continue;
            }
            if owned || other {
                start = start.saturating_sub(1);
            }
            let law = self.word(at + 1) == "in" && is("law laws", self.word(at + 2));
            let end = if law { at + 3 } else { at + 1 };
            all.push(Mention { start, end, owns: self.owns(end - 1) });
        }
        all
    }

    /// The thing of a record among what follows, before anything else begins.
    fn thing(&self, from: usize) -> Option<usize> {
        let near = (from..from + 4).take_while(|at| {
            let word = self.word(*at);
            !word.is_empty() && !is(STOPS, word) && !is(NO_THINGS, word) && !is(HAVING, word)
        });
        near.into_iter().find(|at| {
            let word = self.word(*at);
            is(OF_A_RECORD, word) || self.things.iter().any(|thing| thing == word)
        })
    }

    /// "My", where it is not the "my" of somebody else.
    fn own(&self) -> impl Iterator<Item = usize> {
        let taken: Vec<usize> = self.mentions().iter().flat_map(|mention| mention.start..mention.end).collect();
        (0..self.words.len()).filter(move |at| is("my mine myself", self.word(*at)) && !taken.contains(at))
    }

    fn says_me(&self) -> bool {
        (0..self.words.len()).any(|at| {
            is("me us", self.word(at))
                && !is("tell give show remind get let for read book find help", self.before(at, 1))
        })
    }

    /// "I", but for what only begins a request.
    fn says_i(&self) -> bool {
        const ASKING: &str = "think guess gave need want would wonder wondered like know hope believe";
        const GETTING: &str = "get have see know make book schedule refill ask order find check";
        (0..self.words.len()).any(|at| {
            let asks = is(ASKING, self.word(at + 1))
                || (is("can could may should do did", self.before(at, 1)) && is(GETTING, self.word(at + 1)))
                || (is("am was", self.word(at + 1)) && is("calling asking wondering", self.word(at + 2)));
            self.word(at) == "i" && !asks
        })
    }

    fn is_meant(&self, mention: &Mention) -> bool {
        let Mention { start, end, owns } = *mention;
        let mine = self.own().next().is_some();
        let (me, i) = (self.says_me(), self.says_i());
        // "My wife's diagnosis", and "my husband sugar" as it is often heard.
        if let Some(at) = self.thing(end) {
            let taken = (1..=4).any(|back| is(TAKING, self.before(start, back))) && self.words.contains(&"i");
            let insurance = is("plan", self.word(at));
            return !taken && !(insurance && (mine || me || i));
        }
        let with = || is("with see seeing like", self.before(start, 1));
        if owns && is(CLINICIANS, self.word(end)) && !with() {
            return true;
        }
        // "Is it my husband's?" owns something that is no thing of a record.
        let other_thing = owns && !self.word(end).is_empty() && !is(STOPS, self.word(end));
        let (lead, after) = (self.before(start, 1), self.word(end));
        let beside = after == "and" && self.word(end + 1) == "i";
        if is(AUXILIARIES, lead) && !(mine || me || beside || other_thing) && after != "due" {
            return true;
        }
        if is("for after of about", lead) && !other_thing && !mine {
            let of_a_thing = || (0..start).any(|at| is(OF_A_RECORD, self.word(at)));
            let care = || is("looking caring care look", self.before(start, 2));
            if lead == "for" || care() || (lead == "of" && of_a_thing()) || (lead == "about" && !me && !i) {
                return true;
            }
        }
        if mine || me {
            return false;
        }
        if is(ENTERING, lead) && is(INTO, after) {
            return true;
        }
        let on_the_way = || (end..end + 4).any(|at| self.word(at) == "way");
        // "Dad's at 145" and "mom needs a ride" tell of them; "my wife has a cold, when can I come" does not.
        let tells = is(HAVING, after) || is("is was would will does did", after) || (owns && is(BEING, after));
        let being = !is("is was", after) || is(BEING, self.word(end + 1));
        tells && being && !i && !on_the_way()
    }

    /// "Her results", where nobody who treats was named.
    fn pronouns(&self, somebody: bool) -> bool {
        let treated = self.words.iter().any(|word| is(CLINICIANS, word));
        (0..self.words.len()).any(|at| {
            // "My boy and his sister" own what follows them, not "his".
            is("his her hers their", self.word(at))
                && self.thing(at + 1).is_some()
                && self.own().next().is_none()
                && (somebody || !(treated || self.says_me() || self.says_i()))
        })
    }

    /// "Maria's allergies"; a clinician's name stands behind "doctor".
    fn named(&self, names: &dyn Fn(&str) -> bool) -> bool {
        (0..self.words.len()).any(|at| {
            let word = self.word(at);
            let titled = is(CLINICIANS, self.before(at, 1)) || is(CLINICIANS, self.before(at, 2));
            let of_a_day = is(MONTHS, word);
            let asked = || is(AUXILIARIES, self.before(at, 1)) && is("allergic diagnosed", self.word(at + 1));
            let owns = || self.owns(at) && self.thing(at + 1).is_some();
            !titled && !of_a_day && (owns() || asked()) && names(word)
        })
    }
}

#[cfg(test)]
mod tests;
