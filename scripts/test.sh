#!/usr/bin/env bash
# Every test there is, on a machine that may have nothing but Rust.
#   scripts/test.sh [FILTER]     FILTER goes to cargo test; the browser tests then stay out
set -euo pipefail
cd "$(dirname "$0")/.."

started=$SECONDS
step() { printf '\n== %s (%d min %02d s)\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

step "tools"
scripts/setup.sh run
scripts/setup.sh test
step "build"
cargo build --locked --bin wellspoken
cargo test --locked --no-run
step "models"
cargo run --locked --quiet --bin wellspoken -- models get
step "tests"
cargo test --locked --no-fail-fast -- "$@"

if [ $# -eq 0 ] && [ -f tests/web/package.json ]; then
  step "browser"
  npm --prefix tests/web test --silent
fi
step "done"
