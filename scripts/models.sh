#!/usr/bin/env bash
# Builds the program and lets it fetch and verify its model files; with all of them there, it only verifies.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
cargo build --locked --bin wellspoken
exec cargo run --locked --quiet --bin wellspoken -- models get
