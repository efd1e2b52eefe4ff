"""How routes say in OpenAPI which refusals they answer with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.errors import ERRORS, PROBLEM_JSON

_EVERYWHERE = ("internal_error", "unavailable", "rate_limited")


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
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items())
    }
