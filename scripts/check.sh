#!/usr/bin/env bash
# The quick loop: format, lints, and the tests that need neither models nor servers.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
cargo fmt --check
cargo clippy --locked --all-targets --quiet -- -D warnings
cargo test --locked --quiet --lib
cargo test --locked --quiet --test it -- architecture:: licences::
