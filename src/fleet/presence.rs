//! Which devices were heard of, and what of it is worth writing down. Pure.
//!
//! Thousands of devices say every half minute that they are there. Written down is what changed, and otherwise the time, once a
//! minute, all together: the disk is waited for a few times a minute and not a hundred times a second.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::policy::DeviceId;

/// The time of a device that tells nothing new is written down no more often than this.
pub const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// A battery's charge is written down where it moved by so many percent.
const CHARGE_STEP: u8 = 5;

/// What a device told of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What it runs.
    pub firmware: Option<String>,
    /// 0 to 100 percent.
    pub battery: Option<u8>,
    /// The settings that it has put in force.
    pub acked: Option<i64>,
}

/// What is to be written down of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Which.
    pub device: DeviceId,
    /// When it was heard of last.
    pub at: Timestamp,
    /// What it told last of each thing.
    pub told: Told,
}

struct Last {
    at: Timestamp,
    told: Told,
    /// What was written down, and when.
    noted: Option<(Timestamp, Told)>,
}

/// The devices that were heard of since the start.
#[derive(Default)]
pub struct Presence {
    devices: HashMap<DeviceId, Last>,
}

impl Presence {
    /// Hears of a device.
    pub fn heard(&mut self, device: &DeviceId, told: Told, at: Timestamp) {
        let last =
            self.devices.entry(device.clone()).or_insert_with(|| Last { at, told: Told::default(), noted: None });
        last.at = at;
        last.told.firmware = told.firmware.or_else(|| last.told.firmware.take());
        last.told.battery = told.battery.or(last.told.battery);
        last.told.acked = told.acked.or(last.told.acked);
    }

    /// When a device was heard of last, as far as this process knows.
    #[must_use]
    pub fn last(&self, device: &DeviceId) -> Option<Timestamp> {
        self.devices.get(device).map(|last| last.at)
    }

    /// What is to be written down now; it counts as written. Devices that were not heard of for a day are forgotten here.
    pub fn due(&mut self, now: Timestamp) -> Vec<Heard> {
        self.devices.retain(|_, last| now.duration_since(last.at) < SignedDuration::from_hours(24));
        let mut due = vec![];
        for (device, last) in &mut self.devices {
            if worth(last) {
                last.noted = Some((last.at, last.told.clone()));
                due.push(Heard { device: device.clone(), at: last.at, told: last.told.clone() });
            }
        }
        due
    }

    /// Could not be written down: it is tried again.
    pub fn again(&mut self, heard: &[Heard]) {
        for heard in heard {
            if let Some(last) = self.devices.get_mut(&heard.device) {
                last.noted = None;
            }
        }
    }
}

fn worth(last: &Last) -> bool {
    let Some((at, noted)) = &last.noted else { return true };
    let moved = match (noted.battery, last.told.battery) {
        (Some(before), Some(now)) => before.abs_diff(now) >= CHARGE_STEP,
        (before, now) => before != now,
    };
    moved
        || noted.firmware != last.told.firmware
        || noted.acked != last.told.acked
        || last.at.duration_since(*at) >= NOTED_EVERY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("in range")
    }

    #[test]
    fn what_is_new_is_written_at_once_and_the_rest_once_a_minute() {
        let device = DeviceId::parse("d").expect("fits");
        let mut presence = Presence::default();
        let told =
            |battery, firmware: &str, acked| Told { firmware: Some(firmware.into()), battery: Some(battery), acked };
        #[rustfmt::skip]
        let table = [
            // seconds, what it tells, whether that is written
            (0,   told(80, "1", None), true),
            (30,  told(80, "1", None), false),
            (59,  told(77, "1", None), false),
            (60,  told(77, "1", None), true),
            (70,  told(72, "1", None), true),
            (75,  told(72, "2", None), true),
            (80,  told(72, "2", Some(7)), true),
            (90,  Told::default(), false),
            (140, Told::default(), true),
        ];
        for (seconds, told, written) in table {
            presence.heard(&device, told, at(seconds));
            assert_eq!(!presence.due(at(seconds)).is_empty(), written, "{seconds}");
        }
        presence.heard(&device, Told::default(), at(200));
        let due = presence.due(at(200));
        assert_eq!(due[0].told, told(72, "2", Some(7)), "what was told before still counts");
        presence.again(&due);
        assert_eq!(presence.due(at(200)), due);
        assert!(presence.last(&device).is_some());
        presence.due(at(200 + 24 * 3600));
        assert!(presence.last(&device).is_none());
    }

    #[test]
    fn a_thousand_devices_cost_one_write_each_a_minute() {
        let mut presence = Presence::default();
        let mut written = 0;
        for second in 0..600 {
            for n in 0..1000 {
                if (second + n) % 30 == 0 {
                    presence.heard(&DeviceId::parse(&format!("d{n}")).expect("fits"), Told::default(), at(second));
                }
            }
            if second % 10 == 0 {
                written += presence.due(at(second)).len();
            }
        }
        assert!((9_000..=11_000).contains(&written), "{written}");
    }
}
