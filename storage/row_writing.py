"""Inserting rows into two tables that belong together, the cheaper way for their number.

COPY costs less for each row, but two round trips for each table; a single statement for both tables
costs less for a few. Measured: up to eight rows, and even at sixteen.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect

from storage.pool import DriverConnection

FEW = 8
"""Up to so many rows of a table go in one statement."""

Row = Sequence[object]

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class RowWriter:
    """Writes rows of two tables; each is given with the columns that its rows have, in order."""

    def __init__(self, *tables: tuple[Table, Sequence[str]]) -> None:
        self._tables = tables
        earlier, later = (_insert(*each, place) for place, each in enumerate(tables, 1))
        self._statement = f"WITH earlier AS ({earlier}) {later}"

    async def write(self, connection: DriverConnection, *rows: Sequence[Row]) -> None:
        """Rows of the first table, then those of the second."""
        tables = tuple(zip(self._tables, rows, strict=True))
        if all(len(each) <= FEW for _, each in tables):
            texts = (_objects(columns, each) for (_, columns), each in tables)
            await connection.execute(self._statement, *texts)
            return
        for (table, columns), each in tables:
            if each:
                await connection.copy_records_to_table(table.name, columns=columns, records=each)


def _insert(table: Table, columns: Sequence[str], place: int) -> str:
    """From JSON objects. A jsonb column comes as text, as COPY takes it."""
    named = [table.c[name] for name in columns]
    kinds = {each.name: each.type.compile(dialect=_DIALECT) for each in named}
    types = ", ".join(
        f"{each.name} {'text' if isinstance(each.type, JSONB) else kinds[each.name]}"
        for each in named
    )
    values = ", ".join(f"{name}::{kind}" for name, kind in kinds.items())
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)})"  # noqa: S608 - our own names alone
        f" SELECT {values} FROM json_to_recordset(${place}::json) AS r ({types})"
    )


def _objects(columns: Sequence[str], rows: Sequence[Row]) -> str:
    objects = [
        {name: _plain(value) for name, value in zip(columns, row, strict=True)} for row in rows
    ]
    return msgspec.json.encode(objects).decode()


def _plain(value: object) -> object:
    """What PostgreSQL reads back exactly: bytes as hex, and numbers as text, which may be long."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, int):
        return str(value)
    return value
