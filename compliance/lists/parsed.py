"""What every list becomes, whoever published it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree as ET

from compliance.addresses import compared
from compliance.countries import country_code
from compliance.screening import ListedParty
from domain.errors import InvalidInput


class InvalidList(InvalidInput):
    code = "invalid_list"


@dataclass(frozen=True, slots=True)
class ListedAddress:
    address: str
    """As compared: see compliance.addresses."""
    list_name: str
    category: str
    """sanctioned, mixer, stolen, ..."""
    party_uid: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedList:
    """One list as its publisher gave it out."""

    name: str
    version: str
    """SHA-256 of the file."""
    published_on: dt.date | None
    parties: Sequence[ListedParty]
    addresses: Sequence[ListedAddress]


def version_of(*contents: bytes) -> str:
    return hashlib.sha256(b"\x00".join(contents)).hexdigest()


def elements(content: bytes, *tags: str) -> Iterator[ET.Element]:
    """The elements of these names, without namespaces, one at a time; each is freed after use.

    Raises InvalidList. A document type is refused: no list has one, and entities can be bombs.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InvalidList("a list with a document type or entities is not read")
    try:
        for _, element in ET.iterparse(BytesIO(content)):  # noqa: S314 - entities were refused above
            element.tag = element.tag.rpartition("}")[2]
            if element.tag in tags:
                yield element
                element.clear()
    except ET.ParseError as fault:
        raise InvalidList(f"not well-formed XML: {fault}") from fault


def text_of(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def texts_of(element: ET.Element, path: str) -> list[str]:
    return [each.text.strip() for each in element.findall(path) if each.text and each.text.strip()]


def countries_of(names: Iterable[str]) -> tuple[str, ...]:
    """Two letters each, once, in order of appearance; what is no country is left out."""
    codes = (country_code(name) for name in names)
    return tuple(dict.fromkeys(code for code in codes if code is not None))


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))


def sanctioned(list_name: str, party_uid: str, addresses: Iterable[str]) -> list[ListedAddress]:
    return [
        ListedAddress(compared(address), list_name, "sanctioned", party_uid)
        for address in addresses
    ]


_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


def spelled_date(text: str) -> str | None:
    """ISO text of `10 Dec 1948`, `Dec 1948`, `circa 1948`, `1948 to 1950` (the first), or None."""
    words = text.replace("circa", " ").replace("approximately", " ").split()
    if "to" in words:
        words = words[: words.index("to")]
    if not words or not (words[-1].isdigit() and len(words[-1]) == 4):
        return None
    year, rest = words[-1], words[:-1]
    month = _MONTHS.get(rest[-1][:3].lower()) if rest else None
    if month is None:
        return year
    day = rest[-2] if len(rest) > 1 and rest[-2].isdigit() else None
    return f"{year}-{month:02}-{int(day):02}" if day else f"{year}-{month:02}"
