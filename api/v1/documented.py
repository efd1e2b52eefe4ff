"""How routes say in OpenAPI what they read and answer: refusals, and msgspec structs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import ERRORS, PROBLEM_JSON

_EVERYWHERE = ("internal_error", "unavailable", "rate_limited")
_REF = "#/components/schemas/{name}"
_structs: dict[str, type[msgspec.Struct]] = {}


class FieldError(BaseModel):
    pointer: str = Field(examples=["/price"])
    detail: str


class Problem(BaseModel):
    """RFC 9457. Branch on `code`; the rest is for people."""

    type: str = Field(examples=["/v1/errors/insufficient_available"])
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldError] | None = None


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: one entry per status, its codes in the description."""
    by_status: dict[int, list[str]] = {}
    for code in (*codes, *_EVERYWHERE):
        by_status.setdefault(int(ERRORS[code].status), []).append(code)
    return {
        status: {
            "description": " · ".join(
                f"`{code}`: {ERRORS[code].title}" for code in dict.fromkeys(found)
            ),
            "content": {PROBLEM_JSON: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
        for status, found in sorted(by_status.items())
    }


def body_of(struct: type[msgspec.Struct], example: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that decodes `struct` itself."""
    content = {"schema": _reference(struct), "example": dict(example)}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def answers(struct: type[msgspec.Struct], description: str) -> dict[str, Any]:
    """One entry of `responses` for a route that encodes `struct` itself."""
    content = {"application/json": {"schema": _reference(struct)}}
    return {"description": description, "content": content}


def struct_schemas() -> dict[str, Any]:
    """Schemas of every struct that a route mentioned, for `components`."""
    _, components = msgspec.json.schema_components(tuple(_structs.values()), ref_template=_REF)
    return components


def json_response(
    answer: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        msgspec.json.encode(answer),
        status_code=status,
        media_type="application/json",
        headers=None if headers is None else dict(headers),
    )


def _reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    _structs[struct.__name__] = struct
    return {"$ref": _REF.format(name=struct.__name__)}
