//! A permit cannot be copied: one audit row, one disclosure.

use wellspoken::policy::Permit;

pub fn keep_one(permit: &Permit) -> Permit {
    permit.clone()
}
