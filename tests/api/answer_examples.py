"""Answers of the OpenAPI document's examples: recorded from real ones, and held against them.

RIALTO_RECORD_EXAMPLES=1 writes them down anew. Lists are cut, for one row says it all, and what is
a secret is not written down, though nobody has any use for a test's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from api.examples import ANSWERS, recorded_answers
from cli.clients.command import openapi

ELSEWHERE = {
    "confirm_totp": "second_factors",
    "list_factors": "passkeys",
    "add_passkey": "passkeys",
    "start_passkey_step_up": "passkeys",
    "log_in_with_passkey": "passkeys",
    "upload_document": "kyc",
    "submit_verification": "kyc",
    "close_account": "kyc",
    "export_my_data": "kyc",
    "cancel_withdrawal": "withdrawals",
    "explore_trade": "search",
    "explore_order": "search",
    "search": "search",
    "list_candles": "paging",
    "read_statement": "statements",
    "read_delivery": "webhooks",
    "read_reserves": "red_team",
    "read_reserves_leaf": "red_team",
}
"""Where more is at hand than one request needs: which module of tests has the answer."""

ROWS_KEPT = 2
IS_RECORDING = bool(os.environ.get("RIALTO_RECORD_EXAMPLES"))
_SECRETS = frozenset({"token", "secret", "uri", "recovery_codes", "challenge"})
_HIDDEN = "as answered to you"


class Answer(Protocol):
    """Of httpx and of requests alike."""

    status_code: int

    def json(self) -> Any: ...


def like_example(operation_id: str, answer: Answer) -> None:
    """The recorded answer is of the same kind as this one: fields, and the types of their values,
    but that a field may be null in one and not in the other.
    """
    if IS_RECORDING:
        _record(operation_id, answer)
        return
    recorded = recorded_answers()[operation_id]
    assert recorded["status"] == str(answer.status_code)
    assert list(differences(recorded["body"], kept(answer.json()), operation_id)) == []


@cache
def maps() -> frozenset[str]:
    """Fields that hold a map: its keys are data, such as assets, and differ from day to day."""
    return frozenset(
        name
        for schema in openapi()["components"]["schemas"].values()
        for name, each in schema.get("properties", {}).items()
        if any("additionalProperties" in kind for kind in (each, *each.get("anyOf", ())))
    )


def _record(operation_id: str, answer: Answer) -> None:
    everything = json.loads(ANSWERS.read_text(encoding="utf-8"))
    everything[operation_id] = {"status": str(answer.status_code), "body": kept(answer.json())}
    text = json.dumps(everything, indent=1, sort_keys=True, ensure_ascii=False)
    ANSWERS.write_text(text + "\n", encoding="utf-8")


def kept(body: Any) -> Any:
    if isinstance(body, list):
        return [kept(each) for each in body[:ROWS_KEPT]]
    if isinstance(body, dict):
        return {
            name: _hidden(value) if name in _SECRETS else kept(value)
            for name, value in body.items()
        }
    return body


def _hidden(secret: Any) -> Any:
    if isinstance(secret, list):
        return [_hidden(each) for each in secret[:ROWS_KEPT]]
    return None if secret is None else _HIDDEN


def differences(recorded: Any, answered: Any, place: str, *, is_map: bool = False) -> Iterator[str]:
    if recorded is None or answered is None:
        return
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for name in set() if is_map else recorded.keys() ^ answered.keys():
            yield f"{place}.{name} is in {'the example' if name in recorded else 'the answer'} only"
        for name in recorded.keys() & answered.keys():
            yield from differences(
                recorded[name], answered[name], f"{place}.{name}", is_map=name in maps()
            )
    elif isinstance(recorded, list) and isinstance(answered, list):
        for one, other in zip(recorded[:1], answered[:1], strict=False):
            yield from differences(one, other, f"{place}[0]")
    elif type(recorded) is not type(answered):
        yield f"{place} is {recorded!r} in the example and {answered!r} in the answer"
