"""The consolidated list of the United Nations Security Council as XML."""

from __future__ import annotations

import datetime as dt
import re
from xml.etree import ElementTree as ET

from compliance.lists.parsed import (
    InvalidList,
    LoadedList,
    countries_of,
    elements,
    text_of,
    texts_of,
    unique,
    version_of,
)
from compliance.screening import ListedParty

_NAME_PARTS = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_GENERATED = re.compile(rb'dateGenerated="(\d{4}-\d{2}-\d{2})')


def parse_un(list_name: str, content: bytes) -> LoadedList:
    """Raises InvalidList."""
    parties = [
        _person(list_name, element) if element.tag == "INDIVIDUAL" else _body(list_name, element)
        for element in elements(content, "INDIVIDUAL", "ENTITY")
    ]
    if not parties:
        raise InvalidList("no INDIVIDUAL or ENTITY in this file")
    found = _GENERATED.search(content[:4096])
    published = dt.date.fromisoformat(found[1].decode()) if found else None
    return LoadedList(list_name, version_of(content), published, parties, ())


def _person(list_name: str, element: ET.Element) -> ListedParty:
    name = " ".join(text_of(element, part) for part in _NAME_PARTS)
    births = (_birth(each) for each in element.findall("INDIVIDUAL_DATE_OF_BIRTH"))
    places = (
        *texts_of(element, "NATIONALITY/VALUE"),
        *texts_of(element, "INDIVIDUAL_ADDRESS/COUNTRY"),
    )
    return ListedParty(
        list_name=list_name,
        uid=_uid(element),
        kind="person",
        names=unique([name, *texts_of(element, "INDIVIDUAL_ALIAS/ALIAS_NAME")]),
        birth_dates=unique(birth for birth in births if birth),
        countries=countries_of(places),
        programs=unique([text_of(element, "UN_LIST_TYPE")]),
    )


def _body(list_name: str, element: ET.Element) -> ListedParty:
    return ListedParty(
        list_name=list_name,
        uid=_uid(element),
        kind="organisation",
        names=unique(
            [text_of(element, "FIRST_NAME"), *texts_of(element, "ENTITY_ALIAS/ALIAS_NAME")]
        ),
        countries=countries_of(texts_of(element, "ENTITY_ADDRESS/COUNTRY")),
        programs=unique([text_of(element, "UN_LIST_TYPE")]),
    )


def _uid(element: ET.Element) -> str:
    return text_of(element, "REFERENCE_NUMBER") or text_of(element, "DATAID")


def _birth(element: ET.Element) -> str:
    """A day, a year, or the first year of a span."""
    date = text_of(element, "DATE")[:10]
    return date or text_of(element, "YEAR") or text_of(element, "FROM_YEAR")
