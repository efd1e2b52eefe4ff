"""Starts again what died. Run with `python -m devstack.supervisor`; stopped by `rialto down`.

With `--guard PID` it also watches that process: when it is gone, however it went, the whole stack
is stopped and its state directory removed. The tests run that way.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from devstack.part import Part
from devstack.parts import ALL_PARTS
from devstack.site import Site
from devstack.stack import Stack, StackError
from devstack.whole import erase, stop_parts

LOOK_SECONDS = 0.5
STABLE_SECONDS = 10.0
"""A part that ran this long and dies is started again at once."""
LONGEST_PAUSE_SECONDS = 15.0


@dataclass
class Attempt:
    """When a part was last started again, and how long to wait before the next time."""

    at: float = float("-inf")
    pause_seconds: float = 0.0


class Supervisor:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._attempts = {part.name: Attempt() for part in ALL_PARTS}

    def look(self) -> None:
        """Start again every part that should run and does not, unless its pause is not over."""
        for part in ALL_PARTS:
            if self._stack.was_wanted(part) and self._stack.running(part) is None:
                self._start_again(part)

    def _start_again(self, part: Part) -> None:
        attempt = self._attempts[part.name]
        now = time.monotonic()
        if now < attempt.at + attempt.pause_seconds:
            return
        was_stable = now - attempt.at > STABLE_SECONDS + attempt.pause_seconds
        longer = min(LONGEST_PAUSE_SECONDS, max(0.25, attempt.pause_seconds * 2))
        self._attempts[part.name] = Attempt(now, 0.25 if was_stable else longer)
        with self._stack.exclusive():
            if not self._stack.was_wanted(part) or self._stack.running(part) is not None:
                return
            try:
                running = self._stack.launch(part)
            except StackError as problem:
                say(f"{part.name} could not be started: {problem}")
            else:
                say(f"{part.name} had died; started again as pid {running.pid}")


def say(text: str) -> None:
    print(datetime.now(UTC).isoformat(timespec="milliseconds"), text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--guard", type=int, help="stop everything when this process is gone")
    guarded_pid = parser.parse_args().guard
    is_abandoned = _watch_for_end(guarded_pid)
    stack = Stack(Site.load(os.environ))
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    supervisor = Supervisor(stack)
    while not asked_to_stop.wait(LOOK_SECONDS):
        if is_abandoned():
            stop_parts(stack)
            erase(stack.site)
            return
        bury_children()
        supervisor.look()


def _watch_for_end(guarded_pid: int | None) -> Callable[[], bool]:
    """Tells whether the guarded process has ended; never, if there is none."""
    if guarded_pid is None:
        return lambda: False
    try:
        guarded = psutil.Process(guarded_pid)
    except psutil.NoSuchProcess:
        return lambda: True
    return lambda: not guarded.is_running() or guarded.status() == psutil.STATUS_ZOMBIE


def bury_children() -> None:
    """Take note of every child that ended, so that none stays behind as a zombie."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


if __name__ == "__main__":
    main()
