"""Finding names that are like a given one among tens of thousands, misspelled or transliterated.

A name is a bag of words. Words that are alike (two typing errors, or the same consonants) are found
by index, never by comparing with all; names that share enough of them are then scored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from rapidfuzz.distance import JaroWinkler

from compliance.letters import plain_words

ALIKE_MIN = 0.80
"""Jaro-Winkler similarity from which on two words may be the same."""
_SOUNDS_ALIKE = 0.88
"""What equal consonants are worth when the letters differ: Gaddafi, Qadhafi."""
_SHARED_WEIGHT_MIN = 0.55
"""Part of the rarer-counts-more weight of either name that must be shared to be scored at all."""
_COVERED, _REST = 0.75, 0.25
"""The better covered of the two names counts more: people leave out middle names."""

_SOUNDS = (
    ("ph", "f"), ("kh", "k"), ("gh", "k"), ("dh", "t"), ("th", "t"), ("sch", "s"), ("sh", "s"),
    ("ch", "s"), ("tz", "s"), ("ts", "s"), ("zh", "s"), ("ck", "k"), ("x", "ks"),
)  # fmt: skip
_SOUND_CLASSES = str.maketrans("bcdfgjklmnpqrstvwz", "bktfksklmnbkrstffs")
_SILENT = str.maketrans("", "", "aeiouhy")
_DOUBLED = re.compile(r"(.)\1+")
_SOUND_LENGTH_MIN = 3

_PARTICLES = frozenset(
    {"al", "el", "bin", "ibn", "bint", "abu", "de", "da", "van", "von", "der", "la"}
)
_PARTICLE_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class WordPair:
    """One word of the asked name and the listed word it was taken for."""

    asked: str
    listed: str
    likeness: float


@dataclass(frozen=True, slots=True)
class NameMatch:
    name_number: int
    """Place of the listed name in the index."""
    score: int
    """0-100."""
    pairs: tuple[WordPair, ...]


class NameIndex:
    """Immutable once built; a list update builds a new one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words: list[str] = []
        self._number_of: dict[str, int] = {}
        self._names: list[tuple[int, ...]] = [self._number_words(name) for name in names]
        self._postings: list[list[int]] = [[] for _ in self._words]
        for number, words in enumerate(self._names):
            for each in set(words):
                self._postings[each].append(number)
        self._weights = [self._weight(word) for word in range(len(self._words))]
        self._unknown_weight = math.log(1 + len(self._names))
        self._by_deletion: dict[str, list[int]] = {}
        self._by_sound: dict[str, list[int]] = {}
        for number, word in enumerate(self._words):
            self._index_word(number, word)
        self._alike = lru_cache(maxsize=100_000)(self._find_alike)

    def __len__(self) -> int:
        return len(self._names)

    def search(self, name: str, score_min: int) -> list[NameMatch]:
        """Listed names like `name`, best first."""
        asked = _words_of(name)
        alike = [self._alike(word) for word in asked]
        weights = [self._asked_weight(word, near) for word, near in zip(asked, alike, strict=True)]
        found = []
        for number in self._candidates(alike, weights):
            match = self._score(number, asked, alike, weights)
            if match is not None and match.score >= score_min:
                found.append(match)
        found.sort(key=lambda match: (-match.score, match.name_number))
        return found

    # Building --------------------------------------------------------------------------------

    def _number_words(self, name: str) -> tuple[int, ...]:
        numbers = []
        for word in _words_of(name):
            number = self._number_of.setdefault(word, len(self._words))
            if number == len(self._words):
                self._words.append(word)
            numbers.append(number)
        return tuple(numbers)

    def _weight(self, word: int) -> float:
        """Rare words tell more; particles tell next to nothing."""
        weight = math.log(1 + len(self._names) / len(self._postings[word]))
        return weight * _PARTICLE_WEIGHT if self._words[word] in _PARTICLES else weight

    def _index_word(self, number: int, word: str) -> None:
        for shorter in _deletions(word):
            self._by_deletion.setdefault(shorter, []).append(number)
        sound = sound_of(word)
        if len(sound) >= _SOUND_LENGTH_MIN:
            self._by_sound.setdefault(sound, []).append(number)

    # Searching -------------------------------------------------------------------------------

    def _find_alike(self, word: str) -> dict[int, float]:
        """Numbers of listed words that may be `word`, with how alike they are."""
        near = {
            number for shorter in _deletions(word) for number in self._by_deletion.get(shorter, ())
        }
        alike = {}
        for number in near:
            likeness = JaroWinkler.similarity(word, self._words[number], score_cutoff=ALIKE_MIN)
            if likeness:
                alike[number] = likeness
        for number in self._by_sound.get(sound_of(word), ()):
            alike[number] = max(alike.get(number, 0.0), _SOUNDS_ALIKE)
        return alike

    def _asked_weight(self, word: str, alike: dict[int, float]) -> float:
        if word in _PARTICLES:
            return self._unknown_weight * _PARTICLE_WEIGHT
        number = self._number_of.get(word)
        if number is not None:
            return self._weights[number]
        if not alike:
            return self._unknown_weight
        return self._weights[max(alike, key=lambda number: (alike[number], -number))]

    def _candidates(self, alike: Sequence[dict[int, float]], weights: Sequence[float]) -> list[int]:
        """Names that share enough weight. Rare words first: common ones only confirm."""
        order = sorted(
            range(len(alike)), key=lambda place: sum(len(self._postings[n]) for n in alike[place])
        )
        needed = _SHARED_WEIGHT_MIN * sum(weights)
        rest = sum(weights)
        shared: dict[int, float] = {}
        for place in order:
            may_begin = rest >= needed  # Later words alone could not carry a name over the bar.
            rest -= weights[place]
            self._add_shared(shared, alike[place], weights[place], may_begin=may_begin)
        return [
            number
            for number, weight in shared.items()
            if weight >= needed or self._covers_listed(number, weight)
        ]

    def _add_shared(
        self, shared: dict[int, float], alike: dict[int, float], weight: float, *, may_begin: bool
    ) -> None:
        counted: set[int] = set()
        for word in alike:
            posting = self._postings[word]
            if may_begin:
                counted.update(posting)
            elif len(posting) < len(shared):
                counted.update(number for number in posting if number in shared)
            else:
                counted.update(shared.keys() & posting)
        for number in counted:
            shared[number] = shared.get(number, 0.0) + weight

    def _covers_listed(self, number: int, weight: float) -> bool:
        """A long asked name may hold the whole of a short listed one."""
        words = self._names[number]
        return len(words) > 1 and weight >= 0.9 * sum(self._weights[word] for word in words)

    def _score(
        self,
        number: int,
        asked: Sequence[str],
        alike: Sequence[dict[int, float]],
        weights: Sequence[float],
    ) -> NameMatch | None:
        listed = self._names[number]
        pairs = _pair_up(alike, listed)
        if len(pairs) < min(2, len(asked), len(listed)):
            return None
        asked_part = sum(weights[place] * likeness for place, _, likeness in pairs) / sum(weights)
        listed_weights = [self._weights[word] for word in listed]
        listed_part = sum(listed_weights[place] * likeness for _, place, likeness in pairs) / sum(
            listed_weights
        )
        better, worse = max(asked_part, listed_part), min(asked_part, listed_part)
        return NameMatch(
            name_number=number,
            score=round(100 * (_COVERED * better + _REST * worse)),
            pairs=tuple(
                WordPair(asked[place], self._words[listed[other]], likeness)
                for place, other, likeness in pairs
            ),
        )


