"""The load of `rialto bench orders`, in a process of its own: signed orders and cancels over HTTP,
fills over WebSocket. Reads its task as JSON from stdin, writes its figures as JSON to stdout.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench.raw_http import HttpConnection, Login, open_frames, open_http
from bench.report import percentile

HOST = "127.0.0.1"
MARKET = "BTC-USDT"
_MID_TICKS = 5_000_000
_SPREAD_TICKS = 50
"""Orders lie this far from the middle at most, on either side: about half of them meet another."""
_ANSWERED = (200, 201, 202)
_CONTENT = f"Host: {HOST}\r\nContent-Type: application/json\r\n"
_ONE, _MANY = "/v1/orders", "/v1/orders:batch"


@dataclass
class Figures:
    acknowledged: list[float] = field(default_factory=list)
    """Milliseconds from due to answered."""
    filled: list[float] = field(default_factory=list)
    """Milliseconds from due to the report of an order's first fill as taker, over WebSocket."""
    refused: dict[str, int] = field(default_factory=dict)

    def as_json(self, seconds: float) -> dict[str, Any]:
        return {
            "orders": len(self.acknowledged),
            "per_second": len(self.acknowledged) / seconds,
            "acknowledged_ms": _shares(self.acknowledged),
            "filled_ms": _shares(self.filled),
            "fills": len(self.filled),
            "refused": self.refused,
        }


class Load:
    def __init__(self, port: int, logins: list[Login], batch: int = 1) -> None:
        """`batch`: orders of each request."""
        self._port = port
        self._batch = batch
        self._logins = logins
        self._random = random.Random(1)
        self._due: dict[str, float] = {}
        self._run = secrets.token_hex(3)
        """In every order's id: the ids of an earlier load would only be answered again."""
        self._number = 0
        self.figures = Figures()

    async def listen(self) -> None:
        """One private connection per customer, open while the load runs."""
        for login in self._logins:
            frames = await open_frames(HOST, self._port, "/v1/ws", self._hear)
            frames.send(json.dumps({"op": "auth", "token": login.token}).encode())
            frames.send(b'{"op":"subscribe","channel":"fills"}')

    async def closed(self, connections: int, seconds: float) -> None:
        """Each connection sends its next order when the one before was answered."""
        deadline = time.time() + seconds

        async def one(number: int) -> None:
            connection = await open_http(HOST, self._port)
            login = self._logins[number % len(self._logins)]
            while (now := time.time()) < deadline:
                await self._place(connection, login, now)
            connection.close()

        await asyncio.gather(*(one(number) for number in range(connections)))

    async def open(self, connections: int, rate: float, seconds: float) -> None:
        """`rate` orders a second whether or not those before were answered."""
        idle: asyncio.Queue[HttpConnection] = asyncio.Queue()
        for _ in range(connections):
            idle.put_nowait(await open_http(HOST, self._port))
        tasks: set[asyncio.Task[None]] = set()
        began, sent = time.time(), 0

        async def one(due: float, login: Login) -> None:
            connection = await idle.get()
            await self._place(connection, login, due)
            idle.put_nowait(connection)

        while (now := time.time()) < began + seconds:
            while (due := began + sent / rate) <= now:
                task = asyncio.create_task(one(due, self._logins[sent % len(self._logins)]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)

    async def drained(self) -> None:
        """Until no fill report came for a while."""
        heard = -1
        while heard != len(self.figures.filled):
            heard = len(self.figures.filled)
            await asyncio.sleep(1.0)

    async def _place(self, connection: HttpConnection, login: Login, due: float) -> None:
        orders = [self._order(due) for _ in range(self._batch)]
        path, body = _ONE, orders[0]
        if self._batch > 1:
            path, body = _MANY, b'{"orders":[' + b",".join(orders) + b"]}"
        head = f"POST {path} HTTP/1.1\r\n{_CONTENT}{login.signed('POST', path, body)}"
        status, text = await connection.send(head, body)
        answer = json.loads(text)
        items = [{"order": answer}]
        if status not in _ANSWERED:
            items = [{"problem": answer}] * self._batch
        elif self._batch > 1:
            items = answer["data"]
        for item in items:
            self._count(item, due)

    def _order(self, due: float) -> bytes:
        self._number += 1
        client_id = f"load-{self._run}-{self._number}"
        self._due[client_id] = due
        side = "buy" if self._random.random() < 0.5 else "sell"
        ticks = _MID_TICKS + self._random.randint(-_SPREAD_TICKS, _SPREAD_TICKS)
        return (
            f'{{"market":"{MARKET}","side":"{side}","price":"{ticks // 100}.{ticks % 100:02d}",'
            f'"size":"0.001","client_order_id":"{client_id}",'
            '"self_trade_prevention":"cancel_taker"}'
        ).encode()

    def _count(self, item: dict[str, Any], due: float) -> None:
        if "order" in item:
            self.figures.acknowledged.append(1000 * (time.time() - due))
        else:
            code = str(item["problem"].get("code"))
            self.figures.refused[code] = self.figures.refused.get(code, 0) + 1

    def _hear(self, text: bytes, at: float) -> None:
        if not text.startswith(b'{"type":"fill"'):
            return
        fill = json.loads(text)
        due = self._due.pop(fill["client_order_id"], None)
        if due is not None and fill["role"] == "taker":
            self.figures.filled.append(1000 * (at - due))


def _shares(values: list[float]) -> dict[str, float]:
    values.sort()
    return {name: percentile(values, share) for name, share in _PERCENTILES.items()}


_PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


async def _main(task: dict[str, Any]) -> dict[str, Any]:
    logins = [Login(**each) for each in task["logins"]]
    load = Load(task["port"], logins, task.get("batch", 1))
    await load.listen()
    began = time.time()
    if task["rate"] is None:
        await load.closed(task["connections"], task["seconds"])
    else:
        await load.open(task["connections"], task["rate"], task["seconds"])
    seconds = time.time() - began
    await load.drained()
    return {**load.figures.as_json(seconds), "seconds": seconds, "processor": time.process_time()}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(json.load(sys.stdin)))))
