"""Envelope encryption: AES-256-GCM under data keys that KMS wraps, new every few minutes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DOCUMENTS_KEY_ALIAS = "alias/rialto-documents"
WEBHOOKS_KEY_ALIAS = "alias/rialto-webhooks"

_NONCE_BYTES = 12  # What GCM is specified for; random, so one key stays far below 2^32 messages.
_ROTATE_SECONDS = 300.0
_ROTATE_SEALS = 1 << 20
_KEEP_SECONDS_MAX = 3600.0  # Without KMS the last data key serves this long, then sealing stops.
_OPENED_MAX = 4096  # Data keys kept open for reading: two weeks of five-minute keys.
_FORMAT = b"\x01"


class Sealed(NamedTuple):
    wrapped_key: bytes
    content: bytes
    """Nonce, ciphertext and tag."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh AES-256 key, open, and the same key as KMS wrapped it."""

    plain: bytes
    wrapped: bytes


class KeyWrapping(Protocol):
    """Makes data keys and opens wrapped ones; in production KMS."""

    async def generate(self) -> DataKey: ...
    async def unwrap(self, wrapped: bytes) -> bytes: ...


class KmsKeyWrapping:
    """Data keys from one KMS key. The encryption context ties them to their purpose.

    Unwrapping names no key: the wrapped key says which one made it, so content stays readable after
    the alias moves to another key.
    """

    def __init__(self, kms: Any, alias: str, context: Mapping[str, str]) -> None:
        self._kms = kms
        self._alias = alias
        self._context = dict(context)

    async def generate(self) -> DataKey:
        answer = await asyncio.to_thread(
            self._kms.generate_data_key,
            KeyId=self._alias,
            KeySpec="AES_256",
            EncryptionContext=self._context,
        )
        return DataKey(plain=answer["Plaintext"], wrapped=answer["CiphertextBlob"])

    async def unwrap(self, wrapped: bytes) -> bytes:
        answer = await asyncio.to_thread(
            self._kms.decrypt, CiphertextBlob=wrapped, EncryptionContext=self._context
        )
        plain: bytes = answer["Plaintext"]
        return plain


@dataclass(slots=True)
class _SealingKey:
    cipher: AESGCM
    wrapped: bytes
    made_at: float
    seals: int = 0


class Envelope:
    """Seals and opens for one purpose, the encryption context.

    The context is authenticated with every piece: one sealed for another purpose does not open.
    """

    def __init__(
        self,
        keys: KeyWrapping,
        context: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._associated = msgspec.json.encode(sorted(context.items()))
        self._clock = clock
        self._sealing: _SealingKey | None = None
        self._opened: dict[bytes, AESGCM] = {}
        self._rotating = asyncio.Lock()  # One data key per rotation, however many wait for it.

    async def seal(self, plain: bytes, about: bytes = b"") -> Sealed:
        """`about` names what this is of; opening needs the same."""
        key = await self._sealing_key()
        key.seals += 1
        nonce = os.urandom(_NONCE_BYTES)
        content = nonce + key.cipher.encrypt(nonce, plain, self._associated + about)
        return Sealed(key.wrapped, content)

    async def open(self, sealed: Sealed, about: bytes = b"") -> bytes:
        """Raises `cryptography.exceptions.InvalidTag` for anything altered or sealed elsewhere."""
        cipher = self._opened.get(sealed.wrapped_key)
        if cipher is None:
            cipher = AESGCM(await self._keys.unwrap(sealed.wrapped_key))
            self._remember(sealed.wrapped_key, cipher)
        nonce, content = sealed.content[:_NONCE_BYTES], sealed.content[_NONCE_BYTES:]
        return cipher.decrypt(nonce, content, self._associated + about)

    async def seal_packed(self, plain: bytes, about: bytes = b"") -> bytes:
        """`seal` as one piece of bytes, for a database column."""
        return pack(await self.seal(plain, about))

    async def open_packed(self, packed: bytes, about: bytes = b"") -> bytes:
        return await self.open(unpack(packed), about)

    def _remember(self, wrapped: bytes, cipher: AESGCM) -> None:
        if len(self._opened) >= _OPENED_MAX:
            del self._opened[next(iter(self._opened))]
        self._opened[wrapped] = cipher

    async def _sealing_key(self) -> _SealingKey:
        if (key := self._sealing) is not None and not self._is_worn(key):
            return key
        async with self._rotating:
            key = self._sealing
            if key is None or self._is_worn(key):
                key = self._sealing = await self._rotate(key)
            return key

    def _is_worn(self, key: _SealingKey) -> bool:
        return key.seals >= _ROTATE_SEALS or self._clock() - key.made_at >= _ROTATE_SECONDS

    async def _rotate(self, worn: _SealingKey | None) -> _SealingKey:
        try:
            fresh = await self._keys.generate()
        except Exception:
            # KMS is away: money must not stop for it, within a bound.
            if worn is None or self._clock() - worn.made_at >= _KEEP_SECONDS_MAX:
                raise
            return worn
        key = _SealingKey(AESGCM(fresh.plain), fresh.wrapped, self._clock())
        self._remember(fresh.wrapped, key.cipher)
        return key


def pack(sealed: Sealed) -> bytes:
    size = len(sealed.wrapped_key).to_bytes(2, "big")
    return _FORMAT + size + sealed.wrapped_key + sealed.content


def unpack(packed: bytes) -> Sealed:
    if packed[:1] != _FORMAT or len(packed) < 3:
        raise ValueError("not a sealed piece of ours")
    end = 3 + int.from_bytes(packed[1:3], "big")
    return Sealed(packed[3:end], packed[end:])


def kms_envelope(kms: Any, alias: str, context: Mapping[str, str]) -> Envelope:
    """An envelope under the KMS key `alias`; `kms` is a boto3 client."""
    return Envelope(KmsKeyWrapping(kms, alias, context), context)


def personal_envelope(kms: Any) -> Envelope:
    """For what names a customer: profiles, machine-readable zones, travel-rule messages."""
    context = {"application": "rialto", "purpose": "personal-data"}
    return kms_envelope(kms, DOCUMENTS_KEY_ALIAS, context)


def staff_envelope(kms: Any) -> Envelope:
    """For the second factors of staff."""
    context = {"application": "rialto", "purpose": "staff-second-factor"}
    return kms_envelope(kms, DOCUMENTS_KEY_ALIAS, context)


def webhook_envelope(kms: Any) -> Envelope:
    """For the secrets of webhooks: the API seals them, their sender opens them."""
    context = {"application": "rialto", "purpose": "webhook-secret"}
    return kms_envelope(kms, WEBHOOKS_KEY_ALIAS, context)
