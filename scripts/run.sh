#!/usr/bin/env bash
# From a fresh clone to a server that was spoken to. Leaves the server running; Ctrl-C stops it.
#   scripts/run.sh [--once]     --once (or RUN_ONCE=1): stop after the table
# The demo keeps its database and its key in data/, apart from each other; delete the folder to start afresh.
set -euo pipefail
cd "$(dirname "$0")/.."

once=()
case "${1:-}" in
  --once) once=(--once) ;;
  "") [ -z "${RUN_ONCE:-}" ] || once=(--once) ;;
  *) echo "run: unknown option $1 (only --once is known)" >&2; exit 2 ;;
esac

scripts/models.sh
mkdir -p data/demo
exec cargo run --locked --quiet --bin wellspoken -- \
  --data-dir data/demo/database --key-file data/demo/keys/master.key \
  serve --demo --speak audio-fixtures "${once[@]}"
