#!/usr/bin/env bash
# Every test there is, on a machine that may have nothing but Rust.
#   scripts/test.sh [FILTER]     FILTER goes to cargo test; the browser tests then stay out
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

step "tools"
scripts/setup.sh run
scripts/setup.sh test
. scripts/tools.sh

step "build"
# Builds the program too; `cargo build` would build our crate once more, with other features of what it uses.
cargo test --locked --no-run
WELLSPOKEN_BIN="$(target_dir)/debug/wellspoken"
export WELLSPOKEN_BIN

step "models"
"$WELLSPOKEN_BIN" models get
# For what is said in other languages.
"$WELLSPOKEN_BIN" models get base

# Everything the tests write and print stays until it was searched for the canary person.
left="$(mktemp -d "${TMPDIR:-/tmp}/wt.XXXXXX")"
trap 'rm -rf "$left"' EXIT
chmod 755 "$left"
mkdir -m 1777 "$left/tmp"
export TMPDIR="$left/tmp"
WELLSPOKEN_RESIDUE="$(target_dir)/tmp/residue.tsv"
export WELLSPOKEN_RESIDUE
rm -f "$WELLSPOKEN_RESIDUE"

step "tests"
failed=0
cargo test --locked --no-fail-fast -- "$@" 2>&1 | tee "$left/printed" || failed=1

if [ $# -eq 0 ]; then
  step "browser"
  npm --prefix tests/web test --silent 2>&1 | tee -a "$left/printed" || failed=1
  step "canary"
  scripts/canary.sh "$left" "$WELLSPOKEN_RESIDUE" || failed=1
fi

step "done"
exit $failed
