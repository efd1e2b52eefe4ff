"""Patterns in a customer's deposits and withdrawals that a person should look at. Pure rules.

Amounts are values in units of the reference asset; moments are whole seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from compliance.tiers import REFERENCE_SCALE

DAY = 86_400
_WHOLE = 10**REFERENCE_SCALE

REPORTED_FROM = 10_000 * _WHOLE
"""Amounts from which on banks report; who wants to stay unseen stays just below."""
STRUCTURING_MIN, STRUCTURING_COUNT = REPORTED_FROM * 6 // 10, 3

VELOCITY_COUNT = 20
"""Movements a day; a customer who trades for a living makes a handful."""
VELOCITY_FACTOR, VELOCITY_MIN = 10, 20_000 * _WHOLE
"""A day of ten times the usual, when that is not small change."""

DORMANT_DAYS, WAKING_MIN = 90, 5_000 * _WHOLE
PASS_THROUGH_MIN, PASS_THROUGH_PERCENT = 5_000 * _WHOLE, 90
HISTORY_DAYS = 120
"""How far back the rules look: dormancy, and a month before it."""


class Rule(StrEnum):
    STRUCTURING = "structuring"
    VELOCITY = "velocity"
    DORMANT_THEN_ACTIVE = "dormant_then_active"
    PASS_THROUGH = "pass_through"  # noqa: S105 - no password
    MIXER_EXPOSURE = "mixer_exposure"
    LISTED_ORIGINATOR = "listed_originator"
    """Found by screening, not here: the sender of a deposit is named like somebody on a list."""


@dataclass(frozen=True, slots=True)
class ListedOriginator:
    """What screening made of a travel-rule message. Public facts only: the entry, not the name."""

    reference: str
    """deposit/..."""
    list_name: str
    uid: str
    score: int

    @property
    def sentence(self) -> str:
        return f"the sender's name is like entry {self.uid} of {self.list_name}"


@dataclass(frozen=True, slots=True)
class Movement:
    """One deposit or withdrawal."""

    reference: str
    """deposit/..., withdrawal/..."""
    is_deposit: bool
    value_units: int
    at: int
    touches_mixer: bool = False
    """By an address list: it came from, or goes to, a mixer."""


@dataclass(frozen=True, slots=True)
class Alert:
    rule: Rule
    score: int
    day: int
    """The day (since 1970) that gave rise to it: found twice, it is raised once."""
    references: tuple[str, ...]
    sentence: str


def alerts(movements: Sequence[Movement], now: int) -> list[Alert]:
    """What the movements of one customer, oldest first, give rise to today."""
    today = [each for each in movements if now - DAY < each.at <= now]
    if not today:
        return []
    before = [each for each in movements if each.at <= now - DAY]
    found = (rule(today, before, now // DAY) for rule in _RULES)
    return [alert for alert in found if alert is not None]


def _structuring(today: Sequence[Movement], _: Sequence[Movement], day: int) -> Alert | None:
    """Several amounts just below what is reported, that reach it together."""
    for is_deposit in (True, False):
        near = [
            each
            for each in today
            if each.is_deposit is is_deposit and STRUCTURING_MIN <= each.value_units < REPORTED_FROM
        ]
        if len(near) >= STRUCTURING_COUNT:
            kind = "deposits" if is_deposit else "withdrawals"
            sentence = f"{len(near)} {kind} within a day, each just below {_money(REPORTED_FROM)}"
            return Alert(Rule.STRUCTURING, 70, day, _references(near), sentence)
    return None


def _velocity(today: Sequence[Movement], before: Sequence[Movement], day: int) -> Alert | None:
    """Far more, or far more often, than this customer is used to."""
    total = _total(today)
    usual = _total(before) // HISTORY_DAYS
    if len(today) >= VELOCITY_COUNT:
        sentence = f"{len(today)} movements within a day"
    elif before and total >= max(VELOCITY_MIN, VELOCITY_FACTOR * usual):
        sentence = f"{_money(total)} within a day; {_money(usual)} is usual"
    else:
        return None
    return Alert(Rule.VELOCITY, 50, day, _references(today), sentence)


def _dormant(today: Sequence[Movement], before: Sequence[Movement], day: int) -> Alert | None:
    """Nothing for months, then much at once."""
    if not before or _total(today) < WAKING_MIN:
        return None
    days = (today[0].at - before[-1].at) // DAY
    if days < DORMANT_DAYS:
        return None
    sentence = f"{_money(_total(today))} after {days} days without a movement"
    return Alert(Rule.DORMANT_THEN_ACTIVE, 60, day, _references(today), sentence)


def _pass_through(today: Sequence[Movement], _: Sequence[Movement], day: int) -> Alert | None:
    """What comes in leaves again within the day."""
    came = _total([each for each in today if each.is_deposit])
    left = _total([each for each in today if not each.is_deposit])
    came_first = any(one.is_deposit and not other.is_deposit for one, other in pairwise(today))
    if came < PASS_THROUGH_MIN or not came_first or 100 * left < PASS_THROUGH_PERCENT * came:
        return None
    sentence = f"{_money(came)} came and {_money(left)} left within a day"
    return Alert(Rule.PASS_THROUGH, 65, day, _references(today), sentence)


def _mixer(today: Sequence[Movement], _: Sequence[Movement], day: int) -> Alert | None:
    """Coins from or to an address that is listed as a mixer's."""
    touched = [each for each in today if each.touches_mixer]
    if not touched:
        return None
    sentence = f"{len(touched)} movements from or to mixers, {_money(_total(touched))}"
    return Alert(Rule.MIXER_EXPOSURE, 80, day, _references(touched), sentence)


_RULES: tuple[Callable[[Sequence[Movement], Sequence[Movement], int], Alert | None], ...] = (
    _structuring,
    _velocity,
    _dormant,
    _pass_through,
    _mixer,
)


def _total(movements: Sequence[Movement]) -> int:
    return sum(each.value_units for each in movements)


def _references(movements: Sequence[Movement]) -> tuple[str, ...]:
    return tuple(each.reference for each in movements)


def _money(units: int) -> str:
    return f"{units // _WHOLE:,} USDT"
