"""The subscribers of `rialto bench websocket`, in a process of their own: each follows one book.

Reads its task as JSON from stdin; writes for each sequence when the first and the last subscriber
had it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop

from bench.raw_http import Frames, HttpConnection, Login, open_frames, open_http

HOST = "127.0.0.1"
MARKET = "BTC-USDT"
_SEQUENCE = re.compile(rb'"sequence":(\d+)')
_SUBSCRIBE = f'{{"op":"subscribe","channel":"book","market":"{MARKET}"}}'.encode()
_AT_ONCE = 100
_QUIET_SECONDS = 5.0


class Crowd:
    def __init__(self, port: int) -> None:
        self._port = port
        self._frames: list[Frames] = []
        self._wanted = 0
        self._snapshots = 0
        self._all_have_snapshots = asyncio.Event()
        self.heard: dict[int, list[float]] = {}
        """By sequence: how many have it, when the first had it, when the last."""
        self.bytes = 0

    async def join(self, count: int) -> None:
        self._wanted = count
        while len(self._frames) < count:
            wanted = min(_AT_ONCE, count - len(self._frames))
            opened = await asyncio.gather(
                *(open_frames(HOST, self._port, "/v1/ws", self._hear) for _ in range(wanted))
            )
            for each in opened:
                each.send(_SUBSCRIBE)
            self._frames += opened
        await self._all_have_snapshots.wait()

    async def hear_the_rest(self, updates: int) -> None:
        """Until everybody has that many updates, or nothing came for some seconds."""
        heard, since = -1.0, time.monotonic()
        while len(self.heard) < updates or any(n < self._wanted for n, *_ in self.heard.values()):
            now_heard = sum(n for n, *_ in self.heard.values())
            if now_heard != heard:
                heard, since = now_heard, time.monotonic()
            if time.monotonic() - since > _QUIET_SECONDS:
                return
            await asyncio.sleep(0.05)

    @property
    def lost(self) -> int:
        return sum(each.is_lost for each in self._frames)

    def _hear(self, text: bytes, at: float) -> None:
        self.bytes += len(text)
        if text.startswith(b'{"type":"book_snapshot"'):
            self._snapshots += 1
            if self._snapshots == self._wanted:
                self._all_have_snapshots.set()
        elif text.startswith(b'{"type":"book_update"'):
            found = _SEQUENCE.search(text)
            assert found is not None
            heard = self.heard.setdefault(int(found[1]), [0, at, at])
            heard[0] += 1
            heard[2] = at


async def _trade(port: int, logins: list[Login], rate: float, seconds: float) -> int:
    """Pairs that match, one after the other: the maker rests, the taker takes it."""
    maker, taker = logins[:2]
    connections = [await open_http(HOST, port), await open_http(HOST, port)]
    loop = asyncio.get_running_loop()
    began, made = loop.time(), 0
    while loop.time() < began + seconds:
        await _place(connections[0], maker, "sell")
        await _place(connections[1], taker, "buy")
        made += 1
        await asyncio.sleep(max(0.0, began + made / rate - loop.time()))
    return made


async def _place(connection: HttpConnection, login: Login, side: str) -> None:
    body = f'{{"market":"{MARKET}","side":"{side}","price":"50000","size":"0.001"}}'.encode()
    head = f"POST /v1/orders HTTP/1.1\r\nHost: {HOST}\r\n"
    status, answer = await connection.send(head + login.signed("POST", "/v1/orders", body), body)
    assert status in (201, 202), answer


async def _main(task: dict[str, Any]) -> dict[str, Any]:
    crowd = Crowd(task["port"])
    await crowd.join(task["subscribers"])
    trades = await _trade(
        task["port"], [Login(**each) for each in task["logins"]], task["rate"], task["seconds"]
    )
    await crowd.hear_the_rest(2 * trades)
    return {"trades": trades, "lost": crowd.lost, "bytes": crowd.bytes, "heard": crowd.heard}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(json.load(sys.stdin)))))
