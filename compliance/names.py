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

from rapidfuzz.distance import Indel, JaroWinkler

from compliance.letters import plain_words

ALIKE_MIN = 0.80
"""Jaro-Winkler similarity from which on two words may be the same."""
_SOUNDS_ALIKE = 0.88
"""What equal consonants are worth when the letters differ: Gaddafi, Qadhafi."""
_SHARED_MIN = 0.70
"""Part of the shorter name's weight that must be shared for a pair of names to be scored at all."""
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
_END = 3
"""Letters at a name's beginning and end that must be right for it to be found across breaks."""
_LETTERS_MIN = 9

_NAME_LENGTH_MAX, _WORDS_MAX, _LETTERS_MAX = 200, 12, 24

_PARTICLES = frozenset(
    {"al", "el", "bin", "ibn", "bint", "abu", "de", "da", "van", "von", "der", "la"}
)
_PARTICLE_WEIGHT = 0.15
_WEIGHT_PER_LETTER = 1.5


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


@dataclass(frozen=True, slots=True)
class _Near:
    """The listed words that may be one asked word."""

    likeness: dict[int, float]
    """Listed word's number -> how alike; least alike first."""
    weight: float
    """What the asked word tells."""
    reach: int
    """About how many listed names hold a word like it."""


class NameIndex:
    """Immutable once built; a list update builds a new one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words: list[str] = []
        self._number_of: dict[str, int] = {}
        self._names: list[tuple[int, ...]] = [self._number_words(name) for name in names]
        self._postings: list[set[int]] = [set() for _ in self._words]
        for number, words in enumerate(self._names):
            for each in words:
                self._postings[each].add(number)
        self._weights = [self._weight(number) for number in range(len(self._words))]
        self._unknown_weight = math.log(1 + len(self._names))
        self._totals = [sum(self._weights[each] for each in words) for words in self._names]
        self._floors = [_SHARED_MIN * total for total in self._totals]
        self._by_deletion: dict[str, list[int]] = {}
        self._by_sound: dict[str, list[int]] = {}
        for number, word in enumerate(self._words):
            self._index_word(number, word)
        self._by_ends: dict[tuple[str, int], list[tuple[int, str]]] = {}
        for number, words in enumerate(self._names):
            self._index_letters(number, words)
        self._alone: dict[int, list[int]] = {}
        for number, words in enumerate(self._names):
            if len(words) == 1:
                self._alone.setdefault(words[0], []).append(number)
        self._near = lru_cache(maxsize=100_000)(self._find_near)
        self._holders = lru_cache(maxsize=1_000)(self._find_holders)

    def __len__(self) -> int:
        return len(self._names)

    def search(self, name: str, score_min: int) -> list[NameMatch]:
        """Listed names like `name`, best first."""
        asked = _words_of(name)
        if not asked:
            return []
        near = [self._near(word) for word in asked]
        weights = [each.weight for each in near]
        found = {}
        for number in self._candidates(asked, near):
            match = self._score(number, asked, near, weights)
            if match.score >= score_min:
                found[number] = match
        for match in self._same_letters(asked, score_min):
            found.setdefault(match.name_number, match)
        return sorted(found.values(), key=lambda match: (-match.score, match.name_number))

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
        rarity = math.log(1 + len(self._names) / len(self._postings[word]))
        return _told_by(self._words[word], rarity)

    def _index_word(self, number: int, word: str) -> None:
        for shorter in _deletions(word):
            self._by_deletion.setdefault(shorter, []).append(number)
        sound = sound_of(word)
        if len(sound) >= _SOUND_LENGTH_MIN:
            self._by_sound.setdefault(sound, []).append(number)

    def _index_letters(self, number: int, words: tuple[int, ...]) -> None:
        letters = "".join(self._words[each] for each in words)
        if len(letters) >= _LETTERS_MIN:
            self._by_ends.setdefault((_ends(letters), len(letters)), []).append((number, letters))

    # Searching -------------------------------------------------------------------------------

    def _find_near(self, word: str) -> _Near:
        numbers = {
            number for shorter in _deletions(word) for number in self._by_deletion.get(shorter, ())
        }
        likeness = dict.fromkeys(self._by_sound.get(sound_of(word), ()), _SOUNDS_ALIKE)
        for number in numbers:
            letters = JaroWinkler.similarity(word, self._words[number], score_cutoff=ALIKE_MIN)
            if letters > likeness.get(number, 0.0):
                likeness[number] = letters
        ordered = dict(sorted(likeness.items(), key=lambda pair: (pair[1], pair[0])))
        reach = sum(len(self._postings[number]) for number in ordered)
        return _Near(ordered, self._asked_weight(word, ordered), reach)

    def _find_holders(self, word: str) -> set[int]:
        """The listed names that hold a word like it. Only what is asked often is remembered."""
        return set().union(*(self._postings[number] for number in self._near(word).likeness))

    def _asked_weight(self, word: str, likeness: dict[int, float]) -> float:
        """That of the same word on the list, or of the likeliest; unknown words are rare ones."""
        if not likeness:
            return _told_by(word, self._unknown_weight)
        return self._weights[self._number_of.get(word, next(reversed(likeness)))]

    def _candidates(self, asked: Sequence[str], near: Sequence[_Near]) -> list[int]:
        """Names that share enough weight, and two words, unless one of the two has but one."""
        rarest_first = sorted(zip(near, asked, strict=True), key=lambda pair: pair[0].reach)
        *rarer, (commonest, word) = rarest_first
        once: set[int] = set()
        possible: set[int] = set()
        for _, each in rarer:
            holders = self._holders(each)
            possible |= once & holders
            once = once | holders
        if rarer:  # The commonest word only confirms: its many holders are never gathered.
            is_strange, names = commonest.likeness.keys().isdisjoint, self._names
            possible.update([number for number in once if not is_strange(names[number])])
            possible.update(
                number
                for each in near
                for listed in self._alone.keys() & each.likeness.keys()
                for number in self._alone[listed]
            )
        else:
            possible = self._holders(word)
        enough, floors = _SHARED_MIN * sum(each.weight for each in near), self._floors
        return [
            number
            for number in possible
            if (shared := self._shared(number, near)) >= enough or shared >= floors[number]
        ]

    def _shared(self, number: int, near: Sequence[_Near]) -> float:
        """The weight of the asked words that a name holds, each as far as it is alike."""
        words, shared = self._names[number], 0.0
        for each in near:
            likeness = each.likeness
            shared += each.weight * max([likeness.get(word, 0.0) for word in words])
        return shared

    def _score(
        self, number: int, asked: Sequence[str], near: Sequence[_Near], weights: Sequence[float]
    ) -> NameMatch:
        listed = self._names[number]
        pairs = _pair_up([each.likeness for each in near], listed)
        if len(pairs) < min(2, len(asked), len(listed)):
            return NameMatch(number, 0, ())
        asked_part = sum(weights[place] * alike for place, _, alike in pairs) / sum(weights)
        listed_part = (
            sum(self._weights[listed[other]] * alike for _, other, alike in pairs)
            / self._totals[number]
        )
        return NameMatch(
            name_number=number,
            score=_blend(asked_part, listed_part),
            pairs=tuple(
                WordPair(asked[place], self._words[listed[other]], alike)
                for place, other, alike in pairs
            ),
        )

    def _same_letters(self, asked: Sequence[str], score_min: int) -> list[NameMatch]:
        """Names written together or apart: `Abd al Rahman`, `Abdalrahman`."""
        letters = "".join(asked)
        if len(letters) < _LETTERS_MIN:
            return []
        ends = _ends(letters)
        near = (
            each
            for length in (len(letters) - 1, len(letters), len(letters) + 1)
            for each in self._by_ends.get((ends, length), ())
        )
        found = []
        for number, listed in near:
            alike = Indel.normalized_similarity(letters, listed, score_cutoff=score_min / 100)
            if alike:
                pair = WordPair(" ".join(asked), listed, alike)
                found.append(NameMatch(number, round(100 * alike), (pair,)))
        return found


def _told_by(word: str, rarity: float) -> float:
    """How much a word tells: less than its rarity when it is a particle or has few letters."""
    if word in _PARTICLES:
        return rarity * _PARTICLE_WEIGHT
    return min(rarity, _WEIGHT_PER_LETTER * len(word))


def _ends(letters: str) -> str:
    return letters[:_END] + letters[-_END:]


def _blend(one: float, other: float) -> int:
    return round(100 * (_COVERED * max(one, other) + _REST * min(one, other)))


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
    if len(word) > 2:
        found.update(word[:i] + word[i + 1 :] for i in places)
    if len(word) > 6:
        found.update(word[:i] + word[i + 1 : j] + word[j + 1 :] for i, j in combinations(places, 2))
    return tuple(found)


def _words_of(name: str) -> list[str]:
    """At most so much of a name that no text, however long, costs more than a long name."""
    return [word[:_LETTERS_MAX] for word in plain_words(name[:_NAME_LENGTH_MAX])[:_WORDS_MAX]]
