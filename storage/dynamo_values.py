"""Plain values to DynamoDB's typed ones and back. Whole numbers are exact; there are no fractions.

Amounts are text: DynamoDB counts to 38 digits and chains go beyond. Empty and absent are the same:
None is not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Value: TypeAlias = (
    str | int | bool | bytes | list["Value"] | tuple["Value", ...] | dict[str, "Value"]
)
Item: TypeAlias = dict[str, Any]
"""Attribute names to plain values; always with `pk`."""

_DIGITS_MAX = 10**38


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_value(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    return {name: from_value(value) for name, value in item.items()}


def to_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}  # A StrEnum is written as its text.
        case int():
            assert abs(value) < _DIGITS_MAX, "larger numbers are text"
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": to_item(value)}
        case Sequence():
            return {"L": [to_value(each) for each in value]}
        case _:
            raise TypeError(f"no DynamoDB value: {type(value).__name__}")


def from_value(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return int(value)
        case "M":
            return from_item(value)
        case "L":
            return [from_value(each) for each in value]
        case "NULL":
            return None
        case _:
            return value
