//! From text to what it tells. Never panics, whatever comes, and gives no value of the message in an error.

use std::collections::BTreeMap;

use hl7kit::{Message, Segment, Warning};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    Code, Event, Location, Patient, Trigger, When,
    ack::Header,
    time::{day, moment},
};

/// Identifier types that a family or an account may share (HL7 table 0203); they tell nobody apart.
const SHARED: [&str; 9] = ["MB", "SN", "FI", "AN", "VN", "PNT", "SS", "DL", "PPN"];
/// How far ahead a sender's clock may be before its times are taken for mistakes.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Longest identifier, name or number that is taken, in bytes.
const LONGEST: usize = 250;

/// What messages of one hospital leave unsaid.
#[derive(Debug, Clone)]
pub struct Customs {
    /// The clock of times without an offset.
    pub zone: TimeZone,
    /// The FHIR identifier system of each assigning authority, by its name in capitals: so that a number of the admission system is
    /// the number that records have.
    pub systems: BTreeMap<String, String>,
}

/// What came of reading a message.
pub struct Reading {
    /// To whom the answer goes.
    pub header: Header,
    /// What is told; `None` where it is nothing about who lies where.
    pub event: Option<Event>,
}

/// Why a message cannot be used. Names segment and field, never what stands there.
pub struct Unreadable {
    /// To whom the answer goes, as far as that can be told.
    pub header: Box<Header>,
    /// The code of the answer.
    pub code: Code,
    /// What is missing or wrong, such as `PID-3: no identifier`.
    pub what: &'static str,
}

/// Reads a message. One without a time happened when it came.
///
/// # Errors
/// What is missing or wrong, and the code of the answer.
pub fn parse(bytes: &[u8], customs: &Customs, received: Timestamp) -> Result<Reading, Unreadable> {
    let whole = |what| Unreadable { header: Box::default(), code: Code::Segment, what };
    // What is not UTF-8 comes from a system that speaks Latin-1, whatever it declares.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let message = Message::parse(text).map_err(|_| whole("not an HL7 version 2 message"))?;
    if message.warnings().iter().any(|warning| matches!(warning, Warning::EncodingFallback { .. })) {
        return Err(whole("MSH-2: not four different delimiters"));
    }
    let header = Header::of(&message);
    let wrong = |code, what| Unreadable { header: Box::new(header.clone()), code, what };
    if header.control.is_empty() {
        return Err(wrong(Code::Missing, "MSH-10: no control id"));
    }
    if !matches!(header.version.get(..2), Some("2." | "2")) {
        return Err(wrong(Code::Version, "MSH-12: not version 2"));
    }
    if header.kind.0 != "ADT" {
        return Err(wrong(Code::Kind, "MSH-9: only ADT is taken here"));
    }
    if !matches!(header.processing.as_str(), "P" | "") {
        return Err(wrong(Code::Processing, "MSH-11: only P, production, is taken here"));
    }
    let Some(trigger) = Trigger::of(&header.kind.1) else {
        return match header.kind.1.is_empty() {
            true => Err(wrong(Code::Missing, "MSH-9.2: no trigger")),
            false => Ok(Reading { header, event: None }),
        };
    };
    let patients = patients(&message, trigger, &header.authority, customs).map_err(|(code, what)| wrong(code, what))?;
    let when = when(&message, &customs.zone, received);
    Ok(Reading { header, event: Some(Event { trigger, when, patients }) })
}

/// When it happened, else when it was recorded, else when it was sent; never later than it came.
fn when(message: &Message, zone: &TimeZone, received: Timestamp) -> When {
    let told = [("EVN", 6), ("EVN", 2), ("MSH", 7)]
        .into_iter()
        .find_map(|(segment, field)| moment(&text(message.segment(segment)?, field, 1), zone));
    told.filter(|when| when.at <= received + AHEAD).unwrap_or(When { at: received, sure: true })
}

