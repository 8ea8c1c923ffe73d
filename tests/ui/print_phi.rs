//! Health data cannot be printed, not even for debugging.

use wellspoken::policy::Phi;

pub fn log_it(result: Phi<String>) -> String {
    format!("{result:?}")
}
