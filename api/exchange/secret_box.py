"""Seals secrets at rest: AES-256-GCM under a data key that KMS wraps."""

from __future__ import annotations

import asyncio
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.sealing_keys import find_wrapped, store_wrapped
from streams.aws import client

KEY_ALIAS = "alias/rialto-api-secrets"
_NONCE_BYTES = 12
_CONTEXT = {"purpose": "api-secrets"}


class SecretBox:
    """`context` binds a sealed value to its place: moved to another row, it does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, *, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Raises InvalidTag when it was altered or belongs elsewhere."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return self._cipher.decrypt(nonce, rest, context.encode())


async def open_secret_box(engine: AsyncEngine) -> SecretBox:
    """The box of this installation; its data key is made at the first start."""
    kms = client("kms")
    wrapped = await find_wrapped(engine, _CONTEXT["purpose"])
    if wrapped is None:
        made = await asyncio.to_thread(
            kms.generate_data_key, KeyId=KEY_ALIAS, KeySpec="AES_256", EncryptionContext=_CONTEXT
        )
        wrapped = await store_wrapped(engine, _CONTEXT["purpose"], made["CiphertextBlob"])
    opened = await asyncio.to_thread(
        kms.decrypt, CiphertextBlob=wrapped, KeyId=KEY_ALIAS, EncryptionContext=_CONTEXT
    )
    return SecretBox(opened["Plaintext"])
