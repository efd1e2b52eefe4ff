"""How long work tells whoever watches it how far it is."""

from __future__ import annotations

from typing import Protocol


class Watch(Protocol):
    """Told of one part of the work by its name, as often as there is news.

    `total` may be left out where nobody knows it, and may grow.
    """

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Must return quickly and raise nothing: the work waits for it."""


def unwatched(what: str, done: int, total: int | None = None) -> None:
    """Nobody looks."""
