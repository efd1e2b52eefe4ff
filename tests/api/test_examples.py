"""Every example request of the OpenAPI document is sent, and answered as the document says."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from api.examples import recorded_answers
from cli.clients.command import openapi
from devstack.rented import Database, RentedStack
from storage.engine import create_engine
from storage.search_client import connect
from storage.search_index import SearchIndex
from tests.api.answer_examples import (
    ELSEWHERE,
    IS_RECORDING,
    differences,
    like_example,
)
from tests.api.conftest import Exchange, Person, eventually
from tests.api.example_things import NEEDED_BY, make_things
from tests.api.shipper import MARKET, Shipper
from tests.api.test_conformance import CHECKS
from tests.chains.house import plant

pytestmark = pytest.mark.stack

DOCUMENT = openapi()
REFUSED = {
    # Nobody can have an example of these at hand.
    "confirm_totp": "no authenticator app is being set up",
    "step_up": "a code of the moment",
    "add_passkey": "a credential of the moment",
    "step_up_with_passkey": "a credential of the moment",
    "log_in_with_passkey": "a credential of the moment",
    "remove_passkey": "nobody has a passkey by that id",
    "start_passkey_step_up": "no passkey is set up",
    "change_password": "other than the password of tests",
    # The explorer knows what others did, and nobody did it here.
    "explore_trade": "no such trade",
    "explore_order": "no such order",
    "read_reserves": "none was published",
    "read_reserves_leaf": "none was published",
    "cancel_withdrawal": "no such withdrawal",
    # No workflow runs in this test.
    "submit_verification": "no documents were handed in",
    "close_account": "no verification has begun",
}
"""Well-formed, and yet refused here: with one of the refusals that the document names."""
UNHEARD_OF = 2**40
"""A trade's number that no test of this stack comes to."""


def operation_ids() -> list[str]:
    return [
        each["operationId"]
        for item in DOCUMENT["paths"].values()
        for each in item.values()
        if "multipart/form-data" not in each.get("requestBody", {}).get("content", {})
    ]


def answered_in_json() -> dict[str, dict[str, Any]]:
    """Schemas of good answers, by operation and status."""
    return {
        each["operationId"]: {
            status: answer["content"]["application/json"]["schema"]
            for status, answer in each["responses"].items()
            if status.startswith("2") and "application/json" in answer.get("content", {})
        }
        for item in DOCUMENT["paths"].values()
        for each in item.values()
    }


ANSWERED = answered_in_json()


@pytest.fixture(scope="module")
def more_settings(servers: RentedStack) -> dict[str, Any]:
    servers.require("osmem", "temporal")
    url = servers.env["RIALTO_OPENSEARCH_URL"]
    SearchIndex(connect(url)).prepare(serves=True)
    return {"opensearch_url": url}


@pytest.fixture(scope="module")
async def house(exchange: Exchange, database: Database) -> None:
    """Deposit addresses can be given out, and there is a book."""
    owner = create_engine(database.owner)
    await plant(owner)
    await owner.dispose()
    shipper = Shipper(exchange)
    await shipper.levels((1, 4_900_000, 10), (0, 5_100_000, 20), trades=2)
    book = exchange.services.trading.market_data.book(MARKET)  # type: ignore[arg-type]
    await eventually(lambda: book.sequence == shipper.sequence)


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT))
    every = [result.ok() for result in schema.get_all_operations()]
    return {each.definition.raw["operationId"]: each for each in every}


async def with_things(exchange: Exchange) -> tuple[Person, dict[str, Any]]:
    """A customer who has one of everything, and the ids of it."""
    person = await exchange.person(USDT="100000", BTC="10")
    await exchange.set_tier(person.id, 3)
    order = {"market": MARKET, "side": "buy", "price": "48000", "size": "0.01"}
    placed = await person.http.post("/v1/orders", json={**order, "client_order_id": "my-order-1"})
    key = await person.http.post("/v1/api-keys", json={"label": "a", "scopes": ["read"]})
    hook = {"url": "https://example.com/", "events": ["kyc"]}
    hook_id = (await person.http.post("/v1/webhooks", json=hook)).json()["id"]
    delivery = await person.http.post(f"/v1/webhooks/{hook_id}:ping")
    saved = {"asset": "ETH", "address": "0x" + "1" * 40, "label": "b"}
    address = await person.http.post("/v1/withdrawal-addresses", json=saved)
    session = (await person.http.get("/v1/sessions")).json()["data"][0]
    return person, {
        "order_id": placed.json()["id"],
        "key_id": key.json()["id"],
        "webhook_id": hook_id,
        "delivery_id": delivery.json()["id"],
        "address_id": address.json()["id"],
        "session_id": session["id"],
        # Other tests trade in the same market, and their projections count from one.
        "trade_id": UNHEARD_OF,
    }


