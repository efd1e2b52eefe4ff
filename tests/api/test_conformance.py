"""Generated requests to every operation: no 5xx, and nothing the OpenAPI document does not say."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from api.exchange.caller import Origin
from cli.clients.command import openapi
from devstack.rented import RentedStack
from storage.search_client import connect
from storage.search_index import SearchIndex
from tests.api.conftest import Exchange, Person

EXAMPLES = 60 if os.environ.get("RIALTO_TEST_ALL") else 4
"""Of each operation, half of them valid by the document and half of them not."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
DOCUMENT = openapi()


def operation_ids() -> list[str]:
    return [each["operationId"] for item in DOCUMENT["paths"].values() for each in item.values()]


@pytest.fixture(scope="module")
def more_settings(servers: RentedStack) -> dict[str, Any]:
    """Search and workflows answer, too: so that 503 is no excuse."""
    servers.require("osmem", "temporal")
    url = servers.env["RIALTO_OPENSEARCH_URL"]
    SearchIndex(connect(url)).prepare(serves=True)
    return {"opensearch_url": url}


@pytest.fixture(scope="module")
async def caller(exchange: Exchange) -> Person:
    return await exchange.person(USDT="100000", BTC="10")


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    schema = schemathesis.openapi.from_dict(document)
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


def fuzz(operation: Any, base_url: str, token: Callable[[], str]) -> None:
    for mode in GenerationMode:

        @settings(
            max_examples=EXAMPLES // 2,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            headers = {"Authorization": f"Bearer {token()}"}
            response = case.call(base_url=base_url, headers=headers, timeout=30)
            case.validate_response(response, checks=CHECKS)

        with contextlib.suppress(Unsatisfiable):  # Nothing that it takes can be wrong.
            ask()


@pytest.mark.parametrize("operation_id", operation_ids())
async def test_an_operation_does_what_the_document_says(
    exchange: Exchange, caller: Person, operations: dict[str, Any], operation_id: str
) -> None:
    base_url = exchange.ws_url.replace("ws://", "http://")
    loop = asyncio.get_running_loop()
    identity = exchange.services.people.identity
    customer = await exchange.services.people.customers.find(caller.id)
    origin = Origin("127.0.0.1", "conformance")

    def token() -> str:
        """A fresh session: some operations end it."""
        opening = identity.open_session(customer, origin, stepped_up=True)
        return asyncio.run_coroutine_threadsafe(opening, loop).result(30).token

    await asyncio.to_thread(fuzz, operations[operation_id], base_url, token)
