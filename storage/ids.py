"""Numbers from database sequences, a block at a time, so that a number costs no round trip."""

from __future__ import annotations

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

    async def take(self, connection: Fetches, count: int) -> list[int]:
        """`count` numbers; asks the database only when the block at hand runs out."""
        numbers = list(islice(self._numbers, count))
        while len(numbers) < count:
            first = await connection.fetchval(self._query)
            assert isinstance(first, int)
            # Another task may have opened a block while we waited: what it left over is only
            # wasted.
            self._numbers = iter(range(first, first + BLOCK))
            numbers += islice(self._numbers, count - len(numbers))
        return numbers
