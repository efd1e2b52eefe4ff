"""Numbers from database sequences, a block at a time, so that a number costs no round trip."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Protocol

BLOCK = 1000
"""INCREMENT BY of the sequences in tables_ledger; a process that ends wastes the rest of its block.
"""


class Fetches(Protocol):
    async def fetchval(self, query: str, *args: object) -> object: ...


class IdBlocks:
    """Hands out numbers of one sequence: unique over all processes, rising within this one."""

    def __init__(self, sequence: str) -> None:
        assert sequence.isidentifier()
        self._query = f"SELECT nextval('{sequence}')"
        self._numbers = iter(range(0))
        self._opening = asyncio.Lock()

    async def take(self, connection: Fetches, count: int) -> list[int]:
        """`count` numbers; asks the database only when the block at hand runs out."""
        numbers = list(islice(self._numbers, count))
        if len(numbers) == count:
            return numbers
        # One asks, and the others wait for the block it brings: a thousand callers at the end of a
        # block would otherwise ask a thousand times, each for a block of its own.
        async with self._opening:
            numbers += islice(self._numbers, count - len(numbers))
            while len(numbers) < count:
                first = await connection.fetchval(self._query)
                assert isinstance(first, int)
                self._numbers = iter(range(first, first + BLOCK))
                numbers += islice(self._numbers, count - len(numbers))
        return numbers
