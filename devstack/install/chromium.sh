#!/usr/bin/env bash
# Puts a headless Chromium for the browser tests into a folder. Takes the one on PATH, or unpacks
# Debian's package there.
#
# No root is needed and the machine's own packages are not touched: apt reads this machine's sources
# and what it has installed, checks signatures as always, and only downloads what is missing. A
# browser must be kept up to date, so it comes from the machine's own suite and has no version here.
# Usage: chromium.sh FOLDER
set -euo pipefail
FOLDER=$(realpath -m "${1:?which folder?}")

fail() {
  echo "$1" >&2
  echo "Install Chromium by hand so that it is on PATH as 'chromium', then run this again." >&2
  exit 1
}

rm -rf "$FOLDER"
mkdir -p "$FOLDER/bin"
for name in chromium chromium-browser google-chrome; do
  # Ubuntu's /usr/bin/chromium-browser only says that there is a snap.
  if present=$(command -v "$name") && "$present" --version >/dev/null 2>&1; then
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$present" >"$FOLDER/bin/chromium"
    chmod +x "$FOLDER/bin/chromium"
    exec "$FOLDER/bin/chromium" --version
  fi
done

command -v apt-get >/dev/null || fail "There is no chromium on PATH, and no apt-get to fetch one with."
WORK=$FOLDER/apt
mkdir -p "$WORK"/lists/partial "$WORK"/cache/archives/partial
private_apt=(apt-get -q -y
  -o "Dir::State=$WORK" -o "Dir::State::lists=$WORK/lists" -o Dir::State::status=/var/lib/dpkg/status
  -o "Dir::Cache=$WORK/cache" -o Acquire::Languages=none -o Acquire::Retries=3
  -o APT::Install-Recommends=false -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1
  -o APT::Keep-Downloaded-Packages=true -o Binary::apt-get::APT::Keep-Downloaded-Packages=true)
"${private_apt[@]}" update || echo "Some of this machine's package lists could not be read; going on." >&2
"${private_apt[@]}" install --download-only chromium fonts-dejavu-core ||
  fail "apt could not fetch the package chromium from this machine's sources."

for package in "$WORK"/cache/archives/*.deb; do dpkg-deb -x "$package" "$FOLDER/root"; done
(cd "$WORK/cache/archives" && sha256sum ./*.deb) >"$FOLDER/SHA256SUMS"
[ -x "$FOLDER/root/usr/lib/chromium/chromium" ] || fail "Debian's package holds no browser where it should."

# The libraries fit the machine's own C library, as all come from its suite; only the place is new.
cat >"$FOLDER/bin/chromium" <<'WRAPPER'
#!/bin/sh
root=$(dirname "$(dirname "$(realpath "$0")")")/root
libraries=$root/usr/lib/$(uname -m)-linux-gnu
# Packages that keep private libraries name their folder inside them, as an absolute path.
export LD_LIBRARY_PATH="$libraries:$libraries/pulseaudio:$libraries/nss${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -d /etc/fonts ] || export FONTCONFIG_PATH="$root/etc/fonts" FONTCONFIG_SYSROOT="$root"
exec "$root/usr/lib/chromium/chromium" "$@"
WRAPPER
chmod +x "$FOLDER/bin/chromium"
rm -rf "$WORK"
"$FOLDER/bin/chromium" --version
