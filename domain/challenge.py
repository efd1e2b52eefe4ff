"""What a wallet's key signs to prove that it is ours: a text, and never anything that could pay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_LINES = {
    "bundle": re.compile(r"[0-9A-Za-z-]{1,64}"),
    "root": re.compile(r"[0-9a-f]{64}"),
    "chain": re.compile(r"[a-z]{1,32}"),
    "block_hash": re.compile(r"(0x)?[0-9a-f]{64}"),
    "address": re.compile(r"[0-9A-Za-z]{1,90}"),
}


class SignatureFormat(StrEnum):
    BIP322 = "bip322-simple"
    """Bitcoin: BIP 322, a witness over a transaction that can never be in a block."""
    EIP191 = "eip191"
    """Ethereum: `personal_sign`, whose prefix no transaction can begin with."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Binds an address to one bundle: another day, root or address is another text."""

    bundle: str
    root: str
    chain: str
    height: int
    block_hash: str
    address: str

    def __post_init__(self) -> None:
        """Raises ValueError: no field may hold a line break, or anything but what it should."""
        for name, pattern in _LINES.items():
            if not pattern.fullmatch(getattr(self, name)):
                raise ValueError(f"a challenge's {name} is not what it should be")
        if self.height < 0:
            raise ValueError("a challenge's height is negative")

    @property
    def text(self) -> str:
        return "\n".join(
            (
                "Rialto proof of reserves, challenge 1",
                f"bundle: {self.bundle}",
                f"liabilities: {self.root}",
                f"chain: {self.chain}",
                f"block: {self.height} {self.block_hash}",
                f"address: {self.address}",
                "This signature moves no funds.",
            )
        )
