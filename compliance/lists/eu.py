"""The consolidated financial sanctions list of the European Union as XML (schema 1.1)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from compliance.lists.parsed import (
    InvalidList,
    LoadedList,
    countries_of,
    elements,
    unique,
    version_of,
)
from compliance.screening import ListedParty

_GENERATED = re.compile(rb'generationDate="(\d{4}-\d{2}-\d{2})')


def parse_eu(list_name: str, content: bytes) -> LoadedList:
    """Raises InvalidList."""
    parties = [_party(list_name, entity) for entity in elements(content, "sanctionEntity")]
    if not parties:
        raise InvalidList("no sanctionEntity in this file")
    found = _GENERATED.search(content[:4096])
    published = dt.date.fromisoformat(found[1].decode()) if found else None
    return LoadedList(list_name, version_of(content), published, parties, ())


def _party(list_name: str, entity: ET.Element) -> ListedParty:
    subject = entity.find("subjectType")
    is_person = subject is not None and subject.get("code") == "person"
    births = (_birth(each) for each in entity.findall("birthdate"))
    places = (
        code
        for tag in ("citizenship", "birthdate", "address")
        for each in entity.findall(tag)
        if (code := each.get("countryIso2Code", "")) not in {"", "00"}
    )
    return ListedParty(
        list_name=list_name,
        uid=entity.get("euReferenceNumber") or entity.get("logicalId") or "",
        kind="person" if is_person else "organisation",
        names=unique(_names(entity)),
        birth_dates=unique(birth for birth in births if birth),
        countries=countries_of(places),
        programs=unique(each.get("programme", "") for each in entity.findall("regulation")),
    )


def _names(entity: ET.Element) -> Iterator[str]:
    for alias in entity.findall("nameAlias"):
        parts = (alias.get(part, "") for part in ("firstName", "middleName", "lastName"))
        yield alias.get("wholeName") or " ".join(part for part in parts if part)


def _birth(element: ET.Element) -> str:
    return element.get("birthdate") or element.get("year") or ""
