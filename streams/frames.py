"""Order frames: many commands in one message of the order queue.

A FIFO group delivers ten messages a receive, so commands travel packed: the ceiling is commands per
frame, not messages per second. The body is JSON text:

    [1, [["BTC-USDT", [[1, 9001, 77, 5001, 1, 5000000, 10], [3, 9002, 77, 4999]]],
         ["ETH-BTC", [...]]]]

a version, then for each market its commands in order, in the layouts of engine/commands.py. The
engine de-duplicates by command id, so sending a command again, alone or in another frame, is
harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, TypeAlias

import msgspec

from engine.commands import FIELD_MAX, LENGTHS, Command

VERSION: Final = 1

COMMANDS_MAX: Final = 500
"""Commands in one frame; at up to 200 bytes each a frame stays under half of SQS's 256 KiB."""

_Field = Annotated[int, msgspec.Meta(ge=0, le=FIELD_MAX)]
Section: TypeAlias = tuple[str, list[Command]]

_decoder = msgspec.json.Decoder(tuple[int, list[tuple[str, list[tuple[_Field, ...]]]]])
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


def pack(commands: Iterable[tuple[str, Command]], *, group: str) -> list[Frame]:
    """Frames of `(market, command)` pairs; the commands of a market keep their order."""
    pairs = list(commands)
    return [
        _frame(pairs[start : start + COMMANDS_MAX], group)
        for start in range(0, len(pairs), COMMANDS_MAX)
    ]


def _frame(pairs: list[tuple[str, Command]], group: str) -> Frame:
    by_market: dict[str, list[Command]] = {}
    for market, command in pairs:
        by_market.setdefault(market, []).append(command)
    body = _encoder.encode((VERSION, list(by_market.items())))
    return Frame(body.decode("ascii"), group, sha256(body).hexdigest())


def unpack(body: bytes | str) -> list[Section]:
    """The commands of a frame, by market. Raises MalformedFrame unless every command has its
    kind's layout.
    """
    try:
        version, sections = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedFrame(str(error)) from None
    if version != VERSION:
        raise MalformedFrame(f"frame version {version} is not {VERSION}")
    lengths = LENGTHS
    for _, commands in sections:
        for command in commands:
            if not command or lengths.get(command[0]) != len(command):
                raise MalformedFrame(f"no command has this layout: {command[:12]}")
    return sections
