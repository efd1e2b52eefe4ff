"""A customer's server on loopback that webhooks are sent to."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.api.conftest import Person

EVENTS = ["deposit", "withdrawal", "order.filled", "kyc"]


@dataclass
class Receiver:
    """A customer's server: answers with these statuses in turn, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Receiver]:
        found = cls()
        async with serving(found.handle) as port:
            found.url = f"http://127.0.0.1:{port}"
            yield found

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Any], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    assert runner.addresses
    yield runner.addresses[0][1]
    await runner.cleanup()


async def registered(person: Person, url: str, events: list[str] | None = None) -> dict[str, Any]:
    body = {"url": url, "events": events or EVENTS, "label": "books"}
    answer = await person.http.post("/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def pinged(person: Person, hook: dict[str, Any]) -> str:
    answer = await person.http.post(f"/v1/webhooks/{hook['id']}:ping")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def deliveries(person: Person, hook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await person.http.get(f"/v1/webhooks/{hook['id']}/deliveries")
    return list(answer.json()["data"])
