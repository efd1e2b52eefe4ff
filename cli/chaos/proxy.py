"""A proxy before a node: it delays answers, and loses them after the node has done what was asked.

It runs in a thread of its own, as the exchange is started and stopped by code that blocks.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from typing import Final

_CHUNK: Final = 65_536
_BREAKS: Final = 0.4
"""Chance that one answer is lost while answers are being lost."""
_DELAY_SECONDS_MAX: Final = 3.0


class Mood(StrEnum):
    KIND = "kind"
    SLOW = "slow"
    """Each answer takes up to three seconds longer."""
    LOSSY = "lossy"
    """Some answers never arrive, though the node did what was asked."""
    DEAF = "deaf"
    """No connection is taken."""


class NodeProxy:
    """Listens on a free port at once; `server_port` may be told later."""

    def __init__(self, seed: int) -> None:
        self.mood = Mood.KIND
        self.server_port = 0
        self.lost = 0
        """Answers that did not arrive."""
        self._chance = random.Random(seed)  # noqa: S311 - Repeatable on purpose.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="node-proxy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        self._loop.run_forever()

    async def _serve(self, asked: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            if self.mood is Mood.DEAF:
                return
            server, requests = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            return
        else:
            ways = (self._ask(asked, requests), self._answer(server, answers))
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            requests.close()
        finally:
            answers.close()

    async def _ask(self, asked: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await asked.read(_CHUNK):
                requests.write(data)
                await requests.drain()

    async def _answer(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await server.read(_CHUNK):
                if self.mood is Mood.SLOW:
                    await asyncio.sleep(self._chance.uniform(0, _DELAY_SECONDS_MAX))
                if self.mood is Mood.LOSSY and self._chance.random() < _BREAKS:
                    self.lost += 1
                    return
                answers.write(data)
                await answers.drain()
