"""Other people's order books on the same orders as ours, in the same run."""

from __future__ import annotations

import json
import marshal
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from bench import rival_drivers
from bench.engine_core import steady
from bench.engine_mix import Workload
from bench.rival_drivers import Item
from engine import commands as c
from engine.book import Book
from engine.commands import Command
from engine.events import FILLED
from engine.rules import Rules

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-rivals/bin/python"
OURS = "ours, same orders"
PASSES = 3
_SECONDS_MAX = 300


def common(workload: Workload) -> tuple[list[Item], list[Item]]:
    """What every rival understands: limit orders and cancels of orders that were placed."""
    placed: set[int] = set()
    return _common(workload.filling, placed), _common(workload.measured, placed)


def _common(commands: list[Command], placed: set[int]) -> list[Item]:
    items: list[Item] = []
    for command in commands:
        kind = command[0]
        if kind in (c.CANCEL, c.REPLACE) and command[3] in placed:
            items.append((command[3], 0, 0, 0))
        if kind in (c.PLACE, c.REPLACE):
            order_id, terms, price, lots = command[-4:]
            if not terms & (c.MARKET | c.TIF_MASK):
                items.append((order_id, terms & c.BUY, price, lots))
                placed.add(order_id)
    return items


def run_rivals(workload: Workload) -> tuple[dict[str, float], list[str]]:
    """Commands per processor second of each rival and of ours; and what there is to say."""
    filling, measured = common(workload)
    rates: dict[str, list[float]] = {}
    seconds, expected = _drive_ours(filling, measured)
    rates[OURS] = [len(measured) / seconds]
    if not _install():
        return {OURS: rates[OURS][0]}, ["rivals could not be installed, so none was run"]
    notes = []
    with tempfile.NamedTemporaryFile(suffix=".marshal") as file:
        file.write(marshal.dumps((filling, measured)))
        file.flush()
        for _ in range(PASSES):
            for name in rival_drivers.DRIVERS:
                seconds, lots = _drive(name, file.name)
                rates.setdefault(name, []).append(len(measured) / seconds)
                if lots != expected:
                    notes.append(f"{name} traded {lots} lots where {expected} belong")
            rates[OURS].append(len(measured) / _drive_ours(filling, measured)[0])
    return {name: median(each) for name, each in rates.items()}, sorted(set(notes))


def _install() -> bool:
    script = ROOT / "devstack/install/install.sh"
    return subprocess.run([str(script), "rivals"], check=False, stdout=2).returncode == 0


def _drive(name: str, file: str) -> tuple[float, int]:
    done = subprocess.run(
        [str(PYTHON), "-I", rival_drivers.__file__, name, file],
        check=True,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
    )
    seconds, lots = json.loads(done.stdout)
    return seconds, lots


def _drive_ours(filling: list[Item], measured: list[Item]) -> tuple[float, int]:
    """The same as rival_drivers.drive, for our book: an adapter that tells the traded lots."""
    book = Book(Rules(orders_max=10**9))
    place, cancel, events = book.place, book.cancel, book.events
    for order_id, is_buy, price, lots in filling:
        place((c.PLACE, 0, 1 + is_buy, order_id, is_buy, price, lots))
    sides = {order_id: 1 + is_buy for order_id, is_buy, _, lots in filling + measured if lots}
    events.clear()
    traded = 0
    with steady():
        began = time.process_time()
        for order_id, is_buy, price, lots in measured:
            if lots:
                place((c.PLACE, 0, 1 + is_buy, order_id, is_buy, price, lots))
                for event in events:
                    if event[0] == FILLED:
                        traded += event[3]
            else:
                cancel((c.CANCEL, 0, sides[order_id], order_id))
            events.clear()
        return time.process_time() - began, traded
