"""Screening names against a list of 30,000 parties: names a second on one core, and recall.

The list is generated: given and family names of syllables, as unevenly common as real ones. So are
the misspellings: one typing error, a transliteration, words in another order, written together, or
a middle name left out. Customers who are on no list are drawn from the same names.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from bench.report import BenchResult, percentile
from compliance.screening import HIT_SCORE_MIN, ListedParty, PartyIndex

PARTIES = 30_000
ALIASES_MAX = 2
MISSPELLED = 2_000
ASKED = 15_000
SEED = 20261128

_SYLLABLES = (
    "al", "an", "ar", "ba", "be", "bin", "chen", "da", "dor", "el", "fa", "fer", "ga", "gon",
    "ha", "hei", "ib", "ig", "in", "jo", "ka", "kha", "ko", "kov", "la", "lan", "li", "lo", "ma",
    "mar", "mi", "mo", "mu", "na", "nov", "ol", "or", "pa", "per", "qa", "ra", "ri", "ro", "sa",
    "ser", "sha", "ski", "so", "ta", "ten", "tha", "ul", "va", "ven", "vi", "wan", "xi", "ya",
    "yev", "yu", "za", "zhi",
)  # fmt: skip
_SPELLINGS = (
    ("kh", "h"), ("sh", "sch"), ("ev", "eff"), ("ou", "u"), ("y", "i"), ("q", "k"), ("ph", "f"),
    ("v", "w"), ("x", "ks"), ("zh", "j"), ("k", "c"),
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class People:
    """Names of a made-up world."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._given = self._words(4_000, 2, 3)
        self._family = self._words(20_000, 2, 4)

    def name(self) -> str:
        parts = [self._common(self._given), self._common(self._family)]
        if self._chance.random() < 0.4:
            parts.insert(1, self._common(self._given))
        return " ".join(parts)

    def _words(self, count: int, fewest: int, most: int) -> list[str]:
        chance, found = self._chance, dict[str, None]()
        while len(found) < count:
            syllables = chance.choices(_SYLLABLES, k=chance.randint(fewest, most))
            found["".join(syllables)] = None
        return list(found)

    def _common(self, words: Sequence[str]) -> str:
        """The first are common, the last rare: rank by a power law, as surnames are."""
        return words[int(len(words) * self._chance.random() ** 2)]


def made_list(people: People, chance: random.Random) -> list[ListedParty]:
    return [
        ListedParty(
            list_name="generated",
            uid=str(number),
            kind="person",
            names=tuple(people.name() for _ in range(1 + chance.randint(0, ALIASES_MAX))),
        )
        for number in range(PARTIES)
    ]


def misspelled(chance: random.Random, name: str) -> tuple[str, str]:
    """The name as somebody might write it, and what was done to it."""
    kinds: dict[str, Callable[[random.Random, str], str]] = {
        "dropped letter": _drop,
        "changed letter": _change,
        "added letter": _add,
        "swapped letters": _swap,
        "transliterated": _transliterate,
        "other order": _reorder,
        "written together": _join,
        "middle name left out": _shorten,
    }
    kind = chance.choice(list(kinds))
    return kinds[kind](chance, name), kind


def _drop(chance: random.Random, name: str) -> str:
    place = _letter(chance, name)
    return name[:place] + name[place + 1 :]


def _change(chance: random.Random, name: str) -> str:
    place = _letter(chance, name)
    return name[:place] + chance.choice(_LETTERS) + name[place + 1 :]


def _add(chance: random.Random, name: str) -> str:
    place = _letter(chance, name)
    return name[:place] + chance.choice(_LETTERS) + name[place:]


def _swap(chance: random.Random, name: str) -> str:
    places = [place for place in range(len(name) - 1) if " " not in name[place : place + 2]]
    place = chance.choice(places)
    return name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def _transliterate(chance: random.Random, name: str) -> str:
    possible = [pair for pair in _SPELLINGS if pair[0] in name]
    if not possible:
        return _change(chance, name)
    old, new = chance.choice(possible)
    return name.replace(old, new, 1)


def _reorder(_: random.Random, name: str) -> str:
    first, *others = name.split()
    return " ".join([*others, first])


def _join(_: random.Random, name: str) -> str:
    first, second, *others = name.split()
    return " ".join([first + second, *others])


def _shorten(chance: random.Random, name: str) -> str:
    words = name.split()
    return " ".join([words[0], words[-1]]) if len(words) > 2 else _change(chance, name)


def _letter(chance: random.Random, name: str) -> int:
    return chance.choice([place for place, letter in enumerate(name) if letter != " "])


def recall(
    index: PartyIndex, parties: Sequence[ListedParty], chance: random.Random
) -> tuple[float, Counter[str]]:
    """Share of misspelled listed names that found their party; and what was missed, by kind."""
    missed: Counter[str] = Counter()
    for party in chance.sample(parties, MISSPELLED):
        asked, kind = misspelled(chance, chance.choice(party.names))
        found = {match.party.uid for match in index.screen_name(asked, HIT_SCORE_MIN)}
        if party.uid not in found:
            missed[kind] += 1
    return 1 - missed.total() / MISSPELLED, missed


def run() -> BenchResult:
    chance = random.Random(SEED)
    people = People(chance)
    parties = made_list(people, chance)
    began = time.process_time()
    index = PartyIndex(parties)
    built_seconds = time.process_time() - began
    found_share, missed = recall(index, parties, chance)
    latencies, hits = [], 0
    for name in [people.name() for _ in range(ASKED)]:
        began = time.process_time()
        hits += bool(index.screen_name(name, HIT_SCORE_MIN))
        latencies.append((time.process_time() - began) * 1000)
    latencies.sort()
    names = sum(len(party.names) for party in parties)
    return BenchResult(
        "screening",
        1000 * ASKED / sum(latencies),
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        "none: searching in memory, on one core, in processor time",
        "not applicable",
        {},
        [
            f"{PARTIES} parties with {names} names, built in {built_seconds:.1f} s",
            f"recall {100 * found_share:.2f} % of {MISSPELLED} misspelled; missed: {dict(missed)}",
            (
                f"{100 * hits / ASKED:.1f} % of names of strangers come near somebody listed: they "
                "share the list's few thousand words, so this is far more than with real names"
            ),
        ],
    )


def main() -> None:
    print(json.dumps(run().as_json()))


if __name__ == "__main__":
    main()
