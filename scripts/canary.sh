#!/usr/bin/env bash
# After all tests: does a word of the canary person stand in clear in anything that was printed or left behind?
#   scripts/canary.sh FOLDER RESIDUE    RESIDUE: what each test found in its own folder (tests/it/residue.rs)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 residue=$2

# The list of the program itself.
words="$(sed -n '/CANARY_WORDS/,/^];/ s/^ *"\(.*\)",$/\1/p' src/records/demo.rs)"
[ "$(wc -l <<<"$words")" -ge 20 ] || { echo "canary: the words in src/records/demo.rs were not found" >&2; exit 1; }
[ -s "$residue" ] || { echo "canary: no test has told what it looked at in $residue" >&2; exit 1; }
[ -s "$folder/printed" ] || { echo "canary: nothing was printed to $folder/printed" >&2; exit 1; }

hits="$(grep -rliaF -f <(printf '%s\n' "$words") "$folder" || true)"
awk -F'\t' -v printed="$(wc -c <"$folder/printed")" -v left="$(find "$folder/tmp" -type f | wc -l)" -v found="$(grep -c . <<<"$hits" || true)" '
  { folders++; files += $1; bytes += $2; hits += $3 }
  END { printf "canary: %d hits in %d files (%.0f MB) of %d installations, %d bytes printed and %d temporary files left\n",
        hits + found, files, bytes / 1e6, folders, printed, left
        exit hits + found > 0 }' "$residue" || { printf '%s\n' "$hits" >&2; exit 1; }