def _pair_up(
    alike: Sequence[dict[int, float]], listed: Sequence[int]
) -> list[tuple[int, int, float]]:
    """Pairs (place asked, place listed, likeness), best pair first, each word used once."""
    possible = [
        (near[word], place, other)
        for place, near in enumerate(alike)
        for other, word in enumerate(listed)
        if word in near
    ]
    possible.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    pairs: list[tuple[int, int, float]] = []
    used_asked: set[int] = set()
    used_listed: set[int] = set()
    for likeness, place, other in possible:
        if place not in used_asked and other not in used_listed:
            used_asked.add(place)
            used_listed.add(other)
            pairs.append((place, other, likeness))
    return pairs


def sound_of(word: str) -> str:
    """What is left to the ear: classes of consonants. `gaddafi`, `qadhafi`, `kadafi` -> `ktf`."""
    for letters, sound in _SOUNDS:
        word = word.replace(letters, sound)
    return _DOUBLED.sub(r"\1", word.translate(_SOUND_CLASSES).translate(_SILENT))


@lru_cache(maxsize=200_000)
def _deletions(word: str) -> tuple[str, ...]:
    """The word without none, one or (when long) two of its letters.

    Two words within so many typing errors share at least one of these.
    """
    found = {word}
    places = range(len(word))
    if len(word) > 3:
        found.update(word[:i] + word[i + 1 :] for i in places)
    if len(word) > 6:
        found.update(word[:i] + word[i + 1 : j] + word[j + 1 :] for i, j in combinations(places, 2))
    return tuple(found)


def _words_of(name: str) -> list[str]:
    return plain_words(name)[:12]  # Nobody's name is longer; a longer text must not cost more.
