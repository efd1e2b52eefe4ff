"""The specimens of ICAO Doc 9303, and what happens to them when one character changes."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.mrz import InvalidMrz, Mrz, check_digit, parse_mrz

TODAY = dt.date(2026, 11, 22)
PASSPORT = """P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L898902C36UTO7408122F1204159ZE184226B<<<<<10"""
CARD = """I<UTOD231458907<<<<<<<<<<<<<<<
7408122F1204159UTO<<<<<<<<<<<6
ERIKSSON<<ANNA<MARIA<<<<<<<<<<"""
SMALL_CARD = """I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
D231458907UTO7408122F1204159<<<<<<<6"""
VISA = """V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L8988901C4XXX4009078F96121096ZE184226B<<<<<<"""
SMALL_VISA = """V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
L8988901C4XXX4009078F9612109<<<<<<<<"""


def read(text: str) -> Mrz:
    return parse_mrz(text, TODAY)


@pytest.mark.parametrize(
    ("text", "layout", "number"),
    [
        (PASSPORT, "TD3", "L898902C3"),
        (CARD, "TD1", "D23145890"),
        (SMALL_CARD, "TD2", "D23145890"),
        (VISA, "MRV-A", "L8988901C"),
        (SMALL_VISA, "MRV-B", "L8988901C"),
    ],
)
def test_specimens_are_read_and_valid(text, layout, number):
    zone = read(text)

    assert (zone.layout, zone.document_number) == (layout, number)
    assert (zone.family_name, zone.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert zone.is_valid


def test_a_passport_is_read_whole():
    zone = read(PASSPORT)

    assert zone.issuer == zone.nationality == "UTO"
    assert zone.birth_date == dt.date(1974, 8, 12)
    assert zone.expiry_date == dt.date(2012, 4, 15)
    assert zone.sex == "F"
    assert zone.optional == ("ZE184226B",)


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        (0, {"document_number", "composite"}),
        (9, {"document_number", "composite"}),
        (13, {"birth_date", "composite"}),
        (21, {"expiry_date", "composite"}),
        (28, {"personal_number", "composite"}),
        (43, {"composite"}),
    ],
)
def test_a_changed_character_is_found_and_named(column, wrong):
    first, second = PASSPORT.split("\n")
    changed = "7" if second[column] != "7" else "8"
    second = second[:column] + changed + second[column + 1 :]

    assert set(read(f"{first}\n{second}").wrong_checks) == wrong


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", min_size=1, max_size=40), st.data())
def test_a_single_digit_read_wrong_always_shows(text, data):
    places = [place for place, character in enumerate(text) if character.isdigit()]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != text[place]]))

    assert check_digit(text) != check_digit(text[:place] + other + text[place + 1 :])


def test_a_long_document_number_goes_on_in_the_optional_field():
    text = """I<UTOD23145890<7349<<<<<<<<<<<
3407127M9507122UTO<<<<<<<<<<<2
STEVENSON<<PETER<JOHN<<<<<<<<<"""

    zone = read(text)

    assert zone.document_number == "D23145890734"
    assert zone.is_valid


def test_an_unused_personal_number_may_have_a_filler_for_its_digit():
    first, second = PASSPORT.split("\n")
    second = second[:28] + "<" * 15 + second[43]
    composite = check_digit(second[:10] + second[13:20] + second[21:43])

    assert read(f"{first}\n{second[:43]}{composite}").is_valid


@pytest.mark.parametrize(
    ("two_digits", "birth_year"), [("261121", 2026), ("261123", 1926), ("270101", 1927)]
)
def test_births_lie_in_the_past(two_digits, birth_year):
    first, second = PASSPORT.split("\n")

    zone = read(f"{first}\n{second[:13]}{two_digits}{second[19:]}")

    assert zone.birth_date is not None
    assert zone.birth_date.year == birth_year


@pytest.mark.parametrize("unknown", ["74<<<<", "<<<<<<", "740230"])
def test_an_open_or_impossible_birth_date_is_none(unknown):
    first, second = PASSPORT.split("\n")

    assert read(f"{first}\n{second[:13]}{unknown}{second[19:]}").birth_date is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P<UTO",
        PASSPORT[:-1],
        PASSPORT.replace("<", "-"),
        "P<UTOMÜLLER".ljust(44, "<"),
        "A" * 99,
    ],
)
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(InvalidMrz):
        read(text)


def test_spaces_and_small_letters_of_a_scan_do_no_harm():
    assert read(PASSPORT.lower().replace("\n", " \n ")).is_valid
