"""Runs an ASGI application as an AWS Lambda behind API Gateway's HTTP API (payload version 2.0)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Scope

Event = Mapping[str, Any]


class LambdaAdapter:
    """One per process: the application's lifespan starts with the first event and never ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._lifespan: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def __call__(self, event: Event, context: object) -> dict[str, Any]:  # noqa: ARG002 - Lambda's
        return self._loop.run_until_complete(self._handle(event))

    def close(self) -> None:
        """End the application as a server would. A Lambda is frozen instead, and never calls it."""
        if self._lifespan is not None:
            self._stopping.set()
            self._loop.run_until_complete(self._lifespan)
        self._loop.close()

    async def _handle(self, event: Event) -> dict[str, Any]:
        if self._lifespan is None:
            await self._start()
        return await _answer(self._app, event)

    async def _start(self) -> None:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def receive() -> Message:
            if not started.done():
                return {"type": "lifespan.startup"}
            await self._stopping.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set_result(None)
            elif message["type"] == "lifespan.startup.failed":
                started.set_exception(RuntimeError(message.get("message", "start-up failed")))

        self._lifespan = asyncio.ensure_future(
            self._app({"type": "lifespan", "state": {}}, receive, send)
        )
        await started


async def _answer(app: ASGIApp, event: Event) -> dict[str, Any]:
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    status, headers, chunks = 500, {}, [b""]

    async def receive() -> Message:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            chunks.append(message.get("body", b""))

    await app(_scope(event), receive, send)
    return {"statusCode": status, "headers": headers, "body": b"".join(chunks).decode()}


def _scope(event: Event) -> Scope:
    http = event["requestContext"]["http"]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": http["method"],
        "scheme": "https",
        "path": event["rawPath"],
        "raw_path": event["rawPath"].encode(),
        "query_string": event.get("rawQueryString", "").encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (event.get("headers") or {}).items()
        ],
        "client": (http.get("sourceIp", ""), 0),
        "server": (event["requestContext"].get("domainName", "lambda"), 443),
    }
