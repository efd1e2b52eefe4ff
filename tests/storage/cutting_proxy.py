"""A TCP proxy to PostgreSQL that cuts connections at the worst moments, by the throw of its
dice.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65536


class CuttingProxy:
    """Listens on a port of its own and forwards to the server, until it cuts.

    `before_commit`: the COMMIT never reaches the server. `after_commit`: it does, but the answer
    never reaches the client, so the client cannot know. `anywhere`: between any two messages.
    """

    def __init__(
        self,
        port: int,
        dice: random.Random,
        *,
        before_commit: float,
        after_commit: float,
        anywhere: float,
    ) -> None:
        self._server_port = port
        self._dice = dice
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._anywhere = anywhere
        self._server: asyncio.Server | None = None
        self.cuts = {"before_commit": 0, "after_commit": 0, "anywhere": 0}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server
        self._server.close()

    @property
    def port(self) -> int:
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    def stop_cutting(self) -> None:
        self._before_commit = self._after_commit = self._anywhere = 0

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # The test is over.
            await self._carry(client, answers)

    async def _carry(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            server, requests = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            answers.close()
            return
        back = asyncio.create_task(self._forward(server, answers))
        with suppress(OSError):
            while data := await client.read(CHUNK):
                is_commit = b"COMMIT" in data
                if is_commit and self._rolls("before_commit", self._before_commit):
                    break
                if is_commit and self._rolls("after_commit", self._after_commit):
                    back.cancel()
                    await asyncio.wait([back])  # Two may not read from the server at once.
                    requests.write(data)
                    await requests.drain()
                    await server.read(CHUNK)  # The server has answered: it is done.
                    break
                if self._rolls("anywhere", self._anywhere):
                    break
                requests.write(data)
                await requests.drain()
        back.cancel()
        requests.close()
        answers.close()

    def _rolls(self, kind: str, chance: float) -> bool:
        cut = self._dice.random() < chance
        self.cuts[kind] += cut
        return cut

    async def _forward(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await server.read(CHUNK):
                answers.write(data)
                await answers.drain()
        answers.close()
