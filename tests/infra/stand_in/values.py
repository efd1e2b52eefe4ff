"""Values that a real provider would compute: made up, but of the right type and always the same."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from stand_in.schema import Block, is_unknown, type_of

KNOWN_DATA: dict[str, dict[str, Any]] = {
    "aws_availability_zones": {"names": ["eu-central-1a", "eu-central-1b", "eu-central-1c"]},
    "aws_caller_identity": {"account_id": "123456789012"},
    "aws_region": {"name": "eu-central-1", "region": "eu-central-1", "id": "eu-central-1"},
    "aws_subnet": {"availability_zone": "eu-central-1a"},
    "aws_ssm_parameter": {"value": "ami-0123456789abcdef0"},
}


def fill(attribute: dict[str, Any], value: Any, name: str, resource: str) -> Any:
    """`value` with every unknown part made up."""
    return _fill(type_of(attribute), value, name, resource)


def _fill(kind: Any, value: Any, name: str, resource: str) -> Any:
    if is_unknown(value):
        return _made_up(kind, name, resource)
    if value is None or isinstance(kind, str):
        return value
    if kind[0] in {"list", "set"}:
        return [_fill(kind[1], each, name, resource) for each in value]
    if kind[0] == "map":
        return {key: _fill(kind[1], each, name, resource) for key, each in value.items()}
    members = kind[1]
    return {key: _fill(members[key], each, key, resource) for key, each in value.items()}


def _made_up(kind: Any, name: str, resource: str) -> Any:
    if isinstance(kind, str):
        return {"number": 1, "bool": False}.get(kind, _text(name, resource))
    if kind[0] == "object":
        return {key: _made_up(each, key, resource) for key, each in kind[1].items()}
    return {} if kind[0] == "map" else []


def _text(name: str, resource: str) -> str:
    digest = sha256(f"{resource}.{name}".encode()).hexdigest()[:12]
    if name == "arn" or name.endswith("_arn"):
        return f"arn:aws:{resource.split('_')[1]}:eu-central-1:123456789012:{resource}/{digest}"
    return f"{resource}-{digest}" if name == "id" else f"made-up-{name}-{digest}"


def policy_document(config: dict[str, Any]) -> str:
    """What the data source aws_iam_policy_document renders."""
    statements = [_statement(each) for each in config.get("statement") or []]
    return json.dumps({"Version": config.get("version") or "2012-10-17", "Statement": statements})


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"Effect": statement.get("effect") or "Allow"}
    if statement.get("sid"):
        result["Sid"] = statement["sid"]
    for key, name in (("actions", "Action"), ("resources", "Resource")):
        if statement.get(key):
            result[name] = _one_or_many(sorted(statement[key]))
    for principal in statement.get("principals") or []:
        if principal["type"] == "*":
            result["Principal"] = "*"
        else:
            who = _one_or_many(sorted(principal["identifiers"]))
            result.setdefault("Principal", {})[principal["type"]] = who
    for condition in statement.get("condition") or []:
        test = result.setdefault("Condition", {}).setdefault(condition["test"], {})
        test[condition["variable"]] = _one_or_many(condition["values"])
    return result


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def not_in_value_set(block: Block, value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Sentences about values outside the sets that the provider documents."""
    if value is None or is_unknown(value):
        return []
    found = []
    for name, attribute in block["attributes"].items():
        allowed, given = attribute.get("enum"), value.get(name)
        for each in given if isinstance(given, list) else [given]:
            if allowed and isinstance(each, str) and each not in allowed:
                where = ".".join((*path, name))
                found.append(f"expected {where} to be one of {sorted(allowed)[:40]}, got {each!r}")
    for name, nested in block.get("block_types", {}).items():
        inner = value.get(name)
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                found += not_in_value_set(nested["block"], each, (*path, name))
    return found
