"""Lists as CSV with a header: people (as OpenSanctions gives them out) and chain addresses."""

from __future__ import annotations

import csv
import io

from compliance.addresses import compared
from compliance.lists.parsed import (
    InvalidList,
    ListedAddress,
    LoadedList,
    countries_of,
    unique,
    version_of,
)
from compliance.screening import ListedParty

_KINDS = {"Person": "person", "Vessel": "vessel", "Airplane": "aircraft"}


def parse_people(list_name: str, content: bytes) -> LoadedList:
    """Columns `id, schema, name, aliases, birth_date, countries`; several values parted by `;`."""
    parties = [
        ListedParty(
            list_name=list_name,
            uid=row["id"],
            kind=_KINDS.get(row.get("schema", "Person"), "organisation"),
            names=unique([row["name"], *row.get("aliases", "").split(";")]),
            birth_dates=unique(row.get("birth_date", "").split(";")),
            countries=countries_of(row.get("countries", "").split(";")),
            programs=unique([row.get("dataset", "")]),
        )
        for row in _rows(content, "id", "name")
    ]
    if not parties:
        raise InvalidList("no person in this file")
    return LoadedList(list_name, version_of(content), None, parties, ())


def parse_addresses(list_name: str, content: bytes) -> LoadedList:
    """Columns `address, category`: mixers, stolen funds, what an analytics vendor gives out."""
    addresses = [
        ListedAddress(compared(row["address"]), list_name, row["category"])
        for row in _rows(content, "address", "category")
    ]
    if not addresses:
        raise InvalidList("no address in this file")
    return LoadedList(list_name, version_of(content), None, (), addresses)


def _rows(content: bytes, *columns: str) -> list[dict[str, str]]:
    """A quoted value may go over several lines, as addresses do."""
    text = content.decode("utf-8-sig", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not set(columns) <= set(reader.fieldnames or ()):
        raise InvalidList(f"the header must name the columns {', '.join(columns)}")
    try:
        return [{name: value or "" for name, value in row.items() if name} for row in reader]
    except csv.Error as fault:
        raise InvalidList(f"line {reader.line_num} cannot be read: {fault}") from fault
