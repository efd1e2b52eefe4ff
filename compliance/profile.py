"""Who a customer says they are. Sealed wherever it is stored; never in logs or search."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from domain.errors import InvalidInput

NAME_LENGTH_MAX = 140
AGE_MIN_YEARS = 18
AGE_MAX_YEARS = 120
_COUNTRY = re.compile(r"[A-Z]{2}")


class InvalidProfile(InvalidInput):
    code = "invalid_profile"


class TooYoung(InvalidProfile):
    code = "too_young"


@dataclass(frozen=True, slots=True)
class Profile:
    given_names: str
    family_name: str
    birth_date: dt.date
    nationality: str
    """ISO 3166-1, two letters; so is `country`."""
    country: str
    address: str

    @property
    def full_name(self) -> str:
        return f"{self.given_names} {self.family_name}".strip()


def check_profile(profile: Profile, today: dt.date) -> None:
    """Raises InvalidProfile or TooYoung with a sentence for the customer."""
    _check_text("family_name", profile.family_name)
    if profile.given_names:  # Some people have one name only; it goes into family_name.
        _check_text("given_names", profile.given_names)
    _check_text("address", profile.address)
    for name, code in (("nationality", profile.nationality), ("country", profile.country)):
        if not _COUNTRY.fullmatch(code):
            raise InvalidProfile(f"{name}: two capital letters, such as DE", field=name)
    age = age_years(profile.birth_date, today)
    if age > AGE_MAX_YEARS or profile.birth_date > today:
        raise InvalidProfile("birth_date: not a date of birth", field="birth_date")
    if age < AGE_MIN_YEARS:
        raise TooYoung(f"you must be {AGE_MIN_YEARS} or older", field="birth_date")


def age_years(birth_date: dt.date, today: dt.date) -> int:
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)


def _check_text(name: str, text: str) -> None:
    if not text.strip() or len(text) > NAME_LENGTH_MAX:
        raise InvalidProfile(f"{name}: 1 to {NAME_LENGTH_MAX} characters", field=name)
    if any(unicodedata.category(character)[0] == "C" for character in text):
        raise InvalidProfile(f"{name}: no control characters", field=name)
