"""The OpenAPI 3.1 document: FastAPI's, with the schemas of bodies that msgspec reads and writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.errors import ERRORS
from api.examples import add_examples
from api.idempotency import IdempotentRoute
from api.v1.documented import Problem, refusals, struct_schemas

_DESCRIPTION = """The product API of the exchange.

Amounts and prices are decimal strings, times RFC 3339 in UTC, ids opaque strings. Ignore fields
you do not know: new ones are added within version 1. Errors are RFC 9457 problem documents; branch
on `code`. Lists come in pages, newest first: pass `next_cursor` as `cursor`.

After a time-out or an answer of the 5xx kind to a POST the outcome is unknown: repeat it with the
same `Idempotency-Key`, or look the order up by its `client_order_id`.
"""
_SECURITY = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `POST /v1/sessions`.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "With `X-Timestamp` (milliseconds) and `X-Signature`: HMAC-SHA256 in hex, "
        "or Ed25519 in base64, over `timestamp\\nmethod\\npath?query\\nsha256(body)`.",
    },
}
_PUBLIC_TAGS = frozenset({"Status", "Markets", "Market data", "Search"})
_PUBLIC_PATHS = frozenset(
    {
        "/v1/registrations",
        "/v1/sessions",
        "/v1/sessions:passkey",
        "/v1/sessions:passkey-options",
        "/v1/kyc/tiers",
    }
)
_LIST_SESSIONS = ("/v1/sessions", "get")
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own id of this intent, 1 to 128 visible ASCII characters, kept for two "
    "days: the same request again gives the first answer, another one is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_KEYED = ("idempotency_key_invalid", "in_flight", "idempotency_body_differs")
_LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "The policy nearest to refusing you: name, requests at once (`q`), seconds "
        "in which all of them come back (`w`).",
        "schema": {"type": "string", "examples": ['"account";q=1000;w=5']},
    },
    "RateLimit": {
        "description": "What is left of it (`r`), and seconds until it is whole again (`t`).",
        "schema": {"type": "string", "examples": ['"account";r=998;t=1']},
    },
}
_RETRY_AFTER = {
    "description": "Seconds to wait before the next try.",
    "schema": {"type": "integer", "minimum": 1},
}


def operation_id(route: APIRoute) -> str:
    """The handler's name: what the methods of generated clients are called."""
    return route.name


def build_openapi(app: FastAPI, routers: Sequence[APIRouter]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": "/"}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    problem["properties"]["code"]["x-known-values"] = sorted(ERRORS)
    schemas |= problem.pop("$defs", {}) | {"Problem": problem} | struct_schemas()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = _SECURITY
    components["headers"] = {**_LIMIT_HEADERS, "Retry-After": _RETRY_AFTER}
    _add_idempotency_keys(routers, document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _finish(path, method, operation)
    add_examples(document)
    return _with_form_names(document)


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say who may call, and everything that can be answered."""
    tags = set(operation.get("tags", ()))
    is_public = tags & _PUBLIC_TAGS or (path in _PUBLIC_PATHS and (path, method) != _LIST_SESSIONS)
    operation["security"] = [] if is_public else [{"session": []}, {"api_key": []}]
    _drop_default(operation["responses"])
    for status, told in refusals(*_possible(method, operation)).items():
        operation["responses"].setdefault(str(status), told)
    operation["responses"] = dict(sorted(operation["responses"].items()))
    _announce_limits(operation["responses"])


def _drop_default(responses: dict[str, Any]) -> None:
    """FastAPI's own 422: ours has another shape and status."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]


def _possible(method: str, operation: dict[str, Any]) -> Iterator[str]:
    """What any operation of this shape can answer, whether or not its route says so."""
    if operation["security"] or "Search" in operation.get("tags", ()):
        yield from ("not_authenticated", "permission_missing")
    if operation.get("parameters") or "requestBody" in operation:
        yield "invalid_input"
    if "requestBody" in operation:
        yield "body_too_large"
    if method != "get":
        yield "outcome_unknown"


def _announce_limits(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        names = [*_LIMIT_HEADERS, *(["Retry-After"] if status in ("429", "503") else [])]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _with_form_names(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's `Body_upload_document` as `UploadDocumentForm`."""
    text = json.dumps(document)
    for name in re.findall(r'"(Body_\w+)": {', text):
        words = name.removeprefix("Body_").split("_")
        text = text.replace(name, "".join(word.capitalize() for word in words) + "Form")
    named: dict[str, Any] = json.loads(text)
    return named


def _add_idempotency_keys(routers: Sequence[APIRouter], document: dict[str, Any]) -> None:
    for router in routers:
        for route in router.routes:
            if isinstance(route, IdempotentRoute) and "POST" in (route.methods or ()):
                operation = document["paths"].get(route.path_format, {}).get("post")
                if operation is None or route.path_format in _PUBLIC_PATHS:
                    continue
                operation.setdefault("parameters", []).append(_KEY_PARAMETER)
                _drop_default(operation["responses"])
                for status, told in refusals(*_KEYED).items():
                    operation["responses"].setdefault(str(status), told)
