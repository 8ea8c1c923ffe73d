//! A permit is good for one action, which consumes it.

use wellspoken::policy::Permit;

pub fn act_twice(permit: Permit, act: impl Fn(Permit)) {
    act(permit);
    drop(act);
}
