"""ECDSA on secp256k1: low-s signatures only, as both chains' nodes demand (BIP 146, EIP-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from coincurve import PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Number of points of the curve: private keys and both signature halves are below it."""


class SignatureMismatch(Exception):
    """The signature does not verify under the key that should have made it; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One low-s signature. A high-s one is refused: nodes do not relay it."""

    r: int
    s: int

    def __post_init__(self) -> None:
        assert 0 < self.r < ORDER
        assert 0 < self.s <= ORDER // 2, "high-s signature"

    @classmethod
    def from_der(cls, der: bytes) -> Signature:
        """Read DER and fold a high s to its low twin; both verify, only one is relayed."""
        r, s = decode_dss_signature(der)
        return cls(r, min(s, ORDER - s))

    @classmethod
    def from_compact(cls, compact: bytes) -> Signature:
        """Read r and s, 32 bytes each; what follows (a recovery bit) is ignored."""
        return cls(int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:64], "big"))

    @property
    def compact(self) -> bytes:
        return self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big")

    @property
    def der(self) -> bytes:
        """Strict DER, without a sighash byte."""
        return encode_dss_signature(self.r, self.s)

    def verify(self, digest: bytes, public_key: bytes) -> None:
        """Raise SignatureMismatch unless `public_key` signed `digest`."""
        if not PublicKey(public_key).verify(self.der, digest, hasher=None):
            raise SignatureMismatch("the signature does not verify under the expected public key")

    def parity(self, digest: bytes, public_key: bytes) -> int:
        """The recovery bit that gives `public_key`. Raises SignatureMismatch when none does."""
        for parity in (0, 1):
            recoverable = self.compact + bytes([parity])
            try:
                found = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
            except ValueError:
                continue
            if found.format() == public_key:
                return parity
        raise SignatureMismatch("no recovery bit leads to the expected public key")


class DigestSigner(Protocol):
    """Whatever signs a 32-byte digest and never shows its private key: a KMS key, a derived key."""

    @property
    def public_key(self) -> bytes:
        """Compressed, 33 bytes."""

    async def sign(self, digest: bytes) -> Signature: ...


def uncompressed(public_key: bytes) -> bytes:
    """The point's 64 coordinate bytes, without a prefix."""
    return PublicKey(public_key).format(compressed=False)[1:]
