"""Chain addresses as lists give them and as we compare them."""

from __future__ import annotations

_CASE_BLIND = ("0x", "bc1", "tb1", "bcrt1")


def compared(address: str) -> str:
    """The spelling that lists are searched by: hexadecimal and bech32 in lower case."""
    lower = address.strip().lower()
    return lower if lower.startswith(_CASE_BLIND) else address.strip()
