"""Public derivation (BIP 32): deposit addresses come from account xpubs.

Only non-hardened public children are made here. Exporting a private child beside its xpub would
give away the account key, so nothing in this module can hold a private key.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from coincurve import PublicKey
from embit import base58

HARDENED = 0x80000000
RECEIVE_CHAIN = 0
"""BIP 44: chain 0 holds the addresses shown to payers."""

_PUBLIC_VERSIONS = {
    bytes.fromhex("0488b21e"),  # xpub
    bytes.fromhex("043587cf"),  # tpub
    bytes.fromhex("04b24746"),  # zpub, SLIP 132
    bytes.fromhex("045f1cf6"),  # vpub, SLIP 132
}
_PAYLOAD_BYTES = 78


class InvalidExtendedKey(ValueError):
    """Not an extended *public* key. The text is never repeated: it might be a private one."""


@dataclass(frozen=True, slots=True)
class ExtendedPublicKey:
    """A public key and the chain code that derives its children."""

    point: PublicKey
    chain_code: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            payload = base58.decode_check(text)
        except Exception:  # noqa: BLE001 - embit raises bare errors; the text must not leak through them
            raise InvalidExtendedKey("not a base58check extended key") from None
        if len(payload) != _PAYLOAD_BYTES or payload[:4] not in _PUBLIC_VERSIONS:
            raise InvalidExtendedKey("not an extended public key")
        return cls(PublicKey(payload[45:]), payload[13:45])

    @property
    def public_key(self) -> bytes:
        """Compressed, 33 bytes."""
        return self.point.format()

    @property
    def fingerprint(self) -> bytes:
        """Of BIP 32, four bytes: tells keys apart and gives nothing away."""
        return hashlib.new("ripemd160", hashlib.sha256(self.public_key).digest()).digest()[:4]

    def child(self, index: int) -> Self:
        """CKDpub of BIP 32. An index without a child (chance 2^-127) raises ValueError."""
        assert 0 <= index < HARDENED, "only non-hardened children derive from a public key"

        data = self.public_key + index.to_bytes(4, "big")
        digest = hmac.digest(self.chain_code, data, "sha512")
        return type(self)(self.point.add(digest[:32]), digest[32:])


@lru_cache(maxsize=16)
def receive_chain(xpub: str) -> ExtendedPublicKey:
    """The parent of all deposit keys of an account; cached, because every address needs it."""
    return ExtendedPublicKey.parse(xpub).child(RECEIVE_CHAIN)


def deposit_public_key(xpub: str, index: int) -> bytes:
    """Compressed public key of deposit address number `index`: path `account/0/index`."""
    return receive_chain(xpub).child(index).public_key
