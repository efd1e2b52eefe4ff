"""Bars for long work: on the terminal, if there is one; never in between what programs read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

_DRAWN_EVERY_SECONDS: Final = 0.1
"""Work may tell of every record."""


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        of = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of}")


class Bars:
    """A bar for each part of the work, by its name; without an end in sight it only counts.

    Is a `domain.progress.Watch`.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._newest: dict[str, tuple[int, int | None]] = {}
        self._draw_at = 0.0

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        self._newest[what] = done, total
        if time.monotonic() > self._draw_at:
            self.draw()

    def draw(self) -> None:
        """Put what was told into the bars."""
        for what, (done, total) in self._newest.items():
            if what not in self._tasks:
                self._tasks[what] = self._progress.add_task(what, total=total)
            self._progress.update(self._tasks[what], completed=done, total=total)
        self._draw_at = time.monotonic() + _DRAWN_EVERY_SECONDS

    def tell(self, sentence: str) -> None:
        """Above the bars, or without them."""
        self._progress.console.print(sentence, soft_wrap=True)


@contextmanager
def bars() -> Iterator[Bars]:
    """Drawn on standard error while the block runs: standard output is what `--json` promises."""
    console = Console(stderr=True, highlight=False)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        _Count(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        drawn = Bars(progress)
        try:
            yield drawn
        finally:
            drawn.draw()
