"""The OpenAPI 3.1 document: FastAPI's, with the schemas of bodies that msgspec reads and writes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.v1.documented import Problem, struct_schemas

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
_PUBLIC_PATHS = frozenset({"/v1/registrations", "/v1/sessions", "/v1/kyc/tiers"})


def build_openapi(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/"}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem} | struct_schemas()
    components["securitySchemes"] = _SECURITY
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _finish(path, method, operation)
    return document


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say who may call; and drop FastAPI's own 422, for ours has another shape and status."""
    tags = set(operation.get("tags", ()))
    is_public = tags & _PUBLIC_TAGS or (path in _PUBLIC_PATHS and (path, method) != _LIST_SESSIONS)
    operation["security"] = [] if is_public else [{"session": []}, {"api_key": []}]
    default = operation["responses"].get("422", {}).get("content", {})
    if "application/json" in default:
        del operation["responses"]["422"]


_LIST_SESSIONS = ("/v1/sessions", "get")
