"""What a request carries: query and form, whatever the content type says, exactly as sent.

Clients in the wild put parameters into the query, a form, or both, and label forms as JSON. The
query wins. Unknown parameters are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, unquote_plus

from api.dialect import errors
from api.dialect.errors import DialectError

T = TypeVar("T")

_DECIMAL_PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_DECIMAL = re.compile(_DECIMAL_PATTERN)
_CLIENT_ID_PATTERN = r"^[a-zA-Z0-9-_:./]{1,36}$"
_CLIENT_ID = re.compile(r"^[a-zA-Z0-9\-_:./]{1,36}$")
_NUMBER_PATTERN = r"^[0-9]{1,20}$"
_FIELDS_MAX = 200
_INT_MAX = 2**63 - 1


class Parameters(Mapping[str, str]):
    """Text by name; an empty value counts as not sent."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in values.items() if value != ""}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - as Mapping says
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def required(self, name: str) -> str:
        """Raises -1102."""
        value = self._values.get(name)
        if value is None:
            raise errors.missing(name)
        return value

    def whole(self, name: str) -> int | None:
        """A number that is not negative. Raises -1100."""
        value = self._values.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 20:
            raise errors.illegal(name, _NUMBER_PATTERN)
        return min(int(value), _INT_MAX)

    def limit(self, default: int, maximum: int) -> int:
        """How many rows; too many are as many as allowed."""
        limit = self.whole("limit")
        if limit is None:
            return default
        if limit == 0:
            raise errors.invalid("limit")
        return min(limit, maximum)

    def decimal(self, name: str) -> str | None:
        """Raises -1100 for anything but plain digits, -1013 for zero."""
        value = self._values.get(name)
        if value is None:
            return None
        if not _DECIMAL.match(value):
            raise errors.illegal(name, _DECIMAL_PATTERN)
        if not value.strip("0."):
            what = "price" if "rice" in name else "quantity"
            raise DialectError(-1013, f"Invalid {what}.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise errors.illegal(name, "^(true|false)$")
        return value.lower() == "true"

    def choice(self, name: str, choices: Mapping[str, T]) -> T | None:
        """Raises -1130."""
        value = self._values.get(name)
        if value is None:
            return None
        found = choices.get(value)
        if found is None:
            raise errors.invalid(name)
        return found

    def client_id(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is not None and not _CLIENT_ID.match(value):
            raise errors.illegal(name, _CLIENT_ID_PATTERN)
        return value

    def names(self, name: str) -> list[str] | None:
        """A JSON array of words, such as `["BTCUSDT","ETHUSDT"]`."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            raise errors.illegal(name, r'^\["[A-Z0-9]{1,20}"(,"[A-Z0-9]{1,20}")*\]$') from None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise errors.invalid(name)
        return found


def of_request(query: bytes, body: bytes) -> Parameters:
    """Raises -1101 when there are too many, -1100 when they are not text."""
    values: dict[str, str] = {}
    for source in (body, query):
        try:
            text = source.decode()
            values.update(
                parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
            )
        except UnicodeDecodeError:
            raise DialectError(-1100, "Illegal characters found in a parameter.") from None
        except ValueError:
            raise DialectError(-1101, "Too many parameters sent for this endpoint.") from None
    return Parameters(values)


def signed_payloads(query: bytes, body: bytes) -> list[bytes]:
    """What the caller may have signed: query and body joined, as sent or before encoding.

    Both without the signature. Some libraries sign what they send, some what they had before
    percent-encoding it.
    """
    raw = (_unsigned(query) + _unsigned(body)).decode("latin-1")
    candidates = (raw, unquote(raw, "latin-1"), unquote_plus(raw, "latin-1"))
    return list(dict.fromkeys(each.encode("latin-1") for each in candidates))


def _unsigned(source: bytes) -> bytes:
    pairs = source.split(b"&")
    return b"&".join(pair for pair in pairs if not pair.startswith(b"signature="))
