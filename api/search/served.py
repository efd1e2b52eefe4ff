"""Which indexes answer searches now: what stands behind the alias, looked up once a second.

Each kind of record has indexes of its own. A search that can only find some kinds asks their
indexes alone, and so needs no clause about kinds, which would match most of what there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set as AbstractSet

from opensearchpy import AsyncOpenSearch

from projections.document import Kind
from storage.search_index import STEPS_SINCE, kind_of, mapping_of

FRESH_SECONDS = 1.0


class ServedIndexes:
    """One for each alias and process."""

    def __init__(self, opensearch: AsyncOpenSearch, alias: str) -> None:
        self._opensearch = opensearch
        self.alias = alias
        self._names: tuple[str, ...] = ()
        self._looked_at = 0.0
        self._looking = asyncio.Lock()

    def forget(self) -> None:
        """One of them is gone: look again at the next question."""
        self._looked_at = 0.0

    async def of_kinds(self, kinds: AbstractSet[Kind]) -> list[str]:
        """Raises OpenSearchException."""
        return [name for name in await self._served() if kind_of(name) in kinds]

    async def have_steps(self) -> bool:
        """Until a release's `reindex` is over, the alias stands on indexes of the old mapping.

        Raises OpenSearchException.
        """
        return all(mapping_of(name) >= STEPS_SINCE for name in await self._served())

    async def _served(self) -> tuple[str, ...]:
        async with self._looking:
            if not self._looked_at or time.monotonic() - self._looked_at > FRESH_SECONDS:
                self._names = tuple(await self._opensearch.indices.get_alias(name=self.alias))
                self._looked_at = time.monotonic()
        return self._names
