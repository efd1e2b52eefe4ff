"""Webhook endpoints: registered, listed, changed, removed, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.api.conftest import Exchange, problem
from tests.api.receiver import Receiver, pinged, registered

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def more_settings() -> dict[str, Any]:
    return {"webhook_allow_loopback": True}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.running() as found:
        yield found


async def test_the_secret_is_shown_once_and_sealed(exchange: Exchange, receiver: Receiver) -> None:
    person = await exchange.person()
    made = await registered(person, receiver.url, ["deposit"])

    shown = (await person.http.get(f"/v1/webhooks/{made['id']}")).json()
    kept = await _sealed(exchange, made["id"])

    assert made["secret"].startswith("whsec_")
    assert "secret" not in shown
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"].encode() not in kept
    assert made["secret"].removeprefix("whsec_").encode() not in kept


async def _sealed(exchange: Exchange, endpoint_id: str) -> bytes:
    async with exchange.services.engine.connect() as connection:
        query = text("SELECT secret_sealed FROM webhook_endpoints WHERE id = :id")
        return bytes((await connection.execute(query, {"id": endpoint_id})).scalar_one())


async def test_a_webhook_is_listed_changed_and_removed(
    exchange: Exchange, receiver: Receiver
) -> None:
    person = await exchange.person()
    made = [await registered(person, f"{receiver.url}/{n}") for n in range(5)]

    problem(
        await person.http.post("/v1/webhooks", json={"url": receiver.url, "events": ["kyc"]}),
        409,
        "too_many_webhooks",
    )
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await person.http.get("/v1/webhooks", params=query)).json()
        pages.append([each["id"] for each in page["data"]])
        cursor = page["next_cursor"]
    path = f"/v1/webhooks/{made[0]['id']}"
    changed = (await person.http.patch(path, json={"events": ["kyc"], "is_enabled": False})).json()
    again = (await person.http.patch(path, json={"is_enabled": True})).json()
    removed = await person.http.delete(path)

    assert [each for page in pages for each in page] == [each["id"] for each in reversed(made)]
    assert (changed["events"], changed["is_enabled"], changed["disabled_reason"]) == (
        ["kyc"],
        False,
        "you disabled it",
    )
    assert (again["is_enabled"], again["disabled_at"]) == (True, None)
    assert removed.status_code == 204
    problem(await person.http.get(path), 404, "unknown_webhook")
    actions = (await person.http.get("/v1/account/actions")).json()["data"]
    assert {"webhook_created", "webhook_changed", "webhook_removed"} <= {
        each["action"] for each in actions
    }


async def test_other_peoples_webhooks_do_not_exist(exchange: Exchange, receiver: Receiver) -> None:
    owner, other = await exchange.person(), await exchange.person()
    hook = await registered(owner, receiver.url)
    delivery_id = await pinged(owner, hook)
    path = f"/v1/webhooks/{hook['id']}"

    for method, ending in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", ":ping"),
        ("POST", ":rotate-secret"),
        ("GET", "/deliveries"),
        ("GET", f"/deliveries/{delivery_id}"),
        ("POST", f"/deliveries/{delivery_id}:redeliver"),
    ):
        body = {"label": "mine"} if method == "PATCH" else None
        problem(await other.http.request(method, path + ending, json=body), 404, "unknown_webhook")

    own = await registered(other, receiver.url)
    stolen = await other.http.post(f"/v1/webhooks/{own['id']}/deliveries/{delivery_id}:redeliver")
    problem(stolen, 404, "unknown_delivery")
    assert (await owner.http.get(path)).json()["label"] == "books"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://169.254.169.254/", "https://2130706433/", "ftp://x.com/"]
)
async def test_a_url_that_leads_inside_is_refused(exchange: Exchange, url: str) -> None:
    person = await exchange.person()
    body = {"url": url, "events": ["deposit"]}

    problem(await person.http.post("/v1/webhooks", json=body), 422, "webhook_url_refused")
    assert (await person.http.get("/v1/webhooks")).json()["data"] == []
