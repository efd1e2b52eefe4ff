"""The codec server: opens payloads in the UI for those who may read them, behind the same login."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import PayloadCodec

from compliance.staff import Role, may_read
from domain.errors import InvalidInput, PermissionMissing
from streams.payload_codec import is_sealed, scope_of

BODY_BYTES_MAX = 8 * 1024 * 1024


async def decode(codec: PayloadCodec, role: Role, body: bytes) -> bytes:
    """Raises PermissionMissing when the role may not read even one of them."""
    payloads = _parse(body)
    if not all(_is_readable(role, payload) for payload in payloads):
        raise PermissionMissing("personal data is shown to compliance officers only")
    try:
        opened = await codec.decode(payloads)
    except InvalidTag:
        raise InvalidInput("a payload was altered, or sealed for another namespace") from None
    return _format(opened)


async def encode(codec: PayloadCodec, body: bytes) -> bytes:
    """For what staff type into the UI; reading it back takes a compliance officer."""
    return _format(await codec.encode(_parse(body)))


def _is_readable(role: Role, payload: Payload) -> bool:
    return not is_sealed(payload) or may_read(role, scope_of(payload))


def _parse(body: bytes) -> list[Payload]:
    try:
        parsed = json_format.Parse(body, Payloads(), ignore_unknown_fields=True)
    except json_format.ParseError as fault:
        raise InvalidInput("not a list of payloads") from fault
    return list(parsed.payloads)


def _format(payloads: list[Payload]) -> bytes:
    return json_format.MessageToJson(Payloads(payloads=payloads), indent=None).encode()
