#!/usr/bin/env bash
# Puts a bitcoind for regtest into a folder. Takes the one on PATH, or unpacks Debian's package there.
#
# No root is needed and the machine's own packages are not touched: apt works in private folders,
# checks the archive's signature as always, and only downloads. The package is Bitcoin Knots, which
# leaves Bitcoin's consensus on mainnet: good for regtest, never for production (docs/operations).
# Usage: bitcoind.sh FOLDER
set -euo pipefail
FOLDER=$(realpath -m "${1:?which folder?}")
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "$1" >&2
  echo "Install Bitcoin Core's bitcoind (26 or newer) by hand so that it is on PATH, then run this again." >&2
  exit 1
}

mkdir -p "$FOLDER/bin"
if present=$(command -v bitcoind); then
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$present" >"$FOLDER/bin/bitcoind"
  chmod +x "$FOLDER/bin/bitcoind"
  exec "$FOLDER/bin/bitcoind" --version
fi

command -v apt-get >/dev/null || fail "There is no bitcoind on PATH, and no apt-get to fetch one with."
[ -r "$KEYRING" ] || fail "There is no bitcoind on PATH, and no Debian keyring to check a package with."
[ "$(dpkg --print-architecture)" = amd64 ] || fail "The bitcoind package route is for amd64 only."
MIRROR=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 '/debian/\?$' || true)}
[ -n "$MIRROR" ] || fail "This machine's apt configuration names no Debian mirror (DEBIAN_MIRROR=URL names one)."

WORK=$FOLDER/apt
rm -rf "$WORK" "$FOLDER/root"
mkdir -p "$WORK"/etc/{apt.conf.d,preferences.d} "$WORK"/lists/partial "$WORK"/cache/archives/partial
: >"$WORK/status"
for suite in trixie sid; do echo "deb [signed-by=$KEYRING] $MIRROR $suite main"; done >"$WORK/etc/sources.list"
# Libraries come from the stable suite wherever they fit.
printf 'Package: *\nPin: release n=sid\nPin-Priority: 100\n' >"$WORK/etc/preferences.d/sid"
private_apt=(apt-get -q -y
  -o "Dir::Etc=$WORK/etc" -o "Dir::Etc::sourceparts=-" -o "Dir::Etc::parts=$WORK/etc/apt.conf.d" -o "Dir::Etc::main=-"
  -o "Dir::State=$WORK" -o "Dir::State::lists=$WORK/lists" -o "Dir::State::status=$WORK/status" -o "Dir::Cache=$WORK/cache"
  -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Install-Recommends=false -o "APT::Sandbox::User=$(id -un)"
  -o Debug::NoLocking=1 -o APT::Keep-Downloaded-Packages=true -o Binary::apt-get::APT::Keep-Downloaded-Packages=true)
"${private_apt[@]}" update || fail "apt could not read the package lists of trixie and sid from $MIRROR."
"${private_apt[@]}" install --download-only bitcoin-knots/sid systemd-standalone-sysusers ||
  fail "apt could not fetch the package bitcoin-knots from $MIRROR."

for package in "$WORK"/cache/archives/*.deb; do
  case $(basename "$package") in
    lib* | zlib* | bitcoin-knots*) dpkg-deb -x "$package" "$FOLDER/root" ;;
  esac
done
(cd "$WORK/cache/archives" && sha256sum ./*.deb) >"$FOLDER/SHA256SUMS"

# The package may need a newer C library than the machine has, so it runs with the loader it came with.
LOADER=$(find "$FOLDER/root" -name ld-linux-x86-64.so.2 -not -path '*/lib64/*' -printf '%P\n' | head -1)
for program in bitcoind bitcoin-cli; do
  cat >"$FOLDER/bin/$program" <<WRAPPER
#!/bin/sh
root=\$(dirname "\$(dirname "\$(realpath "\$0")")")/root
libraries=\$root/$(dirname "$LOADER")
exec "\$libraries/ld-linux-x86-64.so.2" --library-path "\$libraries" "\$root/usr/bin/$program" "\$@"
WRAPPER
  chmod +x "$FOLDER/bin/$program"
done
rm -rf "$WORK"
"$FOLDER/bin/bitcoind" --version
