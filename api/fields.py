"""Types of request and answer fields that many routes share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
"""Of examples: an address of the network that a development machine has."""
_DECIMAL_LENGTH_MAX = 80


def _decimal_text(value: Any) -> Any:
    """Only text: a JSON number has been through somebody's floating point already."""
    if isinstance(value, bool) or not isinstance(value, str):
        raise PydanticCustomError("invalid_amount", 'decimals are strings, such as "0.5"')
    if len(value) > _DECIMAL_LENGTH_MAX:
        raise PydanticCustomError("invalid_amount", "not a decimal number: too long")
    return value


DecimalText = Annotated[
    str,
    BeforeValidator(_decimal_text),
    Field(examples=["0.5"], json_schema_extra={"format": "decimal"}),
]
"""A decimal string. The domain parses it and says what is wrong with it."""


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T15:04:05.123Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def format_time_us(time_us: int) -> str:
    return format_time(datetime.fromtimestamp(time_us / 1_000_000, UTC))


Moment = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str, when_used="json"),
    Field(examples=["2026-11-22T15:04:05.123Z"]),
]
