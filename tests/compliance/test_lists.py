from pathlib import Path

import pytest

import devstack
from compliance.lists.known import parse_list
from compliance.lists.parsed import InvalidList, LoadedList, spelled_date

SAMPLES = Path(devstack.__file__).parent / "samples" / "screening"


def load(name: str, *files: str) -> LoadedList:
    return parse_list(name, [(SAMPLES / file).read_bytes() for file in files])


def test_ofac_xml_is_read_with_aliases_births_countries_and_coins():
    loaded = load("ofac-sdn", "ofac_sdn.xml")

    person = loaded.parties[0]
    assert loaded.published_on is not None
    assert loaded.published_on.isoformat() == "2026-11-20"
    assert person.names == ("Muammad Karim AL-QADHAFIRI", "Mohammed GADDAFIRI", "ABU SALIM")
    assert person.birth_dates == ("1957-03-10", "1958")
    assert person.countries == ("LY",)
    assert person.programs == ("SDGT", "SAMPLE")
    assert [party.kind for party in loaded.parties] == [
        "person",
        "person",
        "organisation",
        "vessel",
    ]
    assert loaded.parties[2].countries == ("KP",)
    assert {coin.address for coin in loaded.addresses} == {
        "bcrt1qsanctionedsampleaddress0000000000000000",
        "0xbad0000000000000000000000000000000000001",
    }


def test_ofac_csv_is_read_from_its_three_files():
    loaded = load("ofac-sdn", "sdn.csv", "alt.csv", "add.csv")

    person, company = loaded.parties
    assert person.names == ("Farhad Reza SAMPLEZADEH", "Ferhad SAMPLE ZADE", "Farhad SAMPLEZAD")
    assert person.birth_dates == ("1948-12-10", "1949")
    assert person.countries == ("IR",)
    assert person.programs == ("SAMPLE", "IRAN")
    assert company.countries == ("LB",)
    assert [coin.address for coin in loaded.addresses] == ["1SampLeAddressForTestsOnLy111111"]


def test_remarks_of_ofac_that_go_on_in_a_file_of_their_own_are_read():
    loaded = load("ofac-sdn", "sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv")

    assert loaded.parties[0].birth_dates == ("1948-12-10", "1949", "1950-01-02")
    assert [coin.address for coin in loaded.addresses] == [
        "1SampLeAddressForTestsOnLy111111",
        "bc1qsamplecommentsaddress00000000000000000",
    ]
    assert loaded.version != load("ofac-sdn", "sdn.csv", "alt.csv", "add.csv").version


def test_the_united_nations_list_is_read():
    person, body = load("un", "un.xml").parties

    assert person.names == ("Jang Pom Suryong", "Jang Pom Su-ryong")
    assert person.birth_dates == ("1958-02-22", "1957")
    assert person.countries == ("KP",)
    assert body.names == ("GREEN MOUNTAIN MINING BUREAU", "GMMB")


def test_the_european_list_is_read():
    person, bank = load("eu", "eu.xml").parties

    assert person.names == ("Зоран Милошков", "Zoran Milošković")
    assert (person.birth_dates, person.countries) == (("1961-05-04",), ("RS",))
    assert (bank.kind, bank.countries) == ("organisation", ("BY",))


def test_politically_exposed_people_and_mixers_are_read():
    assert load("pep", "pep.csv").parties[0].names[1] == "Beatrice Montagu"
    assert {a.category for a in load("addresses-mixers", "addresses_mixers.csv").addresses} == {
        "mixer"
    }


def test_a_value_of_a_csv_may_go_over_several_lines():
    content = b'id,schema,name,addresses,birth_date\np1,Person,Ann Sample,"1 Road\nTown",1950\n'

    (person,) = parse_list("pep", [content]).parties

    assert (person.names, person.birth_dates) == (("Ann Sample",), ("1950",))


def test_the_same_file_is_the_same_version():
    assert load("un", "un.xml").version == load("un", "un.xml").version
    assert load("un", "un.xml").version != load("eu", "eu.xml").version


@pytest.mark.parametrize(
    "name", ["ofac-sdn", "ofac-consolidated", "un", "eu", "pep", "addresses-x"]
)
@pytest.mark.parametrize("content", [b"", b"<a/>", b"<a><b></a>", b"x,y\n1,2", b"\x00\xff"])
def test_a_file_that_is_no_list_is_refused(name, content):
    with pytest.raises(InvalidList):
        parse_list(name, [content])


def test_entities_are_refused_before_they_grow():
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><sdnList>&b;</sdnList>'

    with pytest.raises(InvalidList, match="entities"):
        parse_list("ofac-sdn", [bomb])


def test_an_unknown_list_is_refused_with_the_known_ones():
    with pytest.raises(InvalidList, match="ofac-sdn"):
        parse_list("atlantis", [b""])


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("10 Dec 1948", "1948-12-10"),
        ("Dec 1948", "1948-12"),
        ("1948", "1948"),
        ("circa 1948", "1948"),
        ("1948 to 1950", "1948"),
        ("unknown", None),
        ("", None),
    ],
)
def test_dates_as_ofac_writes_them(text, date):
    assert spelled_date(text) == date
