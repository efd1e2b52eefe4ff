"""Which generations of the projections live, as every process must know within seconds."""

from __future__ import annotations

import time

from storage.dynamo import Dynamo
from storage.dynamo_checkpoints import Generations, read_generations

FRESH_SECONDS = 2.0
"""How long a process may not know that a rebuild began or ended."""


class LivingGenerations:
    """Asked at every read and write, looked up every two seconds. Blocking."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._dynamo = dynamo
        self._known: Generations | None = None
        self._looked_at = 0.0
        self._made: dict[int, Dynamo] = {}

    def now(self) -> Generations:
        if self._known is None or time.monotonic() - self._looked_at > FRESH_SECONDS:
            self._known = read_generations(self._dynamo)
            self._looked_at = time.monotonic()
        return self._known

    def serving(self) -> Dynamo:
        """The tables that serve reads."""
        return self.of(self.now().serving)

    def of(self, generation: int) -> Dynamo:
        if generation not in self._made:
            self._made[generation] = self._dynamo.of_generation(generation)
        return self._made[generation]
