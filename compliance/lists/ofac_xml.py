"""OFAC's SDN and consolidated lists as XML (`sdn.xml`, `consolidated.xml`; same schema)."""

from __future__ import annotations

import datetime as dt
from xml.etree import ElementTree as ET

from compliance.lists.parsed import (
    InvalidList,
    ListedAddress,
    LoadedList,
    countries_of,
    elements,
    sanctioned,
    spelled_date,
    text_of,
    texts_of,
    unique,
    version_of,
)
from compliance.screening import ListedParty

_KINDS = {
    "individual": "person",
    "entity": "organisation",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
_COIN = "digital currency address"


def parse_ofac_xml(list_name: str, content: bytes) -> LoadedList:
    """Raises InvalidList."""
    parties: list[ListedParty] = []
    addresses: list[ListedAddress] = []
    published: dt.date | None = None
    for element in elements(content, "Publish_Date", "sdnEntry"):
        if element.tag == "Publish_Date":
            published = _published(element.text or "")
            continue
        parties.append(_party(list_name, element))
        addresses += sanctioned(list_name, text_of(element, "uid"), _coins(element))
    if not parties:
        raise InvalidList("no sdnEntry in this file")
    return LoadedList(list_name, version_of(content), published, parties, addresses)


def _party(list_name: str, entry: ET.Element) -> ListedParty:
    names = [_name(entry), *(_name(alias) for alias in entry.findall("akaList/aka"))]
    places = (
        *texts_of(entry, "nationalityList/nationality/country"),
        *texts_of(entry, "citizenshipList/citizenship/country"),
        *texts_of(entry, "addressList/address/country"),
    )
    births = texts_of(entry, "dateOfBirthList/dateOfBirthItem/dateOfBirth")
    return ListedParty(
        list_name=list_name,
        uid=text_of(entry, "uid"),
        kind=_KINDS.get(text_of(entry, "sdnType").lower(), "organisation"),
        names=unique(names),
        birth_dates=unique(date for text in births if (date := spelled_date(text))),
        countries=countries_of(places),
        programs=unique(texts_of(entry, "programList/program")),
    )


def _name(element: ET.Element) -> str:
    return f"{text_of(element, 'firstName')} {text_of(element, 'lastName')}".strip()


def _coins(entry: ET.Element) -> list[str]:
    return [
        text_of(identity, "idNumber")
        for identity in entry.findall("idList/id")
        if text_of(identity, "idType").lower().startswith(_COIN)
    ]


def _published(text: str) -> dt.date | None:
    """Month/day/year, as the United States writes."""
    parts = text.strip().split("/")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    month, day, year = map(int, parts)
    return dt.date(year, month, day)