def examples(raw: dict[str, Any], place: str, known: dict[str, Any]) -> dict[str, Any]:
    """Of the parameters that must be there; ids are those of what the customer has."""
    return {
        each["name"]: known.get(each["name"], each["example"])
        for each in raw.get("parameters", ())
        if each["in"] == place and each["required"]
    }


@pytest.mark.parametrize("operation_id", operation_ids())
async def test_an_example_is_answered_as_the_document_says(
    exchange: Exchange, house: None, operations: dict[str, Any], operation_id: str
) -> None:
    person, known = await with_things(exchange)
    if operation_id in NEEDED_BY:
        known |= await make_things(exchange, person)
    if operation_id == "log_in":
        example = body_of(operations["register"].definition.raw)["body"]
        await exchange.http.post("/v1/registrations", json=example)
    operation = operations[operation_id]
    raw = operation.definition.raw
    case = operation.Case(
        path_parameters=examples(raw, "path", known),
        query=examples(raw, "query", known),
        headers={"Idempotency-Key": f"example-{operation_id}"} if takes_key(raw) else {},
        **body_of(raw),
    )
    headers = {"Authorization": person.http.headers["authorization"]}
    base_url = exchange.ws_url.replace("ws://", "http://")

    response = await asyncio.to_thread(case.call, base_url=base_url, headers=headers, timeout=30)

    case.validate_response(response, checks=CHECKS)
    if operation_id in REFUSED:
        assert 400 <= response.status_code < 500, response.text
    else:
        assert 200 <= response.status_code < 300, response.text
        if ANSWERED[operation_id] and not (IS_RECORDING and operation_id in ELSEWHERE):
            like_example(operation_id, response)


def test_every_answer_in_json_has_a_recorded_example_and_none_is_left_over() -> None:
    assert recorded_answers().keys() == {name for name, each in ANSWERED.items() if each}


@pytest.mark.parametrize("operation_id", sorted(recorded_answers()))
def test_a_recorded_answer_is_what_its_schema_says(operation_id: str) -> None:
    recorded = recorded_answers()[operation_id]
    schema = ANSWERED[operation_id][recorded["status"]]
    whole = {**schema, "components": DOCUMENT["components"]}

    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)

    assert [str(each) for each in validator.iter_errors(recorded["body"])] == []
    assert not validator.is_valid([recorded["body"]]), "else the schema would allow anything"


def test_who_is_answered_elsewhere_is_held_against_its_example_there() -> None:
    for operation_id, module in ELSEWHERE.items():
        source = Path(__file__).with_name(f"test_{module}.py").read_text(encoding="utf-8")
        assert f'like_example("{operation_id}", ' in source
    assert REFUSED.keys() & recorded_answers().keys() <= ELSEWHERE.keys()
    assert recorded_answers().keys() - set(operation_ids()) <= ELSEWHERE.keys()


def test_an_example_that_is_no_such_answer_is_told_apart() -> None:
    """Else holding them against each other would prove nothing."""
    recorded = {"id": "7", "rows": [{"price": "1"}], "note": None, "totals": {"deposit": "1"}}
    assert list(differences(recorded, {**recorded, "note": "x"}, "a")) == []
    assert list(differences(recorded, {**recorded, "rows": []}, "a")) == []
    assert list(differences(recorded, {**recorded, "totals": {"trade": "1"}}, "a")) == []
    assert list(differences(recorded, {**recorded, "totals": []}, "a"))
    assert list(differences(recorded, {**recorded, "id": 7}, "a"))
    assert list(differences(recorded, {**recorded, "more": "x"}, "a"))
    assert list(differences(recorded, {**recorded, "rows": [{"size": "1"}]}, "a"))


def takes_key(raw: dict[str, Any]) -> bool:
    return any(each["name"] == "Idempotency-Key" for each in raw.get("parameters", ()))


def body_of(raw: dict[str, Any]) -> dict[str, Any]:
    content = raw.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return {}
    return {"body": content["application/json"]["example"], "media_type": "application/json"}
