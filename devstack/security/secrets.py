"""Secrets in the repository: patterns of keys that mean something, in every file git knows.

Narrow on purpose: a rule that cries at every hash is switched off by the second week. What is
known to be nobody's secret (a published test vector, a development key) stands in `KNOWN` by the
hash of the text itself, so that another one in the same file is still found.
"""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

RULES: Mapping[str, re.Pattern[str]] = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{50,})\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    "Stripe key": re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    "Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "package registry token": re.compile(r"\b(?:npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{60,})\b"),
    "JSON web token": re.compile(
        r"\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20,}"
    ),
    "extended private key": re.compile(r"\b[xtyz]prv[1-9A-HJ-NP-Za-km-z]{100,}"),
    "private key of a coin (WIF)": re.compile(
        r"(?<![0-9A-Za-z])[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51}(?![0-9A-Za-z/+=])"
    ),
    "password in an address": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s:/@{}$<>\"']+:([^\s:/@{}$<>\"']{6,})@"
    ),
    "assigned secret": re.compile(
        r"(?i)(?:secret|passw(?:or)?d|api_?key|token)[a-z_]*[\"']?\s*[:=]\s*[\"']([0-9A-Za-z+/_=-]{24,})[\"']"
    ),
}
"""What each looks like. Where the pattern has a group, the group is the secret."""

_GUESSES = {"assigned secret"}
"""Rules that go by names, not by a key's own form: left out in tests, which make secrets up."""
_ENTROPY_MIN = 3.6
"""Bits per character under which a text is a word, not a secret."""

_BYTES_MAX = 2_000_000
_SKIPPED = (".lock", "package-lock.json", ".png", ".jpg", ".woff2", ".ico")

KNOWN: Mapping[str, str] = {
    "263d4f3e769f1925c93c19e1e2050433686eff9a45e0ac75aa9e0d6e3a9a772c": (
        "the local bitcoind of docker-compose.yml, reached from that machine alone"
    ),
    "9d6a2b9d1f01d4577cbdce4de6f0834ac6b21d675518ace150009338685b5276": (
        "the textbook private key, published for years: a test that no address is one"
    ),
}
"""SHA-256 of the text, and why it is nobody's secret."""


@dataclass(frozen=True, slots=True)
class Found:
    path: str
    line: int
    rule: str
    fingerprint: str
    """SHA-256 of the text: for `KNOWN`. The text itself is never printed."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} ({self.fingerprint})"


def scan_text(path: str, text: str) -> Iterator[Found]:
    for rule, pattern in RULES.items():
        for match in pattern.finditer(text):
            secret = match.group(match.lastindex or 0)
            if _is_word(rule, secret) or (rule in _GUESSES and _is_test(path)):
                continue
            fingerprint = hashlib.sha256(secret.encode()).hexdigest()
            if fingerprint not in KNOWN:
                line = text.count("\n", 0, match.start()) + 1
                yield Found(path, line, rule, fingerprint)


def scan(root: Path) -> list[Found]:
    """Every file that git follows, and every new one that it would."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    found = []
    for name in sorted(set(listed.stdout.decode().split("\0"))):
        path = root / name
        if not name or name.endswith(_SKIPPED) or not path.is_file():
            continue
        if path.stat().st_size <= _BYTES_MAX:
            found += list(scan_text(name, path.read_text(encoding="utf-8", errors="replace")))
    return found


def _is_word(rule: str, secret: str) -> bool:
    """Words, placeholders and texts that repeat themselves are no secrets."""
    if secret.lower() in {"password", "changeme", "secret"}:
        return True
    if rule not in _GUESSES:
        return False
    return _entropy(secret) < _ENTROPY_MIN or not any(each.isdigit() for each in secret)


def _is_test(path: str) -> bool:
    return "tests/" in path or ".test." in path


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
