"""The load of `rialto bench market_data`, in a process of its own: one public path after the other.

Reads its task as JSON from stdin, writes its figures as JSON to stdout.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.raw_http import HttpConnection, open_http
from bench.report import percentile

HOST = "127.0.0.1"


async def _ask(connection: HttpConnection, head: str, until: float, took: list[float]) -> None:
    while (began := time.perf_counter()) < until:
        status, body = await connection.send(head)
        assert status == 200, (status, body[:200])
        took.append(1e3 * (time.perf_counter() - began))


async def _measure(connections: list[HttpConnection], path: str, seconds: float) -> dict[str, Any]:
    head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n"
    _, body = await connections[0].send(head)
    began, took = time.perf_counter(), list[float]()
    await asyncio.gather(*(_ask(each, head, began + seconds, took) for each in connections))
    elapsed = time.perf_counter() - began
    took.sort()
    shares = [percentile(took, share) for share in (0.5, 0.99, 0.999)]
    return {"per_second": len(took) / elapsed, "took_ms": shares, "bytes": len(body)}


async def _main(task: dict[str, Any]) -> dict[str, Any]:
    connections = [await open_http(HOST, task["port"]) for _ in range(task["connections"])]
    return {path: await _measure(connections, path, task["seconds"]) for path in task["paths"]}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(json.load(sys.stdin)))))
