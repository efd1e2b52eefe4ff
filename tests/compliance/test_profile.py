import datetime as dt
from dataclasses import replace

import pytest

from compliance.profile import InvalidProfile, Profile, TooYoung, check_profile

TODAY = dt.date(2026, 11, 22)
ANNA = Profile("Anna Maria", "Eriksson", dt.date(1974, 8, 12), "SE", "SE", "Storgatan 1, Stockholm")


@pytest.mark.parametrize(
    "change",
    [
        {"given_names": ""},
        {"family_name": "Åkesson-Łoś"},
        {"family_name": "王"},
        {"birth_date": dt.date(2008, 11, 22)},
    ],
)
def test_people_have_many_kinds_of_names(change):
    check_profile(replace(ANNA, **change), TODAY)


@pytest.mark.parametrize(
    "change",
    [
        {"family_name": ""},
        {"family_name": "   "},
        {"family_name": "x" * 141},
        {"given_names": "Anna\x00"},
        {"given_names": "Anna\u202e"},
        {"nationality": "Sweden"},
        {"country": "se"},
        {"address": ""},
        {"birth_date": dt.date(1890, 1, 1)},
        {"birth_date": dt.date(2027, 1, 1)},
    ],
)
def test_what_cannot_be_is_refused(change):
    with pytest.raises(InvalidProfile):
        check_profile(replace(ANNA, **change), TODAY)


def test_the_day_before_the_eighteenth_birthday_is_too_early():
    with pytest.raises(TooYoung):
        check_profile(replace(ANNA, birth_date=dt.date(2008, 11, 23)), TODAY)
