"""What a generator needs to know of an OpenAPI document, in the order of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

JSON = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")
_SUCCESS = ("201", "202", "200", "204")
"""An operation's usual success comes first: some answer 200 as well, to say something else."""
_SAFE_INTEGER = 2**53
_REF = "#/components/schemas/"


@dataclass(frozen=True)
class Parameter:
    name: str
    is_required: bool
    schema: Schema
    description: str


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    in_path: tuple[Parameter, ...]
    in_query: tuple[Parameter, ...]
    body: Schema | None
    is_form: bool
    answer: Schema | None
    has_key: bool
    """Whether it honours an Idempotency-Key."""


def operations(document: Document) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _operation(path, method, item[method])


def schemas(document: Document) -> Mapping[str, Schema]:
    """By name, in alphabetical order."""
    return dict(sorted(document["components"]["schemas"].items()))


def known_error_codes(document: Document) -> list[str]:
    problem = document["components"]["schemas"]["Problem"]
    return list(problem["properties"]["code"]["x-known-values"])


def reference(schema: Schema) -> str | None:
    """The name of the schema referred to."""
    target = schema.get("$ref")
    return None if target is None else str(target).removeprefix(_REF)


def is_enumeration(schema: Schema) -> bool:
    return "enum" in schema


def is_wide(schema: Schema) -> bool:
    """An integer that JavaScript's numbers cannot hold: an id, passed as text."""
    bound = schema.get("maximum", schema.get("exclusiveMaximum", 0))
    return schema.get("type") == "integer" and bound > _SAFE_INTEGER


def _operation(path: str, method: str, raw: Mapping[str, Any]) -> Operation:
    parameters = [each for each in raw.get("parameters", ()) if not each.get("deprecated")]
    body, is_form = _body(raw.get("requestBody", {}).get("content", {}))
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw["summary"],
        description=raw.get("description", ""),
        in_path=tuple(_parameter(each) for each in parameters if each["in"] == "path"),
        in_query=tuple(_parameter(each) for each in parameters if each["in"] == "query"),
        body=body,
        is_form=is_form,
        answer=_answer(raw["responses"]),
        has_key=any(each["name"] == "Idempotency-Key" for each in parameters),
    )


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    return Parameter(
        raw["name"], raw.get("required", False), raw["schema"], raw.get("description", "")
    )


def _body(content: Mapping[str, Any]) -> tuple[Schema | None, bool]:
    for media_type, body in content.items():
        return body["schema"], media_type != JSON
    return None, False


def _answer(responses: Mapping[str, Any]) -> Schema | None:
    for status in _SUCCESS:
        if status in responses:
            content = responses[status].get("content", {})
            schema: Schema | None = content.get(JSON, {}).get("schema")
            return schema
    return None
