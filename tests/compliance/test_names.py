import random

import pytest

from compliance.letters import plain_words
from compliance.names import NameIndex, sound_of

LISTED = [
    "Muammar Qadhafi",
    "Osama bin Muhammad bin Awad bin Laden",
    "Viktor Anatolievich Butkovsky",
    "Jang Pom Su-ryong",
    "Abd al-Rahman al-Zarqawi",
    "Mohammed Ali",
    "Зоран Милошков",
    "Cher",
    "Maria Elena Fernandez de la Cruz",
]
BAR = 82


@pytest.fixture(scope="module")
def index() -> NameIndex:
    return NameIndex(LISTED)


def found(index: NameIndex, name: str) -> list[str]:
    return [LISTED[match.name_number] for match in index.search(name, BAR)]


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Muammar Qadhafi", "Muammar Qadhafi"),
        ("Moammar Gaddafi", "Muammar Qadhafi"),
        ("GADDAFI, Muamar", "Muammar Qadhafi"),
        ("Kadafi Muammar", "Muammar Qadhafi"),
        ("Osama bin Laden", "Osama bin Muhammad bin Awad bin Laden"),
        ("Victor Butkovski", "Viktor Anatolievich Butkovsky"),
        ("Viktor Butkovsky", "Viktor Anatolievich Butkovsky"),
        ("Jang Pom Suryong", "Jang Pom Su-ryong"),
        ("Abdalrahman Alzarqawi", "Abd al-Rahman al-Zarqawi"),
        ("Zoran Miloshkov", "Зоран Милошков"),
        ("Mohamed Aly", "Mohammed Ali"),
        ("Maria Fernandez Cruz", "Maria Elena Fernandez de la Cruz"),
        ("Fernández de la Cruz María Elena", "Maria Elena Fernandez de la Cruz"),
        ("Cher", "Cher"),
    ],
)
def test_the_same_person_written_otherwise_is_found(index, asked, listed):
    assert listed in found(index, asked)


@pytest.mark.parametrize(
    "asked",
    [
        "Anna Maria Eriksson",
        "John Smith",
        "Victor Hugo",
        "Mohammed Hassan",
        "Elena Garcia",
        "Li Wei",
    ],
)
def test_somebody_else_is_not_found(index, asked):
    assert found(index, asked) == []


def test_the_score_is_explained_word_by_word(index):
    match = index.search("Moammar Gaddafi", BAR)[0]

    assert {(pair.asked, pair.listed) for pair in match.pairs} == {
        ("moammar", "muammar"),
        ("gaddafi", "qadhafi"),
    }


def test_the_same_name_scores_a_hundred_and_comes_first(index):
    match = index.search("Mohammed Ali", BAR)[0]

    assert (LISTED[match.name_number], match.score) == ("Mohammed Ali", 100)


@pytest.mark.parametrize("name", ["", "  ", "王小明", "!!!", "-", "a" * 10_000])
def test_a_name_without_latin_letters_or_without_end_finds_nothing(index, name):
    assert index.search(name, BAR) == []


def test_an_empty_list_finds_nothing():
    assert NameIndex([]).search("Anna Eriksson", BAR) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Müller-Lüdenscheidt", ["muller", "ludenscheidt"]),
        ("O'Brien", ["obrien"]),
        ("Łukasz Ørsted", ["lukasz", "orsted"]),
        ("Щербаков", ["shcherbakov"]),
        ("STRAẞE", ["strasse"]),
    ],
)
def test_names_become_plain_letters(text, words):
    assert plain_words(text) == words


@pytest.mark.parametrize("word", ["gaddafi", "qadhafi", "kadafi", "khadafy"])
def test_words_that_sound_alike_have_one_sound(word):
    assert sound_of(word) == "ktf"


def test_almost_every_name_with_a_typing_error_is_found():
    generator = random.Random(20261122)
    syllables = ["ba", "ko", "ra", "mi", "ne", "sto", "ga", "vik", "dor", "lan", "tes", "qua"]
    names = [_name(generator, syllables) for _ in range(2000)]
    index = NameIndex(names)

    misses = 0
    for number, name in enumerate(names[:500]):
        misspelled = _misspell(generator, name)
        scores = {match.name_number for match in index.search(misspelled, BAR)}
        misses += number not in scores and name not in {names[each] for each in scores}

    assert misses <= 5


def _name(generator: random.Random, syllables: list[str]) -> str:
    words = generator.randint(2, 4)
    return " ".join(
        "".join(generator.choices(syllables, k=generator.randint(2, 4))) for _ in range(words)
    )


def _misspell(generator: random.Random, name: str) -> str:
    place = generator.randrange(len(name))
    letter = generator.choice("abcdefghijklmnopqrstuvwxyz")
    kind = generator.choice(["drop", "change", "insert", "swap"])
    if kind == "swap" and place + 1 < len(name):
        return name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    return name[:place] + ("" if kind == "drop" else letter) + name[place + (kind != "insert") :]
