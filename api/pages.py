"""Cursor pagination: `?limit=&cursor=`, newest first, `{"data": [...], "next_cursor": ...}`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query

from domain.errors import InvalidInput
from storage.paging import Place

LIMIT_MAX = 1000

LimitQuery = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
CursorQuery = Annotated[
    str | None,
    Query(max_length=256, description="`next_cursor` of the page before; opaque."),
]


def read_cursor(cursor: str | None) -> int | None:
    """The id below which the page starts; None for the first page."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"==").decode()
        number = int(text.removeprefix("v1:"))
    except (ValueError, binascii.Error):
        raise InvalidInput("cursor is not one of ours") from None
    if not text.startswith("v1:") or not 0 < number < 2**63:
        raise InvalidInput("cursor is not one of ours")
    return number


def next_cursor(ids: Sequence[int], limit: int) -> str | None:
    """None when the page was not full, for then there is nothing after it."""
    if len(ids) < limit:
        return None
    return cursor_at(ids[-1])


def cursor_at(number: int) -> str:
    return base64.urlsafe_b64encode(f"v1:{number}".encode()).decode().rstrip("=")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read_place(cursor: str | None) -> Place | None:
    """The place after which the page starts; None for the first page."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"==").decode()
        kind, number, row_id = text.split(":", 2)
        moment = _EPOCH + int(number) * _MICROSECOND
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidInput("cursor is not one of ours") from None
    if kind != "v2" or not row_id:
        raise InvalidInput("cursor is not one of ours")
    return moment, row_id


def cursor_of(place: Place) -> str:
    number = (place[0] - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(f"v2:{number}:{place[1]}".encode()).decode().rstrip("=")
