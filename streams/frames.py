"""Order frames: many commands in one message of the order queue.

A FIFO group delivers ten messages a receive, so commands travel packed: the ceiling is commands per
frame, not messages per second. The body is JSON text:

    [1, [["BTC-USDT", [[1, 9001, 77, 5001, 1, 5000000, 10], [3, 9002, 77, 4999]]],
         ["ETH-BTC", [...]]]]

a version, then for each market its commands in order, in the layouts of engine/commands.py. A frame
of a traced request is of version 2 and has its traceparent (W3C Trace Context) before the markets:
`[2, "00-...-01", [...]]`; it means nothing to the engine's decisions. The engine de-duplicates by
command id, so sending a command again, alone or in another frame, is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, TypeAlias

import msgspec

from engine.commands import FIELD_MAX, LENGTHS, Command

VERSION: Final = 1
TRACED: Final = 2

_TRACED_START: Final = b'[2,"'

COMMANDS_MAX: Final = 500
"""Commands in one frame; at up to 200 bytes each a frame stays under half of SQS's 256 KiB."""

_Field = Annotated[int, msgspec.Meta(ge=0, le=FIELD_MAX)]
Section: TypeAlias = tuple[str, list[Command]]

_decoder = msgspec.json.Decoder(tuple[int, list[tuple[str, list[tuple[_Field, ...]]]]])
_traced_decoder = msgspec.json.Decoder(tuple[int, str, list[tuple[str, list[tuple[_Field, ...]]]]])
_encoder = msgspec.json.Encoder()


class MalformedFrame(ValueError):
    """Not a frame: the message is put aside for people to look at, never half done."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, ready to send."""

    body: str
    group: str
    """MessageGroupId: frames of one group arrive in order."""
    deduplication_id: str
    """MessageDeduplicationId: the same body within five minutes is queued once."""


def pack(commands: Iterable[tuple[str, Command]], *, group: str, trace: str = "") -> list[Frame]:
    """Frames of `(market, command)` pairs; the commands of a market keep their order.

    `trace` is the traceparent of what caused them, if that is traced.
    """
    pairs = list(commands)
    return [
        _frame(pairs[start : start + COMMANDS_MAX], group, trace)
        for start in range(0, len(pairs), COMMANDS_MAX)
    ]


def _frame(pairs: list[tuple[str, Command]], group: str, trace: str) -> Frame:
    by_market: dict[str, list[Command]] = {}
    for market, command in pairs:
        by_market.setdefault(market, []).append(command)
    sections = list(by_market.items())
    body = _encoder.encode((TRACED, trace, sections) if trace else (VERSION, sections))
    return Frame(body.decode("ascii"), group, sha256(body).hexdigest())


def unpack(body: bytes | str) -> list[Section]:
    """The commands of a frame, by market. Raises MalformedFrame unless every command has its
    kind's layout.
    """
    try:
        version, sections = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedFrame(str(error)) from None
    if version not in (VERSION, TRACED):
        raise MalformedFrame(f"frame version {version} is not {VERSION} or {TRACED}")
    lengths = LENGTHS
    for _, commands in sections:
        for command in commands:
            if not command or lengths.get(command[0]) != len(command):
                raise MalformedFrame(f"no command has this layout: {command[:12]}")
    return sections


def trace_of(body: bytes) -> str:
    """The traceparent of a frame; empty for one that is not traced."""
    if not body.startswith(_TRACED_START):
        return ""
    end = body.find(b'"', len(_TRACED_START))
    return body[len(_TRACED_START) : end].decode("ascii", "replace") if end > 0 else ""


def _decode(body: bytes | str) -> tuple[int, list[Section]]:
    data = body.encode() if isinstance(body, str) else body
    if data.startswith(_TRACED_START):
        version, _, sections = _traced_decoder.decode(data)
        return version, sections
    return _decoder.decode(data)
