"""Temporal payloads sealed with AES-256-GCM data keys that KMS wraps: no content on the server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

PAYLOAD_KEY_ALIAS = "alias/rialto-payloads"
ENCODING = b"binary/encrypted-v1"

_NONCE_BYTES = 12  # What GCM is specified for; random, so one key stays far below 2^32 messages.
_ROTATE_SECONDS = 300.0
_ROTATE_SEALS = 1 << 20
_KEEP_SECONDS_MAX = 3600.0  # Without KMS the last data key serves this long, then sealing stops.
_UNWRAPPED_MAX = 4096  # Data keys kept open for decoding: two weeks of five-minute keys.


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
    """Data keys from one KMS key. The encryption context ties them to their namespace.

    Unwrapping names no key: the wrapped key says which one made it, so payloads stay readable after
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


class EnvelopeCodec(PayloadCodec):
    """Seals every payload; opens what it or any other process of the namespace sealed.

    A payload that was never sealed passes through unchanged: the server itself adds some.
    """

    def __init__(
        self,
        keys: KeyWrapping,
        context: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._associated = msgspec.json.encode(sorted(context.items()))
        """Authenticated with every payload: one sealed for another context does not open here."""
        self._clock = clock
        self._sealing: _SealingKey | None = None
        self._opened: dict[bytes, AESGCM] = {}
        self._rotating = asyncio.Lock()  # One data key per rotation, however many wait for it.

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        key = await self._sealing_key()
        key.seals += len(payloads)
        return [self._seal(key, payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._open(payload) for payload in payloads]

    def _seal(self, key: _SealingKey, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, payload.SerializeToString(), self._associated)
        return Payload(metadata={"encoding": ENCODING, "dek": key.wrapped}, data=nonce + sealed)

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        cipher = await self._opening_cipher(payload.metadata["dek"])
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        return Payload.FromString(cipher.decrypt(nonce, sealed, self._associated))

    async def _opening_cipher(self, wrapped: bytes) -> AESGCM:
        cipher = self._opened.get(wrapped)
        if cipher is None:
            cipher = AESGCM(await self._keys.unwrap(wrapped))
            self._remember(wrapped, cipher)
        return cipher

    def _remember(self, wrapped: bytes, cipher: AESGCM) -> None:
        if len(self._opened) >= _UNWRAPPED_MAX:
            del self._opened[next(iter(self._opened))]
        self._opened[wrapped] = cipher

    async def _sealing_key(self) -> _SealingKey:
        if (key := self._sealing) is not None and not self._is_worn(key):
            return key
        async with self._rotating:
            if (key := self._sealing) is not None and not self._is_worn(key):
                return key
            self._sealing = await self._rotate(key)
            return self._sealing

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


def payload_context(namespace: str) -> dict[str, str]:
    """The encryption context of a namespace's payloads."""
    return {"application": "rialto", "purpose": "temporal-payloads", "namespace": namespace}


def kms_codec(kms: Any, namespace: str, alias: str = PAYLOAD_KEY_ALIAS) -> EnvelopeCodec:
    """The codec every client and worker of `namespace` uses; `kms` is a boto3 client."""
    context = payload_context(namespace)
    return EnvelopeCodec(KmsKeyWrapping(kms, alias, context), context)
