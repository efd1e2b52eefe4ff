"""One generation of the projections: its DynamoDB tables and its search index.

While the search index does not answer, documents wait in DynamoDB, so the tables stay current and
nothing is lost; they are indexed when it answers again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence

from projections.document import Document
from storage import dynamo_checkpoints as checkpoints
from storage.dynamo import Dynamo
from storage.search_index import DocumentRefused, SearchIndex, SearchUnavailable

PAUSE_MS_MIN = 2_000
PAUSE_MS_MAX = 60_000
"""After the index failed, documents go straight to waiting for so long; longer each time, for a
server that hangs costs a time-out at each attempt, and the tables must not fall behind for it.
"""

logger = logging.getLogger(__name__)


class Store:
    def __init__(self, dynamo: Dynamo, search: SearchIndex, now_ms: Callable[[], int]) -> None:
        self.dynamo = dynamo
        self.search = search
        self._now_ms = now_ms
        self._search_again_ms = 0
        self._pause_ms = PAUSE_MS_MIN
        self.may_wait = True
        """Documents may wait: some were set aside here, or nobody has looked yet."""

    @property
    def generation(self) -> int:
        return self.dynamo.generation

    def index(self, documents: Sequence[Document]) -> list[DocumentRefused]:
        """Make documents findable, now or when the index is back; returns those it refuses."""
        if not documents:
            return []
        sources = [document.source() for document in documents]
        if self._now_ms() >= self._search_again_ms:
            try:
                refused = self.search.write(sources)
            except SearchUnavailable as error:
                self._search_again_ms = self._now_ms() + self._pause_ms
                self._pause_ms = min(2 * self._pause_ms, PAUSE_MS_MAX)
                logger.warning("search index unavailable", extra={"error": str(error)})
            else:
                self._pause_ms = PAUSE_MS_MIN
                return refused
        self.may_wait = True
        checkpoints.put_waiting(
            self.dynamo,
            [
                (f"{source['kind']}#{source['id']}", int(source["version"]), json.dumps(source))
                for source in sources
            ],
        )
        return []

    def index_waiting(self) -> tuple[int, list[DocumentRefused]]:
        """Index a page of waiting documents; how many are done, and those that were refused."""
        self.may_wait = False  # Before reading: what is set aside from now on says so again.
        waiting = checkpoints.read_waiting(self.dynamo)
        if not waiting:
            return 0, []
        self.may_wait = True
        refused = self.search.write([json.loads(body) for _, body in waiting])
        checkpoints.delete_waiting(self.dynamo, [key for key, _ in waiting])
        self._search_again_ms, self._pause_ms = 0, PAUSE_MS_MIN  # It is back.
        return len(waiting), refused
