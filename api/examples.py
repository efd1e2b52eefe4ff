"""Examples of the OpenAPI document: one whole request for every operation, which tests send, and
what was answered.

`response_examples.json` holds real answers to those requests, recorded by the tests that send them
(RIALTO_RECORD_EXAMPLES=1); each further run compares them with what is answered then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).with_name("response_examples.json")

PARAMETERS: Mapping[str, Any] = {
    "market": "BTC-USDT",
    "asset": "BTC",
    "chain": "bitcoin",
    "code": "insufficient_available",
    "order_id": 1001,
    "client_order_id": "my-order-1",
    "session_id": 17,
    "key_id": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "passkey_id": "00ff",
    "address_id": 1,
    "deposit_id": f"bitcoin:{'4a5e' * 16}:0",
    "withdrawal_id": "0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d",
    "webhook_id": "wh_8J3vQ0b1cDeFgHiJ",
    "delivery_id": 1,
    "trade_id": 1,
    "block_hash": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    "txid": "4a5e" * 16,
    "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "amount": "0.01",
    "since": "2026-11-21T00:00:00.000Z",
    "until": "2026-11-22T00:00:00.000Z",
}
"""Of parameters that a request cannot do without, by name; bodies have theirs at their fields."""


def add_examples(document: dict[str, Any]) -> None:
    """Complete what routes left out, from the examples of single fields."""
    schemas = document["components"]["schemas"]
    answers = recorded_answers()
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if parameter["required"] and "example" not in parameter:
                    parameter["example"] = PARAMETERS[parameter["name"]]
            answer = answers.get(operation["operationId"])
            if answer is not None:
                said = operation["responses"][answer["status"]]["content"]["application/json"]
                said["example"] = answer["body"]
            content = operation.get("requestBody", {}).get("content", {})
            body = content.get("application/json")
            if body is not None and "example" not in body:
                body["example"] = _of(body["schema"], schemas)


@cache
def recorded_answers() -> Mapping[str, Any]:
    """By operation: the status, and the body in JSON."""
    answers: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return answers


def _of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Of what is required; of a body that requires nothing, one field."""
    if "$ref" in schema:
        return _of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    fields = schema["properties"]
    names = schema.get("required") or list(fields)[-1:]
    return {name: _of(fields[name], schemas) for name in names}