fn patients(
    message: &Message,
    trigger: Trigger,
    authority: &str,
    customs: &Customs,
) -> Result<Vec<Patient>, (Code, &'static str)> {
    let mut found: Vec<Patient> = vec![];
    for segment in message.segments() {
        match segment.name() {
            "PID" => found.push(patient(segment, authority, customs)?),
            "PV1" => {
                // A visit belongs to the patient before it.
                let Some(patient) = found.last_mut() else { return Err((Code::Segment, "PV1: comes before PID")) };
                patient.location = location(segment);
                patient.visit = Some(text(segment, 19, 1)).filter(|visit| !visit.is_empty());
            }
            "MRG" => {
                let Some(patient) = found.last_mut() else { return Err((Code::Segment, "MRG: comes before PID")) };
                patient.merged.extend(identifiers(segment, 1, authority, customs));
            }
            _ => {}
        }
    }
    match (trigger, found.len()) {
        (_, 0) => Err((Code::Missing, "PID: there is none")),
        (Trigger::Swap, 2) | (Trigger::Merge, _) => Ok(found),
        (Trigger::Swap, _) => Err((Code::Segment, "PID: a swap is of two patients")),
        (_, 1) => Ok(found),
        _ => Err((Code::Segment, "PID: more than one patient")),
    }
    .and_then(|found| match trigger {
        Trigger::Merge if found.iter().any(|patient| patient.merged.is_empty()) => {
            Err((Code::Missing, "MRG-1: no identifier that is merged"))
        }
        _ => Ok(found),
    })
}

fn patient(pid: Segment<'_>, authority: &str, customs: &Customs) -> Result<Patient, (Code, &'static str)> {
    let identifiers = identifiers(pid, 3, authority, customs);
    if identifiers.is_empty() {
        return Err((Code::Missing, "PID-3: no identifier"));
    }
    Ok(Patient {
        identifiers,
        merged: vec![],
        family: text(pid, 5, 1),
        given: text(pid, 5, 2),
        birth: day(&text(pid, 7, 1)),
        location: None,
        visit: None,
    })
}

/// Every identifier of a CX field: number, and who gave it (HL7 v2.5.1 §2.A.14). One without an authority is the sending
/// facility's.
fn identifiers(segment: Segment<'_>, field: usize, authority: &str, customs: &Customs) -> Vec<String> {
    let Some(field) = segment.field(field).filter(|field| !field.is_null()) else { return vec![] };
    let mut found: Vec<String> = vec![];
    for one in field.repetitions() {
        let part = |component: usize, sub: usize| {
            let raw = one.component(component).and_then(|c| c.subcomponent(sub)).map(|sub| sub.value());
            plain(raw.unwrap_or_default())
        };
        let (value, kind) = (part(1, 1), part(5, 1));
        if value.is_empty() || value.len() > LONGEST || SHARED.contains(&kind.as_str()) {
            continue;
        }
        let (name, universal, of) = (part(4, 1), part(4, 2), part(4, 3));
        let system = match of.as_str() {
            "ISO" if !universal.is_empty() => format!("urn:oid:{universal}"),
            "UUID" if !universal.is_empty() => format!("urn:uuid:{universal}"),
            "URI" if !universal.is_empty() => universal,
            _ => {
                let name = if name.is_empty() { authority.to_owned() } else { name.to_uppercase() };
                customs.systems.get(&name).cloned().unwrap_or_else(|| format!("hl7:{name}"))
            }
        };
        let identifier = format!("{system}|{value}");
        if system.len() <= LONGEST && !found.contains(&identifier) {
            found.push(identifier);
        }
    }
    found
}

fn location(pv1: Segment<'_>) -> Option<Location> {
    Location::of(&text(pv1, 3, 1), &text(pv1, 3, 2), &text(pv1, 3, 3), &text(pv1, 3, 4))
}

/// The first subcomponent of a component of a field's first repetition; nothing for HL7's `""`.
fn text(segment: Segment<'_>, field: usize, component: usize) -> String {
    let raw = segment
        .field(field)
        .filter(|field| !field.is_null())
        .and_then(|field| field.component(component))
        .and_then(|component| component.subcomponent(1))
        .map_or("", |sub| sub.value());
    Some(plain(raw)).filter(|text| text.len() <= LONGEST && text != "\"\"").unwrap_or_default()
}

/// Delimiters that were escaped (HL7 v2.5.1 §2.7.1), and no control characters. The crate's own function for this slices
/// hexadecimal escapes by bytes, and a character of two in them ends the program.
fn plain(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let known = after.split_once('\\').and_then(|(name, rest)| {
            let delimiter = match name {
                "F" => '|',
                "S" => '^',
                "T" => '&',
                "R" => '~',
                "E" => '\\',
                _ => return None,
            };
            Some((delimiter, rest))
        });
        match known {
            Some((delimiter, after)) => {
                out.push(delimiter);
                rest = after;
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.retain(|c| !c.is_control());
    out.trim().to_owned()
}

#[cfg(test)]
mod tests;
