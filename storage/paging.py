"""Pages of rows that are ordered by time: times repeat, so a place in them is a time and an id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, literal, tuple_

Place = tuple[datetime, str]


def below(time: Column[Any], row_id: Column[Any], place: Place) -> ColumnElement[bool]:
    """What stands after `place` where the newest comes first, and the largest id of one moment."""
    return tuple_(time, row_id) < tuple_(*map(literal, place))
