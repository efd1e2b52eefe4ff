"""A copy of the exchange that is kept by replaying journal records through the same core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from engine import snapshot
from engine.exchange import Exchange, Run
from engine.journal import FRAME, MARKETS, CorruptJournal, Record, TornTail
from engine.ladder import Ladder, PriceIndex
from engine.rules import Rules
from streams import snapshots
from streams.frames import Section, unpack
from streams.journal import replay

_rules_decoder = msgspec.json.Decoder(dict[str, Rules])


class Diverged(Exception):
    """The same commands led to other events than they did for the writer. Stop: one is wrong."""


class Replica:
    def __init__(self, exchange: Exchange | None = None) -> None:
        self.exchange = exchange or Exchange()

    def apply(self, record: Record, sections: Sequence[Section] | None = None) -> list[Run]:
        """Do one record. Raises Diverged when the writer's events until here were others.

        `sections` is what the frame of a record holds, for one who has unpacked it already.
        """
        exchange = self.exchange
        assert record.number == exchange.number + 1, (record.number, exchange.number)
        if record.digest != exchange.digest:
            raise Diverged(
                f"before record {record.number}: its writer had digest {record.digest.hex()}, "
                f"this replay has {exchange.digest.hex()}"
            )
        exchange.number, exchange.epoch = record.number, record.epoch
        if record.kind == FRAME:
            if sections is None:
                sections = unpack(record.payload)
            return exchange.apply_frame(record.time_us, sections)
        if record.kind == MARKETS:
            for market, rules in decode_markets(record.payload).items():
                exchange.list_market(market, rules)
        exchange.advance(record.time_us)
        return exchange.take()


def encode_markets(markets: Mapping[str, Rules]) -> bytes:
    return msgspec.json.encode(markets)


def decode_markets(payload: bytes) -> dict[str, Rules]:
    return _rules_decoder.decode(payload)


def restore(
    directory: Path,
    *,
    is_early_enough: Callable[[Exchange], bool] = lambda _: True,
    index: Callable[[], PriceIndex] = Ladder,
) -> Replica:
    """The replica of the newest usable snapshot; empty when there is none.

    `is_early_enough` turns down snapshots that are past what the caller still needs to see.
    """
    for number, data in snapshots.newest_first(directory):
        exchange = snapshot.load(data, index=index)
        if exchange.number != number:
            raise CorruptJournal(f"snapshot {number} holds the state after {exchange.number}")
        if is_early_enough(exchange):
            return Replica(exchange)
    return Replica(Exchange(index=index))


def recover(directory: Path) -> tuple[Replica, TornTail | None]:
    """The state at the end of a journal that nobody writes: newest snapshot, then the tail.

    Raises CorruptJournal or Diverged: then nobody may write on.
    """
    replica = restore(directory)
    torn = None
    for found in replay(directory, replica.exchange.number):
        if isinstance(found, TornTail):
            torn = found
        else:
            replica.apply(found)
    return replica, torn
