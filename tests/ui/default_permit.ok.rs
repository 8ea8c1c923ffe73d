//! A permit has no default.

use wellspoken::policy::Permit;

pub fn fall_back(given: Option<Permit>) -> Option<Permit> {
    given.or_else(|| None)
}
