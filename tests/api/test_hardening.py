"""What every answer carries, what browsers may do, and what happens when there is too much."""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import api
import compliance
import domain
from api.edge import Edge
from api.errors import ERRORS
from domain.errors import ExchangeError
from tests.api.conftest import Exchange, problem

WEB = "https://www.example.com"
STAFF_ONLY = {"invalid_list", "invalid_travel_rule_payload", "staff_token_refused"}
"""Refusals of commands and of the staff portal, which callers of the API never meet."""


@pytest.fixture(scope="module")
def more_settings() -> dict[str, Any]:
    return {"cors_origins": WEB}


@pytest.mark.parametrize("path", ["/v1/time", "/v1/account", "/nowhere", "/v1/openapi.json"])
async def test_every_answer_is_hardened(exchange: Exchange, path: str) -> None:
    answer = await exchange.http.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_listed_pages_may_call_and_others_may_not(exchange: Exchange) -> None:
    asks = {
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-type",
    }

    ours = await exchange.http.options("/v1/orders", headers={"origin": WEB, **asks})
    other = await exchange.http.options(
        "/v1/orders", headers={"origin": "https://evil.example", **asks}
    )

    assert ours.headers["access-control-allow-origin"] == WEB
    assert "access-control-allow-origin" not in other.headers


async def test_a_cookie_is_no_credential(exchange: Exchange) -> None:
    """So a foreign page cannot make a browser act for its owner."""
    person = await exchange.person()
    token = person.http.headers["authorization"].removeprefix("Bearer ")

    answer = await exchange.client(cookie=f"token={token}").post("/v1/orders", json={})

    problem(answer, 401, "not_authenticated")


async def test_trace_is_not_answered(exchange: Exchange) -> None:
    assert (await exchange.http.request("TRACE", "/v1/time")).status_code == 405


async def test_an_unexpected_error_says_nothing(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down() -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(exchange.services.readiness, "parts", break_down)
    answer = await exchange.http.get("/v1/status")

    problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.is_asked.set()
        await self.may_answer.wait()
        await Response(b"{}")(scope, receive, send)


def client(edge: Edge) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=edge), base_url="http://test")


async def test_more_than_it_can_do_is_refused_at_once() -> None:
    slow = Slow()
    async with client(Edge(slow, body_bytes_max=100, in_flight_max=1, seconds_max=30)) as http:
        first = asyncio.create_task(http.get("/v1/time"))
        await slow.is_asked.wait()

        second = await http.get("/v1/time")
        slow.may_answer.set()

        problem(second, 503, "unavailable")
        assert second.headers["retry-after"] == "1"
        assert (await first).status_code == 200
        assert (await http.get("/v1/time")).status_code == 200


async def test_what_takes_too_long_is_unknown_if_it_could_have_changed_something() -> None:
    async with client(Edge(Slow(), body_bytes_max=100, in_flight_max=9, seconds_max=0.05)) as http:
        problem(await http.get("/v1/time"), 503, "unavailable")
        problem(await http.post("/v1/orders"), 504, "outcome_unknown")


def test_every_refusal_a_caller_can_see_is_in_the_catalogue() -> None:
    for package in (api, compliance, domain):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(("api.staff", "api.wallet_service")):
                importlib.import_module(module.name)

    def below(kind: type[ExchangeError]) -> Iterator[type[ExchangeError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    seen = {
        each.code
        for each in below(ExchangeError)
        if each.__module__.startswith(("api.", "compliance.", "domain."))
    }
    assert seen - set(ERRORS) <= STAFF_ONLY


async def test_every_error_code_has_a_page(exchange: Exchange) -> None:
    pages = (await exchange.http.get("/v1/errors")).json()

    for page in pages:
        shown = (await exchange.http.get(f"/v1/errors/{page['code']}")).json()
        assert shown == page
        assert page["title"]
        assert page["advice"].endswith((".", "`"))
    document = json.loads((await exchange.http.get("/v1/openapi.json")).text)
    known = document["components"]["schemas"]["Problem"]["properties"]["code"]["x-known-values"]
    assert known == sorted(page["code"] for page in pages)
