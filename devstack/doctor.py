"""Says what this machine lacks for Rialto, and how to get it.

Runs before anything is installed (`python3 -m devstack.doctor`), so it needs nothing but the
standard library of any Python 3.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GIBIBYTE = 1 << 30
INSTALLED = {
    ".venv/bin/rialto": "Rialto and its tools",
    ".venv-aws/bin/python": "the AWS emulator",
    "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil": "anvil, the Ethereum node",
    ".tools/bitcoind/bin/bitcoind": "bitcoind",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when all is well."""

    what: str
    remedy: str
    is_fatal: bool = True


def findings() -> list[Finding]:
    return [
        _machine(),
        _c_library(),
        _python(),
        _pip(),
        _program("git", "apt-get install git"),
        _program("make", "apt-get install make"),
        _node(),
        _bitcoind_source(),
        _database_user(),
        _memory(),
        _disk(),
        _ports(),
        *(_installed(path, what) for path, what in INSTALLED.items()),
    ]


def _machine() -> Finding:
    wanted = platform.system() == "Linux" and platform.machine() == "x86_64"
    name = f"{platform.system()} on {platform.machine()}"
    return Finding(name, "" if wanted else "The servers come as binaries for Linux on x86-64.")


def _c_library() -> Finding:
    name, version = platform.libc_ver()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version))
    fits = name == "glibc" and numbers >= (2, 35)
    remedy = "anvil needs glibc 2.35 or newer: Debian 12, Ubuntu 22.04 or later."
    return Finding(f"C library {name} {version}", "" if fits else remedy)


def _python() -> Finding:
    fits = sys.version_info >= (3, 11)
    remedy = "Install Python 3.11 or newer and name it: make up PYTHON=python3.11"
    return Finding(f"Python {platform.python_version()}", "" if fits else remedy)


def _pip() -> Finding:
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
    )
    is_needed = not (CHECKOUT / ".tools/uv/bin/uv").exists()
    fits = answer.returncode == 0 or not is_needed
    return Finding("pip", "" if fits else "apt-get install python3-pip")


def _program(name: str, remedy: str) -> Finding:
    return Finding(name, "" if shutil.which(name) else remedy)


def _node() -> Finding:
    path = shutil.which("npm")
    remedy = "Not needed: without npm, it is taken from a Python package. (apt-get install npm)"
    return Finding("Node's npm", "" if path else remedy, is_fatal=False)


def _bitcoind_source() -> Finding:
    what = "bitcoind, or Debian's packages to take it from"
    if shutil.which("bitcoind") or (CHECKOUT / ".tools/bitcoind/bin/bitcoind").exists():
        return Finding(what, "")
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    fits = shutil.which("apt-get") and keyring.exists() and shutil.which("dpkg-deb")
    return Finding(what, "" if fits else "Install Bitcoin Core's bitcoind so that it is on PATH.")


def _database_user() -> Finding:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Finding("an ordinary user to run PostgreSQL", "")
    remedy = "" if shutil.which("setpriv") else "apt-get install util-linux (for setpriv)"
    return Finding("setpriv, as you are root and PostgreSQL must not be", remedy)


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    remedy = "" if total >= 4 else "The whole exchange takes up to 4 GB."
    return Finding(f"{total:.0f} GiB of memory", remedy, is_fatal=False)


def _disk() -> Finding:
    free = shutil.disk_usage(CHECKOUT).free / GIBIBYTE
    return Finding(f"{free:.0f} GiB free on disk", "" if free >= 4 else "Free 4 GiB.")


def _ports() -> Finding:
    base = int(os.environ.get("RIALTO_PORT_BASE", "20000"))
    if (Path(os.environ.get("RIALTO_HOME", str(CHECKOUT / ".data"))) / "run").exists():
        return Finding("ports: a stack was started here; rialto status shows it", "")
    taken = [port for port in range(base, base + 100) if not _is_free(port)]
    remedy = f"Taken: {taken}. Move the stack with RIALTO_PORT_BASE=NUMBER." if taken else ""
    return Finding(f"ports {base} to {base + 99}", remedy)


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return attempt.connect_ex(("127.0.0.1", port)) != 0


def _installed(path: str, what: str) -> Finding:
    is_there = (CHECKOUT / path).exists()
    return Finding(f"installed: {what}", "" if is_there else "make install", is_fatal=False)


def main() -> int:
    """Print everything found; 1 if something is missing that `make up` cannot do without."""
    found = findings()
    for finding in found:
        mark = "ok     " if not finding.remedy else "MISSING" if finding.is_fatal else "note   "
        print(
            f"{mark} {finding.what}" + (f"\n          {finding.remedy}" if finding.remedy else "")
        )
    return int(any(finding.remedy and finding.is_fatal for finding in found))


if __name__ == "__main__":
    sys.exit(main())
