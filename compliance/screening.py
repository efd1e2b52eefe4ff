"""Is this person on a list? A name like a listed one, weighed with birth date and country."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compliance.letters import plain_words
from compliance.names import NameIndex, NameMatch
from compliance.profile import Profile

HIT_SCORE_MIN = 82
"""From here on a person looks; chosen by `bench/screening.py` for recall before precision."""
CERTAIN_SCORE_MIN = 98
"""From here on, with the same birth date, the account is frozen before anybody looks."""
_NAME_SCORE_MIN = 78
"""A name a little short of the bar may still pass with the right birth date and country."""
_YEARS_APART_MAX = 2
"""Lists give years from memory."""

_SAME_DAY, _SAME_YEAR, _OTHER_YEAR = 8, 3, -25
_SAME_COUNTRY, _OTHER_COUNTRY = 2, -4


@dataclass(frozen=True, slots=True)
class ListedParty:
    """One entry of an official list."""

    list_name: str
    uid: str
    kind: str
    """person, organisation, vessel or aircraft."""
    names: tuple[str, ...]
    """The first is the primary one, the others are aliases."""
    birth_dates: tuple[str, ...] = ()
    """ISO dates, months or years: `1957-03-10`, `1957-03`, `1957`."""
    countries: tuple[str, ...] = ()
    """Nationality, citizenship, birth and residence; two letters."""
    programs: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that an officer may have judged by."""
        text = repr((self.kind, self.names, self.birth_dates, self.countries, self.programs))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Match:
    party: ListedParty
    listed_name: str
    score: int
    explanation: str
    """How the score came about, for the officer who has to judge it."""
    is_certain: bool


class PartyIndex:
    """All parties of all lists, ready to be searched."""

    def __init__(self, parties: Iterable[ListedParty]) -> None:
        self._parties = [party for party in parties if party.names]
        listed = [
            (place, name) for place, party in enumerate(self._parties) for name in party.names
        ]
        self._party_of = [place for place, _ in listed]
        self._listed_names = [name for _, name in listed]
        self._index = NameIndex(self._listed_names)

    def __len__(self) -> int:
        return len(self._parties)

    def screen(self, profile: Profile, score_min: int = HIT_SCORE_MIN) -> list[Match]:
        """Persons who may be the customer, best first; one match per party."""
        return self._best(profile.full_name, profile, score_min, kinds=frozenset({"person"}))

    def screen_name(self, name: str, score_min: int = HIT_SCORE_MIN) -> list[Match]:
        """By name alone, also organisations: for the other side of a transfer."""
        return self._best(name, None, score_min, kinds=frozenset({"person", "organisation"}))

    def _best(
        self, name: str, profile: Profile | None, score_min: int, kinds: frozenset[str]
    ) -> list[Match]:
        best: dict[int, Match] = {}
        for found in self._index.search(name, _NAME_SCORE_MIN):
            place = self._party_of[found.name_number]
            party = self._parties[place]
            if party.kind not in kinds:
                continue
            match = self._weigh(found, party, profile)
            if match.score >= score_min and match.score > _score_of(best.get(place)):
                best[place] = match
        return sorted(best.values(), key=lambda match: -match.score)

    def _weigh(self, found: NameMatch, party: ListedParty, profile: Profile | None) -> Match:
        listed_name = self._listed_names[found.name_number]
        words = ", ".join(
            f"{pair.asked} ~ {pair.listed} {pair.likeness:.2f}" for pair in found.pairs
        )
        notes = [f"name {found.score} ({words})"]
        points, same_day = found.score, False
        if profile is not None:
            born_points, born_note, same_day = _weigh_birth(profile.birth_date, party.birth_dates)
            country_points, country_note = _weigh_country(profile, party.countries)
            points += born_points + country_points
            notes += [note for note in (born_note, country_note) if note]
        return Match(
            party=party,
            listed_name=listed_name,
            score=max(0, min(100, points)),
            explanation="; ".join(notes),
            is_certain=same_day and found.score >= CERTAIN_SCORE_MIN,
        )


def _score_of(match: Match | None) -> int:
    return -1 if match is None else match.score


def _weigh_birth(birth_date: dt.date, listed: Sequence[str]) -> tuple[int, str, bool]:
    if not listed:
        return 0, "", False
    if birth_date.isoformat() in listed:
        return _SAME_DAY, f"born the same day {_SAME_DAY:+}", True
    years = [int(text[:4]) for text in listed]
    nearest = min(years, key=lambda year: abs(year - birth_date.year))
    if abs(nearest - birth_date.year) <= _YEARS_APART_MAX:
        return _SAME_YEAR, f"born about then ({nearest}) {_SAME_YEAR:+}", False
    return _OTHER_YEAR, f"born {birth_date.year}, listed {nearest} {_OTHER_YEAR:+}", False


def _weigh_country(profile: Profile, listed: Sequence[str]) -> tuple[int, str]:
    if not listed:
        return 0, ""
    shared = {profile.nationality, profile.country} & set(listed)
    if shared:
        return _SAME_COUNTRY, f"country {', '.join(sorted(shared))} {_SAME_COUNTRY:+}"
    return _OTHER_COUNTRY, f"other country than {', '.join(listed)} {_OTHER_COUNTRY:+}"


def is_searchable(name: str) -> bool:
    """Whether anything is left of a name when it is written in Latin letters."""
    return bool(plain_words(name))
