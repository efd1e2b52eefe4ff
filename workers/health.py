"""`GET /healthz`, `/livez` and `/metrics` for a process that otherwise serves no HTTP.

`/healthz` says whether it does its work now. `/livez` says that it runs: so does a standby, whose
work begins when another one ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from streams.listening import listen_host
from streams.metrics import CONTENT_TYPE, TemporalMetrics, metrics_text

Check = Callable[[], Awaitable[bool]]
_CHECK_SECONDS_MAX = 2.0


class Health:
    """The parts a process needs: flags that it sets, or checks asked at every request."""

    def __init__(self, *parts: str) -> None:
        self._flags = dict.fromkeys(parts, False)
        self._checks: dict[str, Check] = {}
        self._facts: dict[str, Callable[[], float]] = {}

    def ready(self, part: str) -> None:
        self._flags[part] = True

    def unready(self, part: str) -> None:
        self._flags[part] = False

    def check(self, part: str, ask: Check) -> None:
        """`ask` answers whether the part works now; raising or taking two seconds means no."""
        self._checks[part] = ask

    def tell(self, fact: str, ask: Callable[[], float]) -> None:
        """A number shown beside the parts; `lag` in seconds is what `rialto status` looks for."""
        self._facts[fact] = ask

    def facts(self) -> dict[str, float]:
        return {fact: ask() for fact, ask in self._facts.items()}

    async def parts(self) -> dict[str, bool]:
        answers = await asyncio.gather(*(_answer(ask) for ask in self._checks.values()))
        return {**self._flags, **dict(zip(self._checks, answers, strict=True))}


async def _answer(ask: Check) -> bool:
    try:
        return await asyncio.wait_for(ask(), _CHECK_SECONDS_MAX)
    except Exception:  # noqa: BLE001 - any failure of a part means the same here: it is not healthy
        return False


@asynccontextmanager
async def serve_health(
    health: Health,
    *,
    port: int | None,
    metrics_port: int | None = None,
    temporal: TemporalMetrics | None = None,
) -> AsyncIterator[Health]:
    """Serve while the block runs; on no port when `port` is None. Both ports answer all paths.

    On the address of `RIALTO_LISTEN_HOST`.
    """
    runners: list[web.AppRunner] = []

    async def healthz(_: web.Request) -> web.Response:
        parts = await health.parts()
        healthy = all(parts.values())
        body = {"healthy": healthy, "parts": parts, **health.facts()}
        return web.json_response(body, status=200 if healthy else 503)

    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def metrics(_: web.Request) -> web.Response:
        text = await metrics_text(temporal)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    try:
        for wanted in {port, metrics_port} - {None}:
            app = web.Application()
            paths = {"/healthz": healthz, "/livez": livez, "/metrics": metrics}
            app.add_routes([web.get(path, answer) for path, answer in paths.items()])
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, listen_host(), wanted).start()
        yield health
    finally:
        for runner in runners:
            await runner.cleanup()
