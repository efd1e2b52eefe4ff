"""Temporal payloads sealed under `alias/rialto-payloads`: the server stores no readable content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from streams.envelope import Envelope, Sealed, kms_envelope

PAYLOAD_KEY_ALIAS = "alias/rialto-payloads"
ENCODING = b"binary/encrypted-v1"


class EnvelopeCodec(PayloadCodec):
    """Seals every payload; opens what it or any other process of the namespace sealed.

    A payload that was never sealed passes through unchanged: the server itself adds some.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._open(payload) for payload in payloads]

    async def _seal(self, payload: Payload) -> Payload:
        sealed = await self._envelope.seal(payload.SerializeToString())
        metadata = {"encoding": ENCODING, "dek": sealed.wrapped_key}
        return Payload(metadata=metadata, data=sealed.content)

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        sealed = Sealed(payload.metadata["dek"], payload.data)
        return Payload.FromString(await self._envelope.open(sealed))


def payload_context(namespace: str) -> dict[str, str]:
    """The encryption context of a namespace's payloads."""
    return {"application": "rialto", "purpose": "temporal-payloads", "namespace": namespace}


def kms_codec(kms: Any, namespace: str, alias: str = PAYLOAD_KEY_ALIAS) -> EnvelopeCodec:
    """The codec every client and worker of `namespace` uses; `kms` is a boto3 client."""
    return EnvelopeCodec(kms_envelope(kms, alias, payload_context(namespace)))
