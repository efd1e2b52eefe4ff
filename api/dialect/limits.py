"""Request weight per address, orders per account: counted in fixed windows, in Valkey.

So all processes of the API count together. While Valkey is away each counts for itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.dialect.errors import TOO_MANY, DialectError
from domain.ids import CustomerId

WEIGHT_PER_MINUTE = 6000
ORDERS_PER_10_SECONDS = 100
ORDERS_PER_DAY = 200_000
RAW_REQUESTS_PER_5_MINUTES = 61_000
CONNECTIONS_PER_5_MINUTES = 300
_BAN_FACTOR = 2
"""Who goes on at this many times the limit gets 418 instead of 429."""
_DAY = 86_400
_MEMORY_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Window:
    """`seconds` long, aligned to the clock."""

    kind: str
    seconds: int
    limit: int


WEIGHT = Window("weight", 60, WEIGHT_PER_MINUTE)
RAW = Window("raw", 300, RAW_REQUESTS_PER_5_MINUTES)
CONNECTIONS = Window("connections", 300, CONNECTIONS_PER_5_MINUTES)
ORDERS_SHORT = Window("orders-10s", 10, ORDERS_PER_10_SECONDS)
ORDERS_DAY = Window("orders-1d", _DAY, ORDERS_PER_DAY)


class Limits:
    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._own: OrderedDict[str, int] = OrderedDict()

    async def take_weight(self, ip: str, weight: int) -> int:
        """What the address has used in this minute. Raises -1003."""
        now = time.time()
        used, raw = await self._add(ip, [(WEIGHT, weight), (RAW, 1)], now)
        if used > WEIGHT.limit:
            raise self._too_much_weight(used, now)
        if raw > RAW.limit:
            raise _exceeded(RAW, now, "Too many requests; current limit is 61000 per 5 MINUTES.")
        return used

    async def take_connection(self, ip: str) -> bool:
        """Whether the address may open one more WebSocket."""
        [count] = await self._add(ip, [(CONNECTIONS, 1)], time.time())
        return count <= CONNECTIONS.limit

    async def take_orders(self, customer_id: CustomerId, count: int = 1) -> tuple[int, int]:
        """Orders of the account in these ten seconds and today. Raises -1015."""
        now = time.time()
        short, day = await self._add(
            str(customer_id), [(ORDERS_SHORT, count), (ORDERS_DAY, count)], now
        )
        if short > ORDERS_SHORT.limit:
            raise _exceeded(
                ORDERS_SHORT,
                now,
                "Too many new orders; current limit is 100 orders per 10 SECOND.",
                code=-1015,
            )
        if day > ORDERS_DAY.limit:
            raise _exceeded(
                ORDERS_DAY,
                now,
                "Too many new orders; current limit is 200000 orders per 1 DAY.",
                code=-1015,
            )
        return short, day

    async def orders(self, customer_id: CustomerId) -> tuple[int, int]:
        short, day = await self._add(
            str(customer_id), [(ORDERS_SHORT, 0), (ORDERS_DAY, 0)], time.time()
        )
        return short, day

    async def _add(
        self, subject: str, taken: Sequence[tuple[Window, int]], now: float
    ) -> list[int]:
        names = [f"rate:dialect:{w.kind}:{subject}:{int(now) // w.seconds}" for w, _ in taken]
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for name, (window, count) in zip(names, taken, strict=True):
                    pipeline.incrby(name, count)
                    pipeline.expire(name, 2 * window.seconds)
                return [int(each) for each in (await pipeline.execute())[::2]]
        except (ValkeyError, OSError):
            return [self._add_own(n, count) for n, (_, count) in zip(names, taken, strict=True)]

    def _add_own(self, name: str, count: int) -> int:
        self._own[name] = self._own.get(name, 0) + count
        self._own.move_to_end(name)
        if len(self._own) > _MEMORY_SIZE:
            self._own.popitem(last=False)
        return self._own[name]

    def _too_much_weight(self, used: int, now: float) -> DialectError:
        if used > _BAN_FACTOR * WEIGHT.limit:
            return _exceeded(
                WEIGHT,
                now,
                "Way too much request weight used; IP banned until "
                f"{(int(now) // WEIGHT.seconds + 1) * WEIGHT.seconds * 1000}. Please use WebSocket "
                "Streams for live updates to avoid bans.",
                status=418,
            )
        return _exceeded(
            WEIGHT,
            now,
            "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
        )


def _exceeded(
    window: Window, now: float, message: str, *, code: int = -1003, status: int = TOO_MANY
) -> DialectError:
    wait = window.seconds - int(now) % window.seconds
    return DialectError(code, message, status=status, headers={"Retry-After": str(wait)})


def announced() -> list[dict[str, object]]:
    """As exchangeInfo lists them."""
    return [
        _limit("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
        _limit("ORDERS", "SECOND", 10, ORDERS_PER_10_SECONDS),
        _limit("ORDERS", "DAY", 1, ORDERS_PER_DAY),
        _limit("RAW_REQUESTS", "MINUTE", 5, RAW_REQUESTS_PER_5_MINUTES),
    ]


def weight_used(count: int) -> list[dict[str, object]]:
    """As answers of the WebSocket API carry it."""
    return [{**_limit("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE), "count": count}]


def orders_used(short: int, day: int) -> list[dict[str, object]]:
    return [
        {**_limit("ORDERS", "SECOND", 10, ORDERS_PER_10_SECONDS), "count": short},
        {**_limit("ORDERS", "DAY", 1, ORDERS_PER_DAY), "count": day},
    ]


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }
