"""What several commands print, and how."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from devstack.whole import PartStatus

MEBIBYTE = 1 << 20
console = Console(highlight=False)


def print_status(parts: Sequence[PartStatus]) -> None:
    table = Table("part", "address", "health", "pid", "memory", "lag", box=None)
    for part in parts:
        health = "[green]ok[/]" if part.healthy else f"[red]{part.problem}[/]"
        memory = f"{part.rss_bytes // MEBIBYTE} MiB"
        lag = "" if part.lag is None else f"{part.lag:g}"
        table.add_row(part.name, part.address, health, str(part.pid or ""), memory, lag)
    console.print(table)
    total = sum(part.rss_bytes for part in parts) // MEBIBYTE
    console.print(f"{len(parts)} parts, {total} MiB in all")
