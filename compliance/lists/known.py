"""Which list is read by which parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compliance.lists.eu import parse_eu
from compliance.lists.ofac_csv import parse_ofac_csv
from compliance.lists.ofac_xml import parse_ofac_xml
from compliance.lists.parsed import InvalidList, LoadedList
from compliance.lists.simple import parse_addresses, parse_people
from compliance.lists.un import parse_un


def _ofac(list_name: str, *contents: bytes) -> LoadedList:
    """One XML file, or in this order `sdn.csv alt.csv add.csv sdn_comments.csv`, or the first."""
    if contents[0].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return parse_ofac_xml(list_name, contents[0])
    return parse_ofac_csv(list_name, *contents[:4])


PARSERS: Mapping[str, Callable[..., LoadedList]] = {
    "ofac-sdn": _ofac,
    "ofac-consolidated": _ofac,
    "un": parse_un,
    "eu": parse_eu,
    "pep": parse_people,
    "addresses": parse_addresses,
}


def parse_list(name: str, contents: Sequence[bytes]) -> LoadedList:
    """Raises InvalidList. `name` may carry a suffix of ours: `addresses-mixers`."""
    parser = PARSERS.get(name) or PARSERS.get(name.partition("-")[0])
    if parser is None:
        raise InvalidList(f"no list is called {name}; there are: {', '.join(PARSERS)}")
    return parser(name, *contents)
