"""Temporal payloads sealed under `alias/rialto-payloads`: the server stores no readable content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from streams.envelope import Envelope, Sealed, kms_envelope

PAYLOAD_KEY_ALIAS = "alias/rialto-payloads"
ENCODING = b"binary/encrypted-v1"
SCOPE = "scope"
"""Metadata key: the kind of workflow a payload belongs to, readable but not changeable."""


class EnvelopeCodec(PayloadCodec, WithSerializationContext):
    """Seals every payload; opens what it or any other process of the namespace sealed.

    A payload that was never sealed passes through unchanged: the server itself adds some.
    """

    def __init__(self, envelope: Envelope, scope: str = "") -> None:
        self._envelope = envelope
        self._scope = scope.encode()

    def with_context(self, context: SerializationContext) -> EnvelopeCodec:
        """Seals for the kind of workflow that `withdrawal/0b5c...` names by its first part."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        kind, slash, _ = (context.workflow_id or "").partition("/")
        return EnvelopeCodec(self._envelope, kind if slash else "")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._open(payload) for payload in payloads]

    async def _seal(self, payload: Payload) -> Payload:
        sealed = await self._envelope.seal(payload.SerializeToString(), about=self._scope)
        metadata = {"encoding": ENCODING, "dek": sealed.wrapped_key, SCOPE: self._scope}
        return Payload(metadata=metadata, data=sealed.content)

    async def _open(self, payload: Payload) -> Payload:
        if not is_sealed(payload):
            return payload
        sealed = Sealed(payload.metadata["dek"], payload.data)
        opened = await self._envelope.open(sealed, about=payload.metadata[SCOPE])
        return Payload.FromString(opened)


def is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def scope_of(payload: Payload) -> str:
    """The kind of workflow it was sealed for; empty when a browser sealed it."""
    return payload.metadata.get(SCOPE, b"").decode(errors="replace")


def payload_context(namespace: str) -> dict[str, str]:
    """The encryption context of a namespace's payloads."""
    return {"application": "rialto", "purpose": "temporal-payloads", "namespace": namespace}


def kms_codec(kms: Any, namespace: str, alias: str = PAYLOAD_KEY_ALIAS) -> EnvelopeCodec:
    """The codec every client and worker of `namespace` uses; `kms` is a boto3 client."""
    return EnvelopeCodec(kms_envelope(kms, alias, payload_context(namespace)))
