import datetime as dt
from dataclasses import replace

import pytest

from compliance.profile import Profile
from compliance.screening import HIT_SCORE_MIN, ListedParty, PartyIndex

PARTY = ListedParty(
    list_name="ofac-sdn",
    uid="90001",
    kind="person",
    names=("Muammad Karim Al-Qadhafiri", "Mohammed Gaddafiri"),
    birth_dates=("1957-03-10", "1958"),
    countries=("LY",),
    programs=("SDGT",),
)
COMPANY = ListedParty("un", "SPe.001", "organisation", ("Green Mountain Mining Bureau",))
CUSTOMER = Profile(
    given_names="Mohammed",
    family_name="Gaddafiri",
    birth_date=dt.date(1957, 3, 10),
    nationality="LY",
    country="LY",
    address="Tripoli",
)
INDEX = PartyIndex([PARTY, COMPANY])


def test_name_birth_and_country_together_are_certain():
    match = INDEX.screen(CUSTOMER)[0]

    assert match.is_certain
    assert match.score == 100
    assert match.listed_name == "Mohammed Gaddafiri"
    assert "born the same day +8" in match.explanation
    assert "country LY +2" in match.explanation


def test_the_same_name_born_elsewhen_is_left_alone():
    somebody = replace(CUSTOMER, birth_date=dt.date(1991, 3, 10), nationality="SE", country="SE")

    assert INDEX.screen(somebody) == []


def test_two_years_off_still_counts_three_do_not():
    near = replace(CUSTOMER, birth_date=dt.date(1960, 1, 1))
    far = replace(CUSTOMER, birth_date=dt.date(1961, 1, 1), nationality="SE", country="SE")

    assert INDEX.screen(near)[0].score > 100 - 25
    assert INDEX.screen(far) == []


def test_an_alias_and_the_name_are_one_match():
    assert len(INDEX.screen(replace(CUSTOMER, given_names="Mohammad Karim"))) == 1


def test_customers_are_not_compared_with_companies():
    company = replace(CUSTOMER, given_names="Green Mountain", family_name="Mining Bureau")

    assert INDEX.screen(company) == []
    assert INDEX.screen_name("Green Mountain Mining Bureau")[0].party is COMPANY


def test_a_listed_party_without_birth_date_is_judged_by_name():
    index = PartyIndex([replace(PARTY, birth_dates=(), countries=())])

    match = index.screen(CUSTOMER)[0]

    assert match.score >= HIT_SCORE_MIN
    assert not match.is_certain


@pytest.mark.parametrize(
    "change", [{"names": ("A B",)}, {"birth_dates": ("1990",)}, {"countries": ()}, {"programs": ()}]
)
def test_any_change_of_a_party_changes_its_fingerprint(change):
    assert replace(PARTY, **change).fingerprint != PARTY.fingerprint
