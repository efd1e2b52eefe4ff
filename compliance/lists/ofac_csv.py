"""OFAC lists as CSV: `sdn.csv`, with `alt.csv` (other names), `add.csv` (addresses) and
`sdn_comments.csv` (what of the remarks had no room). Those of the consolidated list begin `cons_`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from compliance.lists.parsed import (
    InvalidList,
    ListedAddress,
    LoadedList,
    countries_of,
    sanctioned,
    spelled_date,
    unique,
    version_of,
)
from compliance.screening import ListedParty

_NULL = "-0-"
_KINDS = {"individual": "person", "vessel": "vessel", "aircraft": "aircraft"}
_BIRTH = re.compile(r"\bDOB ([^;]+)")
_NATIONALITY = re.compile(r"\b(?:nationality|citizen) ([^;.]+)")
_COIN = re.compile(r"Digital Currency Address - [A-Z0-9]+ ([A-Za-z0-9]+)")
_ALIAS = re.compile(r"[af]\.k\.a\. '([^']+)'")


def parse_ofac_csv(
    list_name: str,
    entries: bytes,
    aliases: bytes = b"",
    addresses: bytes = b"",
    comments: bytes = b"",
) -> LoadedList:
    """Raises InvalidList. Dates of birth and coin addresses stand in the remarks."""
    names, places = _by_entry(aliases, column=3), _by_entry(addresses, column=4)
    more = _by_entry(comments, column=1)
    parties: list[ListedParty] = []
    coins: list[ListedAddress] = []
    for row in _rows(entries):
        if len(row) < 12 or not row[0].isdigit():
            raise InvalidList("not a row of sdn.csv: twelve columns, the first a number")
        remarks = " ".join([row[11], *more[row[0]]])
        parties.append(_party(list_name, row, remarks, names[row[0]], places[row[0]]))
        coins += sanctioned(list_name, row[0], _COIN.findall(remarks))
    if not parties:
        raise InvalidList("no entry in this file")
    version = version_of(entries, aliases, addresses, comments)
    return LoadedList(list_name, version, None, parties, coins)


def _party(
    list_name: str,
    row: Sequence[str],
    remarks: str,
    aliases: Sequence[str],
    places: Sequence[str],
) -> ListedParty:
    kind = _KINDS.get(row[2].lower(), "organisation")
    names = [row[1], *aliases, *_ALIAS.findall(remarks)]
    births = (spelled_date(text) for text in _BIRTH.findall(remarks))
    return ListedParty(
        list_name=list_name,
        uid=row[0],
        kind=kind,
        names=unique(_turned(name) if kind == "person" else name for name in names),
        birth_dates=unique(date for date in births if date),
        countries=countries_of([*_NATIONALITY.findall(remarks), *places]),
        programs=unique(re.split(r"\] \[|; ", row[3].strip("[]"))),
    )


def _turned(name: str) -> str:
    """`LAST, First` the way people write it."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma else name


def _by_entry(content: bytes, column: int) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in _rows(content):
        if len(row) > column and row[column]:
            found[row[0]].append(row[column])
    return found


def _rows(content: bytes) -> Iterator[list[str]]:
    """Without the mark for "nothing" and the end-of-file character of old systems."""
    text = content.decode("utf-8-sig", errors="replace")
    for row in csv.reader(io.StringIO(text, newline="")):
        cells = [cell.strip().replace(_NULL, "") for cell in row]
        if cells and cells[0].strip("\x1a"):
            yield cells
